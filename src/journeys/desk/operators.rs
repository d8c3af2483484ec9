//! Operators: who there is, what they may, and invitations, for administrators of every list.

use std::sync::Arc;

use http::StatusCode;
use serde_json::{Value, json};

use crate::app::App;
use crate::consent::address::Address;
use crate::consent::list::List;
use crate::consent::operator::{EVERY_LIST, Right, Role, is_name};
use crate::store::access::Access;
use crate::store::operators::Known;
use crate::web::answer::Answer;
use crate::web::desk::{self, Form, Session};
use crate::web::guard;
use crate::web::refusal::Refusal;
use crate::web::request::{Request, Verb};

/// `GET` and `POST /desk/operators`
pub async fn handle(app: Arc<App>, request: Arc<Request>, (): ()) -> Answer {
    let verb = request.verb()?;
    let session = enter(&app, &request).await?;
    match verb {
        Verb::Look => page(&app, &session, StatusCode::OK, Said::default()).await,
        Verb::Act => {
            let form = session.form(&request)?;
            let (name, mail) = (form.text("name")?.trim(), form.text("mail")?.trim());
            add(&app, &session, name, mail, grant(&app, &form).await?).await
        }
    }
}

/// `POST /desk/operators/{grant|revoke|invite|remove}`
pub async fn act(app: Arc<App>, request: Arc<Request>, what: String) -> Answer {
    if !["grant", "revoke", "invite", "remove"].contains(&what.as_str()) {
        return Err(Refusal::NotFound);
    }
    request.acts_only()?;
    let session = enter(&app, &request).await?;
    let form = session.form(&request)?;
    let name = form.text("name")?;
    if name == session.operator.name {
        let problem = "Nobody changes what they may themselves: another administrator can.";
        return refuse(&app, &session, problem).await;
    }
    let Some(known) = app.store.operator(name).await? else {
        return refuse(&app, &session, "There is no such operator any more.").await;
    };
    record(&app, &session).await?;
    let said = match what.as_str() {
        "grant" => {
            let (list, role) = grant(&app, &form).await?;
            app.store.grant(name, list, role).await?;
            format!("{name} has the role.")
        }
        "revoke" => {
            let list = form.text("list")?.parse().map_err(|_| Refusal::BadRequest)?;
            app.store.revoke(name, list).await?;
            format!("{name} does not have that role any more.")
        }
        "remove" => {
            app.store.remove_operator(name).await?;
            format!("{name} is no operator any more.")
        }
        _ => return invite(&app, &session, name, known.mail.as_deref()).await,
    };
    page(&app, &session, StatusCode::OK, Said { said: Some(said), ..Said::default() }).await
}

async fn enter(app: &App, request: &Request) -> Result<Session, Refusal> {
    let session = Session::of(app, request).await?;
    guard::everywhere(session.operator.clone(), Right::Operators)?;
    Ok(session)
}

async fn add(app: &App, session: &Session, name: &str, mail: &str, (list, role): (u32, Role)) -> Answer {
    if !is_name(name) {
        let problem = "A name has lower-case letters, digits, “.”, “_” and “-”, 63 at most, and begins with a letter or digit.";
        return refuse(app, session, problem).await;
    }
    if Address::parse(mail).is_err() {
        return refuse(app, session, "That is not an e-mail address.").await;
    }
    record(app, session).await?;
    if !app.store.add_operator_without_role(name, Some(mail), app.clock.now()).await? {
        return refuse(app, session, "There is an operator of that name.").await;
    }
    app.store.grant(name, list, role).await?;
    invite(app, session, name, Some(mail)).await
}

/// Mails a new invitation; where that is not possible, it is shown, to be handed on.
async fn invite(app: &App, session: &Session, name: &str, mail: Option<&str>) -> Answer {
    let secret = App::secret();
    app.store.invite(&secret, name, app.clock.now()).await?;
    let link = desk::invitation(desk::url(app), &secret);
    let said = match send(app, name, mail, &link).await {
        true => Said { said: Some(format!("An invitation to {name} is on its way.")), ..Said::default() },
        false => {
            let problem = format!("The invitation to {name} could not be mailed.");
            Said { problem: Some(problem), link: Some(link), ..Said::default() }
        }
    };
    page(app, session, StatusCode::OK, said).await
}

/// Whether the relay took it.
async fn send(app: &App, name: &str, mail: Option<&str>, link: &str) -> bool {
    let Some(to) = mail.and_then(|mail| Address::parse(mail).ok()) else { return false };
    let context = json!({ "name": name, "link": link });
    let Ok(text) = app.templates.render("desk/invitation.txt", desk::LANG, context) else { return false };
    let letter = app.controller_letter(&to, "You are an operator", text);
    let Ok(letter) = letter else { return false };
    let mut line = app.mailer.line();
    let sent = line.send(&letter.from, &letter.to, &letter.bytes, async { Ok(()) }).await;
    line.close().await;
    if let Err(error) = &sent {
        tracing::warn!(%error, "an invitation was not sent");
    }
    sent.is_ok()
}

async fn record(app: &App, session: &Session) -> Result<(), Refusal> {
    let name = &session.operator.name;
    Ok(app.store.record_access(EVERY_LIST, name, Access::Operators, app.clock.now()).await?)
}

/// The role and the list that a form names.
async fn grant(app: &App, form: &Form) -> Result<(u32, Role), Refusal> {
    let role = Role::from_name(form.text("role")?).ok_or(Refusal::BadRequest)?;
    let list = form.text("list")?.parse().map_err(|_| Refusal::BadRequest)?;
    let exists = list == EVERY_LIST || app.store.find_list_by_number(list).await?.is_some();
    if exists { Ok((list, role)) } else { Err(Refusal::UnknownList) }
}

#[derive(Default)]
struct Said {
    said: Option<String>,
    problem: Option<String>,
    link: Option<String>,
}

async fn refuse(app: &App, session: &Session, problem: &str) -> Answer {
    let said = Said { problem: Some(problem.to_owned()), ..Said::default() };
    page(app, session, StatusCode::UNPROCESSABLE_ENTITY, said).await
}

async fn page(app: &App, session: &Session, status: StatusCode, said: Said) -> Answer {
    let lists = app.store.lists().await?;
    let operators = app.store.operators().await?;
    let told = |known: &Known| told(known, &lists, &session.operator.name);
    let open = lists.iter().filter(|list| !list.is_closed);
    session.page(
        app,
        status,
        "operators",
        json!({
            "said": said.said,
            "problem": said.problem,
            "link": said.link,
            "operators": operators.iter().map(told).collect::<Vec<_>>(),
            "lists": open.map(|list| json!({ "number": list.number, "slug": list.slug })).collect::<Vec<_>>(),
        }),
    )
}

fn told(known: &Known, lists: &[List], own: &str) -> Value {
    let slug = |number: u32| lists.iter().find(|list| list.number == number).map(|list| &list.slug);
    let grants = known
        .grants
        .iter()
        .map(|(list, role)| json!({ "list": slug(*list), "number": list, "role": role.name() }));
    json!({
        "name": known.name,
        "mail": known.mail,
        "grants": grants.collect::<Vec<_>>(),
        "confidential_at": known.confidential_at,
        "has_password": known.password.is_some(),
        "is_self": known.name == own,
    })
}
