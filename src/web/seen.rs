//! What stands behind a link: its list, and its subscription if there is one.

use serde_json::{Value, json};

use super::answer::language_of;
use super::refusal::Refusal;
use super::request::Request;
use crate::app::App;
use crate::consent::list::List;
use crate::consent::notice::Notice;
use crate::store::Subscription;
use crate::token::Token;

pub struct Seen {
    pub list: List,
    /// The list's notice as it is now.
    pub current: Notice,
    pub subscription: Option<Subscription>,
    /// What to speak: `?lang=`, else the person's language, else the browser's, else the list's.
    pub lang: String,
}

/// Looks up what a verified token names. Changes nothing.
pub async fn see(app: &App, request: &Request, token: &Token) -> Result<Seen, Refusal> {
    let subscription = app.store.find_subscription(token.list, token.id).await?;
    let (list, current) = app.store.find_list_by_number(token.list).await?.ok_or(Refusal::UnknownList)?;
    let own = subscription.as_ref().map(|subscription| subscription.lang.as_str());
    let lang = language_of(app, &request.asked, own, &list.options.lang).to_owned();
    Ok(Seen { list, current, subscription, lang })
}

impl Seen {
    pub fn list_context(&self) -> Value {
        json!({ "slug": self.list.slug, "title": self.list.title(&self.lang) })
    }

    pub fn signup_path(&self) -> String {
        format!("/lists/{}", self.list.slug)
    }

    /// What stands on the page for a link that meets nothing: the list's title, and how to leave unless it has ended.
    pub fn nothing_here(&self) -> Value {
        let closed = self.list.is_closed;
        json!({ "list": self.list_context(), "closed": closed, "leave_url": (!closed).then(|| self.leave_path()) })
    }

    pub fn leave_path(&self) -> String {
        format!("/lists/{}/leave", self.list.slug)
    }
}
