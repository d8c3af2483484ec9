//! Letters to a Postfix on another machine: over TLS that is checked, and with a password. The real program sends them,
//! since it is the process's environment that names the authorities that it trusts.

use super::certificates::Authority;
use super::mta::{self, Files, Postfix};
use crate::house::{connect, database, until};
use crate::process::free_port;
use crate::serve::site::{Relay, Replica, Site};

const ANN: &str = "ann@example.org";
const PASSWORD: &str = "correct-horse";

/// A Postfix with one of the submission ports, whose certificate says `localhost`.
struct Remote {
    postfix: Postfix,
    readers: Relay,
    authority: Authority,
    port: u16,
}

impl Remote {
    async fn open(service: &str) -> Remote {
        let (readers, authority, port) = (Relay::open().await, Authority::called("Ours"), free_port());
        let files = Files::new(readers.port);
        files.uncomment(service, |block| block.replacen(service, &format!("127.0.0.1:{port}"), 1));
        files.set("smtpd_tls_chain_files", authority.chain_for("localhost").to_str().unwrap());
        files.give_password("optin", PASSWORD);
        Remote { postfix: files.start(), readers, authority, port }
    }
}

/// A service on these settings, at which Ann has signed up. Once she has, it changes nothing that she does it again.
async fn asked(site: &mut Site, smtp_url: String, trusted: &Authority) -> Replica {
    site.settings.insert("OPTIN_SMTP_URL", smtp_url);
    site.settings.insert("SSL_CERT_FILE", trusted.file().display().to_string());
    let db = connect(&site.settings["OPTIN_DATABASE_URL"]).await;
    db.batch_execute("UPDATE outbox SET status = NULL, due_at = now()").await.unwrap();
    let replica = site.serve().await;
    assert_eq!(replica.sign_up(ANN).await.status(), 200);
    replica
}

/// What became of the first attempt, if the letter is kept for another.
async fn why_it_waits(site: &Site, replica: &Replica) -> String {
    let db = connect(&site.settings["OPTIN_DATABASE_URL"]).await;
    let status = async || {
        let letter = db.query_one("SELECT status, dead_at IS NULL FROM outbox", &[]).await.unwrap();
        assert!(letter.get::<_, bool>(1), "it is not given up");
        letter.get::<_, Option<String>>(0)
    };
    until("an attempt", async || status().await.is_some()).await;
    assert!(replica.get("/readyz").await.1.contains(r#""relay":"down""#));
    status().await.unwrap()
}

/// A letter waits while the relay is not who it should be or does not know us, and goes once all is right. `url` makes
/// the relay's URL from a password, a host and a port.
async fn goes_only_to_whom_it_should(service: &str, url: impl Fn(&str, &str, u16) -> String) {
    let remote = Remote::open(service).await;
    let Remote { postfix, readers, authority, port } = &remote;
    let site = &mut Site::ready(&database(true).await, 1).await;
    let stranger = Authority::called("Another's");
    for (url, trusted, status) in [
        (url(PASSWORD, "localhost", *port), &stranger, "4.7.5"),
        (url(PASSWORD, "127.0.0.1", *port), authority, "4.7.5"),
        (url("wrong", "localhost", *port), authority, "4.7.8"),
    ] {
        let replica = asked(site, url, trusted).await;
        assert_eq!(why_it_waits(site, &replica).await, status);
    }
    assert!(readers.letters().is_empty() && !postfix.log().contains("sasl_method="), "nobody came in");

    let replica = asked(site, url(PASSWORD, "localhost", *port), authority).await;
    assert_eq!(replica.press(&readers.confirm_link(ANN).await).await, 200);
    until("the welcome", async || readers.welcomes().len() == 1).await;
    let log = postfix.log();
    let came_in = format!("postfix/{service}/smtpd");
    assert!(
        log.lines()
            .any(|line| line.contains(&came_in) && line.contains("sasl_method=PLAIN, sasl_username=optin")),
        "{log}"
    );
}

#[tokio::test]
async fn with_implicit_tls_a_letter_goes_only_to_whom_it_should() {
    if mta::is_here() {
        let url = |password: &str, host: &str, port| format!("smtps://optin:{password}@{host}:{port}");
        goes_only_to_whom_it_should("submissions", url).await;
    }
}

#[tokio::test]
async fn with_starttls_a_letter_goes_only_to_whom_it_should() {
    if mta::is_here() {
        let url =
            |password: &str, host: &str, port| format!("smtp://optin:{password}@{host}:{port}?tls=required");
        goes_only_to_whom_it_should("submission", url).await;
    }
}

#[tokio::test]
async fn where_tls_is_required_and_not_offered_a_letter_waits() {
    if !mta::is_here() {
        return;
    }
    let readers = Relay::open().await;
    let postfix = Files::new(readers.port).start();
    let site = &mut Site::ready(&database(true).await, 1).await;
    let url = format!("{}?tls=required", postfix.smtp_url());
    let replica = asked(site, url, &Authority::called("Ours")).await;
    assert_eq!(why_it_waits(site, &replica).await, "4.7.4");
    assert!(readers.letters().is_empty());
}
