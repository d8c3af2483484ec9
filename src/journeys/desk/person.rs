//! One person, by exact address, for a request by phone: what their own page would show, and erasing them. Each look is
//! on record before anything is shown.

use std::sync::Arc;

use http::StatusCode;
use serde_json::{Value, json};

use crate::app::App;
use crate::consent::address::Address;
use crate::consent::change::Erase;
use crate::consent::operator::{Operator, Right};
use crate::consent::subscription::EraseOutcome;
use crate::store::access::Access;
use crate::token::Token;
use crate::web::answer::Answer;
use crate::web::desk::{self, Session};
use crate::web::fields;
use crate::web::holdings::{Holding, holdings, told};
use crate::web::refusal::Refusal;
use crate::web::request::{Request, Verb};

/// `GET` and `POST /desk/person`; the address never stands in a URL.
pub async fn handle(app: Arc<App>, request: Arc<Request>, (): ()) -> Answer {
    let verb = request.verb()?;
    let session = enter(&app, &request).await?;
    match verb {
        Verb::Look => show(&app, &session, StatusCode::OK, Shown::default()),
        Verb::Act => {
            let form = session.form(&request)?;
            look(&app, &session, form.text("address")?).await
        }
    }
}

/// `POST /desk/person/erase`
pub async fn erase(app: Arc<App>, request: Arc<Request>, (): ()) -> Answer {
    request.acts_only()?;
    let session = enter(&app, &request).await?;
    let form = session.form(&request)?;
    let (entered, slug) = (form.text("address")?, form.text("list")?);
    let entered_list = session.enter(&app, Right::Erase, slug).await?.list;
    if form.text("sure")? != "yes" {
        let problem = Some("Nothing was erased: say that they asked for it.".to_owned());
        let shown = Shown { address: entered, problem, ..Shown::default() };
        return show(&app, &session, StatusCode::UNPROCESSABLE_ENTITY, shown);
    }
    let Ok(address) = Address::parse(entered) else { return look(&app, &session, entered).await };
    let found = app.find_on(&[entered_list.number], &address).await?;
    let Some((list, id)) = found.into_iter().next() else { return look(&app, &session, entered).await };
    let now = app.clock.now();
    app.store.record_access(list, &session.operator.name, Access::Erase(id), now).await?;
    let outcome = app.store.erase(Erase::withdraw(&Token { list, id, expiry: 0 }, now)).await?;
    let said = match outcome {
        EraseOutcome::Erased => format!("They are erased from {}.", entered_list.title(desk::LANG)),
        _ => "Nothing was held there any more.".to_owned(),
    };
    show(&app, &session, StatusCode::OK, Shown { said: Some(said), ..Shown::default() })
}

/// Whoever may look at people on at least one list.
async fn enter(app: &App, request: &Request) -> Result<Session, Refusal> {
    let session = Session::of(app, request).await?;
    let mut lists = app.store.lists().await?;
    lists.retain(|list| session.operator.may(Right::Look, list.number));
    if lists.is_empty() && !session.operator.may_everywhere(Right::Look) {
        return Err(Refusal::Forbidden);
    }
    Ok(session)
}

async fn look(app: &App, session: &Session, entered: &str) -> Answer {
    let Ok(address) = Address::parse(entered) else {
        let problem = Some("That is not an e-mail address.".to_owned());
        let shown = Shown { address: entered, problem, ..Shown::default() };
        return show(app, session, StatusCode::UNPROCESSABLE_ENTITY, shown);
    };
    let operator = &session.operator;
    let mut held = holdings(app, &address).await?;
    held.retain(|holding| operator.may(Right::Look, holding.list.number));
    if held.is_empty() {
        app.store.record_access(0, &operator.name, Access::LookInVain, app.clock.now()).await?;
    }
    for holding in &held {
        let access = Access::Look(holding.id);
        app.store.record_access(holding.list.number, &operator.name, access, app.clock.now()).await?;
    }
    let mut lists = Vec::new();
    for holding in &held {
        lists.push(told_to(app, operator, holding).await?);
    }
    show(app, session, StatusCode::OK, Shown { address: entered, asked: true, lists, ..Shown::default() })
}

/// What their own page tells, with the fields by their labels.
async fn told_to(app: &App, operator: &Operator, holding: &Holding) -> Result<Value, Refusal> {
    let Holding { list, person, .. } = holding;
    let mut told = told(app, holding, desk::LANG).await?;
    let label = |name: &String| {
        let field = list.options.fields.iter().find(|field| field.name == *name);
        field.map_or_else(|| name.clone(), |field| fields::label(app, list, field, desk::LANG))
    };
    let field = |(name, value): (&String, &String)| json!({ "label": label(name), "value": value, "withheld": person.withheld.contains(name) });
    told["fields"] = person.profile.iter().map(field).collect();
    told["may_erase"] = json!(operator.may(Right::Erase, list.number));
    Ok(told)
}

#[derive(Default)]
struct Shown<'a> {
    address: &'a str,
    asked: bool,
    lists: Vec<Value>,
    said: Option<String>,
    problem: Option<String>,
}

fn show(app: &App, session: &Session, status: StatusCode, shown: Shown) -> Answer {
    let Shown { address, asked, lists, said, problem } = shown;
    let context =
        json!({ "address": address, "asked": asked, "lists": lists, "said": said, "problem": problem });
    session.page(app, status, "person", context)
}
