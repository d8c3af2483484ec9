//! Who did what: the access record, of the lists on which whoever asks may read it.

use std::sync::Arc;

use http::StatusCode;
use serde_json::json;

use crate::app::App;
use crate::consent::operator::{EVERY_LIST, Right};
use crate::store::access::Record;
use crate::web::answer::Answer;
use crate::web::desk::{Form, Session};
use crate::web::refusal::Refusal;
use crate::web::request::Request;

/// Records a page.
const A_PAGE: u32 = 100;

/// `GET /desk/records?list=SLUG&before=NUMBER`
pub async fn handle(app: Arc<App>, request: Arc<Request>, (): ()) -> Answer {
    request.looks_only()?;
    let session = Session::of(&app, &request).await?;
    let form = Form::of_query(&request)?;
    let before = match form.text("before")? {
        "" => i64::MAX,
        number => number.parse().map_err(|_| Refusal::BadRequest)?,
    };
    let may = |number: u32| session.operator.may(Right::Records, number);
    let mut lists = app.store.lists().await?;
    lists.retain(|list| may(list.number));
    let mut shown: Vec<u32> = lists.iter().map(|list| list.number).collect();
    if may(EVERY_LIST) {
        // What was about no list: logins, operators.
        shown.push(0);
    }
    let slug = Some(form.text("list")?).filter(|slug| !slug.is_empty());
    if let Some(slug) = slug {
        shown = vec![session.enter(&app, Right::Records, slug).await?.list.number];
    }
    if shown.is_empty() {
        return Err(Refusal::Forbidden);
    }
    let records = app.store.access_records(&shown, before, A_PAGE).await?;
    let older = (records.len() == A_PAGE as usize).then(|| records.last()).flatten().map(|last| {
        let list = slug.map_or(String::new(), |slug| format!("list={slug}&"));
        format!("/desk/records?{list}before={}", last.number)
    });
    let told = |record: &Record| {
        let list = lists.iter().find(|list| list.number == record.list);
        json!({
            "at": record.at,
            "operator": record.operator,
            "act": record.act,
            "what": what(&record.act),
            "list": list.map(|list| &list.slug),
            "is_about_somebody": record.is_about_somebody,
        })
    };
    session.page(
        &app,
        StatusCode::OK,
        "records",
        json!({
            "records": records.iter().map(told).collect::<Vec<_>>(),
            "lists": lists.iter().map(|list| &list.slug).collect::<Vec<_>>(),
            "list": slug,
            "older": older,
        }),
    )
}

fn what(act: &str) -> &str {
    match act {
        "evidence" => "made evidence of a consent",
        "export" => "exported",
        "feed" => "read the feed",
        "look" => "looked at one person",
        "erase" => "erased one person",
        "log_in" => "logged in",
        "confidentiality" => "promised confidentiality",
        "operators" => "changed operators",
        "token" => "made or ended a token",
        "settings" => "changed settings",
        "webhook" => "changed a webhook",
        other => other,
    }
}
