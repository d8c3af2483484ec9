//! The schema, as the real database has it: what sql/README.md promises of every table.

use std::collections::BTreeMap;

use crate::house::{connect, database};

/// Tables whose rows belong to no list.
const OF_NO_LIST: [&str; 7] = [
    "access_tokens",
    "invitations",
    "key_fingerprints",
    "login_failures",
    "migrations",
    "operators",
    "sessions",
];

/// The columns of tables with a row for each person that may be sampled, because they tell of nobody.
const SAMPLED: [(&str, &[&str]); 6] = [
    ("access_records", &["act", "at", "list", "operator", "record"]),
    ("idempotency_keys", &["at", "list"]),
    ("news", &["day", "list", "n"]),
    ("outbox", &["attempts", "dead_at", "kind", "list", "status"]),
    ("subscriptions", &["lang", "list", "notice", "state"]),
    ("trail_entries", &["index", "list"]),
];

/// Two columns of text, gathered by the first.
async fn pairs(sql: &str) -> BTreeMap<String, Vec<String>> {
    let db = connect(&database(true).await).await;
    let mut pairs = BTreeMap::<String, Vec<String>>::new();
    for row in db.query(sql, &[]).await.unwrap() {
        pairs.entry(row.get(0)).or_default().push(row.get(1));
    }
    pairs
}

#[tokio::test]
async fn the_papers_tell_of_every_table() {
    let paper = std::fs::read_to_string("docs/ARCHITECTURE.md").unwrap();
    let tables = "SELECT tablename::text, '' FROM pg_tables WHERE schemaname = 'public'";
    for table in pairs(tables).await.keys() {
        let told = paper.lines().any(|line| {
            line.starts_with("| `") && line.split(" | ").next().unwrap().contains(&format!("`{table}`"))
        });
        assert!(told, "the table of tables in docs/ARCHITECTURE.md does not tell of {table}");
    }
}

#[tokio::test]
async fn the_keys_of_every_table_that_belongs_to_lists_begin_with_the_list() {
    // `slug` is how a list is found in the first place; `due_at`, what the postman asks of all lists at once;
    // `operator`, what somebody may who comes in.
    const OTHER: [&str; 3] = ["grants_operator", "lists_slug_key", "outbox_due"];
    let first_columns = pairs(
        "SELECT c.relname::text, i.relname::text || ' ' || a.attname
         FROM pg_index x JOIN pg_class c ON c.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = x.indkey[0]
         WHERE c.relnamespace = 'public'::regnamespace",
    )
    .await;
    assert!(first_columns.len() > OF_NO_LIST.len());
    for (table, indexes) in first_columns.iter().filter(|(table, _)| !OF_NO_LIST.contains(&table.as_str())) {
        for index in indexes {
            let (index, column) = index.split_once(' ').unwrap();
            assert!(
                column == "list" || OTHER.contains(&index),
                "{index} of {table} begins with {column}: let it begin with `list` (sql/README.md)"
            );
        }
    }
}

#[tokio::test]
async fn no_statistics_are_kept_of_a_column_that_tells_of_a_person() {
    let sampled = pairs(
        "SELECT c.relname::text, a.attname::text FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
         WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0
           AND NOT a.attisdropped AND a.attstattarget IS DISTINCT FROM 0
         ORDER BY 2",
    )
    .await;
    let names_a_person = "SELECT c.relname::text, a.attname::text
         FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
         WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
           AND (a.attname = 'subscription' OR c.relname IN ('subscriptions', 'trail_entries'))";
    for table in pairs(names_a_person).await.keys() {
        let known = SAMPLED.iter().find(|(of, _)| of == table).map(|(_, columns)| *columns);
        let known = known.unwrap_or_else(|| panic!("{table} has a row for each person: name it in SAMPLED"));
        assert_eq!(
            sampled[table], known,
            "a new column of {table} gets SET STATISTICS 0, or a place in SAMPLED if it tells of nobody"
        );
    }
}
