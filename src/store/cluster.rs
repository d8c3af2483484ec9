//! A private PostgreSQL: the database of `optin dev`, and of the tests.
//!
//! It listens on a Unix socket alone, in a folder that only its own user may enter, so it trusts whoever comes.

mod binaries;
mod place;
mod wheel;

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::time::sleep;
use tokio_postgres::NoTls;
use tokio_postgres::error::SqlState;

use self::binaries::{Binaries, OLDEST};
use self::place::{PORT, Place};

/// How long a server may take until it answers; recovery after a crash is part of it.
const START_PATIENCE: Duration = Duration::from_secs(60);

/// How long the orphans of a killed server may take to end before a new one gives up.
const ORPHAN_PATIENCE: Duration = Duration::from_secs(5);

/// How often we look whether something has happened.
const GLANCE: Duration = Duration::from_millis(5);

/// A developer's machine has other things to do.
const DURABLE: [&str; 4] = ["fsync=on", "shared_buffers=64MB", "max_connections=50", "max_wal_size=256MB"];

/// A real server that does not outlive its machine: commits behave as ever, only the disk is not waited for.
const THROWAWAY: [&str; 4] =
    ["fsync=off", "full_page_writes=off", "synchronous_commit=on", "max_connections=200"];

/// What a throwaway cluster's keeper runs. It reads until our end of the pipe is closed, which the kernel does
/// however we end; then it ends its process group, which is the server's, and removes the folder, `$0`.
const KEEPER: &str = r#"
trap '' HUP INT TERM QUIT
read -r _
kill -s QUIT 0
tries=0
until rm -rf -- "$0" || [ $tries = 100 ]; do tries=$((tries + 1)); sleep 0.1; done
"#;

/// Why there is no private PostgreSQL, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    #[error(
        "PostgreSQL refuses to run as root, and there is no user `postgres` or `nobody` for it here: create one, or run as an ordinary user"
    )]
    NoAccount,
    #[error(
        "{0} belongs to another user or is open to others: run as the user who made it, or move it away to begin anew"
    )]
    NotOurs(PathBuf),
    #[error(
        "PostgreSQL's user cannot enter {0}: allow it with `chmod o+x` on that folder and those above it"
    )]
    NoEntry(PathBuf),
    #[error("the database in {0} is in use by another process of this program: end that one first")]
    Busy(PathBuf),
    #[error("cannot use {path}")]
    Folder { path: PathBuf, source: std::io::Error },
    #[error(
        "there is no PostgreSQL {OLDEST} or later here, and none could be fetched ({why}): install it with {install}, or set PG_BIN to the folder that holds `initdb` and `postgres`"
    )]
    NoPostgres { why: String, install: &'static str },
    #[error("PG_BIN names {0}, where no `initdb` and `postgres` can be run: correct it or unset it")]
    WrongPgBin(PathBuf),
    #[error("PG_BIN names {path}, which is PostgreSQL {major}: {OLDEST} or later is needed")]
    OldPgBin { path: PathBuf, major: u32 },
    #[error(
        "the database in {path} was made by PostgreSQL {made_by} (found here: {here}): install PostgreSQL {made_by}, set PG_BIN to the folder of its programs, or move the database away to begin anew"
    )]
    Version { path: PathBuf, made_by: u32, here: String },
    #[error("cannot run {program}")]
    Run { program: PathBuf, source: std::io::Error },
    #[error("initdb could not make the database: {0}")]
    Initdb(String),
    #[error("PostgreSQL did not start: {0} says why")]
    Start(PathBuf),
    #[error("PostgreSQL did not get ready within 60 s: {0} may say why")]
    Slow(PathBuf),
    #[error("PostgreSQL (process {0}) does not end: end it by hand")]
    Unstoppable(u32),
    #[error("PostgreSQL refused")]
    Database(#[from] tokio_postgres::Error),
}

/// A running PostgreSQL of our own. [`Cluster::stop`] ends it in order; dropped, it ends by itself soon after.
pub struct Cluster {
    // Dropped in this order: the server is told to stop before its keeper goes, and before another may open the place.
    server: Server,
    keeper: Option<Keeper>,
    socket: PathBuf,
    _lock: Option<File>,
}

impl Cluster {
    /// Opens the cluster that belongs to `data_dir`, and makes it when there is none yet. It loses nothing that was
    /// committed. Whatever a killed process left behind is put right: half-made folders go, a server that still
    /// runs is stopped. `say` is told what takes long.
    ///
    /// Fails when PostgreSQL is neither here nor to be had, when the folders belong to another user, when another
    /// process has the cluster open, and when the server does not start within 60 s.
    pub async fn durable(data_dir: &Path, say: impl Fn(&str)) -> Result<Cluster, ClusterError> {
        let place = Place::durable(data_dir)?;
        let lock = place.lock()?;
        place.clear_half_made().await;
        let binaries = binaries_for(&place, &say).await?;
        end_left_over(&place).await?;
        if !place.data.exists() {
            say("making a private database (this once)");
            binaries.initdb(&place, OWN_GROUP, &[]).await?;
        }
        let server = Server::start(&binaries, &place, OWN_GROUP, &DURABLE).await?;
        Ok(Cluster { server, keeper: None, socket: place.socket, _lock: Some(lock) })
    }

    /// A cluster for tests, in a fresh folder under the temp dir. It ends and its folder goes when it is dropped and
    /// when this process ends, in whichever way.
    ///
    /// Fails when no PostgreSQL is installed, and when the server does not start within 60 s.
    pub async fn throwaway() -> Result<Cluster, ClusterError> {
        let place = Place::throwaway()?;
        let keeper = Keeper::of(&place.home)?;
        let found = binaries::installed(&place.account)?;
        let binaries = binaries::choose(&found, None).ok_or_else(|| wheel::missing("tests do not fetch"))?;
        binaries.initdb(&place, keeper.group(), &["-N"]).await?;
        let server = Server::start(binaries, &place, keeper.group(), &THROWAWAY).await?;
        Ok(Cluster { server, keeper: Some(keeper), socket: place.socket, _lock: None })
    }

    /// Where `database` is, in the form that both tokio-postgres and PostgreSQL's own tools read. The port is in it
    /// because the tools would otherwise take `$PGPORT`.
    pub fn url(&self, database: &str) -> String {
        let socket = self.socket.to_string_lossy();
        format!("postgresql://optin@{}:{PORT}/{}", in_url(&socket), in_url(database))
    }

    /// Creates `database`, as a copy of `template` if one is named. That it exists already is fine. A template must
    /// have no open connections.
    pub async fn create_database(&self, name: &str, template: Option<&str>) -> Result<(), ClusterError> {
        let (client, connection) = tokio_postgres::connect(&self.url("postgres"), NoTls).await?;
        let link = tokio::spawn(connection);
        let copy = template.map(|name| format!(" TEMPLATE {}", quoted(name))).unwrap_or_default();
        let created = client.batch_execute(&format!("CREATE DATABASE {}{copy}", quoted(name))).await;
        drop(client);
        let _ = link.await;
        match created {
            // The second one is what a session hears that lost a race for the same name.
            Err(error) if error.code() == Some(&SqlState::DUPLICATE_DATABASE) => Ok(()),
            Err(error) if error.code() == Some(&SqlState::UNIQUE_VIOLATION) => Ok(()),
            other => Ok(other?),
        }
    }

    /// Stops the server and waits until it has ended, 5 s at most.
    pub async fn stop(mut self) -> Result<(), ClusterError> {
        match self.keeper.take() {
            Some(keeper) => keeper.finish().await,
            None => self.server.stop().await,
        }
    }
}

/// The programs for this place: installed ones, else the wheel's.
async fn binaries_for(place: &Place, say: &impl Fn(&str)) -> Result<Binaries, ClusterError> {
    let made_by = place.major()?;
    let found = binaries::installed(&place.account)?;
    if let Some(binaries) = binaries::choose(&found, made_by) {
        return Ok(binaries.clone());
    }
    match made_by {
        Some(made_by) if made_by != wheel::MAJOR => {
            let versions: Vec<String> = found.iter().map(|binaries| binaries.major.to_string()).collect();
            let here = if versions.is_empty() { "none".to_owned() } else { versions.join(" and ") };
            Err(ClusterError::Version { path: place.home.clone(), made_by, here })
        }
        _ => wheel::get(place, &found, say).await,
    }
}

/// A process group of the server's own: Ctrl-C in the terminal is for us, and we stop the server in order.
const OWN_GROUP: i32 = 0;

struct Server {
    child: Child,
}

impl Server {
    async fn start(
        binaries: &Binaries,
        place: &Place,
        group: i32,
        more: &[&str],
    ) -> Result<Server, ClusterError> {
        place.clear_socket();
        let begun = Instant::now();
        loop {
            let mut server = Server { child: binaries.serve(place, group, more)? };
            match server.ready(place).await {
                Err(ClusterError::Start(_)) if place.has_orphans() && begun.elapsed() < ORPHAN_PATIENCE => {
                    sleep(Duration::from_millis(200)).await;
                }
                outcome => return outcome.map(|()| server),
            }
        }
    }

    /// Waits until the server says that it is ready.
    async fn ready(&mut self, place: &Place) -> Result<(), ClusterError> {
        let begun = Instant::now();
        while begun.elapsed() < START_PATIENCE {
            if !self.is_running() {
                return Err(ClusterError::Start(place.log.clone()));
            }
            if place.is_ready(self.child.id()) {
                return Ok(());
            }
            sleep(GLANCE).await;
        }
        Err(ClusterError::Slow(place.log.clone()))
    }

    fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// A fast shutdown; if that takes too long an immediate one, from which the next start recovers.
    async fn stop(&mut self) -> Result<(), ClusterError> {
        end(self.child.id(), || self.is_running(), &[(Signal::SIGINT, 4), (Signal::SIGQUIT, 1)]).await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.is_running() {
            send(self.child.id(), Signal::SIGINT);
        }
    }
}

/// The process that ends a throwaway cluster when we do. Nobody but us holds the other end of its standard input.
struct Keeper {
    child: Child,
    pipe: Option<ChildStdin>,
}

impl Keeper {
    fn of(home: &Path) -> Result<Keeper, ClusterError> {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", KEEPER]).arg(home).current_dir("/").process_group(OWN_GROUP);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let spawned = command.spawn();
        let mut child = spawned.map_err(|source| ClusterError::Run { program: "/bin/sh".into(), source })?;
        let pipe = child.stdin.take();
        Ok(Keeper { child, pipe })
    }

    /// The process group that the keeper ends, itself excepted.
    fn group(&self) -> i32 {
        self.child.id() as i32
    }

    /// Lets the keeper do its work, and waits for it, 5 s at most.
    async fn finish(mut self) -> Result<(), ClusterError> {
        drop(self.pipe.take());
        let begun = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) {
            if begun.elapsed() > Duration::from_secs(5) {
                return Err(ClusterError::Unstoppable(self.child.id()));
            }
            sleep(GLANCE).await;
        }
        Ok(())
    }
}

/// Ends the server that a killed process left running, so that ours starts from an orderly shutdown.
async fn end_left_over(place: &Place) -> Result<(), ClusterError> {
    if let Some(pid) = place.left_over() {
        let steps = [(Signal::SIGINT, 10), (Signal::SIGQUIT, 10), (Signal::SIGKILL, 5)];
        end(pid, || place.left_over() == Some(pid), &steps).await?;
    }
    place.disown_left_over()
}

/// Sends one signal after the other, each with its seconds to work, until the process has ended.
async fn end(pid: u32, mut runs: impl FnMut() -> bool, steps: &[(Signal, u64)]) -> Result<(), ClusterError> {
    for (signal, seconds) in steps {
        let begun = Instant::now();
        if runs() {
            send(pid, *signal);
        }
        while begun.elapsed() < Duration::from_secs(*seconds) {
            if !runs() {
                return Ok(());
            }
            sleep(GLANCE).await;
        }
    }
    Err(ClusterError::Unstoppable(pid))
}

/// A process that has ended meanwhile needs no signal.
fn send(pid: u32, signal: Signal) {
    if let Ok(pid) = i32::try_from(pid) {
        let _ = kill(Pid::from_raw(pid), signal);
    }
}

/// A name in SQL, whatever stands in it.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Everything but RFC 3986's unreserved characters (section 2.3) is escaped.
fn in_url(part: &str) -> String {
    const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    utf8_percent_encode(part, RESERVED).to_string()
}

#[cfg(test)]
mod tests;
