//! Lists, notices and exports, as a list's owner makes them.

use std::collections::BTreeMap;

use clap::ValueEnum as _;
use optin::app::App;
use optin::consent::notice::NoticeText;
use optin::consent::operator::Role;
use optin::journeys::export::{Export, Format};
use optin::store::NextNotice;
use optin::token::SubscriptionId;
use serde_json::{Value, json};

use super::{House, NEWS, languages};

impl House {
    /// Makes a list, called `The <slug>` in English and `Die <slug>` in German. `fields` as a list's row keeps them.
    pub async fn new_list(&self, slug: &str, fields: Value) {
        let title = json!({ "en": format!("The {slug}"), "de": format!("Die {slug}") });
        let options = json!({ "title": title, "lang": "en", "fields": fields, "welcome": false });
        let options = serde_json::from_value(options).unwrap();
        let texts = texts(&format!("What the {slug} is for."));
        let store = &self.app.store;
        let number = store.create_list(slug, &options, texts, self.clock.now(), App::random()).await.unwrap();
        number.expect("the slug is free");
    }

    /// Publishes the next version of the news' notice, whose purpose is told as `text`; in German as `text (de)`.
    pub async fn publish(&self, text: &str, new_purpose: bool) {
        let store = &self.app.store;
        let (list, current) = store.find_list(NEWS).await.unwrap().unwrap();
        let (now, random) = (self.clock.now(), App::random());
        let next = Some(NextNotice { texts: texts(text), new_purpose });
        let published = store.change_list(&list, &current, &list.options, next, now, random).await;
        assert!(published.unwrap());
    }

    /// Tells everybody on the news who has not been told of its present notice, as `optin notice announce` does.
    pub async fn announce(&self) -> u32 {
        let (list, _) = self.app.store.find_list(NEWS).await.unwrap().unwrap();
        let first = SubscriptionId([0; 14]);
        let told = self.app.store.announce_notice(list.number, first, 100, self.clock.now()).await.unwrap();
        assert!(told.last.is_none(), "one handful does");
        told.people
    }

    /// Changes a list's options, as its file would: each of these takes the place of what was there.
    pub async fn set_options(&self, slug: &str, options: Value) {
        let store = &self.app.store;
        let (list, current) = store.find_list(slug).await.unwrap().unwrap();
        let mut changed = serde_json::to_value(&list.options).unwrap();
        changed.as_object_mut().unwrap().extend(options.as_object().unwrap().clone());
        let changed = serde_json::from_value(changed).unwrap();
        let (now, random) = (self.clock.now(), App::random());
        assert!(store.change_list(&list, &current, &changed, None, now, random).await.unwrap());
    }

    /// Ends a list. What it holds of people is erased when the sweeper comes.
    pub async fn close_list(&self, slug: &str) {
        let (list, _) = self.app.store.find_list(slug).await.unwrap().unwrap();
        assert!(self.app.store.close_list(list.number, self.clock.now()).await.unwrap());
    }

    /// Whom an export of this list holds.
    pub async fn people(&self, slug: &str) -> Vec<Value> {
        let app = &self.app;
        app.store.add_operator("tester", Role::Admin, app.clock.now()).await.unwrap();
        let export = Export::of(app);
        let mut bytes = Vec::new();
        let jsonl = Format::from_str("jsonl", true).unwrap();
        export.write(slug, "tester", jsonl, &mut bytes, |_| {}).await.unwrap();
        let text = String::from_utf8(bytes).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// In every language; all but the English say after the purpose which it is: `(de)`.
fn texts(purpose: &str) -> BTreeMap<String, NoticeText> {
    let text = |purpose: String| NoticeText {
        purpose,
        sender: "Example Publishing sends it.".into(),
        recipients: "Nobody else gets it.".into(),
        storage: "It is kept in Germany.".into(),
        retention: "It is kept until you leave.".into(),
        legal_basis: "Your consent.".into(),
        withdrawal: "You can withdraw at any time.".into(),
    };
    let in_its_language = |lang: String| match lang.as_str() {
        "en" => (lang, text(purpose.into())),
        _ => (lang.clone(), text(format!("{purpose} ({lang})"))),
    };
    languages().into_iter().map(in_its_language).collect()
}
