//! The grammar of `Accept` and `Accept-Language` (RFC 9110 §12.4 and §12.5). A member that is broken is passed over,
//! as if it had not been sent.

use std::cmp::{Ordering, Reverse};

/// The most members of one header that are looked at.
const MAX_MEMBERS: usize = 32;
/// The longest language tag: RFC 5646 §4.4.1 asks for room for 35 characters.
const MAX_TAG: usize = 35;

/// Whether an `Accept` header prefers JSON to a page; none if it does not say.
///
/// The most exact range that fits a kind gives its weight. The higher weight wins; of equal weights, the kind that
/// is named more exactly.
pub fn prefers_json(accept: &str) -> Option<bool> {
    let (mut page, mut json) = (Fit::default(), Fit::default());
    for (range, weight) in weighted(accept) {
        let range = range.to_ascii_lowercase();
        let exactly_json = range == "application/json" || range.ends_with("+json");
        page = page.max(Fit { exactness: exactness(&range, range == "text/html", "text/*"), weight });
        json = json.max(Fit { exactness: exactness(&range, exactly_json, "application/*"), weight });
    }
    let wanted = |fit: Fit| (fit.weight(), fit.exactness);
    match wanted(json).cmp(&wanted(page)) {
        _ if page.weight() == 0 && json.weight() == 0 => None,
        Ordering::Greater => Some(true),
        Ordering::Less => Some(false),
        Ordering::Equal => None,
    }
}

/// How well a kind of answer is described: the more exact range counts, and among those the heavier one.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Fit {
    exactness: u8,
    weight: u16,
}

impl Fit {
    fn weight(self) -> u16 {
        if self.exactness == 0 { 0 } else { self.weight }
    }
}

fn exactness(range: &str, exactly: bool, family: &str) -> u8 {
    match range {
        _ if exactly => 3,
        _ if range == family => 2,
        "*/*" => 1,
        _ => 0,
    }
}

/// The language tags of an `Accept-Language` header in lower case, heaviest first; `*` and weight 0 left out.
pub fn languages(accept_language: &str) -> Vec<String> {
    let mut tags: Vec<(u16, String)> = weighted(accept_language)
        .filter(|&(_, weight)| weight > 0)
        .filter_map(|(tag, weight)| Some((weight, language_tag(tag)?)))
        .collect();
    tags.sort_by_key(|&(weight, _)| Reverse(weight));
    tags.into_iter().map(|(_, tag)| tag).collect()
}

/// A language tag in lower case, if it has the form of one (RFC 4647 §2.1).
pub fn language_tag(text: &str) -> Option<String> {
    let subtag =
        |text: &str| matches!(text.len(), 1..=8) && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let begins_with_letters = text.split('-').next()?.bytes().all(|byte| byte.is_ascii_alphabetic());
    let is_tag = text.len() <= MAX_TAG && begins_with_letters && text.split('-').all(subtag);
    is_tag.then(|| text.to_ascii_lowercase())
}

/// A media type in lower case without its parameters, and those, names and values in lower case, quotes taken off.
pub fn media_type(value: &str) -> (String, impl Iterator<Item = (String, String)>) {
    let mut parts = split(value, ';').map(|part| part.trim().to_ascii_lowercase());
    let media_type = parts.next().unwrap_or_default();
    let parameters = parts.filter_map(|part| {
        let (name, value) = part.split_once('=')?;
        Some((name.trim().to_owned(), value.trim().trim_matches('"').to_owned()))
    });
    (media_type, parameters)
}

/// The members of a list and their weights in thousandths.
fn weighted(list: &str) -> impl Iterator<Item = (&str, u16)> {
    split(list, ',').take(MAX_MEMBERS).filter_map(|member| {
        let mut parts = split(member, ';').map(str::trim);
        let value = parts.next()?;
        let is_weight = |part: &str| part.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("q="));
        let weight = parts.find(|part| is_weight(part)).map_or(Some(1000), |part| thousandths(&part[2..]))?;
        Some((value, weight))
    })
}

/// A weight (RFC 9110 §12.4.2): 0 to 1 with at most three decimals.
fn thousandths(weight: &str) -> Option<u16> {
    let (whole, decimals) = weight.split_once('.').unwrap_or((weight, ""));
    if decimals.len() > 3 || !decimals.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let decimals = format!("{decimals:0<3}").parse().ok()?;
    match whole {
        "0" => Some(decimals),
        "1" if decimals == 0 => Some(1000),
        _ => None,
    }
}

/// Splits outside quoted strings (RFC 9110 §5.6.4).
fn split(text: &str, at: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |letter| {
        match letter {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => {}
        }
        letter == at && !quoted
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_more_exact_range_gives_the_weight() {
        assert_eq!(prefers_json("application/*"), Some(true));
        assert_eq!(prefers_json("text/*"), Some(false));
        assert_eq!(prefers_json("text/html;q=0.2, */*"), Some(true));
        assert_eq!(prefers_json("*/*, application/json;q=0.2"), Some(false));
        assert_eq!(prefers_json("application/json;q=0.2, application/ld+json, text/html;q=0.5"), Some(true));
        assert_eq!(prefers_json("application/json;q=0, text/html;q=0"), None);
        assert_eq!(prefers_json("image/png"), None);
    }

    #[test]
    fn a_comma_in_quotes_does_not_split() {
        assert_eq!(
            prefers_json(r#"application/json;p="a\",text/html;q=1";q=0.5, text/html;q=0.4"#),
            Some(true)
        );
    }

    #[test]
    fn weights_are_read_to_the_letter() {
        let read = ["1", "1.", "1.000", "0", "0.5", "0.05", "0.999"].map(thousandths);
        assert_eq!(read, [1000, 1000, 1000, 0, 500, 50, 999].map(Some));
        for bad in ["", ".5", "1.001", "2", "-1", "+0", "0.1234", "0.x", "00"] {
            assert_eq!(thousandths(bad), None, "{bad}");
        }
    }

    #[test]
    fn languages_stand_by_weight_then_order() {
        assert_eq!(languages("da, en-GB;q=0.8, en;Q=0.7, sv"), ["da", "sv", "en-gb", "en"]);
        assert_eq!(languages("en;q=, de_DE, *, fr;q=0, 1a, toolongtag, nl"), ["nl"]);
    }

    #[test]
    fn endless_lists_are_cut() {
        assert_eq!(languages(&"de,".repeat(1000)).len(), MAX_MEMBERS);
    }

    #[test]
    fn tags_have_a_form() {
        assert_eq!(language_tag("zh-Hant-TW").as_deref(), Some("zh-hant-tw"));
        for bad in
            ["", "-", "de-", "d\u{e9}", "123", "de--at", "en/../x", "a-aaaaaaaa-aaaaaaaa-aaaaaaaa-aaaaaaaa"]
        {
            assert_eq!(language_tag(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(text in r#"([a-z/*,;="\\.+ 01-]|\PC|q=)*"#) {
            prefers_json(&text);
            media_type(&text).1.count();
            prop_assert!(languages(&text).iter().all(|tag| language_tag(tag).as_ref() == Some(tag)));
        }

        #[test]
        fn weights_and_nothing_else_decide_between_two_named_kinds(json in 0u16..=1000, page in 0u16..=1000) {
            let q = |weight: u16| format!("{}.{:03}", weight / 1000, weight % 1000);
            let accept = format!("text/html;q={}, application/json;q={}", q(page), q(json));
            prop_assert_eq!(prefers_json(&accept), (json != page).then_some(json > page));
        }
    }
}
