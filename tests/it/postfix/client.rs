//! Somebody else's mail server, which sends to a port of ours.

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

/// One SMTP session.
pub struct Client(BufReader<TcpStream>);

impl Client {
    pub async fn connect(port: u16) -> Client {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let mut client = Client(BufReader::new(stream));
        assert_eq!(client.reply().await[..4], *"220 ");
        assert_eq!(client.say("EHLO elsewhere.test").await[..3], *"250");
        client
    }

    /// The reply to RCPT, as far as its enhanced status, in a transaction that has just begun.
    pub async fn ask_once(&mut self, from: &str, to: &str) -> String {
        assert_eq!(self.say("RSET").await[..3], *"250");
        assert_eq!(self.say(&format!("MAIL FROM:<{from}>")).await[..3], *"250");
        self.say(&format!("RCPT TO:<{to}>")).await.chars().take(9).collect()
    }

    /// The same, but who is told 450 comes again, as mail servers do. It is what Postfix says where it has not heard
    /// from our door within five seconds.
    pub async fn ask(&mut self, from: &str, to: &str) -> String {
        for _ in 0..5 {
            let answer = self.ask_once(from, to).await;
            if !answer.starts_with("450") {
                return answer;
            }
        }
        panic!("it has no time for us")
    }

    /// Sends a message, whose lines end in CR LF and begin with no dot, and expects that it is taken.
    pub async fn send(&mut self, from: &str, to: &str, message: &str) {
        let asked = self.ask(from, to).await;
        assert!(asked.starts_with("250 "), "{asked}");
        assert_eq!(self.say("DATA").await[..3], *"354");
        let taken = self.say(&format!("{message}\r\n.")).await;
        assert!(taken.starts_with("250 "), "{taken}");
    }

    /// The last line of the reply to a command.
    async fn say(&mut self, command: &str) -> String {
        self.0.write_all(format!("{command}\r\n").as_bytes()).await.unwrap();
        self.reply().await
    }

    async fn reply(&mut self) -> String {
        loop {
            let mut line = String::new();
            assert!(self.0.read_line(&mut line).await.unwrap() > 0, "it hung up");
            if line.as_bytes().get(3) == Some(&b' ') {
                return line.trim_end().to_owned();
            }
        }
    }
}
