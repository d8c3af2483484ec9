//! The feed: whoever reads it has in the end what the database has, however many write and read meanwhile, and of those
//! who have left it knows a reference alone.

mod cost;
mod door;
mod follow;
mod race;
mod told;
mod webhooks;

use std::collections::BTreeMap;

use jiff::SignedDuration;
use optin::app::App;
use optin::consent::address::Address;
use optin::consent::operator::{Right, Role};
use optin::store::export::Begun;
use optin::store::seal::Seal;
use reqwest::StatusCode;
use serde_json::Value;

use crate::doors::people::noon;
use crate::house::{House, NEWS};

/// A program that keeps a list, as docs/FEED.md tells programs to.
pub struct Reader {
    pub token: String,
    pub cursor: String,
    /// Rows by their references.
    pub people: BTreeMap<String, Value>,
}

impl Reader {
    /// Begins with an export.
    pub async fn begin(house: &House) -> Reader {
        let token = house.token(Role::Marketer, &[Right::Export]).await;
        let cursor = cursor(house).await;
        let rows = house.people(NEWS).await;
        let people = rows.into_iter().map(|row| (text(&row, "ref"), row)).collect();
        Reader { token, cursor, people }
    }

    /// One page, as it came.
    pub async fn page(&self, house: &House, more: &str) -> (StatusCode, Value) {
        let path = format!("/api/v1/lists/news/feed?after={}{more}", self.cursor);
        let asked = house.request(reqwest::Method::GET, &path).bearer_auth(&self.token);
        let answer = asked.send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    /// Reads on to the end, in small pages; returns how many rows came and how many went.
    pub async fn follow(&mut self, house: &House) -> (usize, usize) {
        let mut told = (0, 0);
        loop {
            let (status, page) = self.page(house, "&limit=2").await;
            assert_eq!(status, 200, "{page}");
            let (came, went) = self.take(&page);
            told = (told.0 + came, told.1 + went);
            if page["more"] == false {
                return told;
            }
        }
    }

    /// Does what a page says.
    pub fn take(&mut self, page: &Value) -> (usize, usize) {
        let (added, removed) = (page["added"].as_array().unwrap(), page["removed"].as_array().unwrap());
        for row in added {
            self.people.insert(text(row, "ref"), row.clone());
        }
        for row in removed {
            assert_eq!(row.as_object().unwrap().len(), 1, "its reference, and nothing else: {row}");
            self.people.remove(&text(row, "ref"));
        }
        self.cursor = text(page, "next");
        (added.len(), removed.len())
    }

    /// Whether it has exactly what an export would have now.
    pub async fn assert_current(&self, house: &House) {
        let rows = house.people(NEWS).await;
        let now: BTreeMap<_, _> = rows.into_iter().map(|row| (text(&row, "ref"), row)).collect();
        assert_eq!(self.people, now);
    }
}

impl House {
    /// Somebody confirms without waiting for the letter, which a replica may have put into its own inbox.
    pub async fn arrive(&self, email: &str) {
        self.sign_up(email).await;
        let address = Address::parse(email).unwrap();
        let (list, id) = self.app.subscriptions_of(&address).await.unwrap().remove(0);
        let expires_at = self.clock.now() + SignedDuration::from_hours(72);
        let confirm = self.app.links.confirm(list.number, id, expires_at);
        assert_eq!(self.post(&confirm, &[]).await.status(), StatusCode::OK);
    }
}

/// From where the feed goes on.
pub async fn cursor(house: &House) -> String {
    let app = &house.app;
    let seal = Seal::new(app.links.host(), &app.keys, app.clock.now());
    let (made, _) = app.store.begin_export(1, &seal, &begun(App::random())).await.unwrap();
    made.feed
}

/// An export, as the store is told of it.
pub fn begun(export: [u8; 16]) -> Begun<'static> {
    Begun { export, operator: "tester", token: None, format: "csv", valid_until: noon() }
}

fn text(row: &Value, name: &str) -> String {
    row[name].as_str().unwrap().to_owned()
}
