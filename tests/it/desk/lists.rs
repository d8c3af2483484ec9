//! The lists, and one list's figures, as pages.

use jiff::SignedDuration;
use optin::consent::operator::Role;
use regex::Regex;
use reqwest::StatusCode;
use serde_json::json;

use crate::house::{House, NEWS, link};

/// The counts of one row of a page's table, by what its first cell says.
fn row(html: &str, head: &str) -> Vec<String> {
    let row =
        Regex::new(&format!("<tr><th scope=\"row\">(?:<a [^>]*>)?{}.*?</tr>", regex::escape(head))).unwrap();
    let row = row.find(html).unwrap_or_else(|| panic!("no row {head} in {html}")).as_str();
    let cell = Regex::new("<td class=\"number\">(.*?)</td>").unwrap();
    cell.captures_iter(row).map(|cell| cell[1].replace("&lt;", "<")).collect()
}

/// A fact of a page.
fn fact(html: &str, name: &str) -> String {
    let fact = Regex::new(&format!("<dt>{name}</dt><dd>(.*?)</dd>")).unwrap();
    fact.captures(html).unwrap_or_else(|| panic!("no {name} in {html}"))[1].replace("&lt;", "<")
}

#[tokio::test]
async fn a_lists_page_tells_what_people_did_and_how_long_they_took() {
    let house = House::open().await;
    for n in 0..7 {
        house.sign_up(&format!("ann{n}@example.org")).await;
    }
    let letters = house.all_letters().await;
    house.advance(SignedDuration::from_mins(7));
    for letter in &letters[..6] {
        assert_eq!(house.post(&link(&letter.text, "/c/"), &[]).await.status(), StatusCode::OK);
    }
    let leave = house.unsubscribe_url(&letters[0].to).await;
    house.post(&leave, &[]).await;
    house.seal().await;
    let today = house.clock.now().to_string()[..10].to_owned();

    let desk = house.at_desk(Role::Marketer).await;
    let html = desk.get(&format!("/desk/lists/{NEWS}")).await;
    assert_eq!(fact(&html, "Signed up"), "7");
    assert_eq!(fact(&html, "Confirmed"), "6 (86 %)");
    assert_eq!(fact(&html, "Left"), "<5");
    assert_eq!(fact(&html, "Half confirmed within"), "about 7 minutes");
    assert_eq!(fact(&html, "Subscribers"), "about 5");
    assert_eq!(row(&html, &today), ["7", "6", "<5", "0", "0"]);
    assert_eq!(html.matches("<tr><th scope=\"row\">").count(), 30, "each day has its row");
    let plot = Regex::new("(?s)<svg class=\"plot\".*?</svg>").unwrap().find(&html).unwrap().as_str();
    assert_eq!(plot.matches("<rect").count(), 3, "signed up, confirmed, left: on one day");
    assert!(!html.contains("style="));

    let overview = desk.get("/desk").await;
    assert_eq!(row(&overview, "Sampletown News"), ["about 5", "7", "6", "<5"]);
    // A year ago nobody did anything; tomorrow today is yesterday.
    let year = desk.get(&format!("/desk/lists/{NEWS}?days=365")).await;
    assert_eq!(year.matches("<tr><th scope=\"row\">").count(), 365);
    for days in ["0", "31", "366", "-1", "x", "30&days=90"] {
        let answer = desk.look(&format!("/desk/lists/{NEWS}?days={days}")).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{days}");
    }
    house.close().await;
}

#[tokio::test]
async fn the_lists_that_are_shown_are_the_operators_own() {
    let house = House::open().await;
    house.new_list("press", json!([])).await;
    let (press, _) = house.app.store.find_list("press").await.unwrap().unwrap();
    let desk = house.at_desk_as("petra", &[(press.number, Role::Marketer)]).await;
    let html = desk.get("/desk").await;
    assert!(html.contains("/desk/lists/press") && !html.contains("/desk/lists/news"), "{html}");
    for path in ["/desk/lists/news", "/desk/lists/news/notices", "/desk/lists/none", "/desk/lists/none/trail"]
    {
        assert_eq!(desk.look(path).await.status(), StatusCode::FORBIDDEN, "{path}");
    }
    let nobody = house.at_desk_as("nobody-at-all", &[]).await;
    assert!(nobody.get("/desk").await.contains("no list that you may see"));
    house.close().await;
}

/// What somebody may not see is no link either.
#[tokio::test]
async fn a_lists_pages_lead_to_where_the_operator_may_go() {
    let house = House::open().await;
    let ways = async |role: Role| {
        let html = house.at_desk(role).await.get("/desk/lists/news").await;
        let way = Regex::new("<a href=\"/desk/lists/news([^\"?]*)\"").unwrap();
        way.captures_iter(&html).map(|way| way[1].to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ways(Role::Admin).await, ["", "/settings", "/notices", "/exports", "/trail"]);
    assert_eq!(ways(Role::Marketer).await, ["", "/notices", "/exports"]);
    assert_eq!(ways(Role::Auditor).await, ["", "/notices", "/exports", "/trail"]);
    house.close().await;
}
