//! `optin webhook`: who is told that a list's feed has news.

use crate::house::database;
use crate::serve::site::{Site, count};

#[tokio::test]
async fn a_webhook_is_added_listed_given_another_secret_and_removed() {
    let site = Site::ready(&database(true).await, 1).await;
    let url = "https://shop.example/hooks/optin";
    let records = "SELECT count(*) FROM access_records WHERE act = 'webhook' AND operator = 'olga'";
    let recorded = async || count(&site.settings["OPTIN_DATABASE_URL"], records).await;
    assert_eq!(site.run(&["webhook", "list", "news"]).await.success(), "");

    let as_olga = ["--as", "olga"];
    let run = async |arguments: &[&str]| site.run(&[&["webhook"], arguments, &as_olga].concat()).await;
    let said = run(&["add", "news", url]).await;
    let secret = said.success().trim().to_owned();
    assert!(secret.starts_with("whsec_") && said.out.lines().count() == 1, "a secret, and nothing else");
    assert_eq!(recorded().await, 1);
    let listed = site.run(&["webhook", "list", "news"]).await.success().to_owned();
    let id = listed.split_whitespace().next().unwrap().to_owned();
    assert_eq!(listed, format!("{id}  {url}  well\n"));
    assert!(said.err.contains(&id), "{}", said.err);

    let said = run(&["rotate", "news", &id]).await;
    let other = said.success().trim().to_owned();
    assert!(other.starts_with("whsec_") && other != secret);
    assert_eq!(run(&["remove", "news", &id]).await.success(), "it is called no more\n");
    assert_eq!(site.run(&["webhook", "list", "news"]).await.success(), "");
    assert_eq!(recorded().await, 3);

    // What does not do is told, and changes nothing.
    for (arguments, told) in [
        (&["rotate", "news", &id][..], "no such webhook"),
        (&["remove", "news", &id], "no such webhook"),
        (&["remove", "news", "5d0a"], "no such webhook"),
        (&["add", "nosuch", url], "no list `nosuch`"),
        (&["add", "news", "http://shop.example/"], "https://"),
        (&["add", "news", "https://10.1.2.3/"], "OPTIN_WEBHOOK_NETWORKS"),
    ] {
        let said = run(arguments).await;
        assert!(said.refusal().contains(told), "{arguments:?}: {}", said.err);
    }
    let said = site.run(&["webhook", "add", "news", url, "--as", "igor"]).await;
    assert!(said.refusal().contains("no operator `igor`"), "{}", said.err);
    assert_eq!(site.run(&["webhook", "list", "news"]).await.success(), "");
}
