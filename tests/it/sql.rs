//! Every statement fits the schema, lies in a file of its own, and names the list.

use std::collections::BTreeSet;

use optin::store::sql::ALL;
use regex::Regex;

use crate::house::{connect, database};

const VERBS: [&str; 20] = [
    "announce", "append", "apply", "bury", "close", "count", "delay", "delete", "export", "find", "finish",
    "hurry", "insert", "lease", "lock", "postpone", "renew", "select", "sequence", "update",
];

/// Tables that grow with the number of people.
const LARGE: &str = "subscriptions|outbox|trail_entries|news";

/// What chores ask of all lists at once; nobody waits for it.
const ACROSS_LISTS: [&str; 5] = [
    "delete_dead_letters",
    "hurry_letters",
    "lease_letter",
    "select_expired_corrections",
    "select_expired_signups",
];

#[tokio::test]
async fn every_statement_fits_the_schema() {
    let db = connect(&database(true).await).await;
    for (name, sql) in ALL {
        let statement = db.prepare(sql).await;
        statement.unwrap_or_else(|error| panic!("{name}: {:?}", error.as_db_error()));
    }
}

#[test]
fn every_file_of_a_statement_is_known_and_named_verb_noun() {
    let files: BTreeSet<String> = std::fs::read_dir("sql/queries")
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    let known: BTreeSet<String> = ALL.iter().map(|(name, _)| format!("{name}.sql")).collect();
    assert_eq!(files, known, "in sql/queries, and in src/store/sql.rs");
    assert_eq!(ALL.len(), known.len(), "none is listed twice");
    let shape = Regex::new("^([a-z]+)(_[a-z]+)+$").unwrap();
    for (name, sql) in ALL {
        let verb = shape.captures(name).map(|parts| parts[1].to_owned());
        assert!(verb.is_some_and(|verb| VERBS.contains(&verb.as_str())), "{name} is not verb_noun");
        assert!(!body(sql).contains(';'), "{name} is more than one statement");
    }
}

#[test]
fn statements_on_large_tables_name_the_list() {
    for (name, sql) in ALL.iter().filter(|(name, _)| !ACROSS_LISTS.contains(name)) {
        assert_eq!(unlisted(sql), Vec::<String>::new(), "{name}");
    }
    for name in ACROSS_LISTS {
        assert!(ALL.iter().any(|(known, sql)| *known == name && !unlisted(sql).is_empty()), "{name}");
    }
}

#[test]
fn a_statement_that_forgets_the_list_is_noticed() {
    assert_eq!(unlisted("SELECT 1 FROM subscriptions WHERE id = $1"), ["subscriptions"]);
    assert_eq!(unlisted("-- $1 list, list = $1\nDELETE FROM outbox WHERE kind = 1"), ["outbox"]);
    assert_eq!(
        unlisted("SELECT 1 FROM lists l JOIN subscriptions s ON s.id = $1 WHERE l.list = $1"),
        ["subscriptions"]
    );
    assert_eq!(unlisted("INSERT INTO trail_entries (entry) SELECT $1"), ["trail_entries"]);
    assert_eq!(
        unlisted("DELETE FROM outbox o USING gone g WHERE o.list = $1 AND o.subscription = g.id"),
        Vec::<String>::new()
    );
    assert_eq!(unlisted("INSERT INTO outbox AS o (list, kind) SELECT $1, 2"), Vec::<String>::new());
}

/// The large tables that a statement uses without naming the list.
fn unlisted(sql: &str) -> Vec<String> {
    let sql = body(sql);
    let uses =
        Regex::new(&format!(r"\b(FROM|JOIN|UPDATE|INTO|USING)\s+({LARGE})\b(?:\s+(?:AS\s+)?([a-z])\b)?"))
            .unwrap();
    let unlisted = uses.captures_iter(&sql).filter(|found| {
        let rest = &sql[found.get(0).unwrap().end()..];
        let listed = match (&found[1], found.get(3)) {
            ("INTO", _) => rest.trim_start().starts_with("(list,"),
            (_, Some(alias)) => rest.contains(&format!("{}.list = ", alias.as_str())),
            _ => Regex::new(r"\bWHERE list = \$1\b").unwrap().is_match(rest),
        };
        !listed
    });
    unlisted.map(|found| found[2].to_owned()).collect()
}

fn body(sql: &str) -> String {
    sql.lines().filter(|line| !line.trim().starts_with("--")).collect::<Vec<_>>().join("\n")
}
