//! Signup: the first yes. The answer is the same whether the address is new, pending, active or paused; only the
//! mailbox's owner learns which, by letter.

mod caller;
pub mod door;
mod form;
mod page;

use std::sync::Arc;

use http::Method;
use zeroize::Zeroizing;

use crate::app::App;
use crate::consent::change::{Entered, Signup, SignupRandom};
use crate::consent::list::{List, StoreIp};
use crate::consent::network::Network;
use crate::consent::notice::Notice;
use crate::consent::subscription::SignupOutcome;
use crate::store::StoreError;
use crate::web::answer::{Answer, refused};
use crate::web::asked::Origin;
use crate::web::refusal::{Refusal, open_list};
use crate::web::request::{Request, Verb};
use caller::Caller;
use form::{Faults, Form};
use page::Page;

/// `GET` and `POST /lists/{slug}`; `OPTIONS` for the browsers of other sites' visitors.
pub async fn handle(app: Arc<App>, request: Arc<Request>, slug: String) -> Answer {
    let asked = &request.asked;
    let is_preflight = request.method == Method::OPTIONS && asked.origin != Origin::Absent;
    if !is_preflight {
        request.verb()?;
    }
    let (list, notice) = app.store.find_list(&slug).await?.ok_or(Refusal::UnknownList)?;
    let caller = Caller::of(asked, &list, &app.links.public_url);
    let answer =
        if is_preflight { caller.preflight() } else { answer(&app, &request, caller, (list, notice)).await };
    if asked.origin == Origin::Absent {
        return answer;
    }
    let mut response = answer.or_else(|refusal| refused(&app, asked, &refusal))?;
    caller.let_read(&mut response);
    Ok(response)
}

async fn answer(app: &App, request: &Request, caller: Caller<'_>, found: (List, Notice)) -> Answer {
    let asked = &request.asked;
    let (list, notice) = open_list(found)?;
    match request.verb()? {
        Verb::Look => Page::new(app, asked, None, &list, &notice).first(asked),
        Verb::Act => {
            caller.may_sign_up(asked)?;
            let form = Form::read(request)?;
            let page = Page::new(app, asked, form.lang(), &list, &notice);
            let own = asked.from_our_page.then_some(app.links.public_url.as_str());
            match form.check(app, &list, &notice, page.lang, asked.site().or(own)) {
                Ok(mut entered) if !caller.is_foreign() => {
                    entered.network = network_to_keep(app, request, &list);
                    sign_up(app, &list, &notice, entered).await?;
                    page.check_your_mail(asked)
                }
                checked => {
                    let faults = checked.err().unwrap_or_default();
                    page.again(asked, &form, &Faults { foreign: caller.is_foreign(), ..faults })
                }
            }
        }
    }
}

fn network_to_keep(app: &App, request: &Request, list: &List) -> Option<Network> {
    match list.options.store_ip {
        StoreIp::Off => None,
        StoreIp::Truncated => request.client(&app.proxies).map(Network::of),
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
