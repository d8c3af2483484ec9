//! A notice's versions, and what each changed.

use optin::consent::operator::Role;
use reqwest::StatusCode;

use crate::house::House;

#[tokio::test]
async fn each_version_shows_what_it_changed_and_what_people_see_of_it() {
    let house = House::open().await;
    house.publish("What is <b>new</b> & old.", true).await;
    let desk = house.at_desk(Role::Marketer).await;
    let all = desk.get("/desk/lists/news/notices").await;
    for version in [1, 2] {
        let (list, _) = house.app.store.find_list("news").await.unwrap().unwrap();
        let notice = house.app.store.find_notice(list.number, version).await.unwrap().unwrap();
        assert!(all.contains(&data_encoding::HEXLOWER.encode(&notice.sha256)));
        assert!(all.contains(&format!("/desk/lists/news/notices/{version}")));
    }
    let first = desk.get("/desk/lists/news/notices/1").await;
    assert!(!first.contains("<ins>") && !first.contains("What changed"));
    let second = desk.get("/desk/lists/news/notices/2").await;
    assert!(second.contains("a new one: everybody was asked anew"), "{second}");
    // `publish` writes the text in English alone.
    assert!(second.contains("<code>de</code>: not there any more") || second.contains("<del>"), "{second}");
    assert!(second.contains("&lt;b&gt;new&lt;/b&gt;") && !second.contains("<b>new</b>"), "{second}");
    let letter = house.say("en", "letter.confirmation.lead", &[("list", "Sampletown News")]);
    assert!(second.contains(letter.split('.').next().unwrap().split('“').next().unwrap()), "{letter}");
    assert!(!second.contains("style="));
    for version in ["0", "3", "01", "+1", "x", "4294967296"] {
        let answer = desk.look(&format!("/desk/lists/news/notices/{version}")).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{version}");
    }
    house.close().await;
}
