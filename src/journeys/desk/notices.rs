//! All versions of a list's notice, and what each changed.

use std::collections::BTreeSet;
use std::sync::Arc;

use http::StatusCode;
use serde_json::{Value, json};

use super::preview::Preview;
use crate::app::App;
use crate::consent::difference::difference;
use crate::consent::notice::{Notice, PARTS};
use crate::consent::operator::Right;
use crate::web::answer::Answer;
use crate::web::desk::Session;
use crate::web::notice::url;
use crate::web::refusal::Refusal;
use crate::web::request::Request;

/// `GET /desk/lists/{slug}/notices`
pub async fn all(app: Arc<App>, request: Arc<Request>, slug: String) -> Answer {
    request.looks_only()?;
    let session = Session::of(&app, &request).await?;
    let list = session.enter(&app, Right::Read, &slug).await?.list;
    let mut versions = Vec::new();
    for (version, _) in app.store.notice_versions(list.number).await? {
        if let Some(notice) = app.store.find_notice(list.number, version).await? {
            versions.push(facts(&notice));
        }
    }
    let context = json!({ "list": session.list(&list, "/notices"), "versions": versions });
    session.page(&app, StatusCode::OK, "notices", context)
}

/// `GET /desk/lists/{slug}/notices/{version}`
pub async fn one(app: Arc<App>, request: Arc<Request>, (slug, version): (String, String)) -> Answer {
    request.looks_only()?;
    let session = Session::of(&app, &request).await?;
    let list = session.enter(&app, Right::Read, &slug).await?.list;
    let unknown = || Refusal::UnknownNotice { slug: slug.clone() };
    let number: u32 = version.parse().map_err(|_| unknown())?;
    let find = async |version| app.store.find_notice(list.number, version).await;
    let notice = find(number).await?.filter(|notice| notice.version.to_string() == version);
    let notice = notice.ok_or_else(unknown)?;
    let before = match number.checked_sub(1) {
        None | Some(0) => None,
        Some(before) => find(before).await?,
    };
    let mut previews = Preview { app: &app, list: &list, notice: &notice }.each_language()?;
    for preview in &mut previews {
        preview["url"] = json!(url(&list, notice.version, preview["lang"].as_str().unwrap_or_default()));
    }
    let context = json!({
        "list": session.list(&list, "/notices"),
        "notice": facts(&notice),
        "before": before.as_ref().map(facts),
        "changes": before.as_ref().map(|before| changes(before, &notice)),
        "previews": previews,
    });
    session.page(&app, StatusCode::OK, "notice", context)
}

fn facts(notice: &Notice) -> Value {
    json!({
        "version": notice.version,
        "purpose": notice.purpose,
        "published_at": notice.published_at,
        "sha256": data_encoding::HEXLOWER.encode(&notice.sha256),
        "languages": notice.languages().collect::<Vec<_>>(),
    })
}

/// What differs, by language: each part of the text in pieces, and whether any part changed.
pub fn changes(before: &Notice, after: &Notice) -> Vec<Value> {
    let languages: BTreeSet<&str> = before.languages().chain(after.languages()).collect();
    let of = |notice: &Notice, lang: &str| {
        notice.texts().get(lang).map(|text| text.parts().map(str::to_owned)).unwrap_or_default()
    };
    let in_language = |lang: &str| {
        let (old, new) = (of(before, lang), of(after, lang));
        let part = |(n, (name, _)): (usize, &(&str, &str))| {
            json!({
                "name": name,
                "has_changed": old[n] != new[n],
                "pieces": difference(&old[n], &new[n]),
            })
        };
        json!({
            "lang": lang,
            "is_new": !before.texts().contains_key(lang),
            "is_gone": !after.texts().contains_key(lang),
            "has_changed": old != new,
            "parts": PARTS.iter().enumerate().map(part).collect::<Vec<_>>(),
        })
    };
    languages.into_iter().map(in_language).collect()
}
