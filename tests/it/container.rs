//! No container engine runs here. What can be held true without one: the Dockerfile, `compose.yaml` and their document
//! name only settings and commands that there are, and all that the program is built from gets into the build.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

use regex::Regex;

use crate::process::{optin, run};

const FILES: [&str; 3] = ["Dockerfile", "compose.yaml", "docs/CONTAINER.md"];

fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(path).unwrap()
}

/// What a pattern's first group catches, everywhere in a text.
fn all(pattern: &str, text: &str) -> BTreeSet<String> {
    let pattern = Regex::new(pattern).unwrap();
    pattern.captures_iter(text).map(|found| found[1].trim().to_owned()).collect()
}

/// The source files.
fn sources() -> Vec<PathBuf> {
    let (mut folders, mut files) = (vec![PathBuf::from("src")], Vec::new());
    while let Some(folder) = folders.pop() {
        for item in fs::read_dir(folder).unwrap() {
            let path = item.unwrap().path();
            if path.is_dir() { &mut folders } else { &mut files }.push(path);
        }
    }
    files.retain(|file| file.extension().is_some_and(|kind| kind == "rs"));
    files
}

#[test]
fn every_setting_that_is_named_is_one() {
    let settings: BTreeSet<_> =
        sources().into_iter().flat_map(|file| all(r#""(OPTIN_[A-Z_]+)""#, &read(file))).collect();
    for file in FILES {
        let named = all(r"\b(OPTIN_[A-Z_]+)\b", &read(file));
        assert!(!named.is_empty(), "{file} names some");
        assert!(named.is_subset(&settings), "{file}: {:?}", named.difference(&settings));
    }
}

#[tokio::test]
async fn every_command_that_is_run_is_one() {
    let commands = [
        all(r#"(?m)^CMD \["(.+)"\]$"#, &read("Dockerfile")),
        all(r"(?m)^ +command: (.+)$", &read("compose.yaml")),
        all(r"run --rm (?:-T )?optin ([^>\n]+)", &read("docs/CONTAINER.md")),
    ];
    assert_eq!(commands.each_ref().map(BTreeSet::len), [1, 2, 4]);
    for command in commands.iter().flatten() {
        let words: Vec<_> = command.split(' ').chain(["--help"]).collect();
        run(optin(&words, &BTreeMap::new())).await.success();
    }
}

#[test]
fn the_image_is_built_by_the_projects_compiler() {
    let channel = all(r#"channel = "(.+)""#, &read("rust-toolchain.toml"));
    assert_eq!(all(r"(?m)^FROM rust:([\d.]+)-\w+ AS build$", &read("Dockerfile")), channel);
}

#[test]
fn what_is_built_in_gets_into_the_build() {
    let let_in = all(r"(?m)^!(.+)$", &read(".dockerignore"));
    let mut needed =
        all(r#"(?m)^ *#\[folder = "([^"/]+)"#, &sources().into_iter().map(read).collect::<String>());
    for file in sources() {
        let folder = file.parent().unwrap();
        for path in all(r#"include_(?:str|bytes)!\((?:concat!\()?"([^"]+)"#, &read(&file)) {
            // `src/commands/dev/../../../examples/news.toml` is in `examples`.
            let mut parts = Vec::new();
            for part in folder.join(path).components() {
                match part {
                    Component::ParentDir => _ = parts.pop(),
                    part => parts.push(part.as_os_str().to_str().unwrap().to_owned()),
                }
            }
            needed.insert(parts.swap_remove(0));
        }
    }
    assert!(needed.contains("templates") && needed.contains("examples") && needed.contains("sql"));
    assert!(needed.is_subset(&let_in), "{:?}", needed.difference(&let_in));
    assert!(let_in.iter().all(|name| Path::new(name).exists()), "{let_in:?}");
}

#[test]
fn the_containers_are_reached_from_this_machine_alone_and_hold_no_password() {
    let compose = read("compose.yaml");
    let ports = all(r#"(?m)^ +- "?([^"\n]*:\d+)"?$"#, &compose);
    assert_eq!(ports.len(), 2);
    assert!(ports.iter().all(|port| port.starts_with("127.0.0.1:")), "{ports:?}");
    for secret in [all(r"PASSWORD: (.+)", &compose), all(r"//\w+:(.+)@", &compose)] {
        assert!(!secret.is_empty() && secret.iter().all(|of| of.starts_with("${DB_PASSWORD")), "{secret:?}");
    }
    for kept in ["/.env", "/deploy/*"] {
        assert!(read(".gitignore").lines().any(|line| line == kept), "git leaves {kept} alone");
    }
}

#[tokio::test]
async fn where_there_are_no_certificates_the_database_is_not_blamed() {
    let none = tempfile::tempdir().unwrap();
    let settings = BTreeMap::from([
        ("OPTIN_DATABASE_URL", "postgresql://optin@127.0.0.1:1/optin".to_owned()),
        ("SSL_CERT_DIR", none.path().display().to_string()),
    ]);
    let mut command = optin(&["migrate"], &settings);
    command.env_remove("SSL_CERT_FILE");
    let said = run(command).await;
    assert!(said.refusal().contains("ca-certificates"), "{}", said.err);
}
