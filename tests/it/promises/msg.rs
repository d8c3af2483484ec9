//! MedSystemsGroup's promises.

use optin::app::stats::{Days, Figures};
use optin::consent::operator::Role;
use regex::Regex;
use serde_json::json;

use crate::house::{House, languages};

#[tokio::test]
async fn p_msg_1_required_inputs_are_marked_for_eyes_and_for_screen_readers() {
    let house = House::open().await;
    house
        .new_list(
            "press",
            json!([
                { "name": "company", "required": true, "label": { "en": "Company", "de": "Firma" } },
                { "name": "country", "kind": "country", "required": true, "label": { "en": "Country", "de": "Land" } },
                { "name": "job", "label": { "en": "Job", "de": "Beruf" } },
            ]),
        )
        .await;
    let required = ["email", "consent", "field-company", "field-country"];
    for lang in languages() {
        let (must, may) =
            (house.say(&lang, "common.required", &[]), house.say(&lang, "common.optional", &[]));
        let empty = house.get(&format!("/lists/press?lang={lang}")).await.text().await.unwrap();
        for (id, demanded) in required.map(|id| (id, true)).into_iter().chain([("field-job", false)]) {
            // The mark stands in the input's own label, which is what a screen reader reads out …
            let label = Regex::new(&format!("(?s)<label for=\"{id}\">(.*?)</label>")).unwrap();
            let label = label.captures(&empty).unwrap_or_else(|| panic!("{id} has no label"))[1].to_owned();
            assert_eq!(label.contains(&format!("({must})")), demanded, "{id}: {label}");
            assert_eq!(label.contains(&format!("({may})")), !demanded, "{id}: {label}");
            // … and the input itself says so to programs.
            assert_eq!(input(&empty, id).contains(" required"), demanded, "{id}");
        }

        // What is missing is tied to its input.
        let faulty =
            house.post("/lists/press", &[("notice", "1"), ("lang", &lang)]).await.text().await.unwrap();
        for id in required {
            let input = input(&faulty, id);
            assert!(input.contains("aria-invalid=\"true\""), "{input}");
            assert!(input.contains(&format!("aria-describedby=\"{id}-problem\"")), "{input}");
            assert!(faulty.contains(&format!("id=\"{id}-problem\"")), "{id} does not say what is wrong");
        }
        assert!(!input(&faulty, "field-job").contains("aria-invalid"));
    }
    house.close().await;
}

/// The input's own tag.
fn input(html: &str, id: &str) -> String {
    let tag = Regex::new(&format!("<(?:input|select) id=\"{id}\"[^>]*>")).unwrap();
    tag.find(html).unwrap_or_else(|| panic!("there is no input {id}")).as_str().to_owned()
}

#[tokio::test]
async fn p_msg_4_of_few_people_figures_tell_no_more_than_that_they_are_few() {
    let house = House::open().await;
    for n in 0..3 {
        house.subscribe(&format!("ann{n}@example.org")).await;
    }
    house.seal().await;
    let (list, _) = house.app.store.find_list("news").await.unwrap().unwrap();
    let days = Days::last(30, house.clock.now());
    let told = async || {
        let figures = Figures::of(&house.app.store, &list, days).await.unwrap();
        serde_json::to_value(&figures).unwrap()
    };
    let few = json!({ "at_least": 1, "at_most": 4 });
    let of_three = told().await;
    for figure in [&of_three["total"]["signed_up"], &of_three["total"]["confirmed"], &of_three["subscribers"]]
    {
        assert_eq!(*figure, few);
    }
    assert_eq!(of_three["median_seconds_to_confirm"], json!(null), "how long three people took is their own");
    let desk = house.at_desk(Role::Marketer).await;
    let shown = [desk.get("/desk").await, desk.get("/desk/lists/news").await];
    assert!(shown.iter().all(|page| page.contains("&lt;5") && !page.contains(">3<")), "{shown:?}");

    // A fourth changes nothing of it.
    house.subscribe("bob@example.org").await;
    house.seal().await;
    assert_eq!(told().await, of_three);
    assert_eq!([desk.get("/desk").await, desk.get("/desk/lists/news").await], shown);
    house.close().await;
}
