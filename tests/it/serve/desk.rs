//! The desk of a service as its operator sets it up.

use optin::consent::operator::Role;
use reqwest::StatusCode;
use reqwest::header::SET_COOKIE;

use super::site::Site;
use crate::house::database;
use crate::house::desk::PASSWORD;
use crate::process::{free_port, optin, run};

/// The link of an invitation of olga from the terminal.
async fn invitation(site: &Site) -> String {
    site.run(&["operator", "invite", "olga"]).await.success().trim().to_owned()
}

/// Sets her password by it.
async fn join(http: &reqwest::Client, link: &str) -> reqwest::Response {
    http.post(link).form(&[("password", PASSWORD), ("again", PASSWORD)]).send().await.unwrap()
}

#[tokio::test]
async fn p_cen_5_what_is_stored_is_reached_by_few_and_travels_encrypted() {
    let site = Site::ready(&database(true).await, free_port()).await;
    // Nobody is served in the clear. That TLS to database and relay is kept to where it is asked for is tested there.
    let clear = site.with("OPTIN_PUBLIC_URL", "http://optin.example");
    let said = run(optin(&["serve", "--check"], &clear)).await;
    assert!(said.refusal().contains("must begin with https://"), "{}", said.err);
    let replica = site.serve().await;
    let answer = replica.http.get(format!("{}/desk", replica.url)).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::SEE_OTHER, "only whoever is logged in");
    // A proxy that speaks TLS stands before it, but here.
    let link = invitation(&site).await.replace("https://optin.example", &replica.url);
    let answer = join(&replica.http, &link).await;
    let headers = answer.headers();
    assert_eq!(headers["strict-transport-security"], "max-age=31536000");
    let cookie = headers[SET_COOKIE].to_str().unwrap();
    assert!(
        cookie.starts_with("__Secure-optin-desk=") && cookie.ends_with("; SameSite=Strict; Secure"),
        "{cookie}"
    );
    // An operator's database user is no matter of ours; who may do what here is.
    let app = site.app();
    app.store.add_operator("mark", Role::Marketer, app.clock.now()).await.unwrap();
    let answer = replica.http.get(format!("{}/api/v1/lists/news/exports", replica.url)).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_desk_can_be_kept_away_from_the_public() {
    let mut site = Site::ready(&database(true).await, free_port()).await;
    let private = format!("127.0.0.1:{}", free_port());
    site.settings.insert("OPTIN_PRIVATE_LISTEN", private.clone());
    site.settings.insert("OPTIN_DESK_URL", format!("http://{private}"));
    let replica = site.serve().await;
    for path in ["/desk", "/desk/login", "/desk/", "/desk/join/x", "/desk/assets"] {
        let answer = replica.http.get(format!("{}{path}", replica.url)).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
    }
    let private = format!("http://{private}");
    let answer = join(&replica.http, &invitation(&site).await).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    let answer = replica.http.get(format!("{private}/assets/optin.css")).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    for path in ["/lists/news", "/", "/my", "/inbox"] {
        let answer = replica.http.get(format!("{private}{path}")).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
    }
}
