//! Every page that there is, each met in the way that leads to it.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use optin::consent::subscription::CORRECT_AGAIN;
use regex::Regex;
use reqwest::header::{ACCEPT, ACCEPT_LANGUAGE, CONTENT_TYPE, HeaderMap, ORIGIN};
use reqwest::{Method, Response, StatusCode};
use serde_json::json;

use super::mail::mail_from;
use super::{House, NEWS, link};

/// A page as it arrived.
pub struct Page {
    /// Its template and, for a refusal, which: `signup`, `refused.method`.
    pub name: &'static str,
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub html: String,
}

impl House {
    /// All pages, by somebody who reads `lang`. A template that is not met fails the test.
    pub async fn every_page(&self, lang: &str) -> Vec<Page> {
        let mut walk = Walk { house: self, lang, pages: Vec::new() };
        let way_back = walk.one_subscription().await;
        let data = walk.ones_own_data().await;
        walk.a_strangers_mistake().await;
        walk.refusals().await;
        walk.what_time_changes(&way_back, &data).await;
        walk.a_new_text().await;
        walk.a_mail().await;
        let met: BTreeSet<&str> =
            walk.pages.iter().map(|page| page.name.split('.').next().unwrap()).collect();
        let pages = self.app.templates.names().filter_map(|name| name.strip_prefix("pages/"));
        let pages = pages.map(|name| name.trim_end_matches(".html"));
        let pages = pages.filter(|name| !["layout", "parts"].contains(name)).collect();
        assert_eq!(met, pages, "met by a step in this file, and there are; a new page gets its step");
        walk.pages
    }
}

struct Walk<'a> {
    house: &'a House,
    lang: &'a str,
    pages: Vec<Page>,
}

impl Walk<'_> {
    /// Returns a way back that nobody has used.
    async fn one_subscription(&mut self) -> String {
        self.get("home", "/").await;
        self.get("signup", &format!("/lists/{NEWS}")).await;
        self.sign_up("signup", "nobody").await;
        self.sign_up("check_mail", "ann@example.org").await;
        let letter = self.house.letter("ann@example.org").await;
        let (confirm, not_me) = (link(&letter.text, "/c/"), link(&letter.text, "/n/"));
        self.get("confirm", &confirm).await;
        self.get("not_me", &not_me).await;
        self.house.welcome(true).await;
        self.post("confirmed", &confirm, &[]).await;
        self.house.letters("ann@example.org", 2).await;
        self.house.welcome(false).await;
        self.post("already_confirmed", &confirm, &[]).await;
        self.post("not_me_active", &not_me, &[]).await;
        self.sign_up("check_mail", "ann@example.org").await;
        self.house.letters("ann@example.org", 3).await;
        self.two_letters_by_address("ann@example.org").await;
        let leave = self.house.unsubscribe_url("ann@example.org").await;
        self.get("unsubscribe", &leave).await;
        self.post("unsubscribed", &leave, &[("from", "page")]).await;
        let used = self.way_back();
        self.post("nothing_here", &leave, &[("from", "page")]).await;
        self.post("restored", "/undo", &[("undo", &used)]).await;
        self.post("already_restored", "/undo", &[("undo", &used)]).await;
        self.post("unsubscribed", &leave, &[("from", "page")]).await;
        let way_back = self.way_back();
        self.post("undo_used", "/undo", &[("undo", &used)]).await;
        self.get("notice", &format!("/lists/{NEWS}/notice")).await;
        self.get("notice", &format!("/lists/{NEWS}/notices/1")).await;
        self.get("inbox", "/inbox").await;
        way_back
    }

    /// Of somebody who has had three.
    async fn two_letters_by_address(&mut self, email: &str) {
        let leave = format!("/lists/{NEWS}/leave");
        for (form, asked, door, letters) in
            [("my", "data_asked", "/my", 4), ("leave", "leave_asked", leave.as_str(), 5)]
        {
            self.get(form, door).await;
            self.post(form, door, &[("email", "nobody")]).await;
            self.post(asked, door, &[("email", email)]).await;
            self.house.letters(email, letters).await;
        }
    }

    /// Returns a link to her data.
    async fn ones_own_data(&mut self) -> String {
        self.sign_up("check_mail", "hana@example.org").await;
        self.post("confirmed", &link(&self.house.letter("hana@example.org").await.text, "/c/"), &[]).await;
        let data = self.house.my("hana@example.org").await;
        self.get("my_data", &data).await;
        self.post("my_data", &data, &[("do", "correct"), ("email", "hana@elsewhere.example")]).await;
        let correct = link(&self.house.letter("hana@elsewhere.example").await.text, "/k/");
        self.get("correct", &correct).await;
        self.post("not_corrected", &correct, &[("answer", "not_me")]).await;
        self.get("correct_gone", &correct).await;
        self.house.advance(CORRECT_AGAIN);
        self.post("my_data", &data, &[("do", "correct"), ("email", "hana@elsewhere.example")]).await;
        let correct = link(&self.house.letters("hana@elsewhere.example", 2).await.pop().unwrap().text, "/k/");
        self.post("corrected", &correct, &[("answer", "yes")]).await;
        let data = self.house.my("hana@elsewhere.example").await;
        self.post("my_left", &data, &[("do", "leave_all")]).await;
        self.get("data_gone", &data).await;
        data
    }

    /// What the last page's button would undo the withdrawal with.
    fn way_back(&self) -> String {
        way_back(&self.pages.last().unwrap().html).expect("the page offers it")
    }

    async fn a_strangers_mistake(&mut self) {
        self.sign_up("check_mail", "bob@example.org").await;
        let not_me = link(&self.house.letter("bob@example.org").await.text, "/n/");
        self.post("not_me_done", &not_me, &[]).await;
    }

    async fn refusals(&mut self) {
        let door = format!("/lists/{NEWS}");
        let form = "application/x-www-form-urlencoded";
        self.get("refused.unknown_list", "/lists/nothing").await;
        self.a_foreign_site(&door).await;
        self.get("refused.unknown_notice", &format!("/lists/{NEWS}/notices/77")).await;
        self.get("refused.incomplete_link", "/c/half-a-token").await;
        self.get("refused.not_found", "/nowhere").await;
        self.post("refused.damaged_undo", "/undo", &[("undo", "half-a-page")]).await;
        self.ask("refused.method", Method::PUT, &door, form, "").await;
        self.ask("refused.bad_request", Method::POST, &door, form, "email=%FF").await;
        self.ask("refused.too_large", Method::POST, &door, form, &"x".repeat(16 * 1024 + 1)).await;
        self.ask("refused.media_type", Method::POST, &door, "text/plain", "hello").await;
        for (name, sqlstate) in [("refused.internal", "XX000"), ("refused.busy", "53300")] {
            self.house.fault("INSERT", "subscriptions", sqlstate).await;
            self.sign_up(name, "cem@example.org").await;
            self.house.mend().await;
        }
    }

    async fn what_time_changes(&mut self, way_back: &str, data: &str) {
        self.sign_up("check_mail", "dora@example.org").await;
        let confirm = link(&self.house.letter("dora@example.org").await.text, "/c/");
        let before = self.notice().await;
        self.house.publish("For something else from now on.", true).await;
        self.post("notice_changed", &confirm, &[]).await;
        self.get("notice", &format!("/lists/{NEWS}/notices/{before}")).await;
        let form = [("email", "emil@example.org"), ("consent", "yes"), ("notice", &before)];
        self.post("signup", &format!("/lists/{NEWS}"), &form).await;
        self.house.all_letters().await;
        self.house.advance(SignedDuration::from_hours(73));
        self.get("expired", &confirm).await;
        self.get("data_expired", data).await;
        self.post("undo_late", "/undo", &[("undo", way_back)]).await;
        self.house.new_list("ended", json!([])).await;
        self.house.close_list("ended").await;
        self.get("refused.list_closed", "/lists/ended").await;
    }

    /// Of a new wording people are told, to a new purpose they are asked to agree.
    async fn a_new_text(&mut self) {
        let (fay, gil) = ("fay@example.org", "gil@example.org");
        for email in [fay, gil] {
            self.sign_up("check_mail", email).await;
            let confirm = link(&self.house.letter(email).await.text, "/c/");
            self.post("confirmed", &confirm, &[]).await;
        }
        let house = self.house;
        for (text, new_purpose) in [("The same, told better.", false), ("For something else.", true)] {
            house.publish(text, new_purpose).await;
            assert_eq!(house.announce().await, 2);
            house.all_letters().await;
        }
        let agree = link(&house.letters(fay, 3).await.pop().unwrap().text, "/a/");
        let late = link(&house.letters(gil, 3).await.pop().unwrap().text, "/a/");
        self.get("agree", &agree).await;
        let shown = self.notice().await;
        house.publish("For something else again.", true).await;
        self.post("agree_changed", &agree, &[("notice", &shown), ("lang", self.lang)]).await;
        let shown = self.notice().await;
        self.post("agreed", &agree, &[("notice", &shown), ("lang", self.lang)]).await;
        self.post("already_agreed", &agree, &[("notice", &shown), ("lang", self.lang)]).await;
        house.advance(SignedDuration::from_hours(60 * 24));
        self.get("agree_expired", &late).await;
    }

    /// Somebody leaves by mail: no page, but a letter.
    async fn a_mail(&mut self) {
        let ivy = "ivy@example.org";
        self.house.with_mailbox("leave@news.example.org").await;
        self.sign_up("check_mail", ivy).await;
        self.post("confirmed", &link(&self.house.letter(ivy).await.text, "/c/"), &[]).await;
        let address = self.house.leave_address(ivy).await;
        assert_eq!(self.house.hand_in(ivy, &address, &mail_from(ivy)).await, "250 2.0.0");
        self.house.letters(ivy, 2).await;
        self.house.set_options(NEWS, json!({ "sender": {} })).await;
    }

    async fn a_foreign_site(&mut self, door: &str) {
        let form = [("email", "eve@example.org"), ("consent", "yes"), ("notice", "1"), ("lang", self.lang)];
        for (name, script) in [("signup", false), ("refused.undeclared_origin", true)] {
            let request = self.house.request(Method::POST, door).header(ACCEPT_LANGUAGE, self.lang);
            let request = request.header(ORIGIN, "https://elsewhere.example");
            let request = match script {
                true => request.json(&json!({})).header(ACCEPT, "text/html"),
                false => request.form(&form),
            };
            self.keep(name, request.send().await.unwrap()).await;
        }
        let request = self.house.request(Method::POST, "/my").header(ACCEPT_LANGUAGE, self.lang);
        let request = request.header(ORIGIN, "https://elsewhere.example").form(&form[..1]);
        self.keep("refused.foreign_page", request.send().await.unwrap()).await;
    }

    async fn notice(&self) -> String {
        self.house.app.store.find_list(NEWS).await.unwrap().unwrap().1.version.to_string()
    }

    async fn sign_up(&mut self, name: &'static str, email: &str) {
        let (notice, lang) = (self.notice().await, self.lang);
        let form = [("email", email), ("consent", "yes"), ("notice", &notice), ("lang", lang)];
        self.post(name, &format!("/lists/{NEWS}"), &form).await;
    }

    async fn get(&mut self, name: &'static str, path: &str) {
        let request = self.house.request(Method::GET, path).header(ACCEPT_LANGUAGE, self.lang);
        self.keep(name, request.send().await.unwrap()).await;
    }

    async fn post(&mut self, name: &'static str, path: &str, form: &[(&str, &str)]) {
        let request = self.house.request(Method::POST, path).header(ACCEPT_LANGUAGE, self.lang);
        self.keep(name, request.form(form).send().await.unwrap()).await;
    }

    async fn ask(&mut self, name: &'static str, method: Method, path: &str, kind: &str, body: &str) {
        let request = self.house.request(method, path).header(ACCEPT_LANGUAGE, self.lang);
        let request = request.header(CONTENT_TYPE, kind).body(body.to_owned());
        self.keep(name, request.send().await.unwrap()).await;
    }

    /// Keeps a page once its title shows that it is the one that was looked for.
    async fn keep(&mut self, name: &'static str, response: Response) {
        let (status, headers) = (response.status(), response.headers().clone());
        let html = response.text().await.unwrap();
        let key = match name.strip_prefix("refused.") {
            Some(refusal) => format!("refusal.{refusal}.title"),
            None => format!("{name}.title"),
        };
        let (list, _) = self.house.app.store.find_list(NEWS).await.unwrap().unwrap();
        let title = self.house.say(self.lang, &key, &[("list", list.title(self.lang))]);
        assert!(decoded(&html).contains(&format!("<h1>{title}</h1>")), "{name}, in {}: {html}", self.lang);
        self.pages.push(Page { name, status, headers, html });
    }
}

impl House {
    /// Words of the catalogues.
    pub fn say(&self, lang: &str, key: &str, args: &[(&str, &str)]) -> String {
        let args: Vec<(&str, &dyn std::fmt::Display)> =
            args.iter().map(|(name, value)| (*name, value as &dyn std::fmt::Display)).collect();
        self.app.templates.words().t(lang, key, &args).unwrap()
    }
}

/// HTML with its character references resolved, as far as our templates write any.
pub fn decoded(html: &str) -> String {
    let pairs = [("&#x2f;", "/"), ("&#x27;", "'"), ("&quot;", "\""), ("&lt;", "<"), ("&gt;", ">")];
    pairs.iter().fold(html.to_owned(), |html, (from, to)| html.replace(from, to)).replace("&amp;", "&")
}

/// What the page of a withdrawal carries, so that it can be undone.
pub fn way_back(html: &str) -> Option<String> {
    found(html, r#"<input type="hidden" name="undo" value="([^"]*)"#).pop()
}

/// Every address that a program opens by itself when it shows this HTML or CSS, or sends a form to.
pub fn loads(html: &str) -> Vec<String> {
    found(
        html,
        r#"(?ix) (?: \b(?:src|srcset|poster|background|data|action|formaction|ping|manifest|codebase|xlink:href)
                     | <(?:link|base|image|use)\b[^>]*?\shref | http-equiv="refresh"[^>]*content ) \s*=\s* ["']([^"']*)
              | (?:url\(|@import) \s* ["']?([^"')]*)"#,
    )
}

/// Where its links lead, for who follows them.
pub fn anchors(html: &str) -> Vec<String> {
    found(html, r#"(?i)<a\b[^>]*?\shref\s*=\s*["']([^"']*)"#)
}

fn found(html: &str, pattern: &str) -> Vec<String> {
    let of = |found: regex::Captures| decoded(found.get(1).or(found.get(2)).map_or("", |of| of.as_str()));
    Regex::new(pattern).unwrap().captures_iter(html).map(of).collect()
}
