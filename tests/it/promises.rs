//! The promises that five companies make to their subscribers, as far as they are kept by now: each test is named
//! after its promise, drives the real service, and fails where the promise is broken.

mod cen;
mod cgm;
mod cp;
pub mod logs;
mod med;
mod msg;

use crate::house::pages::decoded;
use crate::house::{House, NEWS, languages};

/// Checks that every page and every letter, in both its forms and in each language, shows these words.
async fn is_shown_everywhere(words: &[&str]) {
    let even = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    for lang in languages() {
        let house = House::open().await;
        let (list, _) = house.app.store.find_list(NEWS).await.unwrap().unwrap();
        let mut shown: Vec<(String, String)> = Vec::new();
        for page in house.every_page(&lang).await {
            // Line breaks of an address.
            let html = decoded(&page.html).replace("<br>", " ");
            shown.push((format!("the page {} in {lang}", page.name), even(&html)));
        }
        let letters = house.all_letters().await;
        let kinds = house.app.templates.names().filter_map(|name| name.strip_prefix("letters/"));
        for kind in kinds.filter_map(|name| name.strip_suffix("/subject.txt")) {
            let subject = house.say(&lang, &format!("letter.{kind}.subject"), &[("list", list.title(&lang))]);
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
