//! The data folder of `dev`: who holds it, and what stands in it.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use crate::commands::keys;

/// The controller of the demonstration.
const CONFIG: &str = include_str!("optin.toml");

/// The folder, held by a lock that ends with this process, however it ends.
pub struct Home {
    path: PathBuf,
    _lock: File,
}

impl Home {
    /// Opens or makes the folder; refuses one that another `optin dev` is using.
    pub fn open(path: &Path) -> anyhow::Result<Home> {
        let cannot = || format!("{} cannot be used as the data folder", path.display());
        if !path.is_dir() {
            fs::DirBuilder::new().recursive(true).mode(0o755).create(path).with_context(cannot)?;
        }
        let path = path.canonicalize().with_context(cannot)?;
        let lock = File::create(path.join("lock")).with_context(cannot)?;
        match lock.try_lock() {
            Ok(()) => Ok(Home { path, _lock: lock }),
            Err(TryLockError::WouldBlock) => {
                bail!("another `optin dev` is using {}; stop it, or give another --data-dir", path.display())
            }
            Err(TryLockError::Error(error)) => Err(error).with_context(cannot),
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file that lets every other command speak to this instance.
    pub fn env_path(&self) -> PathBuf {
        self.path.join("optin.env")
    }

    /// What the environment of this instance says. Makes the key ring and the configuration where there are none.
    pub fn settings(
        &self,
        database_url: &str,
        listen: &SocketAddr,
        relay: &SocketAddr,
        operator: &str,
    ) -> anyhow::Result<BTreeMap<&'static str, String>> {
        let keys_file = self.path.join("keys.toml");
        if !keys_file.exists() {
            // First under another name: a ring that was half written must not be taken for one.
            let half = self.path.join(format!("keys.toml.{}", std::process::id()));
            keys::write_new(&half)?;
            fs::rename(&half, &keys_file).context("the key ring cannot be written")?;
        }
        let config = self.path.join("optin.toml");
        if !config.exists() {
            self.write("optin.toml", CONFIG)?;
        }
        Ok(BTreeMap::from([
            ("OPTIN_CONFIG", config.display().to_string()),
            ("OPTIN_DATABASE_URL", database_url.to_owned()),
            ("OPTIN_KEYS_FILE", keys_file.display().to_string()),
            ("OPTIN_LISTEN", listen.to_string()),
            ("OPTIN_OPERATOR", operator.to_owned()),
            ("OPTIN_PUBLIC_URL", format!("http://{}", reachable(listen))),
            ("OPTIN_SMTP_URL", format!("smtp://{relay}")),
        ]))
    }

    /// Writes `optin.env`, for a shell to source.
    pub fn write_env(&self, settings: &BTreeMap<&str, String>) -> anyhow::Result<()> {
        let mut text = String::from("# Made by `optin dev` at each start. In a shell: . optin.env\n");
        for (name, value) in settings {
            text.push_str(&format!("export {name}='{}'\n", value.replace('\'', r"'\''")));
        }
        self.write("optin.env", &text)
    }

    fn write(&self, name: &str, text: &str) -> anyhow::Result<()> {
        let (half, path) = (self.path.join(format!("{name}.half")), self.path.join(name));
        let mut open = OpenOptions::new();
        let file = open.write(true).create(true).truncate(true).mode(0o600).open(&half);
        file.and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
            .and_then(|()| fs::rename(&half, &path))
            .with_context(|| format!("{} cannot be written", path.display()))
    }
}

/// An address that a browser on this machine can go to.
fn reachable(listen: &SocketAddr) -> SocketAddr {
    let ip = if listen.ip().is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { listen.ip() };
    SocketAddr::new(ip, listen.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_dev_on_the_folder_is_refused_until_the_first_ends() {
        let dir = tempfile::tempdir().unwrap();
        let first = Home::open(dir.path()).unwrap();
        let error = Home::open(dir.path()).err().unwrap().to_string();
        assert!(error.contains("another `optin dev`"), "{error}");
        drop(first);
        Home::open(dir.path()).unwrap();
    }

    #[test]
    fn the_environment_file_survives_a_shell() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::open(dir.path()).unwrap();
        home.write_env(&BTreeMap::from([("OPTIN_A", "it's $HOME `x`".to_owned())])).unwrap();
        let script = format!(". '{}'; printf %s \"$OPTIN_A\"", home.env_path().display());
        let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), "it's $HOME `x`");
    }
}
