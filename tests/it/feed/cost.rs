//! What a poll costs that has nothing to tell.

use optin::store::sql::ALL;

use crate::house::{connect, database};

fn statement(name: &str) -> &'static str {
    ALL.iter().find(|(known, _)| *known == name).unwrap().1
}

/// How a prepared statement is run, as one text.
async fn plan(db: &tokio_postgres::Client, name: &str, arguments: &str) -> String {
    db.batch_execute(&format!("PREPARE {name} AS {}", statement(name))).await.unwrap();
    let explain = format!("EXPLAIN (ANALYZE, TIMING OFF, BUFFERS) EXECUTE {name}({arguments})");
    let lines = db.query(&explain, &[]).await.unwrap();
    lines.iter().map(|line| line.get::<_, String>(0) + "\n").collect()
}

#[tokio::test]
async fn a_poll_with_nothing_to_tell_looks_into_indexes_and_reads_no_news() {
    let db = connect(&database(true).await).await;
    db.batch_execute(
        "SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan; SET jit = off;
         INSERT INTO feeds (list, last) VALUES (1, 50000), (2, 10);
         INSERT INTO news (list, reference, n, day)
         SELECT 1 + n / 50001, substr(sha256(n::text::bytea), 1, 16), n, '2026-11-02' FROM generate_series(1, 60000) n;
         INSERT INTO subscriptions (list, id, address_key, state, notice, lang, seal, reference, withdrawn_commitment,
                                    signed_up_at, expires_at, confirmed_at)
         SELECT 1, substr(sha256(n::text::bytea), 1, 14), sha256(n::text::bytea), 2, 1, 'en', '',
                substr(sha256(n::text::bytea), 1, 16), sha256(n::text::bytea), now(), now(), now()
         FROM generate_series(48000, 50000) n;
         UPDATE news SET subscription = substr(reference, 1, 14);
         ANALYZE news; ANALYZE subscriptions",
    )
    .await
    .unwrap();
    let idle = plan(&db, "find_feed", "1, 50000").await;
    assert!(
        idle.contains("Index Only Scan Backward using news_n")
            || idle.contains("Index Scan Backward using news_n")
    );
    assert!(!idle.contains("Seq Scan"), "{idle}");
    // Pages of eight kilobytes: the list's feed, its trail, and one way down the index of news.
    let pages: u32 = idle
        .lines()
        .find_map(|line| line.trim().strip_prefix("Buffers: shared hit="))
        .and_then(|rest| rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok())
        .unwrap_or_else(|| panic!("{idle}"));
    assert!(pages <= 12, "{idle}");

    // A page of news goes by the primary key of those that it is about, and not through the list.
    let page = plan(&db, "select_news", "1, 49000, 100, 4").await;
    assert!(!page.contains("Seq Scan") && page.contains("using news_n"), "{page}");
    assert!(page.contains("rows=100"), "{page}");
    assert!(page.contains("using subscriptions_pkey") && !page.contains("subscriptions_address"), "{page}");
}

#[tokio::test]
async fn what_tells_somebody_who_had_their_data_reads_little_of_the_hours_of_years() {
    let db = connect(&database(true).await).await;
    // A hundred thousand entries: notices first, half of the rest of readers' hours, some exports, and people's.
    db.batch_execute(
        "INSERT INTO trail_entries (list, index, entry)
         SELECT 1, n, set_byte('\\x0100'::bytea, 1, CASE WHEN n < 3 THEN 16 WHEN n % 2 = 0 THEN 19
                                                         WHEN n % 999 = 0 THEN 17 ELSE 1 END)
                      || sha256(n::text::bytea) || sha256((-n)::text::bytea) || '\\x00000000'
         FROM generate_series(0, 99999) n;
         ANALYZE trail_entries",
    )
    .await
    .unwrap();
    let plan = plan(&db, "select_list_entries", "1, '{50001, 60001}', 50001, 10000").await;
    assert!(!plan.contains("Seq Scan on trail_entries"), "{plan}");
    let pages: u32 = plan
        .lines()
        .find_map(|line| line.trim().strip_prefix("Buffers: shared hit="))
        .and_then(|rest| rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok())
        .unwrap_or_else(|| panic!("{plan}"));
    assert!(pages < 100, "{plan}");
}
