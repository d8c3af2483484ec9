//! Signup: the first yes. The answer is the same whether the address is new, pending, active or paused; only the
//! mailbox's owner learns which, by letter.

mod form;
mod page;

use std::sync::Arc;

use http::StatusCode;
use serde_json::json;
use zeroize::Zeroizing;

use crate::app::App;
use crate::consent::change::{Entered, Signup, SignupRandom};
use crate::consent::list::List;
use crate::consent::notice::Notice;
use crate::consent::subscription::SignupOutcome;
use crate::store::StoreError;
use crate::web::answer::{Answer, json as json_answer, page as render};
use crate::web::refusal::Refusal;
use crate::web::request::{Request, Verb};
use form::{Faults, Form};

/// `GET` and `POST /lists/{slug}`
pub async fn handle(app: Arc<App>, request: Arc<Request>, slug: String) -> Answer {
    let verb = request.verb()?;
    let (list, notice) = app.store.find_list(&slug).await?.ok_or(Refusal::UnknownList)?;
    match verb {
        Verb::Look => {
            let lang = page::language(&app, &request.asked, None, &list, &notice);
            page::show(&app, &request.asked, &list, &notice, lang)
        }
        Verb::Act => {
            let form = Form::read(&request)?;
            let lang = page::language(&app, &request.asked, form.lang(), &list, &notice);
            let own = request.asked.from_our_page.then_some(app.links.public_url.as_str());
            let origin = request.asked.origin.as_deref().or(own);
            match form.check(&list, &notice, lang, origin) {
                Ok(entered) => {
                    sign_up(&app, &list, &notice, entered).await?;
                    answer(&app, &request, &list, lang)
                }
                Err(faults) => refuse(&app, &request, &list, &notice, lang, &form, &faults),
            }
        }
    }
}

/// The use case: a pending row and a confirmation letter; or, for an address that is known, what
/// [`SignupOutcome`] says. All cost the same.
pub async fn sign_up(
    app: &App,
    list: &List,
    notice: &Notice,
    entered: Entered,
) -> Result<SignupOutcome, StoreError> {
    let random = SignupRandom {
        id: App::random(),
        reference: App::random(),
        secret: Zeroizing::new(App::random()),
        nonce: App::random(),
    };
    let signup = Signup::new(&app.keys, list, notice, entered, random, app.clock.now());
    let outcome = app.store.sign_up(signup).await?;
    app.letters_wait.notify_one();
    Ok(outcome)
}

fn answer(app: &App, request: &Request, list: &List, lang: &str) -> Answer {
    if request.asked.json {
        return Ok(json_answer(StatusCode::ACCEPTED, &json!({ "status": "check_your_mail" })));
    }
    let context = json!({
        "list": { "slug": list.slug, "title": list.title(lang) },
        "hours": list.options.pending_ttl_hours,
    });
    render(app, StatusCode::OK, lang, "check_mail", context)
}

fn refuse(
    app: &App,
    request: &Request,
    list: &List,
    notice: &Notice,
    lang: &str,
    form: &Form,
    faults: &Faults,
) -> Answer {
    if request.asked.json {
        Ok(page::problem(app, list, notice, lang, faults))
    } else {
        page::again(app, list, notice, lang, form, faults)
    }
}
