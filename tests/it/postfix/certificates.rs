//! An authority of a test's own, and what it signs.

use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

/// Good for two days, known to nobody but who is given its file.
pub struct Authority(TempDir);

impl Authority {
    pub fn called(name: &str) -> Authority {
        let authority = Authority(tempfile::tempdir().unwrap());
        let (key, file) = (authority.path("ca.key"), authority.file());
        authority.openssl(&["-subj", &format!("/CN={name}")], "critical,CA:TRUE", &key, &file);
        authority
    }

    /// What `SSL_CERT_FILE` names.
    pub fn file(&self) -> PathBuf {
        self.path("ca.pem")
    }

    /// A file with a key and a certificate for a host's name, as `smtpd_tls_chain_files` takes it.
    pub fn chain_for(&self, host: &str) -> PathBuf {
        let (key, certificate, chain) =
            (self.path("host.key"), self.path("host.pem"), self.path("chain.pem"));
        let (ca, ca_key, name) = (self.file(), self.path("ca.key"), format!("subjectAltName=DNS:{host}"));
        let [ca, ca_key] = [&ca, &ca_key].map(|file| file.to_str().unwrap());
        let signed = ["-subj", &format!("/CN={host}"), "-CA", ca, "-CAkey", ca_key, "-addext", &name];
        self.openssl(&signed, "critical,CA:FALSE", &key, &certificate);
        let both = [key, certificate].map(|file| std::fs::read_to_string(file).unwrap()).concat();
        std::fs::write(&chain, both).unwrap();
        chain
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn openssl(&self, more: &[&str], constraints: &str, key: &PathBuf, out: &PathBuf) {
        let mut command = Command::new("openssl");
        command.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc"]);
        command.args(["-days", "2", "-addext", &format!("basicConstraints={constraints}")]).args(more);
        let said = command.arg("-keyout").arg(key).arg("-out").arg(out).output().expect("openssl");
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    }
}
