//! PostgreSQL's programs: where they are on this machine, and how they are called.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Child;

use super::ClusterError;
use super::place::{Account, PORT, Place, at};

/// What every server is told. Failed statements would carry addresses into the log, so they stay out of it.
const SETTINGS: [&str; 5] = [
    "listen_addresses=",
    "unix_socket_permissions=0700",
    "log_min_messages=log",
    "log_min_error_statement=panic",
    "log_error_verbosity=terse",
];

/// The oldest major version that the statements run on.
pub(super) const OLDEST: u32 = 15;

/// A folder that holds `initdb` and `postgres`, and their major version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Binaries {
    pub(super) folder: PathBuf,
    pub(super) major: u32,
}

impl Binaries {
    /// The programs in `folder`, if `account` can run them.
    pub(super) fn probe(folder: PathBuf, account: &Account) -> Option<Binaries> {
        if !folder.join("initdb").is_file() {
            return None;
        }
        let asked = account.command(folder.join("postgres")).arg("--version").output().ok()?;
        let major = major_of(&String::from_utf8_lossy(&asked.stdout))?;
        Some(Binaries { folder, major })
    }

    /// Makes the data, under a temporary name until it is complete: `data` is there whole or not at all. `more` goes
    /// to initdb.
    pub(super) async fn initdb(&self, place: &Place, group: i32, more: &[&str]) -> Result<(), ClusterError> {
        let half_made = place.unused_name();
        place.account.give_folder(&half_made)?;
        let program = self.folder.join("initdb");
        let mut command = place.account.command(&program);
        command.args(["-U", "optin", "-A", "trust", "-E", "UTF8", "--no-locale"]).args(more);
        command.arg("-D").arg(&half_made).process_group(group);
        let ended = tokio::process::Command::from(command).kill_on_drop(true).output().await;
        let output = ended.map_err(|source| ClusterError::Run { program, source })?;
        if !output.status.success() {
            return Err(ClusterError::Initdb(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
        }
        let kept = fs::rename(&half_made, &place.data).and_then(|()| File::open(&place.home)?.sync_all());
        kept.map_err(at(&place.data))
    }

    /// Starts a server over the data, in the process group `group` (0: one of its own), with settings beside those
    /// that every server gets.
    pub(super) fn serve(&self, place: &Place, group: i32, more: &[&str]) -> Result<Child, ClusterError> {
        let log = place.fresh_log()?;
        let same_log = log.try_clone().map_err(at(&place.log))?;
        let program = self.folder.join("postgres");
        let mut command = place.account.command(&program);
        command.arg("-D").arg(&place.data).arg("-k").arg(&place.socket).args(["-p", PORT]);
        command.args(SETTINGS.iter().chain(more).flat_map(|setting| ["-c", setting]));
        command.stdout(log).stderr(same_log).process_group(group);
        command.spawn().map_err(|source| ClusterError::Run { program, source })
    }
}

/// Every PostgreSQL that `account` can run: the one that `$PG_BIN` names and no other, or those in the places where
/// Debian, Fedora's makers and Homebrew put them, and on `PATH`.
pub(super) fn installed(account: &Account) -> Result<Vec<Binaries>, ClusterError> {
    if let Some(chosen) = std::env::var_os("PG_BIN").filter(|value| !value.is_empty()) {
        let chosen = PathBuf::from(chosen);
        return match Binaries::probe(chosen.clone(), account) {
            Some(Binaries { folder, major }) if major < OLDEST => {
                Err(ClusterError::OldPgBin { path: folder, major })
            }
            Some(binaries) => Ok(vec![binaries]),
            None => Err(ClusterError::WrongPgBin(chosen)),
        };
    }
    Ok(usual_places().filter_map(|folder| Binaries::probe(folder, account)).collect())
}

/// The version that made the data, or the newest where there is no data yet; none that is too old.
pub(super) fn choose(found: &[Binaries], made_by: Option<u32>) -> Option<&Binaries> {
    // Of equals the first, which stands in the more usual place.
    let recent = found.iter().rev().filter(|binaries| binaries.major >= OLDEST);
    let fitting = recent.filter(|binaries| made_by.is_none_or(|major| binaries.major == major));
    fitting.max_by_key(|binaries| binaries.major)
}

/// Why an installed PostgreSQL does not do, to be told before another is fetched.
pub(super) fn why_none(found: &[Binaries]) -> String {
    match found.iter().map(|binaries| binaries.major).max() {
        Some(newest) if newest < OLDEST => {
            format!("PostgreSQL {newest} is here, but {OLDEST} or later is needed")
        }
        _ => "no PostgreSQL of the right version here".to_owned(),
    }
}

/// What installs PostgreSQL here, to follow "install it with".
pub(super) fn how_to_install() -> &'static str {
    let commands = [
        ("brew", "`brew install postgresql@17`"),
        ("apt-get", "`apt-get install postgresql`"),
        ("dnf", "`dnf install postgresql-server`"),
    ];
    let is_here = |program: &str| on_path().any(|folder| folder.join(program).is_file());
    let known = commands.iter().find(|(program, _)| is_here(program));
    known.map_or("your system's package manager", |(_, command)| command)
}

fn usual_places() -> impl Iterator<Item = PathBuf> {
    let roots = [
        ("/usr/lib/postgresql", ""),
        ("/usr", "pgsql-"),
        ("/opt/homebrew/opt", "postgresql"),
        ("/usr/local/opt", "postgresql"),
        ("/home/linuxbrew/.linuxbrew/opt", "postgresql"),
    ];
    let versions = roots.into_iter().flat_map(|(root, prefix)| entries(Path::new(root), prefix));
    versions.map(|version| version.join("bin")).chain(on_path())
}

/// What stands in `folder` under a name that begins with `prefix`; nothing if there is no such folder.
fn entries(folder: &Path, prefix: &'static str) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let fitting = entries.filter(move |entry| entry.file_name().to_string_lossy().starts_with(prefix));
    fitting.map(|entry| entry.path())
}

fn on_path() -> impl Iterator<Item = PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).filter(|folder| folder.is_absolute()).collect::<Vec<_>>().into_iter()
}

/// Reads `postgres (PostgreSQL) 15.14 (Debian …)`, and `18beta1` too.
fn major_of(answer: &str) -> Option<u32> {
    let version = answer.split_once("(PostgreSQL) ")?.1;
    let end = version.find(|c: char| !c.is_ascii_digit()).unwrap_or(version.len());
    version[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(major: u32) -> Binaries {
        Binaries { folder: format!("/somewhere/{major}/bin").into(), major }
    }

    #[test]
    fn the_major_version_is_read_from_releases_and_betas() {
        assert_eq!(major_of("postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)\n"), Some(15));
        assert_eq!(major_of("postgres (PostgreSQL) 18beta1\n"), Some(18));
        assert_eq!(major_of("postgres (PostgreSQL) 9\n"), Some(9));
        assert_eq!(major_of("bash: postgres: not found"), None);
    }

    #[test]
    fn new_data_gets_the_newest_and_old_data_the_version_that_made_it() {
        let found = [of(9), of(17), of(15)];
        assert_eq!(choose(&found, None), Some(&found[1]));
        assert_eq!(choose(&found, Some(15)), Some(&found[2]));
        assert_eq!(choose(&found, Some(16)), None);
        assert_eq!(choose(&[], None), None);
    }

    #[test]
    fn what_is_too_old_is_passed_over_and_named() {
        assert_eq!(choose(&[of(13), of(14)], None), None);
        assert_eq!(choose(&[of(14)], Some(14)), None);
        assert_eq!(choose(&[of(14), of(OLDEST)], None), Some(&of(OLDEST)));
        assert_eq!(why_none(&[of(14), of(13)]), "PostgreSQL 14 is here, but 15 or later is needed");
        assert_eq!(why_none(&[]), "no PostgreSQL of the right version here");
        assert_eq!(why_none(&[of(17)]), "no PostgreSQL of the right version here");
    }

    #[test]
    fn of_equals_the_first_place_wins() {
        let on_path = Binaries { folder: "/usr/bin".into(), major: 17 };
        assert_eq!(choose(&[of(17), on_path], None), Some(&of(17)));
    }
}
