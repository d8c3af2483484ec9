//! Logging in and out.

use std::sync::Arc;

use http::StatusCode;
use jiff::Timestamp;
use serde_json::json;

use crate::app::App;
use crate::consent::network::Network;
use crate::password;
use crate::store::StoreError;
use crate::store::access::Access;
use crate::store::sessions::Throttle;
use crate::web::answer::{Answer, see_other};
use crate::web::desk::{self, Form, Session};
use crate::web::refusal::Refusal;
use crate::web::request::{Request, Verb};

/// How many tries may fail within a quarter of an hour: of an account from one network; from a network; of an account.
const MOST: [i32; 3] = [10, 50, 100];

/// `GET` and `POST /desk/login`
pub async fn handle(app: Arc<App>, request: Arc<Request>, (): ()) -> Answer {
    match request.verb()? {
        Verb::Look => {
            let form = Form::of_query(&request)?;
            let to = desk::place(form.text("to")?).unwrap_or("/desk");
            show(&app, StatusCode::OK, "", to, None)
        }
        Verb::Act => log_in(&app, &request).await,
    }
}

/// `POST /desk/logout`
pub async fn log_out(app: Arc<App>, request: Arc<Request>, (): ()) -> Answer {
    request.acts_only()?;
    let (session, _) = Session::before_acceptance(&app, &request).await?;
    session.form(&request)?;
    app.store.end_session(session.secret()).await?;
    Ok(desk::let_out(&app, see_other("/desk/login")))
}

async fn log_in(app: &App, request: &Request) -> Answer {
    let form = Form::of(request)?;
    let (name, typed) = (form.text("name")?.trim().to_lowercase(), form.text("password")?);
    let to = desk::place(form.text("to")?).unwrap_or("/desk");
    let now = app.clock.now();
    if typed.len() > password::LONGEST || !is_right(app, request, &name, typed, now).await? {
        let problem = "This name and password do not belong together.";
        return show(app, StatusCode::UNAUTHORIZED, &name, to, Some(problem));
    }
    app.store.record_access(0, &name, Access::LogIn, now).await?;
    begin(app, &name, to, now).await
}

/// Lets an operator in, by a session of their own.
pub async fn begin(app: &App, name: &str, to: &str, now: Timestamp) -> Answer {
    let secret = App::secret();
    app.store.begin_session(&secret, name, now).await?;
    Ok(desk::let_in(app, see_other(to), &secret))
}

/// Whether it is the operator's password. An operator whom there is not takes as long, and is told the same.
pub async fn is_right(
    app: &App,
    request: &Request,
    name: &str,
    typed: &str,
    now: Timestamp,
) -> Result<bool, Refusal> {
    let throttles = throttles(app, request, name);
    // What one network is refused counts against no account: nobody locks out another from there.
    let (from_there, of_account) = throttles.split_at(2);
    for tried in [from_there, of_account] {
        if let Some(wait) = app.store.count_try(tried, now).await? {
            return Err(Refusal::TooManyTries(wait.as_secs().try_into().unwrap_or(u32::MAX)));
        }
    }
    let kept = app.store.operator(name).await?.and_then(|operator| operator.password);
    let typed = typed.to_owned();
    let is_right =
        slowly(app, move || password::is_right(&typed, kept.as_ref().map(|kept| kept.as_str()))).await?;
    if is_right {
        app.store.uncount_try(&throttles).await?;
    }
    Ok(is_right)
}

/// What takes a processor for a while, away from all that must not wait for it. It keeps its seat until it is done, also
/// where whoever asked has gone.
pub async fn slowly<T: Send + 'static>(
    app: &App,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Refusal> {
    let seat = app.password_seats.clone().acquire_owned().await.map_err(|_| StoreError::Unavailable)?;
    let seated = move || {
        let done = work();
        drop(seat);
        done
    };
    tokio::task::spawn_blocking(seated).await.map_err(|_| Refusal::Internal)
}

/// What a try is counted under; what the database gets is an HMAC of it.
fn throttles(app: &App, request: &Request, name: &str) -> [Throttle; 3] {
    let network = request.client(&app.proxies).map(|address| Network::of(address).to_string());
    let network = network.unwrap_or_default();
    let [both, from, account] = MOST;
    [
        (format!("both/{network}/{name}"), both),
        (format!("network/{network}"), from),
        (format!("account/{name}"), account),
    ]
    .map(|(what, most)| Throttle { key: app.keys.session_key(&what), most })
}

fn show(app: &App, status: StatusCode, name: &str, to: &str, problem: Option<&str>) -> Answer {
    desk::page(app, status, "login", json!({ "name": name, "to": to, "problem": problem }))
}
