use std::sync::Mutex;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, duplex};

use super::*;

type Taken = Arc<Mutex<Vec<Transaction>>>;

const LIMITS: Limits =
    Limits { message_bytes: 100, recipients: 2, idle: Duration::from_secs(10), connections: 2 };

/// A door whose answer depends on the address: `no@…` is refused, `later@…` put off after the message, `hang@…` and
/// `reset@…` do that at RCPT.
fn door(protocol: Protocol) -> (Door, Taken) {
    let taken = Taken::default();
    let kept = Arc::clone(&taken);
    let door = Door::new(
        protocol,
        "door.test",
        LIMITS,
        |address| async move {
            match address.split_once('@').map_or("", |(local, _)| local) {
                "no" => Answer::reply(550, "5.1.1", "nobody"),
                "bye" => Answer::reply(421, "4.3.0", "enough"),
                "hang" => Answer::Hang,
                "reset" => Answer::Reset,
                _ => Answer::TAKEN,
            }
        },
        move |transaction| {
            let later = transaction.to.iter().any(|to| to.starts_with("later@"));
            kept.lock().unwrap().push(transaction);
            async move { if later { Answer::reply(451, "4.3.0", "later") } else { Answer::TAKEN } }
        },
    );
    (door, taken)
}

/// Says everything at once, as a pipelining client may, and hears everything that is answered.
async fn say(door: &Door, words: &[u8]) -> String {
    say_in_pieces(door, words, words.len().max(1)).await
}

async fn say_in_pieces(door: &Door, words: &[u8], size: usize) -> String {
    let (ours, theirs) = duplex(1 << 20);
    let (mut read, mut write) = tokio::io::split(ours);
    let talk = async {
        for piece in words.chunks(size) {
            write.write_all(piece).await.unwrap();
            tokio::task::yield_now().await;
        }
        write.shutdown().await.unwrap();
        let mut heard = String::new();
        read.read_to_string(&mut heard).await.unwrap();
        heard
    };
    let token = CancellationToken::new();
    let (heard, ending) = tokio::join!(talk, converse(door, theirs, &token));
    assert_eq!(ending, Ending::Closed);
    heard
}

fn codes(heard: &str) -> Vec<&str> {
    heard
        .lines()
        .filter(|line| line.as_bytes()[3] == b' ')
        .map(|line| line.split(' ').next().unwrap())
        .collect()
}

/// The codes after greeting and hello.
async fn codes_for(protocol: Protocol, words: &str) -> String {
    let hello = if protocol == Protocol::Smtp { "EHLO" } else { "LHLO" };
    let heard = say(&door(protocol).0, format!("{hello} c.test\r\n{words}").as_bytes()).await;
    codes(&heard)[2..].join(" ")
}

const MAIL: &str = "MAIL FROM:<s@c.test>\r\nRCPT TO:<a@d.test>\r\nDATA\r\n";

#[tokio::test]
async fn a_whole_conversation_in_one_piece_or_byte_by_byte() {
    let words = "EHLO c.test\r\nMAIL FROM:<> SIZE=20 BODY=8BITMIME\r\nRCPT TO:<a@d.test>\r\nRCPT TO:<no@d.test>\r\n\
        RCPT TO:<b@d.test>\r\nDATA\r\nSubject: x\r\n\r\n..\r\n.y\r\n\r\n.\r\nNOOP\r\nQUIT\r\n";
    let expected = "220 door.test ESMTP\r\n250-door.test\r\n250-PIPELINING\r\n250-SIZE 100\r\n250-8BITMIME\r\n\
        250-SMTPUTF8\r\n250 ENHANCEDSTATUSCODES\r\n250 2.1.0 sender noted\r\n250 2.0.0 taken\r\n550 5.1.1 nobody\r\n\
        250 2.0.0 taken\r\n354 end with a dot on a line of its own\r\n250 2.0.0 taken\r\n250 2.0.0 here\r\n\
        221 2.0.0 goodbye\r\n";
    for size in [1, 2, 7, words.len()] {
        let (door, taken) = door(Protocol::Smtp);
        assert_eq!(say_in_pieces(&door, words.as_bytes(), size).await, expected);
        let taken = taken.lock().unwrap();
        assert_eq!(taken.len(), 1);
        assert_eq!((taken[0].from.as_str(), taken[0].smtputf8), ("", false));
        assert_eq!(taken[0].to, ["a@d.test", "b@d.test"]);
        assert_eq!(&taken[0].data[..], b"Subject: x\r\n\r\n.\r\ny\r\n\r\n");
    }
}

#[tokio::test]
async fn lmtp_answers_for_each_recipient() {
    let (door, taken) = door(Protocol::Lmtp);
    let words = "LHLO c.test\r\nMAIL FROM:<s@c.test>\r\nRCPT TO:<later@d.test>\r\nRCPT TO:<no@d.test>\r\n\
        RCPT TO:<a@d.test>\r\nDATA\r\nx\r\n.\r\n";
    assert_eq!(codes(&say(&door, words.as_bytes()).await).join(" "), "220 250 250 250 550 250 354 451 250");
    let taken = taken.lock().unwrap();
    assert_eq!(taken.iter().map(|t| t.to.clone()).collect::<Vec<_>>(), [["later@d.test"], ["a@d.test"]]);
    assert!(taken.iter().all(|t| &t.data[..] == b"x\r\n"));
}

#[tokio::test]
async fn each_protocol_has_its_own_hello() {
    assert_eq!(
        codes(&say(&door(Protocol::Smtp).0, b"LHLO c\r\nHELO c\r\nEHLO c\r\nEHLO\r\n").await).join(" "),
        "220 500 250 250 501"
    );
    assert_eq!(
        codes(&say(&door(Protocol::Lmtp).0, b"EHLO c\r\nHELO c\r\nLHLO c\r\n").await).join(" "),
        "220 500 500 250"
    );
}

#[tokio::test]
async fn a_door_without_smtputf8_neither_offers_nor_takes_it() {
    let words = "EHLO c\r\nMAIL FROM:<a@b.test> SMTPUTF8\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<é@d.test>\r\n";
    let heard = say(&door(Protocol::Smtp).0.without_smtputf8(), words.as_bytes()).await;
    assert_eq!(codes(&heard).join(" "), "220 250 555 250 553");
    assert!(!heard.contains("250-SMTPUTF8") && heard.contains("250-8BITMIME\r\n"), "{heard}");
}

#[tokio::test]
async fn commands_out_of_order_are_told_so_and_change_nothing() {
    assert_eq!(
        codes(&say(&door(Protocol::Smtp).0, b"MAIL FROM:<a@b.test>\r\nRSET\r\nNOOP x\r\n").await).join(" "),
        "220 503 250 250"
    );
    for (words, expected) in [
        ("RCPT TO:<a@d.test>\r\nDATA\r\n", "503 503"),
        ("MAIL FROM:<s@c.test>\r\nMAIL FROM:<s@c.test>\r\nDATA\r\nRCPT TO:<a@d.test>\r\n", "250 503 503 250"),
        ("MAIL FROM:<s@c.test>\r\nRCPT TO:<no@d.test>\r\nDATA\r\n", "250 550 503"),
        ("MAIL FROM:<s@c.test>\r\nRCPT TO:<a@d.test>\r\nRSET\r\nDATA\r\n", "250 250 250 503"),
        ("MAIL FROM:<s@c.test>\r\nRCPT TO:<a@d.test>\r\nEHLO c\r\nDATA\r\n", "250 250 250 503"),
        (
            "VRFY a\r\nVRFY\r\nEXPN a\r\nHELP\r\nSTARTTLS\r\nGET / HTTP/1.1\r\n\r\n",
            "252 501 502 502 502 500 500",
        ),
        (
            "MAIL FROM:<s@c.test>\r\nRCPT TO:<a@d.test>\r\nDATA x\r\nnoop\r\nQUIT\r\nNOOP\r\n",
            "250 250 501 250 221",
        ),
        ("RCPT\r\nMAIL\r\nMAIL FROM:s@c.test\r\nMAIL FROM:<s>\r\n", "503 501 501 501"),
    ] {
        assert_eq!(codes_for(Protocol::Smtp, words).await, expected, "{words}");
    }
}

#[tokio::test]
async fn parameters_of_mail_and_rcpt() {
    for (words, expected) in [
        ("MAIL FROM:<s@c.test> SIZE=100 BODY=7bit smtputf8\r\n", "250"),
        ("MAIL FROM:<s@c.test> SIZE=101\r\n", "552"),
        ("MAIL FROM:<s@c.test> SIZE=99999999999999999999\r\n", "552"),
        ("MAIL FROM:<s@c.test> SIZE=999999999999999999999\r\n", "501"),
        ("MAIL FROM:<s@c.test> SIZE=-1\r\n", "501"),
        ("MAIL FROM:<s@c.test> BODY=BINARYMIME\r\n", "555"),
        ("MAIL FROM:<s@c.test> RET=FULL\r\n", "555"),
        ("MAIL FROM:<é@c.test>\r\n", "553"),
        ("MAIL FROM:<s@c.test>\r\nRCPT TO:<é@d.test>\r\nRCPT TO:<a@d.test> NOTIFY=NEVER\r\n", "250 553 555"),
        ("MAIL FROM:<é@c.test> SMTPUTF8\r\nRCPT TO:<ü@d.test>\r\n", "250 250"),
        ("MAIL FROM:<>\r\nRCPT TO:<>\r\nRCPT TO:<a>\r\nRCPT TO:<Postmaster>\r\n", "250 501 501 250"),
        ("MAIL FROM:<>\r\nRCPT TO:<a@d>\r\nRCPT TO:<b@d>\r\nRCPT TO:<c@d>\r\n", "250 250 250 452"),
    ] {
        assert_eq!(codes_for(Protocol::Smtp, words).await, expected, "{words}");
    }
}

#[tokio::test]
async fn no_mail_is_smuggled_in_behind_a_bare_line_end() {
    for fake_end in ["\n.\n", "\n.\r\n", "\r.\r", "\r\n.\n", "\r\n.\r", "\r.\r\n"] {
        let (door, taken) = door(Protocol::Smtp);
        let words =
            format!("EHLO c\r\n{MAIL}a{fake_end}MAIL FROM:<x@y>\r\nRCPT TO:<b@d.test>\r\nDATA\r\n\r\n.\r\n");
        // One greeting, one hello, one of each command, and nothing for what stands behind the fake end.
        assert_eq!(
            codes(&say(&door, words.as_bytes()).await).join(" "),
            "220 250 250 250 354 250",
            "{fake_end:?}"
        );
        let taken = taken.lock().unwrap();
        assert_eq!(taken.len(), 1);
        assert_eq!(taken[0].to, ["a@d.test"]);
    }
}

#[tokio::test]
async fn bare_line_ends_and_eight_bit_bytes_stay_in_the_message_as_they_are() {
    let (door, taken) = door(Protocol::Smtp);
    let message = b"a\nb\rc\0d\xff\xfe\n.\n\r\n";
    let words = [format!("EHLO c\r\n{MAIL}").as_bytes(), message, b".\r\n"].concat();
    say(&door, &words).await;
    assert_eq!(&taken.lock().unwrap()[0].data[..], message);
}

#[tokio::test]
async fn junk_in_commands_is_a_syntax_error() {
    let heard =
        say(&door(Protocol::Smtp).0, b"EHLO c\r\nNOOP\nNOOP\r\nNOOP\rNOOP\r\n\0\r\n\xff\xfe\r\nNOOP\r\n")
            .await;
    assert_eq!(codes(&heard).join(" "), "220 250 500 500 500 500 250");
}

#[tokio::test]
async fn a_line_may_be_long_but_not_endless() {
    let noop = |length: usize| format!("NOOP {}\r\n", "x".repeat(length - 7));
    let words = noop(565) + &noop(566) + &noop(100_000) + "NOOP\r\n";
    assert_eq!(codes(&say(&door(Protocol::Smtp).0, words.as_bytes()).await).join(" "), "220 250 500 500 250");
}

#[tokio::test]
async fn a_message_over_the_limit_is_refused_and_the_connection_lives() {
    let big = format!("{MAIL}{}\r\n.\r\n", "x".repeat(99));
    let fits = format!("{MAIL}{}\r\n.\r\n", "x".repeat(98));
    let words = format!("{big}{fits}");
    assert_eq!(codes_for(Protocol::Smtp, &words).await, "250 250 354 552 250 250 354 250");
    let two = big.replace("DATA", "RCPT TO:<b@d.test>\r\nDATA");
    assert_eq!(codes_for(Protocol::Lmtp, &format!("{two}NOOP\r\n")).await, "250 250 250 354 552 552 250");
}

#[tokio::test]
async fn a_hook_may_end_the_connection() {
    assert_eq!(codes_for(Protocol::Smtp, "MAIL FROM:<>\r\nRCPT TO:<bye@d>\r\nNOOP\r\n").await, "250 421");
    assert_eq!(codes_for(Protocol::Smtp, "MAIL FROM:<>\r\nRCPT TO:<hang@d>\r\nNOOP\r\n").await, "250");
}

#[tokio::test]
async fn who_makes_too_many_mistakes_is_sent_away() {
    let heard = codes_for(Protocol::Smtp, &"x\r\n".repeat(50)).await;
    assert_eq!(heard, format!("{} 421", ["500"; 20].join(" ")));
}

#[test]
fn debug_tells_sizes_alone() {
    let data = Bytes::from_static(b"secret");
    let transaction =
        Transaction { from: "s@c".to_owned(), to: vec!["a@d".to_owned()], smtputf8: false, data };
    assert_eq!(format!("{transaction:?}"), "Transaction(1 recipients, 6 bytes)");
}

struct Client(BufReader<TcpStream>);

impl Client {
    async fn connect(address: std::net::SocketAddr) -> Client {
        Client(BufReader::new(TcpStream::connect(address).await.unwrap()))
    }

    async fn say(&mut self, words: &str) {
        self.0.write_all(words.as_bytes()).await.unwrap();
    }

    /// The next line's code; empty at the end of the connection.
    async fn code(&mut self) -> String {
        let mut line = String::new();
        timeout(Duration::from_secs(5), self.0.read_line(&mut line)).await.unwrap().unwrap();
        line.chars().take(3).collect()
    }
}

async fn served() -> (std::net::SocketAddr, Taken, CancellationToken, tokio::task::JoinHandle<()>) {
    served_with(LIMITS).await
}

async fn served_with(
    limits: Limits,
) -> (std::net::SocketAddr, Taken, CancellationToken, tokio::task::JoinHandle<()>) {
    let (door, taken) = door(Protocol::Lmtp);
    let door = Door { limits, ..door };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, shutdown) = (listener.local_addr().unwrap(), CancellationToken::new());
    let server = tokio::spawn(serve(door, listener, shutdown.clone()));
    (address, taken, shutdown, server)
}

#[tokio::test]
async fn the_shutdown_lets_a_transaction_finish_and_no_other_begin() {
    let (address, taken, shutdown, server) = served().await;
    let (mut idle, mut busy) = (Client::connect(address).await, Client::connect(address).await);
    assert_eq!(idle.code().await, "220");
    busy.say("LHLO c\r\nMAIL FROM:<>\r\n").await;
    for code in ["220", "250", "250", "250", "250", "250", "250", "250"] {
        assert_eq!(busy.code().await, code);
    }
    shutdown.cancel();
    assert_eq!(idle.code().await, "421");
    assert_eq!(idle.code().await, "");
    busy.say("RCPT TO:<a@d>\r\nDATA\r\nx\r\n.\r\nMAIL FROM:<>\r\n").await;
    for code in ["250", "354", "250", "421", ""] {
        assert_eq!(busy.code().await, code);
    }
    timeout(Duration::from_secs(5), server).await.unwrap().unwrap();
    assert_eq!(taken.lock().unwrap().len(), 1);
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn one_client_too_many_is_sent_away_until_another_leaves() {
    let (address, _, _shutdown, _) = served().await;
    let (mut first, mut second) = (Client::connect(address).await, Client::connect(address).await);
    assert_eq!((first.code().await, second.code().await), ("220".to_owned(), "220".to_owned()));
    let mut third = Client::connect(address).await;
    assert_eq!((third.code().await, third.code().await), ("421".to_owned(), String::new()));
    first.say("QUIT\r\n").await;
    assert_eq!((first.code().await, first.code().await), ("221".to_owned(), String::new()));
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(Client::connect(address).await.code().await, "220");
}

#[tokio::test]
async fn who_falls_silent_is_sent_away() {
    let (address, taken, _shutdown, _) =
        served_with(Limits { idle: Duration::from_millis(200), ..LIMITS }).await;
    let mut silent = Client::connect(address).await;
    assert_eq!((silent.code().await, silent.code().await), ("220".to_owned(), "421".to_owned()));
    // Within a message too, and what came of it counts for nothing.
    let mut silent = Client::connect(address).await;
    silent.say("LHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@d>\r\nDATA\r\nhalf\r\n").await;
    let mut last = silent.code().await;
    while !matches!(last.as_str(), "421" | "") {
        last = silent.code().await;
    }
    assert_eq!((last, silent.code().await), ("421".to_owned(), String::new()));
    assert!(taken.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_reset_is_a_reset() {
    let (address, _, _shutdown, _) = served().await;
    let mut client = Client::connect(address).await;
    client.say("LHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<reset@d>\r\n").await;
    let mut heard = Vec::new();
    let error = client.0.read_to_end(&mut heard).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}
