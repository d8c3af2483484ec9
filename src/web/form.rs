//! `application/x-www-form-urlencoded`, as the WHATWG URL standard parses it (§5.1), but strict where leniency would
//! change what somebody typed: text that is not UTF-8, or holds a NUL byte (which PostgreSQL cannot store), is an
//! error and not a replacement character.

use percent_encoding::percent_decode;

/// The most pairs in one form or query.
pub const MAX_PAIRS: usize = 128;

/// Why a form was not understood: 400. Says nothing of what was in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    #[error("the form has too many fields")]
    TooMany,
    #[error("the form is not UTF-8")]
    NotUtf8,
    #[error("the form holds a NUL byte")]
    Nul,
    #[error("a field that stands once in the form was sent more than once")]
    Repeated,
}

/// The names and values in the order sent, repeated names included.
///
/// A `%` that begins no escape stands for itself; a name without `=` has an empty value; empty pairs are skipped.
///
/// # Errors
/// [`FormError`], but not `Repeated`.
pub fn parse(body: &[u8]) -> Result<Vec<(String, String)>, FormError> {
    let mut pairs = Vec::new();
    for pair in body.split(|&byte| byte == b'&').filter(|pair| !pair.is_empty()) {
        if pairs.len() == MAX_PAIRS {
            return Err(FormError::TooMany);
        }
        let mut halves = pair.splitn(2, |&byte| byte == b'=');
        let mut half = || decode(halves.next().unwrap_or(b""));
        pairs.push((half()?, half()?));
    }
    Ok(pairs)
}

/// The value of a field that stands at most once.
///
/// # Errors
/// `Repeated` if it was sent more than once, even with the same value.
pub fn one<'a>(pairs: &'a [(String, String)], name: &str) -> Result<Option<&'a str>, FormError> {
    let mut values = pairs.iter().filter(|pair| pair.0 == name).map(|pair| pair.1.as_str());
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        _ => Err(FormError::Repeated),
    }
}

fn decode(half: &[u8]) -> Result<String, FormError> {
    let spaced: Vec<u8> = half.iter().map(|&byte| if byte == b'+' { b' ' } else { byte }).collect();
    let text = String::from_utf8(percent_decode(&spaced).collect()).map_err(|_| FormError::NotUtf8)?;
    if text.contains('\0') { Err(FormError::Nul) } else { Ok(text) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use url::form_urlencoded;

    fn pairs(parsed: &[(&str, &str)]) -> Vec<(String, String)> {
        parsed.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
    }

    #[test]
    fn reads_what_browsers_send() {
        let parsed = parse(b"email=a%40b.example&name=J%C3%BCrgen+M&consent=yes&consent=no&note").unwrap();
        let name = ("name", "J\u{fc}rgen M");
        let expected = [("email", "a@b.example"), name, ("consent", "yes"), ("consent", "no"), ("note", "")];
        assert_eq!(parsed, pairs(&expected));
    }

    #[test]
    fn is_lenient_about_escapes_and_separators() {
        assert_eq!(parse(b"").unwrap(), pairs(&[]));
        assert_eq!(parse(b"&&a=%&b=100%zz&c=%4&=x&d==").unwrap(), {
            pairs(&[("a", "%"), ("b", "100%zz"), ("c", "%4"), ("", "x"), ("d", "=")])
        });
    }

    #[test]
    fn is_strict_about_text() {
        assert_eq!(parse(b"a=%FF"), Err(FormError::NotUtf8));
        assert_eq!(parse(b"a\xff=1"), Err(FormError::NotUtf8));
        assert_eq!(parse(b"a=%00"), Err(FormError::Nul));
        assert_eq!(parse(b"a\0=1"), Err(FormError::Nul));
    }

    #[test]
    fn takes_128_pairs_and_no_more() {
        assert_eq!(parse("a=1&".repeat(128).as_bytes()).unwrap().len(), 128);
        assert_eq!(parse("a=1&".repeat(129).as_bytes()), Err(FormError::TooMany));
    }

    #[test]
    fn one_value_is_one_value() {
        let parsed = parse(b"a=1&b=2&b=2").unwrap();
        assert_eq!(one(&parsed, "a"), Ok(Some("1")));
        assert_eq!(one(&parsed, "b"), Err(FormError::Repeated));
        assert_eq!(one(&parsed, "c"), Ok(None));
    }

    proptest! {
        #[test]
        fn anything_written_by_the_url_crate_comes_back(
            typed in prop::collection::vec(("[^\0]*", "[^\0]*"), 0..=MAX_PAIRS)
        ) {
            let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(&typed).finish();
            prop_assert_eq!(parse(body.as_bytes()).unwrap(), typed);
        }

        #[test]
        fn no_bytes_make_it_panic_and_what_it_takes_it_reads_like_the_url_crate(
            body in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(b"&=+%4f".to_vec())], 0..200)
        ) {
            if let Ok(parsed) = parse(&body) {
                let oracle: Vec<(String, String)> = form_urlencoded::parse(&body).into_owned().collect();
                prop_assert_eq!(parsed, oracle);
            }
        }
    }
}
