//! A list that has ended: it takes nobody, its links are calm, and its notices stay.

use optin::chores::sweeper::empty_closed_lists;
use reqwest::Method;
use serde_json::json;

use super::{Signup, browser, done, page, problem, program};
use crate::house::pages::{anchors, decoded};
use crate::house::{House, NEWS, link};

#[tokio::test]
async fn a_list_that_has_ended_takes_nobody_and_says_so() {
    let house = House::open().await;
    house.new_list("press", json!([])).await;
    house.close_list(NEWS).await;
    let before = house.rows().await;
    for lang in ["en", "de"] {
        let title = house.say(lang, "refusal.list_closed.title", &[]);
        for path in ["/lists/news", "/lists/news/leave"] {
            for method in [Method::GET, Method::POST] {
                let refused = browser(&house, method.clone(), path, lang).send().await.unwrap();
                let html = decoded(&page(refused, 410, lang).await);
                assert!(html.contains(&title), "{method} {path}: {html}");
                assert!(anchors(&html).contains(&"/lists/news/notice".to_owned()), "{html}");
                let told = program(&house, method, path, lang).send().await.unwrap();
                let told = problem(told, 410, "list_closed").await;
                assert_eq!(
                    (&told["title"], &told["notice_url"]),
                    (&json!(title), &json!("/lists/news/notice"))
                );
            }
            let ask = browser(&house, Method::POST, path, lang).form(&[("email", "ann@example.org")]);
            page(ask.send().await.unwrap(), 410, lang).await;
            assert_eq!(house.request(Method::HEAD, path).send().await.unwrap().status(), 410);
        }
        let ann = Signup::of("ann@example.org");
        page(ann.by_browser(&house, NEWS, lang).await, 410, lang).await;
        problem(ann.by_program(&house, NEWS, lang).await, 410, "list_closed").await;

        // The notice stays, and leads to no form that is closed.
        let html = page(house.get(&format!("/lists/news/notice?lang={lang}")).await, 200, lang).await;
        assert!(html.contains(&house.say(lang, "notice.closed", &[])), "{html}");
        assert!(anchors(&html).iter().all(|url| !url.starts_with("/lists/news?")), "{html}");
        let home = page(house.get(&format!("/?lang={lang}")).await, 200, lang).await;
        let lists = anchors(&home).into_iter().filter(|url| url.starts_with("/lists/")).collect::<Vec<_>>();
        assert_eq!(lists, ["/lists/press"]);
    }
    assert_eq!(house.rows().await, before);
    house.close().await;
}

#[tokio::test]
async fn links_of_a_list_that_has_ended_are_calm_and_lead_to_no_closed_form() {
    let house = House::open().await;
    let leave = house.subscribe("ann@example.org").await;
    house.sign_up("bob@example.org").await;
    let letter = async |email: &str| house.letter(email).await.text;
    let (ann, bob) = (letter("ann@example.org").await, letter("bob@example.org").await);
    let [confirmed, confirm, not_me] = [link(&ann, "/c/"), link(&bob, "/c/"), link(&ann, "/n/")];
    house.close_list(NEWS).await;

    let calm = async |path: &str, method: Method| {
        for lang in ["en", "de"] {
            let path = format!("{path}?lang={lang}");
            let request = browser(&house, method.clone(), &path, lang);
            let request = if method == Method::POST { request.form(&[("from", "page")]) } else { request };
            let html = decoded(&page(request.send().await.unwrap(), 200, lang).await);
            for key in ["nothing_here.title", "nothing_here.closed"] {
                assert!(html.contains(&house.say(lang, key, &[])), "{method} {path} lacks {key}: {html}");
            }
            let ours =
                anchors(&html).into_iter().filter(|url| url.starts_with("/lists/")).collect::<Vec<_>>();
            assert_eq!(ours, [""; 0], "{method} {path}");
        }
        if method == Method::POST {
            done(program(&house, method, path, "en").send().await.unwrap(), 200, "nothing_here").await;
        }
    };
    // The list is closed, and the sweeper has not yet been there.
    let before = house.rows().await;
    for path in [&confirmed, &confirm, &not_me] {
        calm(path, Method::GET).await;
        calm(path, Method::POST).await;
    }
    assert_eq!(house.rows().await, before);
    empty_closed_lists(&house.app.store, house.clock.now()).await.unwrap();
    assert_eq!(house.count("SELECT count(*) FROM subscriptions").await, 0);
    let before = house.rows().await;
    for path in [&confirmed, &confirm, &not_me, &link(&bob, "/n/"), &leave] {
        calm(path, Method::GET).await;
        calm(path, Method::POST).await;
    }
    // A provider's one-click is answered as ever.
    assert_eq!(house.post(&leave, &[]).await.status(), 200);
    assert_eq!(house.rows().await, before);
    house.close().await;
}
