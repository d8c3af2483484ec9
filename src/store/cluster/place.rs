//! Where a private cluster lives, and as whom PostgreSQL runs there.
//!
//! ```text
//! HOME/       ours; PostgreSQL's user may pass through, nobody else may write
//!   data/     PostgreSQL's own, 0700
//!   s/        PostgreSQL's own, 0700: its socket (a short folder under the temp dir where HOME is long)
//!   log       what the server says, 0600
//!   lock      held while a cluster is open
//!   new-…/    something half made, removed at the next opening
//! ```
//! HOME is `DATA-DIR/postgres`. PostgreSQL refuses to run as root, so root hands it to another user; where that
//! user cannot reach the data dir, HOME lies elsewhere and `DATA-DIR/postgres.location` names it.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, Permissions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use data_encoding::HEXLOWER;
use nix::unistd::{Gid, Uid, User, getegid, geteuid, mkdtemp};
use sha2::{Digest, Sha256};
use tokio::time::sleep;

use super::ClusterError;

/// The socket's file name follows from the port. Nothing listens on TCP.
pub(super) const PORT: &str = "5432";

/// A socket's path has room for 104 bytes on macOS and 108 on Linux; we stay below this many.
const SOCKET_PATH_LIMIT: usize = 100;

/// Whom PostgreSQL runs as: whoever runs us, or, as root, somebody else.
pub(super) struct Account {
    uid: Uid,
    gid: Gid,
}

impl Account {
    /// The account for data that is still to be made.
    fn for_new_data() -> Result<Account, ClusterError> {
        if !geteuid().is_root() {
            return Ok(Account { uid: geteuid(), gid: getegid() });
        }
        let named = |name: &&str| User::from_name(name).ok().flatten().filter(|user| !user.uid.is_root());
        let user = ["postgres", "nobody"].iter().find_map(named).ok_or(ClusterError::NoAccount)?;
        Ok(Account { uid: user.uid, gid: user.gid })
    }

    /// The account that owns the data already, if we may run programs as it.
    fn of_owner(uid: u32) -> Option<Account> {
        let uid = Uid::from_raw(uid);
        match geteuid() {
            us if us == uid && !us.is_root() => Some(Account { uid, gid: getegid() }),
            us if us.is_root() && !uid.is_root() => {
                User::from_uid(uid).ok().flatten().map(|user| Account { uid, gid: user.gid })
            }
            _ => None,
        }
    }

    /// A command that runs as this account. It sees next to nothing of our environment: secrets may stand there,
    /// and `PG…` variables would lead PostgreSQL astray.
    pub(super) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("LC_ALL", "C").env("TZ", "UTC").current_dir("/").stdin(Stdio::null());
        for kept in ["PATH", "LD_LIBRARY_PATH"] {
            if let Some(value) = std::env::var_os(kept) {
                command.env(kept, value);
            }
        }
        if geteuid().is_root() {
            // As root, the standard library drops our supplementary groups too.
            command.uid(self.uid.as_raw()).gid(self.gid.as_raw());
        }
        command
    }

    /// Whether this account can pass into `folder`. We ask the kernel by trying: modes do not tell all.
    fn may_enter(&self, folder: &Path) -> bool {
        let mut cd = self.command("/bin/sh");
        cd.args(["-c", "cd -- \"$0\""]).arg(folder).stdout(Stdio::null()).stderr(Stdio::null());
        cd.status().is_ok_and(|status| status.success())
    }

    /// Makes `path`, whose parent is ours, a folder that only this account may enter.
    pub(super) fn give_folder(&self, path: &Path) -> Result<(), ClusterError> {
        let make = || -> io::Result<()> {
            match DirBuilder::new().mode(0o700).create(path) {
                Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
                _ => {}
            }
            if geteuid().is_root() {
                chown(path, Some(self.uid.as_raw()), Some(self.gid.as_raw()))?;
            }
            fs::set_permissions(path, Permissions::from_mode(0o700))
        };
        make().map_err(at(path))
    }
}

/// One cluster's folders.
pub(super) struct Place {
    pub(super) home: PathBuf,
    pub(super) data: PathBuf,
    pub(super) socket: PathBuf,
    pub(super) log: PathBuf,
    pub(super) account: Account,
}

impl Place {
    /// The place of the cluster that belongs to `data_dir`, wherever it was put when it was made.
    pub(super) fn durable(data_dir: &Path) -> Result<Place, ClusterError> {
        fs::create_dir_all(data_dir).map_err(at(data_dir))?;
        let data_dir = fs::canonicalize(data_dir).map_err(at(data_dir))?;
        let newcomer = Account::for_new_data()?;
        let home = find_home(&data_dir, &newcomer)?;
        let data = home.join("data");
        let account = match fs::symlink_metadata(&data) {
            Ok(found) => Account::of_owner(found.uid()).ok_or_else(|| ClusterError::NotOurs(data))?,
            Err(_) => newcomer,
        };
        Place::at(home, account)
    }

    /// A fresh folder under the system's temp dir.
    pub(super) fn throwaway() -> Result<Place, ClusterError> {
        let account = Account::for_new_data()?;
        let fits = |base: &PathBuf| fits_a_socket(&base.join("optin-XXXXXX/s")) && account.may_enter(base);
        let base = temp_dirs()
            .into_iter()
            .find(fits)
            .ok_or_else(|| ClusterError::NoEntry(temp_dirs()[0].clone()))?;
        let home = mkdtemp(&base.join("optin-XXXXXX")).map_err(|error| at(&base)(error.into()))?;
        own_folder(&home)?;
        Place::at(home, account)
    }

    fn at(home: PathBuf, account: Account) -> Result<Place, ClusterError> {
        if !account.may_enter(&home) {
            return Err(ClusterError::NoEntry(home));
        }
        let socket = find_socket_folder(&home, &account)?;
        account.give_folder(&socket)?;
        Ok(Place { data: home.join("data"), log: home.join("log"), socket, home, account })
    }

    /// Holds the place until the file is dropped, or this process ends in any way.
    pub(super) fn lock(&self) -> Result<File, ClusterError> {
        let path = self.home.join("lock");
        let lock = File::options().create(true).append(true).mode(0o600).open(&path).map_err(at(&path))?;
        match lock.try_lock() {
            Ok(()) => Ok(lock),
            Err(TryLockError::WouldBlock) => Err(ClusterError::Busy(self.home.clone())),
            Err(TryLockError::Error(error)) => Err(at(&path)(error)),
        }
    }

    /// The major version of the PostgreSQL that made the data, `None` while there is none.
    pub(super) fn major(&self) -> Result<Option<u32>, ClusterError> {
        if fs::symlink_metadata(&self.data).is_err() {
            return Ok(None);
        }
        let path = self.data.join("PG_VERSION");
        let written = fs::read_to_string(&path).map_err(at(&path))?;
        let major = written.trim().parse().map_err(|_| at(&path)(ErrorKind::InvalidData.into()))?;
        Ok(Some(major))
    }

    /// A name for what is renamed once it is complete. It is this process's alone: an initdb that outlived a killed
    /// parent removes its folder when it fails, and must not remove ours.
    pub(super) fn unused_name(&self) -> PathBuf {
        let mut path = self.home.join(format!("new-{}", std::process::id()));
        while fs::symlink_metadata(&path).is_ok() {
            path.as_mut_os_string().push("-");
        }
        path
    }

    /// Removes what an interrupted opening left. An initdb that outlived its parent may still write there: without
    /// its folder it soon ends, so we try again. What stays after 2 s is in nobody's way.
    pub(super) async fn clear_half_made(&self) {
        for _ in 0..40 {
            let entries = fs::read_dir(&self.home).into_iter().flatten().flatten();
            let half_made = entries.filter(|entry| entry.file_name().as_bytes().starts_with(b"new-"));
            let remove = |path: PathBuf| fs::remove_dir_all(&path).or_else(|_| fs::remove_file(&path));
            let mut removals = half_made.map(|entry| remove(entry.path()));
            if removals.all(|removed| removed.is_ok()) {
                return;
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Removes the socket of a server that is gone, and its lock: the process id in there may be another's by now.
    pub(super) fn clear_socket(&self) {
        for name in [format!(".s.PGSQL.{PORT}"), format!(".s.PGSQL.{PORT}.lock")] {
            let _ = fs::remove_file(self.socket.join(name));
        }
    }

    /// Whether the server with this process id takes connections: PostgreSQL says so in its file's eighth line.
    pub(super) fn is_ready(&self, pid: u32) -> bool {
        let written = fs::read_to_string(self.pid_file()).unwrap_or_default();
        let mut lines = written.lines();
        let is_its_own = lines.next().is_some_and(|line| line.trim() == pid.to_string());
        is_its_own && lines.nth(6).is_some_and(|line| line.trim() == "ready")
    }

    /// The server that runs over the data now.
    pub(super) fn left_over(&self) -> Option<u32> {
        let written = fs::read_to_string(self.pid_file()).ok()?;
        let pid = written.lines().next()?.trim().parse().ok()?;
        is_postgres_in(pid, &self.data).then_some(pid)
    }

    /// Lets a new server start although the old one's file is still there. The process id in it may be another's by
    /// now, at which PostgreSQL would stop short; so it gets one that no process can have. Its other lines stay:
    /// from them PostgreSQL knows the old server's orphans, and does not touch the data while one lives.
    pub(super) fn disown_left_over(&self) -> Result<(), ClusterError> {
        let path = self.pid_file();
        let Ok(written) = fs::read_to_string(&path) else { return Ok(()) };
        let disown = || match written.split_once('\n') {
            // Renamed into place, because PostgreSQL's user owns the folder and could have put a link there.
            Some((_, rest)) => {
                let replacement = self.unused_name();
                fs::write(&replacement, format!("{}\n{rest}", i32::MAX))?;
                fs::set_permissions(&replacement, Permissions::from_mode(0o644))?;
                fs::rename(&replacement, &path)
            }
            // Killed before it had written a line, the old server had not touched anything yet.
            None => fs::remove_file(&path),
        };
        disown().map_err(at(&path))
    }

    /// Whether the server did not start because processes of an older one, itself killed, are still at work.
    pub(super) fn has_orphans(&self) -> bool {
        fs::read_to_string(&self.log).is_ok_and(|log| log.contains("pre-existing shared memory block"))
    }

    fn pid_file(&self) -> PathBuf {
        self.data.join("postmaster.pid")
    }

    /// The server's log, emptied.
    pub(super) fn fresh_log(&self) -> Result<File, ClusterError> {
        let options = File::options().create(true).write(true).truncate(true).mode(0o600).open(&self.log);
        options.map_err(at(&self.log))
    }
}

/// Turns what the system says about `path` into our error.
pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> ClusterError {
    let path = path.to_owned();
    move |source| ClusterError::Folder { path, source }
}

fn find_home(data_dir: &Path, account: &Account) -> Result<PathBuf, ClusterError> {
    let pointer = data_dir.join("postgres.location");
    if let Some(elsewhere) = read_pointer(&pointer)? {
        own_folder(&elsewhere)?;
        return Ok(elsewhere);
    }
    let inside = data_dir.join("postgres");
    if fs::symlink_metadata(&inside).is_ok() || account.may_enter(data_dir) {
        own_folder(&inside)?;
        return Ok(inside);
    }
    let elsewhere = make_elsewhere(data_dir, account)?;
    let mut line = elsewhere.as_os_str().as_bytes().to_vec();
    line.push(b'\n');
    fs::write(&pointer, line).map_err(at(&pointer))?;
    Ok(elsewhere)
}

/// Where an earlier opening put the cluster. The name is checked: we are about to own that folder.
fn read_pointer(pointer: &Path) -> Result<Option<PathBuf>, ClusterError> {
    let written = match fs::read(pointer) {
        Ok(written) => written,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(at(pointer)(error)),
    };
    let named = Path::new(OsStr::from_bytes(written.trim_ascii()));
    let is_one_of_ours = |name: &OsStr| {
        let digest = name.as_bytes().strip_prefix(b"optin-");
        digest.is_some_and(|digest| digest.len() == 16 && HEXLOWER.decode(digest).is_ok())
    };
    match named.file_name() {
        None if written.trim_ascii().is_empty() => Ok(None),
        Some(name) if named.is_absolute() && is_one_of_ours(name) => Ok(Some(named.to_owned())),
        _ => Err(at(pointer)(ErrorKind::InvalidData.into())),
    }
}

fn make_elsewhere(data_dir: &Path, account: &Account) -> Result<PathBuf, ClusterError> {
    let bases = std::iter::once(PathBuf::from("/var/lib")).chain(temp_dirs());
    for base in bases.filter(|base| account.may_enter(base)) {
        let home = base.join(named_after(data_dir));
        match own_folder(&home) {
            Err(ClusterError::Folder { .. }) => continue,
            made => return made.map(|()| home),
        }
    }
    Err(ClusterError::NoEntry(data_dir.to_owned()))
}

fn find_socket_folder(home: &Path, account: &Account) -> Result<PathBuf, ClusterError> {
    let near = home.join("s");
    if fits_a_socket(&near) {
        return Ok(near);
    }
    let name = named_after(home);
    let fits = |base: &PathBuf| fits_a_socket(&base.join(&name).join("s")) && account.may_enter(base);
    let base =
        temp_dirs().into_iter().find(fits).ok_or_else(|| ClusterError::NoEntry(temp_dirs()[0].clone()))?;
    own_folder(&base.join(&name))?;
    Ok(base.join(&name).join("s"))
}

fn temp_dirs() -> [PathBuf; 2] {
    [std::env::temp_dir(), PathBuf::from("/tmp")]
}

/// Short enough for a socket, and plain: PostgreSQL reads commas and quotes in its list of folders.
fn fits_a_socket(folder: &Path) -> bool {
    let bytes = folder.as_os_str().as_bytes();
    let plain = bytes.iter().all(|b| b.is_ascii_alphanumeric() || b"/._-".contains(b));
    plain && bytes.len() + "/.s.PGSQL.".len() + PORT.len() < SOCKET_PATH_LIMIT
}

fn named_after(path: &Path) -> String {
    format!("optin-{}", HEXLOWER.encode(&Sha256::digest(path.as_os_str().as_bytes())[..8]))
}

/// Whether `pid` is a PostgreSQL at work in `data`: process ids are given out again.
fn is_postgres_in(pid: u32, data: &Path) -> bool {
    if Path::new("/proc/self").exists() {
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        let cwd = fs::read_link(format!("/proc/{pid}/cwd")).ok();
        return name.trim() == "postgres" && cwd.is_some() && cwd == fs::canonicalize(data).ok();
    }
    // Where there is no /proc: the command line that we gave it.
    let listed = Command::new("ps").args(["-ww", "-o", "args=", "-p", &pid.to_string()]).output();
    let line = listed.map(|listed| String::from_utf8_lossy(&listed.stdout).into_owned()).unwrap_or_default();
    line.contains("postgres") && line.contains(&format!("-D {} ", data.display()))
}

/// Makes `path` a folder of ours in which nobody else may write. One that exists already must be ours: under the
/// temp dir, a stranger could have been there first.
pub(super) fn own_folder(path: &Path) -> Result<(), ClusterError> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(at(path)(error)),
        _ => {}
    }
    let found = fs::symlink_metadata(path).map_err(at(path))?;
    if !found.is_dir() || found.uid() != geteuid().as_raw() || found.mode() & 0o022 != 0 {
        return Err(ClusterError::NotOurs(path.to_owned()));
    }
    let mode = if geteuid().is_root() { 0o711 } else { 0o700 };
    fs::set_permissions(path, Permissions::from_mode(mode)).map_err(at(path))
}

#[cfg(test)]
mod tests;
