//! The notice: what people agree to, as it is now (med-14) and in every version that there ever was (cgm-7).

use std::sync::Arc;

use http::StatusCode;
use serde_json::json;

use crate::app::App;
use crate::consent::list::List;
use crate::consent::notice::Notice;
use crate::web::answer::{Answer, json as json_answer, page};
use crate::web::notice::{current_url, language, shown, url};
use crate::web::refusal::Refusal;
use crate::web::request::Request;

/// `GET /lists/{slug}/notice`: always the current text; of a closed list, the last one.
pub async fn current(app: Arc<App>, request: Arc<Request>, slug: String) -> Answer {
    request.looks_only()?;
    let (list, notice) = app.store.find_list(&slug).await?.ok_or(Refusal::UnknownList)?;
    show(&app, &request, &list, &notice, notice.version).await
}

/// `GET /lists/{slug}/notices/{version}`: that version, for ever, also when the list is closed.
pub async fn version(app: Arc<App>, request: Arc<Request>, (slug, version): (String, String)) -> Answer {
    request.looks_only()?;
    let (list, current) = app.store.find_list(&slug).await?.ok_or(Refusal::UnknownList)?;
    let notice = match number(&version) {
        Some(version) => app.store.find_notice(list.number, version).await?,
        None => None,
    };
    let notice = notice.ok_or_else(|| Refusal::UnknownNotice { slug: list.slug.clone() })?;
    show(&app, &request, &list, &notice, current.version).await
}

/// A version's number as we write it ourselves, so that each version has one address.
fn number(text: &str) -> Option<u32> {
    text.parse().ok().filter(|number: &u32| number.to_string() == text)
}

async fn show(app: &App, request: &Request, list: &List, notice: &Notice, current: u32) -> Answer {
    let lang = language(app, &request.asked, None, list, notice);
    let versions = app.store.notice_versions(list.number).await?;
    let versions: Vec<_> = versions
        .iter()
        .map(|(version, at)| json!({ "version": version, "published_at": at, "url": url(list, *version, lang) }))
        .collect();
    let context = json!({
        "list": { "slug": list.slug, "title": list.title(lang), "closed": list.is_closed },
        "notice": shown(list, notice, lang),
        "is_current": notice.version == current,
        "current_url": current_url(list, lang),
        "signup_url": (!list.is_closed).then(|| format!("/lists/{}?lang={lang}", list.slug)),
        "versions": versions,
    });
    if request.asked.json {
        return Ok(json_answer(StatusCode::OK, &context));
    }
    page(app, StatusCode::OK, lang, "notice", context)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_has_one_spelling() {
        assert_eq!(["1", "4294967295"].map(number), [Some(1), Some(u32::MAX)]);
        for other in ["", "01", "+1", "1.0", "1 ", "-1", "4294967296", "one", "\u{661}"] {
            assert_eq!(number(other), None, "{other}");
        }
    }
}
