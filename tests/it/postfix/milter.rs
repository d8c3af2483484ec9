//! A milter, in the protocol of sendmail's libmilter: it gives every message an `Authentication-Results` field, as does
//! one that checks DMARC. What is in the field, the test says.

use std::io;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const VERSION: u32 = 6;
/// Of what a milter may do, only to add header fields.
const ADDS_HEADERS: u32 = 0x01;
/// Of what it can be told, only that a message is at its end: no connection, HELO, MAIL, RCPT, body, headers, end of
/// headers, unknown command or DATA.
const ONLY_THE_END: u32 = 0x37f;

/// It ends with the test.
pub struct Milter {
    pub port: u16,
    says: Arc<Mutex<String>>,
}

impl Milter {
    pub async fn open() -> Milter {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (port, says) = (listener.local_addr().unwrap().port(), Arc::new(Mutex::new(String::new())));
        let milter = Milter { port, says: says.clone() };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(attend(stream, says.clone()));
            }
        });
        milter
    }

    /// From now on, this is in the field.
    pub fn say(&self, results: &str) {
        *self.says.lock().unwrap() = results.to_owned();
    }
}

/// Serves one connection until the mail server ends it.
async fn attend(mut stream: TcpStream, says: Arc<Mutex<String>>) -> io::Result<()> {
    loop {
        let length = stream.read_u32().await? as usize;
        let mut packet = vec![0; length];
        stream.read_exact(&mut packet).await?;
        match packet[0] {
            b'O' => {
                let agreed = [VERSION, ADDS_HEADERS, ONLY_THE_END].map(u32::to_be_bytes).concat();
                answer(&mut stream, b'O', &agreed).await?;
            }
            b'E' => {
                let value = says.lock().unwrap().clone();
                // Below the topmost `Received`, where others put theirs.
                let place = 1_u32.to_be_bytes();
                let field = [&place, &b"Authentication-Results\0"[..], value.as_bytes(), b"\0"].concat();
                answer(&mut stream, b'i', &field).await?;
                answer(&mut stream, b'c', &[]).await?;
            }
            // Macros, and messages that were broken off, want no answer.
            _ => {}
        }
    }
}

async fn answer(stream: &mut TcpStream, command: u8, data: &[u8]) -> io::Result<()> {
    let length = (data.len() as u32 + 1).to_be_bytes();
    stream.write_all(&[&length[..], &[command], data].concat()).await
}
