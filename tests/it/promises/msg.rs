//! MedSystemsGroup's promises.

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
