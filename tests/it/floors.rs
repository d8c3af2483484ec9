//! The floors of the house, as the map in `src/lib.rs` tells them: a file imports only from floors below its own.

mod reader;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

use reader::{code_of, paths_in};

/// Who on one floor may use whom: the left the right, never the other way round.
const SIDEWAYS: [(&str, &str); 5] = [
    ("config", "site"),
    ("config", "toml_fault"),
    ("links", "token"),
    ("templates", "words"),
    ("words", "toml_fault"),
];

/// Crates that only these rooms name.
const KEPT_IN: [(&str, &[&str]); 6] = [
    ("warp", &["web", "journeys"]),
    ("tokio_postgres", &["store"]),
    ("deadpool_postgres", &["store"]),
    ("tokio_postgres_rustls", &["store"]),
    ("lettre", &["mail"]),
    ("reqwest", &["chores", "commands"]),
];

/// What applies a change, and the only files that name it.
const WRITE_DOOR: [&str; 3] = ["src/store/door.rs", "src/store/record.rs", "src/store/record/"];

/// The floor of each room.
type Floors = BTreeMap<String, u32>;

fn floors() -> Floors {
    let map = fs::read_to_string("src/lib.rs").unwrap();
    let row = Regex::new(r"(?m)^//! \| (\d) \| ([^|]+) \|").unwrap();
    let name = Regex::new(r"\[`(\w+)`\]").unwrap();
    let mut floors = Floors::new();
    for row in row.captures_iter(&map) {
        for room in name.captures_iter(&row[2]) {
            floors.insert(room[1].to_owned(), row[1].parse().unwrap());
        }
    }
    floors
}

/// Every source file but those of tests.
fn sources() -> Vec<PathBuf> {
    let mut folders = vec![PathBuf::from("src")];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for item in fs::read_dir(folder).unwrap() {
            let path = item.unwrap().path();
            let is_test = path.file_stem().is_some_and(|name| name == "tests");
            if path.is_dir() && !is_test {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs") && !is_test {
                files.push(path);
            }
        }
    }
    files
}

/// The module that a file is: `src/store/cluster/place.rs` is `store::cluster::place`.
fn module_of(file: &Path) -> Vec<String> {
    let module = file.strip_prefix("src").unwrap().with_extension("");
    let parts = module.iter().map(|part| part.to_str().unwrap().to_owned());
    parts.filter(|part| !["mod", "lib", "main"].contains(&part.as_str())).collect()
}

/// What a file's imports do that they should not, in words.
fn faults(file: &Path, text: &str, floors: &Floors) -> Vec<String> {
    let module = module_of(file);
    let Some(room) = module.first() else { return Vec::new() };
    let mut faults = Vec::new();
    for path in paths_in(&code_of(text), &module) {
        let told = path.join("::");
        if path[0] != "crate" {
            let keepers = KEPT_IN.iter().find(|(name, _)| *name == path[0]);
            if keepers.is_some_and(|(_, rooms)| !rooms.contains(&room.as_str())) {
                faults.push(format!("{told} does not belong here"));
            }
            continue;
        }
        let Some(other) = path.get(1).filter(|other| floors.contains_key(*other)) else { continue };
        let (own, theirs) = (floors.get(room).copied().unwrap_or(0), floors[other]);
        if other == room {
            let is_writer = WRITE_DOOR.iter().any(|writer| file.starts_with(writer));
            if path.get(..4).is_some_and(|of| of[1..] == ["store", "record", "Change"]) && !is_writer {
                faults.push(format!("{told} is the write door's alone"));
            }
            if room == "journeys" && module.len() > 1 && path.get(2) != module.get(1) {
                faults.push(format!("{told} is another journey"));
            }
        } else if theirs > own {
            faults.push(format!("{told} is upstairs"));
        } else if theirs == own && !SIDEWAYS.contains(&(room, other)) {
            faults.push(format!("{told} is next door"));
        }
    }
    faults
}

#[test]
fn a_file_imports_only_from_floors_below_its_own() {
    let (floors, files) = (floors(), sources());
    assert!(files.len() > 60, "the house has been found");
    let mut all = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        all.extend(
            faults(&file, &text, &floors).into_iter().map(|fault| format!("{}: {fault}", file.display())),
        );
    }
    assert!(all.is_empty(), "{all:#?}");
}

#[test]
fn the_map_knows_every_room() {
    let mut rooms: Vec<String> =
        sources().iter().filter_map(|file| module_of(file).first().cloned()).collect();
    rooms.sort();
    rooms.dedup();
    assert_eq!(floors().into_keys().collect::<Vec<_>>(), rooms);
    let lib = fs::read_to_string("src/lib.rs").unwrap();
    assert!(rooms.iter().all(|room| lib.contains(&format!("pub mod {room};"))));
}

#[test]
fn what_must_not_be_imported_is_noticed_however_it_is_written() {
    let floors = floors();
    let found = |file: &str, text: &str| faults(Path::new(file), text, &floors);
    for (file, text, fault) in [
        ("src/consent/list.rs", "use crate::store::Store;", "crate::store::Store is upstairs"),
        (
            "src/consent/list.rs",
            "use crate::{keys::KeyRing, store::{self, sql}};",
            "crate::store is upstairs",
        ),
        ("src/consent/list.rs", "use crate::{keys, app::App as A};", "crate::app::App is upstairs"),
        ("src/consent/list.rs", "use super::super::web::{form};", "crate::web::form is upstairs"),
        ("src/consent/list.rs", "fn f() { crate::mail::relay::go(); }", "crate::mail::relay::go is upstairs"),
        ("src/consent/list.rs", "pub use crate::chores::*;", "crate::chores is upstairs"),
        ("src/store/door.rs", "use crate::mail::inbox::Inbox;", "crate::mail::inbox::Inbox is next door"),
        ("src/web/form.rs", "use crate::chores::postman;", "crate::chores::postman is next door"),
        ("src/token.rs", "use crate::links::Links;", "crate::links::Links is next door"),
        (
            "src/journeys/leave.rs",
            "use super::confirm::confirm;",
            "crate::journeys::confirm::confirm is another journey",
        ),
        (
            "src/journeys/signup/page.rs",
            "use crate::journeys::leave;",
            "crate::journeys::leave is another journey",
        ),
        ("src/commands/serve.rs", "let s = warp::service(x);", "warp::service does not belong here"),
        (
            "src/chores/postman.rs",
            "use tokio_postgres::{Row, Client};",
            "tokio_postgres::Row does not belong here",
        ),
        ("src/app.rs", "use lettre;", "lettre does not belong here"),
        (
            "src/store/lists.rs",
            "use super::record::{Change, number};",
            "crate::store::record::Change is the write door's alone",
        ),
        (
            "src/store/mod.rs",
            "fn f<C: record::Change>() {}",
            "crate::store::record::Change is the write door's alone",
        ),
    ] {
        assert_eq!(found(file, text).first().map(String::as_str), Some(fault), "{file}: {text}");
    }
    for (file, text) in [
        ("src/commands/serve.rs", "use crate::{app::App, web::server::{Limits, serve}};"),
        ("src/links.rs", "use crate::token::Token;"),
        ("src/journeys/signup/page.rs", "use super::form::Form; use crate::journeys::signup::Faults;"),
        ("src/journeys/mod.rs", "use warp::Filter; fn f() { confirm::handle(); }"),
        ("src/store/door.rs", "use super::record::{Applied, Change}; use tokio_postgres::error::SqlState;"),
        (
            "src/token.rs",
            "// use crate::app::App;\n/* crate::web */ const A: &str = \"crate::store\"; const B: char = '\"';",
        ),
        ("src/token.rs", "#[cfg(test)]\nmod tests { use crate::app::App; fn f() { if true { x } } }"),
        ("src/token.rs", "fn f<'a>(a: &'a str) -> &'a str { r#\"crate::app\"#; a }"),
    ] {
        assert_eq!(found(file, text), Vec::<String>::new(), "{file}: {text}");
    }
    let after = "#[cfg(test)]\nmod tests { fn f() { g('{') } }\nuse crate::app::App;";
    assert_eq!(found("src/token.rs", after), ["crate::app::App is upstairs"], "only the tests are left out");
}
