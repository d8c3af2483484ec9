//! The promises that five companies make to their subscribers, as far as they are kept by now: each test is named
//! after its promise, drives the real service, and fails where the promise is broken.

mod cen;
mod cgm;
mod cp;
mod logs;
mod med;
mod msg;

use crate::house::House;
use crate::house::pages::decoded;

/// Checks that every page and every letter, in both its forms and in each language, shows these words.
async fn is_shown_everywhere(words: &[&str]) {
    let even = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    for (lang, list) in [("en", "Sampletown News"), ("de", "Neues aus Musterstadt")] {
        let house = House::open().await;
        let mut shown: Vec<(String, String)> = Vec::new();
        for page in house.every_page(lang).await {
            // Line breaks of an address.
            let html = decoded(&page.html).replace("<br>", " ");
            shown.push((format!("the page {} in {lang}", page.name), even(&html)));
        }
        let letters = house.all_letters().await;
        for kind in ["confirmation", "already_subscribed"] {
            let subject = house.say(lang, &format!("letter.{kind}.subject"), &[("list", list)]);
            let letter = letters.iter().find(|letter| letter.subject == subject);
            let letter = letter.unwrap_or_else(|| panic!("no letter {kind} in {lang}"));
            shown.push((format!("the text of {kind} in {lang}"), even(&letter.text)));
            let html = decoded(&letter.html).replace("<br>", " ");
            shown.push((format!("the HTML of {kind} in {lang}"), even(&html)));
        }
        for (what, text) in shown {
            for words in words {
                assert!(text.contains(words), "{what} does not show {words}: {text}");
            }
        }
        house.close().await;
    }
}
