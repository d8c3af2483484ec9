//! A web server over a folder: as static as any that a mirror may be behind.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Serves until it is dropped.
pub struct Web {
    pub url: String,
    served: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

/// How it answers.
#[derive(Clone, Copy, Default)]
pub struct Manners {
    /// Needed for entries.
    pub token: Option<&'static str>,
    /// What comes before each answer.
    pub pause: Duration,
    /// Instead of any answer, a status line and headers; the body has no end.
    pub instead: Option<&'static str>,
}

impl Web {
    pub async fn over(dir: &Path, manners: Manners) -> Web {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/trails/news", listener.local_addr().unwrap());
        let (dir, served) = (Arc::new(dir.to_owned()), Arc::new(AtomicU64::new(0)));
        let count = served.clone();
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (dir, count) = (dir.clone(), count.clone());
                tokio::spawn(async move { _ = talk(stream, dir, manners, count).await });
            }
        });
        Web { url, served, task }
    }

    /// How many requests have come.
    pub fn served(&self) -> u64 {
        self.served.load(Ordering::SeqCst)
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn talk(
    stream: TcpStream,
    dir: Arc<PathBuf>,
    manners: Manners,
    served: Arc<AtomicU64>,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let (mut path, mut token) = (String::new(), String::new());
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let line = line.trim_end();
            if let Some(target) = line.strip_prefix("GET ") {
                path = target.split(' ').next().unwrap_or_default().replacen("/trails/news/", "", 1);
            } else if let Some(sent) = line.to_ascii_lowercase().strip_prefix("authorization: bearer ") {
                token = sent.to_owned();
            } else if line.is_empty() {
                break;
            }
        }
        served.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(manners.pause).await;
        if let Some(instead) = manners.instead {
            stream.write_all(format!("HTTP/1.1 {instead}\r\n\r\n").as_bytes()).await?;
            loop {
                stream.write_all(&[b'a'; 65_536]).await?;
            }
        }
        let is_open =
            !path.starts_with("tile/entries/") || manners.token.is_none_or(|needed| needed == token);
        let (status, body) = match fs::read(dir.join(&path)) {
            _ if !is_open => ("403 Forbidden", Vec::new()),
            Ok(body) => ("200 OK", body),
            Err(error) if error.kind() == ErrorKind::IsADirectory => ("503 Service Unavailable", Vec::new()),
            Err(_) => ("404 Not Found", Vec::new()),
        };
        let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n", body.len());
        stream.write_all(&[head.as_bytes(), &body].concat()).await?;
    }
}
