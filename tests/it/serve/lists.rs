//! Lists, as their owner sets them up at a terminal: `optin list`.

use optin::config::Config;
use optin::consent::list_file::ListFile;
use optin::consent::person::Person;
use optin::keys::KeyRing;
use optin::store::Store;
use optin::token::SubscriptionId;

use super::site::{Relay, Site, count, form};
use crate::house::{connect, database, languages, until};

const NEWS: &str = include_str!("../../../examples/news.toml");

/// Every option of the example, with those in use that are commented out there.
fn whole() -> String {
    let option = |line: &str| {
        let text = line.strip_prefix("# ").filter(|text| {
            text.starts_with('[') || text.split_once(" = ").is_some_and(|(key, _)| !key.contains(' '))
        });
        text.unwrap_or(line).to_owned()
    };
    NEWS.lines().map(option).collect::<Vec<_>>().join("\n")
}

/// A site without a list, and the file of one.
async fn site(relay: u16) -> (Site, String) {
    let site = Site::new(&database(true).await, relay).await;
    site.run(&["operator", "add", "olga", "--role", "admin"]).await.success();
    let file = site.path("list.toml");
    std::fs::write(&file, NEWS).unwrap();
    (site, file)
}

fn edit(file: &str, from: &str, to: &str) {
    let text = std::fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "{from}");
    std::fs::write(file, text.replacen(from, to, 1)).unwrap();
}

/// Everything that the database holds, but for the times of day in it.
async fn contents(site: &Site) -> String {
    let db = connect(&site.settings["OPTIN_DATABASE_URL"]).await;
    let mut all = String::new();
    for table in ["lists", "notices", "subscriptions", "outbox"] {
        let rows = db.query(&format!("SELECT t::text FROM {table} t ORDER BY 1"), &[]).await.unwrap();
        rows.iter().for_each(|row| all.push_str(row.get(0)));
    }
    // What the sealer does meanwhile is no change to a list.
    let rows = db.query("SELECT entry::text FROM trail_entries ORDER BY 1", &[]).await.unwrap();
    rows.iter().for_each(|row| all.push_str(row.get(0)));
    all
}

#[tokio::test]
async fn a_list_is_made_shown_changed_and_shown_again_as_its_file_says() {
    let (site, file) = site(1).await;
    assert!(site.run(&["list", "show"]).await.success().contains("examples/news.toml"));

    let before = contents(&site).await;
    assert!(site.run(&["list", "apply", &file, "--dry-run"]).await.success().contains("would be made"));
    assert_eq!(contents(&site).await, before, "a dry run changes nothing");
    assert!(site.run(&["list", "apply", &file]).await.success().contains("`news` is made, with number 1"));
    let made = contents(&site).await;
    assert!(site.run(&["list", "apply", &file]).await.success().contains("Nothing has been changed"));
    assert_eq!(contents(&site).await, made, "applied again, it changes nothing");

    std::fs::write(&file, whole()).unwrap();
    let said = site.run(&["list", "apply", &file, "--dry-run"]).await;
    let told = said.success();
    assert!(told.contains("list.store_ip\n  - off\n  + truncated\n"), "{told}");
    assert!(told.contains("list.after_signup.de\n  + https://"), "{told}");
    assert!(!told.contains("feed_days"), "what is the same is not told: {told}");
    assert_eq!(contents(&site).await, made);
    assert!(site.run(&["list", "apply", &file]).await.success().contains("its notice has version 1"));

    // What is shown is a file that says the same.
    let shown = site.run(&["list", "show", "news"]).await.success().to_owned();
    let spoken = languages();
    let spoken: Vec<&str> = spoken.iter().map(String::as_str).collect();
    let parse = |text: &str| ListFile::parse(text, &spoken).unwrap();
    assert_eq!(parse(&shown), parse(&whole()));
    assert!(shown.starts_with("# List 1\n# Notice: version 1, purpose 1, published 20"), "{shown}");
    std::fs::write(&file, &shown).unwrap();
    assert!(site.run(&["list", "apply", &file]).await.success().contains("Nothing has been changed"));
    assert!(!shown.contains("came back"));
    let bounced = "INSERT INTO bounces (list, day, letters)
                   VALUES (1, current_date, 2), (1, current_date - 20, 3), (1, current_date - 40, 5)";
    connect(&site.settings["OPTIN_DATABASE_URL"]).await.execute(bounced, &[]).await.unwrap();
    let shown = site.run(&["list", "show", "news"]).await;
    assert!(shown.success().contains("# 5 letters came back in the last 30 days\n"), "{}", shown.out);
    let all = site.run(&["list", "show"]).await;
    assert_eq!(all.success(), "1\tnews\tSampletown News\t0 active, 0 pending, 0 paused\n");
}

#[tokio::test]
async fn a_changed_text_is_published_as_what_its_owner_says_it_is() {
    let relay = Relay::open().await;
    let (site, file) = site(relay.port).await;
    site.run(&["list", "apply", &file]).await.success();
    let replica = site.serve().await;
    replica.sign_up("ann@example.org").await;
    assert_eq!(replica.press(&relay.confirm_link("ann@example.org").await).await, 200);
    let url = &site.settings["OPTIN_DATABASE_URL"];
    until("an empty outbox", async || count(url, "SELECT count(*) FROM outbox").await == 0).await;

    edit(&file, "about once a month", "once a month");
    let before = contents(&site).await;
    let said = site.run(&["list", "apply", &file]).await;
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("--correction") && said.err.contains("--new-purpose"), "{}", said.err);
    let said = site.run(&["list", "apply", &file, "--dry-run"]).await;
    assert!(
        said.success().contains("notice.en.purpose\n  - We will") && said.out.contains("1 person agreed")
    );
    assert!(contents(&site).await == before);
    let both = site.run(&["list", "apply", &file, "--correction", "--new-purpose"]).await;
    assert_eq!(both.code, Some(2));

    let said = site.run(&["list", "apply", &file, "--correction"]).await;
    assert!(
        said.success().ends_with("`optin notice announce news` tells 1 person of it by mail.\n"),
        "{}",
        said.out
    );
    assert!(!said.out.contains("off exports"), "{}", said.out);
    assert_eq!(site.exported().await, ["ann@example.org"], "her consent stands");
    assert!(replica.get("/lists/news?lang=en").await.1.contains("Version 2"));
    // Repeatable with its flag: the file says what there is.
    assert!(site.run(&["list", "apply", &file, "--correction"]).await.success().contains("Nothing has been"));

    edit(&file, "once a month: what is new", "once a week: what is new");
    let said = site.run(&["list", "apply", &file, "--new-purpose"]).await;
    assert!(said.success().contains("none of them is on an export before"), "{}", said.out);
    let follows =
        "1 person is off exports until they agree to it.\n`optin notice announce news` tells 1 person of it";
    assert!(said.out.contains(follows), "{}", said.out);
    assert_eq!(site.exported().await, [""; 0]);
    let shown = site.run(&["list", "show", "news"]).await;
    assert!(shown.success().contains("# Notice: version 3, purpose 2"), "{}", shown.out);
    assert!(shown.out.contains("# 1 person agreed to an earlier purpose"), "{}", shown.out);
    let entries = "SELECT count(*) FROM trail_entries WHERE get_byte(entry, 1) = 16";
    assert_eq!(count(&site.settings["OPTIN_DATABASE_URL"], entries).await, 3, "each version is in the trail");
}

#[tokio::test]
async fn p_cen_7_a_notice_that_does_not_tell_who_gets_the_data_and_where_it_is_kept_is_refused() {
    let (site, file) = site(1).await;
    for part in ["recipients", "storage", "legal_basis", "withdrawal"] {
        let without = NEWS.lines().filter(|line| !line.starts_with(part)).collect::<Vec<_>>().join("\n");
        std::fs::write(&file, without).unwrap();
        let said = site.run(&["list", "apply", &file]).await;
        assert_eq!((said.code, said.out.as_str()), (Some(1), ""));
        for lang in languages() {
            assert!(said.err.contains(&format!("\n  notice.{lang}.{part}: is missing: ")), "{}", said.err);
        }
        assert!(said.err.contains("GDPR Art. 13"), "{}", said.err);
    }
    assert_eq!(count(&site.settings["OPTIN_DATABASE_URL"], "SELECT count(*) FROM lists").await, 0);

    // What the notice tells is told when the data is collected.
    std::fs::write(&file, NEWS).unwrap();
    site.run(&["list", "apply", &file]).await.success();
    let (_, page) = site.serve().await.get("/lists/news?lang=en").await;
    for told in ["Sample Mail Ltd", "kept in Germany", "Article 6(1)(a) GDPR", "withdraw your consent"] {
        assert!(page.contains(told), "{told}");
    }
}

#[tokio::test]
async fn all_that_is_wrong_with_a_file_is_told_at_once_and_nothing_is_written() {
    let (site, file) = site(1).await;
    edit(&file, "lang = \"en\"", "lang = \"fr\"");
    edit(&file, "pending_ttl_hours = 72", "pending_ttl_hours = 0");
    edit(&file, "# [list.sender]", "[list.sender]\nmailbox = \"newsletter@example.org\"");
    let said = site.run(&["list", "apply", &file]).await;
    assert!(
        said.err.contains("list.toml is not yet as it should be:\n  list.pending_ttl_hours: "),
        "{}",
        said.err
    );
    assert!(said.err.contains("\n  list.lang: "), "{}", said.err);
    edit(&file, "lang = \"fr\"", "lang = \"en\"");
    edit(&file, "pending_ttl_hours = 0", "pending_ttl_hours = 72");
    let said = site.run(&["list", "apply", &file]).await;
    assert!(
        said.refusal().contains("list.sender.mailbox: must be"),
        "it is what letters come from: {}",
        said.err
    );
    std::fs::write(&file, "slug = ").unwrap();
    assert!(site.run(&["list", "apply", &file]).await.err.contains("line 1: "));
    assert!(
        site.run(&["list", "apply", "/nowhere.toml"])
            .await
            .refusal()
            .contains("/nowhere.toml cannot be read: No such file")
    );
    for arguments in [&["list", "show", "nobodys"][..], &["list", "close", "nobodys", "--yes"]] {
        assert!(site.run(arguments).await.refusal().contains("there is no list `nobodys`"));
    }
    assert_eq!(count(&site.settings["OPTIN_DATABASE_URL"], "SELECT count(*) FROM lists").await, 0);
}

#[tokio::test]
async fn a_list_that_an_earlier_version_wrote_can_still_be_changed_and_not_by_two_at_once() {
    let (site, file) = site(1).await;
    site.run(&["list", "apply", &file]).await.success();
    let db = connect(&site.settings["OPTIN_DATABASE_URL"]).await;
    let shorter = "UPDATE lists SET options = options - 'feed_days' - 'checkpoint_minutes' - 'store_ip'";
    db.execute(shorter, &[]).await.unwrap();
    edit(&file, "pending_ttl_hours = 72", "pending_ttl_hours = 48");
    assert!(site.run(&["list", "apply", &file]).await.success().contains("is changed"));

    // What somebody else has changed since it was read is not overwritten.
    let store = Store::open(&site.settings["OPTIN_DATABASE_URL"]).unwrap();
    let (list, notice) = store.find_list("news").await.unwrap().unwrap();
    db.execute("UPDATE lists SET options = jsonb_set(options, '{feed_days}', '7')", &[]).await.unwrap();
    let (options, now) = (list.options.clone(), list_time());
    assert!(!store.change_list(&list, &notice, &options, None, now, [0; 16]).await.unwrap());
}

fn list_time() -> jiff::Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

#[tokio::test]
async fn letters_come_from_the_lists_own_sender_with_its_prefix() {
    let relay = Relay::open().await;
    let (site, file) = site(relay.port).await;
    std::fs::write(&file, whole()).unwrap();
    site.run(&["list", "apply", &file]).await.success();
    let replica = site.serve().await;
    assert!(replica.sign_up("ann@example.org").await.status().as_u16() < 400);
    relay.confirm_link("ann@example.org").await;
    let letter = relay.nth(0).unwrap();
    assert_eq!(letter.from, ("Sampletown News".to_owned(), "news@example.org".to_owned()));
    assert!(letter.subject.starts_with("[News] Please confirm"), "{}", letter.subject);
}

#[tokio::test]
async fn p_cp_6_of_a_network_address_only_the_network_is_kept_under_seal_and_only_where_the_list_says_so() {
    let relay = Relay::open().await;
    let (mut site, file) = site(relay.port).await;
    site.settings.insert("OPTIN_PROXIES", "127.0.0.1".into());
    site.run(&["list", "apply", &file]).await.success();
    edit(&file, "slug = \"news\"", "slug = \"curious\"");
    edit(&file, "# store_ip", "store_ip");
    site.run(&["list", "apply", &file]).await.success();
    let replica = site.serve().await;
    for (path, email) in [("/lists/news", "ann@example.org"), ("/lists/curious", "bob@example.org")] {
        let request = replica.http.post(format!("{}{path}", replica.url)).form(&form(email));
        let answer = request.header("x-forwarded-for", "198.51.100.200, 192.0.2.77").send().await.unwrap();
        assert_eq!(answer.status(), 200);
        relay.confirm_link(email).await;
    }
    let config = Config::load(|name| site.settings.get(name).cloned()).unwrap();
    let keys = KeyRing::parse(&config.key_ring().unwrap().text).unwrap();
    let db = connect(&site.settings["OPTIN_DATABASE_URL"]).await;
    let mut kept = Vec::new();
    for row in
        db.query("SELECT list, id, seal, s::text FROM subscriptions s ORDER BY list", &[]).await.unwrap()
    {
        let id = SubscriptionId(row.get::<_, &[u8]>(1).try_into().unwrap());
        let person = Person::open(&keys, row.get::<_, i32>(0) as u32, id, row.get(2)).unwrap();
        assert!(!person.record.contains("192.0") && !row.get::<_, &str>(3).contains("192.0"));
        kept.push(person.network);
    }
    assert_eq!(kept, [None, Some("192.0.2.0/24".to_owned())]);
}

#[tokio::test]
async fn closing_a_list_erases_everybody_on_it_tells_nobody_and_leaves_a_whole_trail() {
    let relay = Relay::open().await;
    let (site, file) = site(relay.port).await;
    let url = &site.settings["OPTIN_DATABASE_URL"];
    site.run(&["list", "apply", &file]).await.success();
    edit(&file, "slug = \"news\"", "slug = \"other\"");
    site.run(&["list", "apply", &file]).await.success();
    let replica = site.serve().await;
    for who in ["ann@example.org", "bob@example.org", "cid@example.org"] {
        replica.sign_up(who).await;
        let confirm = relay.confirm_link(who).await;
        if who != "cid@example.org" {
            assert_eq!(replica.press(&confirm).await, 200);
        }
    }
    assert_eq!(replica.post("/lists/other", &form("dan@example.org")).await.status(), 200);
    relay.confirm_link("dan@example.org").await;
    until("two welcomes", async || relay.welcomes().len() == 2).await;

    let said = site.run(&["list", "close", "news"]).await;
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("--yes") && said.out.contains("3 people"), "{said:?}");
    assert_eq!(count(url, "SELECT count(*) FROM subscriptions WHERE list = 1").await, 3, "nothing was done");

    let said = site.run(&["list", "close", "news", "--yes"]).await;
    assert!(said.success().contains("3 people erased"), "{said:?}");
    assert_eq!(count(url, "SELECT count(*) FROM subscriptions WHERE list = 1").await, 0);
    assert_eq!(count(url, "SELECT count(*) FROM subscriptions").await, 1, "the other list keeps its people");
    assert_eq!(count(url, "SELECT count(*) FROM outbox").await, 0);
    let balance = "SELECT count(*) FILTER (WHERE get_byte(entry, 1) = 1) - count(*) FILTER (WHERE get_byte(entry, 1) = 2)
                   FROM trail_entries WHERE list = 1";
    assert_eq!(count(url, balance).await, 0);
    assert_eq!(relay.letters().len(), 6, "nobody was told");
    let last = "SELECT count(*) FROM trails t WHERE list = 1 AND public_size = size
                AND size = (SELECT count(*) FROM trail_entries e WHERE e.list = t.list)";
    assert_eq!(count(url, last).await, 1, "the final checkpoint is public, and signs for everything");

    // It stays closed: for its file, and for a second time of asking.
    edit(&file, "slug = \"other\"", "slug = \"news\"");
    assert!(site.run(&["list", "apply", &file]).await.refusal().contains("closed for ever"));
    assert!(site.run(&["list", "close", "news", "--yes"]).await.success().contains("0 people erased"));
    assert!(site.run(&["list", "show"]).await.success().contains("1\tnews\tSampletown News\tclosed\n"));
    assert!(site.run(&["list", "show", "news"]).await.success().contains("# List 1, closed for ever\n"));
}

#[tokio::test]
async fn a_signup_that_a_closing_met_under_way_is_swept_and_can_neither_be_confirmed_nor_exported() {
    let relay = Relay::open().await;
    let (site, file) = site(relay.port).await;
    let url = &site.settings["OPTIN_DATABASE_URL"];
    site.run(&["list", "apply", &file]).await.success();
    let replica = site.serve().await;
    replica.sign_up("ann@example.org").await;
    replica.sign_up("bob@example.org").await;
    let (ann, bob) =
        (relay.confirm_link("ann@example.org").await, relay.confirm_link("bob@example.org").await);
    assert_eq!(replica.press(&ann).await, 200);
    // As the closing leaves it before it erases.
    let db = connect(url).await;
    db.execute("UPDATE lists SET closed_at = now(), purpose = 0", &[]).await.unwrap();
    assert_eq!(replica.press(&bob).await, 200, "a calm page, and nothing is done");
    assert_eq!(count(url, "SELECT count(*) FROM subscriptions WHERE state = 1").await, 1);
    assert!(site.export(&[]).await.refusal().contains("closed"));
    drop(replica);
    // The next service to start sweeps.
    let _replica = site.serve().await;
    until("a swept list", async || count(url, "SELECT count(*) FROM subscriptions").await == 0).await;
}
