//! Lists and their notices, for programs.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::StatusCode;
use serde::Serialize;
use serde_json::Value;

use crate::app::App;
use crate::consent::list::List;
use crate::consent::notice::Notice;
use crate::consent::operator::Right;
use crate::web::answer::{Answer, json};
use crate::web::guard;
use crate::web::refusal::Refusal;
use crate::web::request::Request;
use crate::web::wish::{Items, NumberCursor, PageWish, Slug, number_of, numbered};

/// A list, in short.
#[derive(Serialize, utoipa::ToSchema)]
pub struct ListInShort {
    pub slug: String,
    /// By language.
    pub title: BTreeMap<String, String>,
    /// Whether it has ended: nobody is on it.
    pub closed: bool,
}

impl ListInShort {
    fn of(list: &List) -> ListInShort {
        ListInShort { slug: list.slug.clone(), title: list.options.title.clone(), closed: list.is_closed }
    }
}

/// Lists, the oldest first.
#[derive(Serialize, utoipa::ToSchema)]
#[allow(dead_code, reason = "`Items` is what is written")]
pub struct ListPage {
    pub items: Vec<ListInShort>,
    /// `after` of the next page.
    pub next: Option<String>,
}

/// A list as it is now.
#[derive(Serialize, utoipa::ToSchema)]
pub struct ListInFull {
    #[serde(flatten)]
    pub list: ListInShort,
    /// As the list's own file has them.
    #[schema(value_type = Object)]
    pub options: Value,
    /// The current one.
    pub notice: NoticeInShort,
}

/// A version of a notice, in short.
#[derive(Serialize, utoipa::ToSchema)]
pub struct NoticeInShort {
    pub version: u32,
    /// Stays when wording is corrected, and rises with a new purpose.
    pub purpose: u32,
    #[schema(format = "date-time")]
    pub published_at: String,
    /// Of its exact bytes, in hex.
    pub sha256: String,
    pub languages: Vec<String>,
}

impl NoticeInShort {
    fn of(notice: &Notice) -> NoticeInShort {
        NoticeInShort {
            version: notice.version,
            purpose: notice.purpose,
            published_at: notice.published_at.to_string(),
            sha256: data_encoding::HEXLOWER.encode(&notice.sha256),
            languages: notice.languages().map(str::to_owned).collect(),
        }
    }
}

/// Versions of a notice, the newest first.
#[derive(Serialize, utoipa::ToSchema)]
#[allow(dead_code, reason = "`Items` is what is written")]
pub struct NoticePage {
    pub items: Vec<NoticeInShort>,
    /// `after` of the next page.
    pub next: Option<String>,
}

/// A version of a notice with its texts.
#[derive(Serialize, utoipa::ToSchema)]
pub struct NoticeInFull {
    #[serde(flatten)]
    pub notice: NoticeInShort,
    /// By language, in parts.
    #[schema(value_type = Object)]
    pub texts: Value,
}

/// The lists that the token may read.
#[utoipa::path(
    get, path = "/api/v1/lists", tag = "Lists", operation_id = "list_lists",
    params(
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 100, description = "How many, 50 unless said"),
        ("after" = inline(Option<NumberCursor>), Query, description = "`next` of an earlier page")
    ),
    responses((status = 200, description = "Lists", body = ListPage)),
    security(("token" = []))
)]
pub async fn all(app: Arc<App>, request: Arc<Request>, (): ()) -> Answer {
    request.looks_only()?;
    let operator = guard::bearer(&app, &request).await?;
    if !operator.may_somewhere(Right::Read) {
        return Err(Refusal::Forbidden);
    }
    let wish = PageWish::read(&request)?;
    let after = wish.after(number_of)?.unwrap_or_default();
    let mut lists = app.store.lists().await?;
    lists.retain(|list| list.number > after && operator.may(Right::Read, list.number));
    lists.sort_by_key(|list| list.number);
    let Items { items, next } = Items::of(lists, wish.limit, |list| numbered(list.number));
    Ok(json(StatusCode::OK, &Items { items: items.iter().map(ListInShort::of).collect(), next }))
}

/// A list: its options and its current notice.
#[utoipa::path(
    get, path = "/api/v1/lists/{slug}", tag = "Lists", operation_id = "show_list",
    params(("slug" = inline(Slug), Path, description = "The list's slug")),
    responses((status = 200, description = "The list", body = ListInFull)),
    security(("token" = []))
)]
pub async fn one(app: Arc<App>, request: Arc<Request>, slug: String) -> Answer {
    let (list, notice) = read(&app, &request, &slug).await?;
    let options = serde_json::to_value(&list.options).map_err(|_| Refusal::Internal)?;
    let told = ListInFull { list: ListInShort::of(&list), options, notice: NoticeInShort::of(&notice) };
    Ok(json(StatusCode::OK, &told))
}

/// Every version of the list's notice.
#[utoipa::path(
    get, path = "/api/v1/lists/{slug}/notices", tag = "Lists", operation_id = "list_notices",
    params(
        ("slug" = inline(Slug), Path, description = "The list's slug"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 100, description = "How many, 50 unless said"),
        ("after" = inline(Option<NumberCursor>), Query, description = "`next` of an earlier page")
    ),
    responses((status = 200, description = "Versions, the newest first", body = NoticePage)),
    security(("token" = []))
)]
pub async fn notices(app: Arc<App>, request: Arc<Request>, slug: String) -> Answer {
    let (list, _) = read(&app, &request, &slug).await?;
    let wish = PageWish::read(&request)?;
    let before = wish.after(number_of)?.unwrap_or(u32::MAX);
    let versions = app.store.notice_versions(list.number).await?;
    let versions = versions.iter().map(|(version, _)| *version).filter(|version| *version < before);
    let page = Items::of(versions.collect(), wish.limit, |version| numbered(*version));
    let mut items = Vec::new();
    for version in page.items {
        let notice = app.store.find_notice(list.number, version).await?;
        items.extend(notice.as_ref().map(NoticeInShort::of));
    }
    Ok(json(StatusCode::OK, &Items { items, next: page.next }))
}

/// A version of the list's notice, with its texts.
#[utoipa::path(
    get, path = "/api/v1/lists/{slug}/notices/{version}", tag = "Lists", operation_id = "show_notice",
    params(
        ("slug" = inline(Slug), Path, description = "The list's slug"),
        ("version" = u32, Path, minimum = 1, description = "The version's number")
    ),
    responses((status = 200, description = "The version", body = NoticeInFull)),
    security(("token" = []))
)]
pub async fn notice(app: Arc<App>, request: Arc<Request>, (slug, version): (String, String)) -> Answer {
    let (list, _) = read(&app, &request, &slug).await?;
    let unknown = || Refusal::UnknownNotice { slug: list.slug.clone() };
    let version = number(&version).ok_or_else(unknown)?;
    let notice = app.store.find_notice(list.number, version).await?.ok_or_else(unknown)?;
    let texts = serde_json::to_value(notice.texts()).map_err(|_| Refusal::Internal)?;
    Ok(json(StatusCode::OK, &NoticeInFull { notice: NoticeInShort::of(&notice), texts }))
}

async fn read(app: &App, request: &Request, slug: &str) -> Result<(List, Notice), Refusal> {
    request.looks_only()?;
    let operator = guard::bearer(app, request).await?;
    let entered = guard::enter(app, operator, Right::Read, slug).await?;
    Ok((entered.list, entered.notice))
}

/// A number as we write it ourselves.
fn number(text: &str) -> Option<u32> {
    text.parse().ok().filter(|number: &u32| number.to_string() == text)
}
