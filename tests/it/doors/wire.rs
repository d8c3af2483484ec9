//! The wire between a service and its database, which a test can cut and mend.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, UnixStream};
use tokio::sync::Notify;
use tokio_postgres::config::Host;

/// Ends with the runtime of its test.
pub struct Wire {
    /// The same database, by this wire.
    pub url: String,
    state: Arc<(AtomicBool, Notify)>,
}

impl Wire {
    pub async fn to(database_url: &str) -> Wire {
        let config: tokio_postgres::Config = database_url.parse().unwrap();
        let Host::Unix(folder) = &config.get_hosts()[0] else { panic!("a Unix socket") };
        let socket = folder.join(format!(".s.PGSQL.{}", config.get_ports()[0]));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let url = format!("postgresql://optin@{at}/{}", config.get_dbname().unwrap());
        let state = Arc::new((AtomicBool::new(false), Notify::new()));
        let wire = Wire { url, state: state.clone() };
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let (socket, state) = (socket.clone(), state.clone());
                tokio::spawn(async move {
                    let cut = state.1.notified();
                    if state.0.load(Ordering::SeqCst) {
                        return;
                    }
                    let mut server = UnixStream::connect(socket).await.unwrap();
                    tokio::select! {
                        _ = copy_bidirectional(&mut client, &mut server) => {}
                        () = cut => {}
                    }
                });
            }
        });
        wire
    }

    /// Breaks every connection, and each that comes.
    pub fn cut(&self) {
        self.state.0.store(true, Ordering::SeqCst);
        self.state.1.notify_waiters();
    }

    pub fn mend(&self) {
        self.state.0.store(false, Ordering::SeqCst);
    }
}
