//! The real binary, run as a terminal or a service manager would run it.

use std::collections::BTreeMap;
use std::fs::{File, Permissions};
use std::io::{Seek as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;
use tokio::process::{Child, Command};

/// What the shell would say `optin` for.
pub const OPTIN: &str = env!("CARGO_BIN_EXE_optin");

/// How long anything may take before a test gives up. Never part of what is proven.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a command that has ended said.
#[derive(Debug)]
pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Said {
    /// Expects a refusal: exit code 1, nothing on standard output, and one line, which is returned.
    #[track_caller]
    pub fn refusal(&self) -> &str {
        assert_eq!((self.code, self.out.as_str()), (Some(1), ""), "{}", self.err);
        let line = self.err.strip_suffix('\n').expect("a line");
        assert!(line.starts_with("optin: ") && !line.contains('\n'), "one line was expected: {line}");
        let mut causes: Vec<_> = line.split(": ").collect();
        causes.sort();
        assert!(causes.is_sorted_by(|one, next| one != next), "each cause is said once: {line}");
        line
    }

    /// Expects success, and returns what stands on standard output.
    #[track_caller]
    pub fn success(&self) -> &str {
        assert_eq!(self.code, Some(0), "{}", self.err);
        &self.out
    }
}

/// `optin` with these arguments and settings, and with nothing of our own settings.
pub fn optin(arguments: &[&str], settings: &BTreeMap<&'static str, String>) -> Command {
    let mut command = program(OPTIN);
    // No `optin.toml` lies there.
    command.args(arguments).envs(settings).current_dir("/");
    command
}

/// Any program, without our own settings for Optin and PostgreSQL. It ends with the test.
pub fn program(name: &str) -> Command {
    let mut command = Command::new(name);
    for (name, _) in std::env::vars_os() {
        if name
            .to_str()
            .is_some_and(|name| name.starts_with("OPTIN_") || name.starts_with("PG") && name != "PG_BIN")
        {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// Runs a command to its end.
pub async fn run(mut command: Command) -> Said {
    let output = tokio::time::timeout(PATIENCE, command.output()).await.expect("an end").unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// The same, with something to read.
pub async fn feed(mut command: Command, input: &[u8]) -> Said {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(input).unwrap();
    file.rewind().unwrap();
    command.stdin(file);
    run(command).await
}

/// Whether a program can be run here; says so where it cannot.
pub async fn is_here(name: &str) -> bool {
    let mut command = program(name);
    command.arg("--version");
    let here = command.output().await.is_ok_and(|output| output.status.success());
    if !here {
        eprintln!("SKIPPED: there is no {name} here");
    }
    here
}

/// A running `optin`. It is killed when the test ends, however it ends.
pub struct Process {
    child: Child,
    said: TempDir,
}

impl Process {
    pub fn start(mut command: Command) -> Process {
        let said = tempfile::tempdir().unwrap();
        let file = |name| File::create(said.path().join(name)).unwrap();
        let child = command.stdout(file("out")).stderr(file("err")).spawn().unwrap();
        Process { child, said }
    }

    /// What it has said on standard output and on standard error so far.
    pub fn said(&self) -> (String, String) {
        let read = |name| std::fs::read_to_string(self.said.path().join(name)).unwrap();
        (read("out"), read("err"))
    }

    pub fn pid(&self) -> i32 {
        self.child.id().expect("it runs") as i32
    }

    pub fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    pub fn send(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid()), signal).unwrap();
    }

    /// Waits for its end.
    pub async fn end(&mut self) -> ExitStatus {
        tokio::time::timeout(PATIENCE, self.child.wait()).await.expect("an end").unwrap()
    }

    /// Sends a signal, and waits for the end.
    pub async fn end_by(&mut self, signal: Signal) -> ExitStatus {
        self.send(signal);
        self.end().await
    }
}

/// Whether a process runs. One that has ended and that nobody has asked after does not.
pub fn runs(pid: i32) -> bool {
    let ps = std::process::Command::new("ps").args(["-o", "stat=", "-p", &pid.to_string()]).output().unwrap();
    let state = String::from_utf8_lossy(&ps.stdout).trim().to_owned();
    !state.is_empty() && !state.starts_with('Z')
}

/// A process's children, their children, and so on.
pub fn descendants(of: i32) -> Vec<i32> {
    let ps = std::process::Command::new("ps").args(["-A", "-o", "pid=,ppid="]).output().unwrap();
    let listed = String::from_utf8_lossy(&ps.stdout).into_owned();
    let number = |word: Option<&str>| word.and_then(|word| word.parse::<i32>().ok());
    let pairs: Vec<(i32, i32)> = listed
        .lines()
        .map(|line| line.split_ascii_whitespace())
        .filter_map(|mut words| Some((number(words.next())?, number(words.next())?)))
        .collect();
    let mut found = vec![of];
    let mut at = 0;
    while at < found.len() {
        let parent = found[at];
        found.extend(pairs.iter().filter(|(_, of)| *of == parent).map(|(pid, _)| *pid));
        at += 1;
    }
    found.split_off(1)
}

/// The PostgreSQL over a data dir, as `optin dev` and durable clusters lay it out.
pub fn postmaster(data_dir: &Path) -> Option<i32> {
    let written = std::fs::read_to_string(data_dir.join("postgres/data/postmaster.pid")).ok()?;
    let pid = written.lines().next()?.trim().parse().ok()?;
    (pid != i32::MAX && runs(pid)).then_some(pid)
}

/// A fresh data dir, which PostgreSQL's user may enter. No PostgreSQL outlives it.
pub struct DataDir(TempDir);

impl DataDir {
    pub fn new() -> DataDir {
        let dir = tempfile::tempdir().unwrap();
        std::fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
        DataDir(dir)
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn join(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }
}

impl Drop for DataDir {
    fn drop(&mut self) {
        if let Some(pid) = postmaster(self.path()) {
            _ = kill(Pid::from_raw(pid), Signal::SIGQUIT);
            let ended = (0..500).any(|_| {
                std::thread::sleep(Duration::from_millis(10));
                !runs(pid)
            });
            if !ended {
                _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
            }
        }
    }
}

/// A port that is free and that the system gives to nobody by itself, so that it can be listened on again and again.
pub fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let start = std::process::id().wrapping_mul(37);
    (0..10_000)
        .map(|_| (20_000 + (start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed))) % 10_000) as u16)
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("a free port")
}
