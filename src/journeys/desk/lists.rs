//! The lists, each in a line, and one list's figures.

use std::sync::Arc;

use http::StatusCode;
use serde_json::{Value, json};

use super::plot;
use crate::app::App;
use crate::app::stats::{Acts, Days, Figures, Line, overview};
use crate::consent::figures::grouped;
use crate::consent::operator::Right;
use crate::store::tallies::Letters;
use crate::web::answer::Answer;
use crate::web::desk::{Form, Session};
use crate::web::refusal::Refusal;
use crate::web::request::Request;

/// Days that the overview sums up, and that a list's page begins with.
const DAYS: i32 = 30;
/// How many days a list's page shows.
const CHOICES: [i32; 3] = [DAYS, 90, 365];

/// `GET /desk`: the lists that this operator may see.
pub async fn all(app: Arc<App>, request: Arc<Request>, (): ()) -> Answer {
    request.looks_only()?;
    let session = Session::of(&app, &request).await?;
    let mut lists = app.store.lists().await?;
    lists.retain(|list| session.operator.may(Right::Read, list.number));
    let lines = overview(&app.store, lists, Days::last(DAYS, app.clock.now())).await?;
    let line = |line: &Line| {
        let mut told = told(&line.total);
        told["slug"] = json!(line.list.slug);
        told["title"] = json!(line.list.title(&line.list.options.lang));
        told["lang"] = json!(line.list.options.lang);
        told["is_closed"] = json!(line.list.is_closed);
        told["subscribers"] = json!(line.subscribers.about());
        told
    };
    let context = json!({ "lists": lines.iter().map(line).collect::<Vec<_>>(), "days": DAYS });
    session.page(&app, StatusCode::OK, "lists", context)
}

/// `GET /desk/lists/{slug}?days=`: one list's figures.
pub async fn one(app: Arc<App>, request: Arc<Request>, slug: String) -> Answer {
    request.looks_only()?;
    let session = Session::of(&app, &request).await?;
    let list = session.enter(&app, Right::Read, &slug).await?.list;
    let days = match Form::of_query(&request)?.text("days")? {
        "" => DAYS,
        days => days.parse().ok().filter(|days| CHOICES.contains(days)).ok_or(Refusal::BadRequest)?,
    };
    let figures = Figures::of(&app.store, &list, Days::last(days, app.clock.now())).await?;
    let mut context = context(&figures);
    context["list"] = session.list(&list, "");
    context["days"] = json!(days);
    context["choices"] = json!(CHOICES);
    session.page(&app, StatusCode::OK, "list", context)
}

fn context(figures: &Figures) -> Value {
    let row = |day: &crate::app::stats::Day| {
        let mut row = told(&day.acts);
        row["day"] = json!(day.day.to_string());
        row
    };
    json!({
        "plot": plot::svg(&figures.days),
        "rows": figures.days.iter().rev().map(row).collect::<Vec<_>>(),
        "total": told(&figures.total),
        "confirmed_share": share(&figures.total),
        "subscribers": figures.subscribers.about(),
        "median": figures.median_in_words(),
        "letters": {
            "waiting": figures.letters.waiting.to_string(),
            "given_up": figures.letters.given_up.to_string(),
            "looked_at": figures.letters.and_more.then(|| grouped(Letters::MOST)),
        },
    })
}

fn told(acts: &Acts) -> Value {
    json!({
        "signed_up": acts.signed_up.to_string(),
        "confirmed": acts.confirmed.to_string(),
        "left": acts.left.to_string(),
        "came_back": acts.came_back.to_string(),
        "bounced": acts.bounced.to_string(),
    })
}

/// How many of those who signed up confirmed, in percent, where both are told exactly. Somebody may confirm on another day
/// than they signed up: where that makes more of them, nothing is told.
fn share(total: &Acts) -> Option<u64> {
    let (signed_up, confirmed) = (total.signed_up.exact()?, total.confirmed.exact()?);
    (signed_up > 0 && confirmed <= signed_up).then(|| (confirmed * 100 + signed_up / 2) / signed_up)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consent::figures::Figure;

    #[test]
    fn a_share_is_told_where_both_counts_are() {
        let of = |signed_up, confirmed| Acts { signed_up, confirmed, ..Acts::default() };
        assert_eq!(share(&of(Figure::of(9), Figure::of(6))), Some(67));
        assert_eq!(share(&of(Figure::of(9), Figure::of(0))), Some(0));
        for (signed_up, confirmed) in [(0, 0), (9, 3), (3, 0), (9, 12)] {
            assert_eq!(share(&of(Figure::of(signed_up), Figure::of(confirmed))), None);
        }
    }
}
