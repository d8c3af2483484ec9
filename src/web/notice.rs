//! A notice as pages and programs are shown it.

use serde_json::{Value, json};

use super::asked::Asked;
use crate::app::App;
use crate::consent::list::List;
use crate::consent::notice::Notice;

/// What a page that shows a notice speaks: what its form was `shown` in, else the best asked for, else the list's own
/// language. Only such count as the notice has a text in: nobody agrees to a text in a language that the page does not
/// speak.
pub fn language<'a>(
    app: &'a App,
    asked: &Asked,
    shown: Option<&str>,
    list: &List,
    notice: &Notice,
) -> &'a str {
    let words = app.templates.words();
    let has_text = |lang: &&str| notice.languages().any(|of| of == *lang);
    let wanted = shown.into_iter().chain(asked.languages()).chain([list.options.lang.as_str()]);
    words.pick(wanted.filter(has_text)).or_else(|| words.pick(notice.languages())).unwrap_or("en")
}

/// A notice on a page that speaks `lang`. Its text is in that language if it has one; its own `lang` says which it is.
pub fn shown(list: &List, notice: &Notice, lang: &str) -> Value {
    let (text_lang, text) = notice.text_in(lang);
    json!({
        "version": notice.version,
        "purpose": notice.purpose,
        "published_at": notice.published_at,
        "lang": text_lang,
        "languages": notice.languages().collect::<Vec<_>>(),
        "text": text,
        "sha256": data_encoding::HEXLOWER.encode(&notice.sha256),
        "url": url(list, notice.version, lang),
    })
}

/// Where a version stands for ever.
pub fn url(list: &List, version: u32, lang: &str) -> String {
    format!("/lists/{}/notices/{version}?lang={lang}", list.slug)
}

/// Where the text always stands as it is now.
pub fn current_url(list: &List, lang: &str) -> String {
    format!("/lists/{}/notice?lang={lang}", list.slug)
}
