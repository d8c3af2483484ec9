//! A Postfix of a test's own, made from the very files of `deploy/postfix`: what is documented is what is tested.
//!
//! It lives in a temporary folder and on loopback ports. Different from what the files say: these folders and ports, no
//! chroot but for the LMTP client, and the world, which is one port of the test's. `recipient_delimiter` is `+`, which
//! is the harder case.

use std::fs::{self, Permissions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use nix::unistd::{User, geteuid};
use tempfile::TempDir;

use super::client::Client;
use crate::process::free_port;

const DEPLOY: &str = "deploy/postfix";
/// Postfix's own services, as the package brings them.
const SERVICES: &str = "/usr/share/postfix/master.cf.dist";
const TABLES: [&str; 5] = ["transport", "recipients", "aliases", "header_checks", "shapes"];

/// Whether Postfix can be run here; says so where it cannot. Where `OPTIN_TEST_POSTFIX` is set, it has to.
pub fn is_here() -> bool {
    let missing = if !geteuid().is_root() {
        Some("Postfix is started by root alone")
    } else if !Path::new(SERVICES).exists() || User::from_name("postfix").unwrap().is_none() {
        Some("there is no Postfix (Debian: postfix) here")
    } else if !Path::new("/usr/sbin/saslpasswd2").exists() {
        Some("there is no saslpasswd2 (Debian: sasl2-bin) here")
    } else {
        None
    };
    if let Some(missing) = missing {
        assert!(std::env::var_os("OPTIN_TEST_POSTFIX").is_none(), "{missing}");
        eprintln!("SKIPPED: {missing}");
    }
    missing.is_none()
}

/// A Postfix's files before it starts: the place for what an operator would edit in them.
pub struct Files {
    dir: TempDir,
    /// What stands for port 25.
    pub world: u16,
    /// Where Optin's letters go.
    pub letters: u16,
    /// Where the LMTP door is expected.
    pub door: u16,
    /// Where everybody's mail server is.
    pub readers: u16,
}

impl Files {
    /// All that is documented, with everybody's mail server at `readers`.
    pub fn new(readers: u16) -> Files {
        let dir = tempfile::tempdir().unwrap();
        // Its processes run as another user.
        fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
        let files = Files { dir, world: free_port(), letters: free_port(), door: free_port(), readers };
        for folder in ["etc/optin", "etc/sasl", "spool", "data"] {
            fs::create_dir_all(files.path(folder)).unwrap();
        }
        chown(files.path("data"), Some(postfix().uid.as_raw()), None).unwrap();
        for table in TABLES {
            fs::copy(Path::new(DEPLOY).join(table), files.path("etc/optin").join(table)).unwrap();
        }
        fs::copy(Path::new(DEPLOY).join("main.cf"), files.path("etc/main.cf")).unwrap();
        let [own, ours] = [Path::new(SERVICES), &Path::new(DEPLOY).join("master.cf")]
            .map(|file| fs::read_to_string(file).unwrap());
        fs::write(files.path("etc/master.cf"), own + &ours).unwrap();

        files.edit("master.cf", "\nsmtp      inet", &format!("\n127.0.0.1:{} inet", files.world));
        files.edit("master.cf", "\n127.0.0.1:2525 inet", &format!("\n127.0.0.1:{} inet", files.letters));
        files.edit("optin/transport", "[127.0.0.1]:2526\n", &format!("[127.0.0.1]:{}\n", files.door));
        files.append("optin/transport", &format!("* smtp:[127.0.0.1]:{readers}"));
        let place = |folder: &str| files.path(folder).display().to_string();
        for (name, value) in [
            ("queue_directory", place("spool")),
            ("data_directory", place("data")),
            ("maillog_file", place("log")),
            ("maillog_file_prefixes", place("")),
            ("inet_interfaces", "127.0.0.1".into()),
            ("inet_protocols", "ipv4".into()),
            ("smtp_dns_support_level", "disabled".into()),
            ("alias_maps", String::new()),
            ("smtpd_tls_chain_files", String::new()),
            ("recipient_delimiter", "+".into()),
        ] {
            files.set(name, &value);
        }
        files
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Another organisation's mail server, which takes mail for this domain.
    pub fn route(&self, domain: &str, port: u16) {
        self.append("optin/transport", &format!("{domain} smtp:[127.0.0.1]:{port}"));
    }

    /// Replaces what stands once in a file.
    pub fn edit(&self, file: &str, from: &str, to: &str) {
        let file = self.path("etc").join(file);
        let text = fs::read_to_string(&file).unwrap();
        assert_eq!(text.matches(from).count(), 1, "{from} in {}", file.display());
        fs::write(file, text.replace(from, to)).unwrap();
    }

    pub fn append(&self, file: &str, line: &str) {
        let file = self.path("etc").join(file);
        let text = fs::read_to_string(&file).unwrap();
        fs::write(file, format!("{text}{line}\n")).unwrap();
    }

    /// Takes the `#` away before a service of `master.cf` and its options, as `edit` changes them. Ours come last.
    pub fn uncomment(&self, service: &str, edit: impl FnOnce(String) -> String) {
        let file = self.path("etc/master.cf");
        let text = fs::read_to_string(&file).unwrap();
        let lines: Vec<_> = text.lines().collect();
        let first = lines.iter().rposition(|line| line.starts_with(&format!("#{service} "))).expect(service);
        let options = lines[first + 1..].iter().take_while(|line| line.starts_with("#  ")).count();
        let (block, after) = lines[first..].split_at(1 + options);
        let block: Vec<_> = block.iter().map(|line| &line[1..]).collect();
        let text = [lines[..first].join("\n"), edit(block.join("\n")), after.join("\n"), String::new()];
        fs::write(file, text.join("\n")).unwrap();
    }

    /// Changes a setting of `main.cf`.
    pub fn set(&self, name: &str, value: &str) {
        self.postconf(&["-e", &format!("{name}={value}")]);
    }

    /// Makes a user who may send letters from elsewhere.
    pub fn give_password(&self, user: &str, password: &str) {
        let base = self.path("passwords");
        let how = fs::read_to_string(Path::new(DEPLOY).join("smtpd.conf")).unwrap();
        let how = format!("{how}sasldb_path: {}\n", base.display());
        fs::write(self.path("etc/sasl/smtpd.conf"), how).unwrap();
        let mut command = Command::new("saslpasswd2");
        command.args(["-p", "-c", "-u", "mx.example.org", "-f", base.to_str().unwrap(), user]);
        let mut asks = command.stdin(Stdio::piped()).spawn().unwrap();
        asks.stdin.take().unwrap().write_all(password.as_bytes()).unwrap();
        assert!(asks.wait().unwrap().success());
        chown(&base, None, Some(postfix().gid.as_raw())).unwrap();
        fs::set_permissions(&base, Permissions::from_mode(0o640)).unwrap();
    }

    fn postconf(&self, arguments: &[&str]) {
        let said = run("postconf", &[&["-c", self.path("etc").to_str().unwrap()], arguments].concat());
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    }

    /// Starts it. It has nothing to say against its settings: no word is misspelt, none is there twice.
    pub fn start(self) -> Postfix {
        // Last, since it moves comments about.
        self.postconf(&["-F", "*/*/chroot=n"]);
        self.postconf(&["-F", "lmtp/unix/chroot=y"]);
        let etc = self.path("etc").display().to_string();
        for check in [run("postconf", &["-c", &etc, "-n"]), run("postfix", &["-c", &etc, "check"])] {
            assert_eq!((check.status.success(), String::from_utf8_lossy(&check.stderr).as_ref()), (true, ""));
        }
        // The shell outlives a test that is killed, by then has nothing more to read, and stops what it has started.
        let script =
            r#"trap : HUP INT PIPE TERM; postfix -c "$1" start && echo started; cat; postfix -c "$1" stop"#;
        let mut shell = Command::new("sh");
        shell.args(["-c", script, "sh", &etc]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut shell = shell.stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(shell.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let postfix = Postfix { files: self, shell };
        assert_eq!(line, "started\n", "{}", postfix.log());
        postfix
    }
}

/// A running Postfix. It is stopped when the test ends, however it ends.
pub struct Postfix {
    pub files: Files,
    shell: Child,
}

impl Postfix {
    /// What `OPTIN_SMTP_URL` says.
    pub fn smtp_url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.files.letters)
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.files.path("log")).unwrap_or_default()
    }

    /// How many messages are in its queue.
    pub fn queue(&self) -> usize {
        self.postqueue("-j").lines().count()
    }

    /// How many messages wait for another attempt.
    pub fn deferred(&self) -> usize {
        let is_deferred = |line: &&str| line.contains(r#""queue_name": "deferred""#);
        self.postqueue("-j").lines().filter(is_deferred).count()
    }

    /// Has it try again at once.
    pub fn flush(&self) {
        self.postqueue("-f");
    }

    /// How often it has delivered something to a recipient, which is all of an address or its beginning.
    pub fn delivered(&self, to: &str) -> usize {
        let to = format!("to=<{to}");
        self.log().lines().filter(|line| line.contains(&to) && line.contains("status=sent")).count()
    }

    /// Whether it has told a sender that a message did not arrive.
    pub fn has_bounced(&self) -> bool {
        self.log().contains("sender non-delivery notification")
    }

    /// A session of somebody else's mail server.
    pub async fn client(&self) -> Client {
        Client::connect(self.files.world).await
    }

    fn postqueue(&self, argument: &str) -> String {
        let said = run("postqueue", &["-c", self.files.path("etc").to_str().unwrap(), argument]);
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
        String::from_utf8(said.stdout).unwrap()
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        _ = self.shell.wait();
        if std::thread::panicking() {
            eprintln!("{}", self.log());
        }
    }
}

fn run(program: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null());
    command.output().unwrap_or_else(|error| panic!("{program}: {error}"))
}

/// Postfix's user.
fn postfix() -> User {
    User::from_name("postfix").unwrap().expect("Postfix has a user")
}
