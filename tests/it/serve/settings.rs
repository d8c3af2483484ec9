//! Settings, and the small commands: exit codes, and one line that says what to do.

use std::collections::BTreeMap;
use std::fs::Permissions;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;

use optin::store::migrate::migrations;

use super::site::{CONTROLLER, Site};
use crate::house::{connect, database};
use crate::process::{free_port, is_here, optin, program, run};

/// Nobody listens there.
const NOWHERE: &str = "postgresql://optin:hunter2@127.0.0.1:1/optin";

#[tokio::test]
async fn serve_check_says_yes_to_good_settings_and_reaches_for_nothing() {
    let site = Site::new(NOWHERE, 1).await;
    assert_eq!(site.run(&["serve", "--check"]).await.success(), "The settings are good\n");
    // The same from a file alone.
    let mut settings = BTreeMap::from([("OPTIN_CONFIG", site.path("whole.toml"))]);
    let whole = format!(
        "database_url = \"{NOWHERE}\"\nkeys_file = \"{}\"\npublic_url = \"http://localhost:8080\"\n\
         smtp_url = \"smtp://relay.example\"\n{CONTROLLER}",
        site.path("keys.toml")
    );
    std::fs::write(site.path("whole.toml"), whole).unwrap();
    run(optin(&["serve", "--check"], &settings)).await.success();
    // The environment goes before the file.
    settings.insert("OPTIN_SMTP_URL", "gopher://relay.example".into());
    assert!(run(optin(&["serve", "--check"], &settings)).await.refusal().contains("OPTIN_SMTP_URL"));
}

#[tokio::test]
async fn serve_check_names_the_one_setting_to_mend_and_shows_no_secret() {
    let site = Site::new(NOWHERE, 1).await;
    let file = |name: &str, text: &str| {
        std::fs::write(site.path(name), text).unwrap();
        std::fs::set_permissions(site.path(name), Permissions::from_mode(0o600)).unwrap();
        site.path(name)
    };
    let nobody = file("nobody.toml", "");
    let silent = file("silent.toml", &CONTROLLER.replace("privacy@example.org", " "));
    let mistyped = file("mistyped.toml", &format!("lisen = \"x\"\n{CONTROLLER}"));
    let senderless = file("senderless.toml", &CONTROLLER.replace("newsletter@example.org", "newsletter"));
    let keys = std::fs::read_to_string(site.path("keys.toml")).unwrap();
    let half = file("half.toml", &keys[..keys.len() / 2]);
    let half_named = format!("{half} cannot be used: the key ring");
    let line_3 = format!("{}, line 3: ", site.path("broken.toml"));
    let broken = file("broken.toml", "listen = \"127.0.0.1:1\"\n\ndatabase_url = \"hunter2\n");
    for (setting, value, told) in [
        ("OPTIN_CONFIG", nobody.as_str(), "no controller"),
        ("OPTIN_CONFIG", &silent, "`complaints` is empty"),
        ("OPTIN_CONFIG", &mistyped, "lisen"),
        ("OPTIN_CONFIG", &senderless, "`mail`"),
        ("OPTIN_CONFIG", &broken, &line_3),
        ("OPTIN_CONFIG", "/nowhere/optin.toml", "/nowhere/optin.toml cannot be read"),
        ("OPTIN_DATABASE_URL", "", "OPTIN_DATABASE_URL is not set"),
        ("OPTIN_DATABASE_URL", "mysql://optin:hunter2@db.example/optin", "OPTIN_DATABASE_URL"),
        ("OPTIN_PUBLIC_URL", "", "OPTIN_PUBLIC_URL is not set"),
        ("OPTIN_PUBLIC_URL", "http://optin.example", "https://"),
        ("OPTIN_PUBLIC_URL", "https://optin.example/path", "OPTIN_PUBLIC_URL"),
        ("OPTIN_SMTP_URL", "", "OPTIN_SMTP_URL is not set"),
        ("OPTIN_SMTP_URL", "smtp://optin:hunter2@", "OPTIN_SMTP_URL cannot be used: the relay's URL"),
        (
            "OPTIN_SMTP_URL",
            "smtp://relay.example, smtps://optin:hunter2@m%20ail",
            "OPTIN_SMTP_URL cannot be used: the second of its URLs: the relay's URL",
        ),
        ("OPTIN_LETTERS_PER_MINUTE", "0", "OPTIN_LETTERS_PER_MINUTE is not a whole number"),
        ("OPTIN_DESK_URL", "https://desk.example", "OPTIN_PRIVATE_LISTEN is not set"),
        ("OPTIN_KEYS_FILE", "", "OPTIN_KEYS_FILE is not set"),
        ("OPTIN_KEYS_FILE", "/nowhere/keys.toml", "/nowhere/keys.toml cannot be read"),
        ("OPTIN_KEYS_FILE", &half, &half_named),
        ("OPTIN_KEYS", "nonsense", "OPTIN_KEYS cannot be used: the key ring"),
        ("OPTIN_LISTEN", "everywhere", "OPTIN_LISTEN"),
        ("OPTIN_PRIVATE_LISTEN", "8081", "OPTIN_PRIVATE_LISTEN"),
        ("OPTIN_PROXIES", "localhost", "OPTIN_PROXIES"),
        ("OPTIN_WEBHOOK_NETWORKS", "intranet", "OPTIN_WEBHOOK_NETWORKS"),
        ("OPTIN_LMTP_LISTEN", "2526", "OPTIN_LMTP_LISTEN is not an address and port"),
        ("OPTIN_LMTP_LISTEN", "unix:optin.sock", "OPTIN_LMTP_LISTEN"),
        ("OPTIN_AUTHSERV_ID", "mx one", "OPTIN_AUTHSERV_ID is not the name of a mail server"),
        ("OPTIN_TEMPLATES_DIR", "/nowhere/templates", "/nowhere/templates"),
        ("OPTIN_TRAIL_MIRROR", "/nowhere/mirrors", "/nowhere/mirrors"),
        ("OPTIN_TRAIL_MIRROR", "/dev", "holds no mirror"),
    ] {
        let said = run(optin(&["serve", "--check"], &site.with(setting, value))).await;
        let line = said.refusal();
        assert!(line.contains(told), "{setting}={value}: {line}");
        assert!(!line.contains("hunter2") && !line.contains(&keys[keys.len() / 4..keys.len() / 2]), "{line}");
    }
}

#[tokio::test]
async fn wrong_usage_is_answered_with_exit_code_2_and_nothing_is_done() {
    let site = Site::new(NOWHERE, 1).await;
    for arguments in [
        &[][..],
        &["serve", "--fast"],
        &["sell"],
        &["export"],
        &["export", "news", "--as", "olga", "--format", "xls"],
    ] {
        let said = site.run(arguments).await;
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(said.err.contains("help"), "it tells where to read on: {}", said.err);
    }
    for arguments in [&["--help"][..], &["--version"], &["serve", "--help"]] {
        assert!(!site.run(arguments).await.success().is_empty());
    }
}

#[tokio::test]
async fn keys_new_writes_a_ring_for_its_owner_alone_and_never_over_another() {
    let site = Site::new(NOWHERE, 1).await;
    let path = site.path("new.toml");
    let said = site.run(&["keys", "new", &path]).await;
    assert!(said.success().contains(&path) && said.err.is_empty());
    let ring = std::fs::read_to_string(&path).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
    assert_ne!(ring, std::fs::read_to_string(site.path("keys.toml")).unwrap());

    let said = site.run(&["keys", "new", &path]).await;
    assert!(said.refusal().contains(&format!("{path} exists already and is left alone")), "{}", said.err);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), ring, "not touched");
    site.run(&["keys", "new", &site.path("no/such/folder")]).await.refusal();
}

#[tokio::test]
async fn serve_refuses_a_database_that_is_behind_until_it_is_migrated() {
    let url = database(false).await;
    let site = Site::new(&url, 1).await;
    let said = site.run(&["serve"]).await;
    assert!(said.refusal().contains("`optin migrate`"), "{}", said.err);

    // Two at once, as when two replicas are rolled out: one applies, the other waits and finds nothing to do.
    let (one, two) = tokio::join!(site.run(&["migrate"]), site.run(&["migrate"]));
    for said in [&one, &two].map(|said| said.success()) {
        assert_eq!(said.starts_with("1 migration applied; "), said.starts_with("1 "), "{said}");
    }
    let counts = [&one, &two].map(|said| said.success().split(' ').next().unwrap().parse::<usize>().unwrap());
    assert_eq!(counts.iter().sum::<usize>(), migrations().len(), "each is applied once");
    site.furnish().await;
    assert_eq!(site.serve().await.get("/lists/news").await.0, 200);
}

#[tokio::test]
async fn serve_and_export_refuse_a_key_ring_that_the_database_does_not_know() {
    let url = database(true).await;
    let site = Site::ready(&url, 1).await;
    site.run(&["keys", "new", &site.path("other.toml")]).await.success();
    let wrong = site.with("OPTIN_KEYS_FILE", &site.path("other.toml"));
    for arguments in [&["serve"][..], &["export", "news", "--as", "olga"]] {
        let said = run(optin(arguments, &wrong)).await;
        assert!(said.refusal().contains("give the right key ring"), "{}", said.err);
    }
    site.serve().await;
}

#[tokio::test]
async fn an_export_leaves_the_choice_of_the_key_ring_to_the_service() {
    let url = database(true).await;
    let site = Site::new(&url, 1).await;
    site.run(&["keys", "new", &site.path("other.toml")]).await.success();
    let wrong = site.with("OPTIN_KEYS_FILE", &site.path("other.toml"));
    run(optin(&["export", "news", "--as", "olga"], &wrong)).await.refusal();
    let noted = "SELECT count(*) FROM key_fingerprints";
    assert_eq!(connect(&url).await.query_one(noted, &[]).await.unwrap().get::<_, i64>(0), 0);
}

#[tokio::test]
async fn commands_that_need_a_database_say_so_in_one_line_when_it_is_away() {
    let site = Site::new(NOWHERE, 1).await;
    for arguments in
        [&["serve"][..], &["migrate"], &["operator", "add", "olga"], &["export", "news", "--as", "olga"]]
    {
        let said = site.run(arguments).await;
        let line = said.refusal();
        assert!(line.contains("database cannot be reached") && !line.contains("hunter2"), "{line}");
    }
}

#[tokio::test]
async fn what_the_database_refuses_is_told_with_what_to_do_and_without_a_name() {
    let (url, empty) = (database(true).await, database(false).await);
    let db = connect(&url).await;
    db.batch_execute("CREATE ROLE guest LOGIN PASSWORD 'hunter2'").await.unwrap();
    let (server, _) = url.rsplit_once('/').unwrap();
    for (database_url, arguments, told) in [
        (format!("{server}/nosuch"), &["migrate"][..], "there is no such database: create it"),
        (format!("{server}/nosuch"), &["serve"], "there is no such database: create it"),
        (url.replace("optin@", "stranger:hunter2@"), &["serve"], "the database does not let this user in"),
        (empty.replace("optin@", "guest:hunter2@"), &["migrate"], "make it the owner of the database"),
        (empty.clone(), &["operator", "add", "igor"], "not up to date: run `optin migrate`"),
        (empty.clone(), &["export", "news", "--as", "olga"], "not up to date: run `optin migrate`"),
    ] {
        let said = Site::new(&database_url, 1).await.run(arguments).await;
        let line = said.refusal();
        assert!(line.contains(told), "{arguments:?}: {line}");
        for name in ["SQLSTATE", "nosuch", "stranger", "guest", "hunter2", "operators"] {
            assert!(!line.contains(name), "{line}");
        }
    }
}

#[tokio::test]
async fn a_busy_port_is_told_with_the_setting_that_chose_it() {
    let site = Site::ready(&database(true).await, 1).await;
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = taken.local_addr().unwrap();
    for (busy, free) in [("OPTIN_LISTEN", "OPTIN_PRIVATE_LISTEN"), ("OPTIN_PRIVATE_LISTEN", "OPTIN_LISTEN")] {
        let mut settings = site.with(busy, &at.to_string());
        settings.insert(free, format!("127.0.0.1:{}", free_port()));
        let said = run(optin(&["serve"], &settings)).await;
        let line = said.err.lines().last().unwrap();
        assert_eq!(said.code, Some(1));
        assert!(line.contains(&at.to_string()) && line.contains(&format!("with {busy})")), "{line}");
    }
}

#[tokio::test]
async fn serve_and_export_refuse_a_key_ring_that_others_can_read() {
    let site = Site::ready(&database(true).await, 1).await;
    std::fs::set_permissions(site.path("keys.toml"), Permissions::from_mode(0o640)).unwrap();
    for arguments in [&["serve", "--check"][..], &["serve"], &["export", "news", "--as", "olga"]] {
        let said = site.run(arguments).await;
        let what_to_do = format!("`chmod 600 {}`", site.path("keys.toml"));
        assert!(said.refusal().contains(&what_to_do), "{}", said.err);
    }
}

#[tokio::test]
async fn completions_are_scripts_that_know_the_commands() {
    let site = Site::new(NOWHERE, 1).await;
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let said = site.run(&["completions", shell]).await;
        for word in ["migrate", "export", "--data-dir", "completions"] {
            assert!(said.success().contains(word.trim_start_matches('-')), "{shell} does not know {word}");
        }
    }
    if is_here("bash").await {
        let script = site.run(&["completions", "bash"]).await;
        std::fs::write(site.path("optin.bash"), script.success()).unwrap();
        let mut bash = program("bash");
        bash.args(["-n", &site.path("optin.bash")]);
        let read = run(bash).await;
        assert_eq!((read.success(), read.err.as_str()), ("", ""));
    }
}

#[tokio::test]
async fn the_settings_that_the_readme_shows_are_good() {
    let site = Site::new(NOWHERE, 1).await;
    let readme = std::fs::read_to_string("README.md").unwrap();
    let shown = readme.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let ours = shown.replace("/etc/optin/keys.toml", &site.path("keys.toml"));
    assert_ne!(shown, ours, "the key ring is ours");
    std::fs::write(site.path("shown.toml"), ours).unwrap();
    let settings = BTreeMap::from([("OPTIN_CONFIG", site.path("shown.toml"))]);
    assert_eq!(run(optin(&["serve", "--check"], &settings)).await.success(), "The settings are good\n");
}
