//! My data: behind a freshly mailed link, over all lists, what is held about whoever has the address; to see, correct,
//! keep back, take along, pause and leave (GDPR Arts. 15–18, 20 and 21). The link alone is the proof of who asks.

mod acts;
mod file;
mod holdings;
mod page;

use std::sync::Arc;

use http::StatusCode;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, HeaderValue};
use serde_json::json;
use warp::Reply as _;

use crate::app::App;
use crate::token::{Purpose, Token};
use crate::web::answer::{Answer, act_answer, json as json_answer, language, page as page_answer};
use crate::web::refusal::Refusal;
use crate::web::request::{Request, Verb};
use acts::{Act, Done};
use holdings::Mine;
use page::{Page, Said};

/// `GET` and `POST /my/{token}`
pub async fn handle(app: Arc<App>, request: Arc<Request>, text: String) -> Answer {
    let token = app.links.tokens.read(Purpose::Data, &text).map_err(|_| Refusal::IncompleteLink)?;
    let verb = request.verb()?;
    if i64::from(token.expiry) <= app.clock.now().as_second() {
        return refuse(&app, &request, StatusCode::GONE, "data_expired");
    }
    let Some(mine) = Mine::find(&app, &request, &token).await? else {
        return refuse(&app, &request, StatusCode::OK, "data_gone");
    };
    match verb {
        Verb::Look => show(&app, &request, &mine, Said::Nothing).await,
        Verb::Act => {
            let act = Act::read(&request)?;
            let done = acts::act(&app, &mine, act).await?;
            answer(&app, &request, &token, mine, done).await
        }
    }
}

/// There is nothing to show: the link's time is over, or nothing is held any more.
fn refuse(app: &App, request: &Request, status: StatusCode, template: &str) -> Answer {
    let lang = language(app, &request.asked, "en");
    act_answer(app, &request.asked, status, lang, template, json!({}))
}

async fn show(app: &App, request: &Request, mine: &Mine, said: Said) -> Answer {
    let page = Page::of(app, mine, said).await?;
    if request.asked.json {
        return Ok(json_answer(page.status(), &page.told()));
    }
    page_answer(app, page.status(), &mine.lang, "my_data", page.context(app))
}

/// What an act came to: the page as it is now, or what there is instead.
async fn answer(app: &App, request: &Request, token: &Token, mine: Mine, done: Done) -> Answer {
    match done {
        Done::Said(said) => {
            // As it is now; the language may be another.
            let Some(now) = Mine::find(app, request, token).await? else {
                return refuse(app, request, StatusCode::OK, "data_gone");
            };
            match said.word() {
                Some(word) if request.asked.json && !said.is_refusal() => {
                    Ok(json_answer(StatusCode::OK, &json!({ "status": word })))
                }
                _ => show(app, request, &now, said).await,
            }
        }
        Done::Left(left) => {
            let back = mine.holdings.iter().find(|holding| left.iter().all(|gone| gone.id != holding.id));
            let back = back.map(|holding| Token { list: holding.list.number, id: holding.id, ..*token });
            let context = page::left(app, &mine.lang, &left, back.as_ref());
            act_answer(app, &request.asked, StatusCode::OK, &mine.lang, "my_left", context)
        }
        Done::File(bytes) => {
            let mut response = bytes.into_response();
            let headers = response.headers_mut();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            let name = HeaderValue::from_static("attachment; filename=\"optin-data.json\"");
            headers.insert(CONTENT_DISPOSITION, name);
            Ok(response)
        }
    }
}
