//! A list's figures, for programs: what the desk shows of it.

use std::sync::Arc;

use http::StatusCode;
use jiff::civil::Date;

use crate::app::App;
use crate::app::stats::{Days, Figures};
use crate::consent::operator::Right;
use crate::web::answer::{Answer, json};
use crate::web::form;
use crate::web::guard;
use crate::web::refusal::Refusal;
use crate::web::request::Request;
use crate::web::wish::{Fault, Slug};

/// Days that are told of unless others are asked for.
const DAYS: i32 = 30;

/// The list's figures by day. A count of one to four people is told as no more than that.
#[utoipa::path(
    get, path = "/api/v1/lists/{slug}/stats", tag = "Lists", operation_id = "show_stats",
    params(
        ("slug" = inline(Slug), Path, description = "The list's slug"),
        ("since" = Option<String>, Query, format = "date", description = "The first day, in UTC; 29 days before the last unless said"),
        ("until" = Option<String>, Query, format = "date", description = "The last day, in UTC; today unless said. No more than 366 days in all")
    ),
    responses((status = 200, description = "Its figures", body = Figures)),
    security(("token" = []))
)]
pub async fn show(app: Arc<App>, request: Arc<Request>, slug: String) -> Answer {
    request.looks_only()?;
    let operator = guard::bearer(&app, &request).await?;
    let list = guard::enter(&app, operator, Right::Read, &slug).await?.list;
    let pairs = form::parse(request.query.as_bytes()).map_err(|_| Refusal::BadRequest)?;
    let usual = Days::last(DAYS, app.clock.now());
    let until = day(&pairs, "until")?.unwrap_or(usual.until());
    let days = jiff::Span::new().days(DAYS - 1);
    let since = day(&pairs, "since")?.unwrap_or_else(|| until.saturating_sub(days));
    let days = Days::new(since, until).map_err(|bad| {
        Refusal::Invalid(vec![Fault::of("since", &format!("{bad}: ask for fewer, in order"))])
    })?;
    Ok(json(StatusCode::OK, &Figures::of(&app.store, &list, days).await?))
}

fn day(pairs: &[(String, String)], name: &str) -> Result<Option<Date>, Refusal> {
    let wrong = || Refusal::Invalid(vec![Fault::of(name, "a day is written as 2026-11-22, once")]);
    let text = form::one(pairs, name).map_err(|_| wrong())?;
    // Years of four digits, as RFC 3339 has them.
    let written = |text: &str| (text.len() == 10).then(|| text.parse().ok()).flatten();
    text.map(|text| written(text).ok_or_else(wrong)).transpose()
}
