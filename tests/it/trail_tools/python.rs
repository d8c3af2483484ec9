//! The verifier in Python, which was written from the specifications, agrees with ours.

use std::path::Path;

use tempfile::tempdir;

use super::{Log, NAME, SIZE, faults, text, write_whole};
use crate::process::{Said, program, run};

const VERIFIER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/verifier/verify.py");

pub async fn has_cryptography() -> bool {
    let mut python = program("python3");
    python.args(["-c", "import cryptography"]);
    let here = python.output().await.is_ok_and(|output| output.status.success());
    if !here {
        eprintln!("SKIPPED: there is no python3 with the package `cryptography` here");
    }
    here
}

/// Runs it.
pub async fn verifier(arguments: &[&str]) -> Said {
    let mut python = program("python3");
    python.env("PYTHONDONTWRITEBYTECODE", "1").arg(VERIFIER).args(arguments);
    run(python).await
}

async fn verify(dir: &Path, more: &[&str]) -> Said {
    verifier(&[&[text(dir)], more].concat()).await
}

#[tokio::test]
async fn the_other_verifier_finds_whole_what_is_whole() {
    if !has_cryptography().await {
        return;
    }
    for size in [0, 1, 255, 256, 257, SIZE] {
        let dir = tempdir().unwrap();
        Log::of(size).write(dir.path());
        let said = verify(dir.path(), &["--key", &Log::of(1).key()]).await;
        assert!(said.success().starts_with(&format!("whole: {NAME}: {size} ")), "{}", said.out);
        if size == SIZE {
            std::fs::remove_dir_all(dir.path().join("tile/entries")).unwrap();
            assert!(verify(dir.path(), &[]).await.success().contains("not checked"));
        }
    }
}

#[tokio::test]
async fn the_other_verifier_finds_the_same_faults_and_names_their_places() {
    if !has_cryptography().await {
        return;
    }
    for fault in faults() {
        let dir = tempdir().unwrap();
        write_whole(dir.path());
        (fault.make)(dir.path());
        let said = verify(dir.path(), &[]).await;
        let line = said.out.strip_prefix("not whole: ").expect(fault.name);
        assert_eq!(said.code, Some(1));
        assert!(line.contains(fault.place), "{}: {line}", fault.name);
    }
}
