//! Operators at the desk, each with a browser of their own.

use optin::consent::operator::{EVERY_LIST, Role};
use regex::Regex;
use reqwest::header::{COOKIE, SET_COOKIE};
use reqwest::{Response, StatusCode};

use super::House;

pub const PASSWORD: &str = "four words that do well";

/// Somebody who is logged in.
pub struct AtDesk<'a> {
    pub house: &'a House,
    pub name: String,
    /// What their browser sends.
    pub cookie: String,
}

impl House {
    /// An operator with this role on every list, who has set a password and promised confidentiality.
    pub async fn at_desk(&self, role: Role) -> AtDesk<'_> {
        let name = format!("{}-at-desk", role.name());
        self.at_desk_as(&name, &[(EVERY_LIST, role)]).await
    }

    /// The same, by name, with these roles.
    pub async fn at_desk_as(&self, name: &str, grants: &[(u32, Role)]) -> AtDesk<'_> {
        let link = self.invitation(name).await;
        for (list, role) in grants {
            self.app.store.grant(name, *list, *role).await.unwrap();
        }
        let answer = self.post(&link, &[("password", PASSWORD), ("again", PASSWORD)]).await;
        assert_eq!(
            (answer.status(), answer.headers()["location"].to_str().unwrap()),
            (StatusCode::SEE_OTHER, "/desk")
        );
        let desk = AtDesk { house: self, name: name.to_owned(), cookie: cookie(&answer) };
        let asked = desk.get("/desk/confidentiality").await;
        let answer = desk.press(&asked, "/desk/confidentiality", &[]).await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        desk
    }

    /// The path of an invitation to an operator who may do nothing yet.
    pub async fn invitation(&self, name: &str) -> String {
        let (store, now) = (&self.app.store, self.clock.now());
        store.add_operator_without_role(name, None, now).await.unwrap();
        let secret = format!("an-invitation-of-{name}");
        assert!(store.invite(&secret, name, now).await.unwrap());
        format!("/desk/join/{secret}")
    }
}

impl AtDesk<'_> {
    /// `GET`, with the session: what a page says.
    pub async fn get(&self, path: &str) -> String {
        let answer = self.look(path).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        answer.text().await.unwrap().replace("&#x2f;", "/")
    }

    /// `GET`, with the session.
    pub async fn look(&self, path: &str) -> Response {
        self.house.request(reqwest::Method::GET, path).header(COOKIE, &self.cookie).send().await.unwrap()
    }

    /// Posts a form that stands on `page`, with what was entered.
    pub async fn press(&self, page: &str, path: &str, entered: &[(&str, &str)]) -> Response {
        let csrf = csrf(page);
        let form = [&[("csrf", csrf.as_str())], entered].concat();
        self.post(path, &form).await
    }

    /// Posts a form, as any page might.
    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> Response {
        let request = self.house.request(reqwest::Method::POST, path).header(COOKIE, &self.cookie);
        request.form(form).send().await.unwrap()
    }

    /// Looks for somebody, and returns the page.
    pub async fn look_for(&self, address: &str) -> String {
        let page = self.get("/desk/person").await;
        self.press(&page, "/desk/person", &[("address", address)]).await.text().await.unwrap()
    }
}

/// What a form on the page carries.
pub fn csrf(page: &str) -> String {
    let shape = Regex::new("name=\"csrf\" value=\"([0-9a-f]{64})\"").unwrap();
    shape.captures(page).expect("a form")[1].to_owned()
}

/// What the browser was given to send back.
pub fn cookie(answer: &Response) -> String {
    let line = answer.headers()[SET_COOKIE].to_str().unwrap();
    line.split(';').next().unwrap().to_owned()
}
