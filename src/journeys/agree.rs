//! Agree: a yes to a list's new notice, by the link of the letter that told of it. The link's page asks; only its button
//! acts.

use std::sync::Arc;

use http::StatusCode;
use jiff::Timestamp;
use serde_json::json;

use crate::app::App;
use crate::consent::change::{CannotRenew, Rewrite, Yes};
use crate::consent::list::List;
use crate::consent::notice::Notice;
use crate::consent::person::Person;
use crate::consent::subscription::{AGREE_WITHIN, RewriteOutcome, SUBSCRIBED};
use crate::store::StoreError;
use crate::token::{Purpose, Token};
use crate::web::answer::{Answer, act_answer};
use crate::web::form;
use crate::web::notice::{self, language};
use crate::web::refusal::Refusal;
use crate::web::request::{Request, Verb};
use crate::web::seen::{Seen, see};

/// What a link or its button met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agreement {
    /// The text is there to be read, and nothing has been done.
    Asked,
    Agreed,
    AlreadyAgreed,
    /// What was shown has another purpose than the list has by now.
    PurposeChanged,
    Expired,
    NothingHere,
}

/// Why an agreement could not be written.
#[derive(Debug, thiserror::Error)]
pub enum AgreeError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Renew(#[from] CannotRenew),
}

/// `GET` and `POST /a/{token}`
pub async fn handle(app: Arc<App>, request: Arc<Request>, text: String) -> Answer {
    let token = app.links.tokens.read(Purpose::Agree, &text).map_err(|_| Refusal::IncompleteLink)?;
    match request.verb()? {
        Verb::Look => {
            let seen = see_text(&app, &request, &token, None).await?;
            let standing = standing(&app, &seen, &token);
            answer(&app, &request, &seen, &token, &text, standing)
        }
        Verb::Act => {
            let form = Form::read(&request)?;
            let seen = see_text(&app, &request, &token, form.lang.as_deref()).await?;
            let outcome = match standing(&app, &seen, &token) {
                Agreement::Asked => press(&app, &seen, &token, &form).await?,
                standing => standing,
            };
            let seen = see_text(&app, &request, &token, form.lang.as_deref()).await?;
            answer(&app, &request, &seen, &token, &text, outcome)
        }
    }
}

/// The use case: the person's last yes is to this notice, and its entry joins the trail. On exports is only whose
/// notice has the list's purpose, whatever comes between.
pub async fn agree(
    app: &App,
    token: &Token,
    list: &List,
    shown: &Notice,
    lang: &str,
) -> Result<Agreement, AgreeError> {
    let (origin, linked_at) = (app.links.public_url.as_str(), linked_at(token));
    let (yes, now) = (Yes { list, notice: shown, lang, origin, linked_at }, app.clock.now());
    let written = app
        .rewrite(token.list, token.id, |held, nonce| Ok(Rewrite::renew(&app.keys, held, &yes, nonce, now)?));
    match written.await {
        Ok(RewriteOutcome::Done) => Ok(Agreement::Agreed),
        Ok(_) => Ok(Agreement::NothingHere),
        Err(AgreeError::Renew(CannotRenew::AlreadyAgreed)) => Ok(Agreement::AlreadyAgreed),
        Err(AgreeError::Renew(CannotRenew::OldAddress)) => Ok(Agreement::Expired),
        Err(error) => Err(error),
    }
}

/// What stands behind the link. It speaks a language that the text is written in: nobody agrees to another.
async fn see_text(
    app: &App,
    request: &Request,
    token: &Token,
    shown_in: Option<&str>,
) -> Result<Seen, Refusal> {
    let seen = see(app, request, token).await?;
    let wanted = shown_in.unwrap_or(&seen.lang);
    let lang = language(app, &request.asked, Some(wanted), &seen.list, &seen.current).to_owned();
    Ok(Seen { lang, ..seen })
}

/// When a link was made: from then on it is valid for [`AGREE_WITHIN`].
fn linked_at(token: &Token) -> Timestamp {
    Timestamp::from_second(token.expiry.into()).unwrap_or_default() - AGREE_WITHIN
}

/// What there is to say before anybody agrees. A link that was mailed to an address before the present one says nothing
/// for whoever has that.
fn standing(app: &App, seen: &Seen, token: &Token) -> Agreement {
    let person = |seal: &[u8]| Person::open(&app.keys, token.list, token.id, seal);
    let has_moved = seen.subscription.as_ref().and_then(|subscription| person(&subscription.seal).ok());
    let has_moved = has_moved.is_some_and(|person| person.has_moved_since(linked_at(token)));
    let has_expired = has_moved || i64::from(token.expiry) <= app.clock.now().as_second();
    match &seen.subscription {
        _ if seen.list.is_closed => Agreement::NothingHere,
        None => Agreement::NothingHere,
        Some(subscription) if !SUBSCRIBED.has(subscription.row.state) => Agreement::NothingHere,
        Some(subscription) if subscription.notice.version >= seen.current.version => Agreement::AlreadyAgreed,
        Some(subscription) if has_expired && subscription.row.purpose_is_current => Agreement::AlreadyAgreed,
        Some(_) if has_expired => Agreement::Expired,
        Some(_) => Agreement::Asked,
    }
}

/// The button under a text that the form names.
async fn press(app: &App, seen: &Seen, token: &Token, form: &Form) -> Result<Agreement, Refusal> {
    let version = form.notice.ok_or(Refusal::BadRequest)?;
    let shown = app.store.find_notice(seen.list.number, version).await?;
    let shown = shown.filter(|shown| shown.purpose == seen.current.purpose);
    let Some(shown) = shown else { return Ok(Agreement::PurposeChanged) };
    // A page that was left open, and the person has agreed to a later wording since.
    let agreed = seen.subscription.as_ref().map_or(0, |subscription| subscription.notice.version);
    if shown.version <= agreed {
        return Ok(Agreement::AlreadyAgreed);
    }
    Ok(agree(app, token, &seen.list, &shown, &seen.lang).await?)
}

/// What the button posts: the version that was shown, and the language.
struct Form {
    notice: Option<u32>,
    lang: Option<String>,
}

impl Form {
    fn read(request: &Request) -> Result<Form, Refusal> {
        request.button()?;
        let pairs = form::parse(request.body()?).map_err(|_| Refusal::BadRequest)?;
        let one = |name| form::one(&pairs, name).map_err(|_| Refusal::BadRequest);
        Ok(Form {
            notice: one("notice")?.and_then(|version| version.parse().ok()),
            lang: one("lang")?.map(str::to_owned),
        })
    }
}

fn answer(
    app: &App,
    request: &Request,
    seen: &Seen,
    token: &Token,
    text: &str,
    agreement: Agreement,
) -> Answer {
    let (status, template) = match agreement {
        Agreement::NothingHere => {
            let context = seen.nothing_here();
            return act_answer(app, &request.asked, StatusCode::OK, &seen.lang, "nothing_here", context);
        }
        Agreement::Asked => (StatusCode::OK, "agree"),
        Agreement::Agreed => (StatusCode::OK, "agreed"),
        Agreement::AlreadyAgreed => (StatusCode::OK, "already_agreed"),
        Agreement::PurposeChanged => (StatusCode::CONFLICT, "agree_changed"),
        Agreement::Expired => (StatusCode::GONE, "agree_expired"),
    };
    let subscription = seen.subscription.as_ref();
    let agreed = subscription.map(|subscription| subscription.notice.version);
    let context = json!({
        "list": seen.list_context(),
        "notice": notice::shown(&seen.list, &seen.current, &seen.lang),
        "needed": subscription.is_some_and(|subscription| !subscription.row.purpose_is_current),
        "agreed_url": agreed.map(|version| notice::url(&seen.list, version, &seen.lang)),
        "action": format!("/a/{text}"),
        "unsubscribe_url": format!("/u/{}", app.links.tokens.mint(Purpose::Unsubscribe, token)),
        "signup_url": seen.signup_path(),
        "my_url": "/my",
    });
    act_answer(app, &request.asked, status, &seen.lang, template, context)
}

impl From<AgreeError> for Refusal {
    fn from(error: AgreeError) -> Refusal {
        match error {
            AgreeError::Store(error) => error.into(),
            AgreeError::Renew(error) => {
                tracing::error!(%error, "an agreement could not be written");
                Refusal::Internal
            }
        }
    }
}
