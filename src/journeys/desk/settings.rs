//! A list's settings: its file, checked, seen and applied, as `optin list apply` does.

use std::sync::Arc;

use http::StatusCode;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use warp::Reply as _;

use super::notices::changes;
use super::preview::Preview;
use crate::app::App;
use crate::consent::list::{Fault, List};
use crate::consent::list_file::{Difference, ListFile};
use crate::consent::notice::Notice;
use crate::consent::operator::Right;
use crate::store::NextNotice;
use crate::store::access::Access;
use crate::web::answer::Answer;
use crate::web::desk::{Form, Session};
use crate::web::guard::Entered;
use crate::web::refusal::Refusal;
use crate::web::request::{Request, Verb};

/// A draft that can be applied.
struct Draft {
    file: ListFile,
    differences: Vec<Difference>,
    /// The list and the next version of its notice, or the same one, as the draft would have them.
    list: List,
    notice: Notice,
    notice_differs: bool,
}

/// What came of a press.
#[derive(Default)]
struct Pressed {
    faults: Vec<Fault>,
    draft: Option<Draft>,
    said: Option<String>,
    problem: Option<&'static str>,
}

/// `GET /desk/lists/{slug}/settings`, and `POST` with `text`, `base`, `notice_is`, and `act`: `check`, `apply`, or `look`
/// and a language.
pub async fn handle(app: Arc<App>, request: Arc<Request>, slug: String) -> Answer {
    let verb = request.verb()?;
    let session = Session::of(&app, &request).await?;
    let entered = session.enter(&app, Right::Settings, &slug).await?;
    let Entered { list, notice, .. } = &entered;
    let Verb::Act = verb else {
        let text = ListFile::of(list, notice).to_toml();
        return show(&app, &session, &entered, &text, "", Pressed::default());
    };
    let form = session.form(&request)?;
    let (text, act, notice_is) = (form.text("text")?, form.text("act")?, form.text("notice_is")?);
    let mut pressed = match read(&app, list, notice, text) {
        Ok(draft) => Pressed { draft: Some(draft), ..Pressed::default() },
        Err(faults) => Pressed { faults, ..Pressed::default() },
    };
    if let (Some(lang), Some(draft)) = (act.strip_prefix("look-"), &pressed.draft) {
        let preview = Preview { app: &app, list: &draft.list, notice: &draft.notice };
        return Ok(warp::reply::html(preview.signup_page(lang)?).into_response());
    }
    if act == "apply"
        && let Some(draft) = pressed.draft.take()
    {
        return apply(&app, &session, entered, &form, draft).await;
    }
    show(&app, &session, &entered, text, notice_is, pressed)
}

/// Everything that is wrong with a draft, or the draft.
fn read(app: &App, list: &List, notice: &Notice, text: &str) -> Result<Draft, Vec<Fault>> {
    let file = ListFile::parse(text, &app.templates.words().codes())?;
    let mut faults: Vec<Fault> = file.fault_beside(&app.controller.mail).into_iter().collect();
    if file.slug != list.slug {
        faults.push(Fault::new("slug", format!("is `{}` and stays so", list.slug)));
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let differences = file.differences(&ListFile::of(list, notice));
    let notice_differs = file.texts != *notice.texts();
    let next = || Notice::encode(notice.version + 1, notice.purpose, file.texts.clone());
    let drafted = match notice_differs {
        true => Notice::decode(&next(), app.clock.now()),
        false => Some(notice.clone()),
    };
    let drafted = drafted.ok_or_else(|| vec![Fault::new("notice", "cannot be written")])?;
    let list = List { options: file.options.clone(), ..list.clone() };
    Ok(Draft { file, differences, list, notice: drafted, notice_differs })
}

/// Does what the draft says, unless the list is not as it was when the page was made.
async fn apply(app: &App, session: &Session, entered: Entered, form: &Form, draft: Draft) -> Answer {
    let Entered { list, notice, .. } = &entered;
    let (text, notice_is) = (form.text("text")?.to_owned(), form.text("notice_is")?);
    let problem = match notice_is {
        _ if list.is_closed => Some("closed"),
        _ if form.text("base")? != base(list, notice) => Some("faster"),
        _ if draft.differences.is_empty() => Some("same"),
        "correction" | "purpose" => None,
        _ if draft.notice_differs => Some("which"),
        _ => None,
    };
    if problem.is_some() {
        let pressed = Pressed { draft: Some(draft), problem, ..Pressed::default() };
        return show(app, session, &entered, &text, notice_is, pressed);
    }
    let now = app.clock.now();
    app.store.record_access(list.number, &session.operator.name, Access::Settings, now).await?;
    let new_purpose = notice_is == "purpose";
    let next = draft.notice_differs.then(|| NextNotice { texts: draft.file.texts.clone(), new_purpose });
    let options = &draft.file.options;
    if !app.store.change_list(list, notice, options, next, now, App::random()).await? {
        let pressed = Pressed { draft: Some(draft), problem: Some("faster"), ..Pressed::default() };
        return show(app, session, &entered, &text, notice_is, pressed);
    }
    let said = match (draft.notice_differs, new_purpose) {
        (false, _) => "The list is changed.".to_owned(),
        (true, false) => format!("The list is changed; its notice has version {} now.", draft.notice.version),
        (true, true) => format!(
            "The list is changed; its notice has version {} now. Nobody is on an export before they have agreed to it.",
            draft.notice.version
        ),
    };
    let (list, notice) = app.store.find_list(&list.slug).await?.ok_or(Refusal::UnknownList)?;
    let entered = Entered { list, notice, ..entered };
    let text = ListFile::of(&entered.list, &entered.notice).to_toml();
    show(app, session, &entered, &text, "", Pressed { said: Some(said), ..Pressed::default() })
}

fn show(
    app: &App,
    session: &Session,
    Entered { list, notice, .. }: &Entered,
    text: &str,
    notice_is: &str,
    pressed: Pressed,
) -> Answer {
    let Pressed { faults, draft, said, problem } = pressed;
    let draft = draft.map(|draft| told(app, notice, &draft)).transpose()?;
    let fault = |fault: &Fault| json!({ "at": fault.at, "what": fault.what });
    let context = json!({
        "list": session.list(list, "/settings"),
        "text": text,
        "base": base(list, notice),
        "version": notice.version,
        "notice_is": notice_is,
        "faults": faults.iter().map(fault).collect::<Vec<_>>(),
        "draft": draft,
        "said": said,
        "problem": problem,
    });
    let status = match problem {
        Some("faster") => StatusCode::CONFLICT,
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
        None if !faults.is_empty() => StatusCode::UNPROCESSABLE_ENTITY,
        None => StatusCode::OK,
    };
    session.page(app, status, "settings", context)
}

fn told(app: &App, current: &Notice, draft: &Draft) -> Result<Value, Refusal> {
    let of_notice = |difference: &&Difference| difference.at.starts_with("notice.");
    let difference = |difference: &Difference| json!({ "at": difference.at, "old": difference.old, "new": difference.new });
    let options = draft.differences.iter().filter(|difference| !of_notice(difference));
    Ok(json!({
        "differs": !draft.differences.is_empty(),
        "differences": options.map(difference).collect::<Vec<_>>(),
        "changes": draft.notice_differs.then(|| changes(current, &draft.notice)),
        "version": draft.notice.version,
        "previews": Preview { app, list: &draft.list, notice: &draft.notice }.each_language()?,
    }))
}

/// Tells whether the list is as it was: the SHA-256 of all that its page shows of it.
fn base(list: &List, notice: &Notice) -> String {
    let file = ListFile::of(list, notice).to_toml();
    data_encoding::HEXLOWER.encode(&Sha256::digest(format!("{}\n{file}", notice.version)))
}
