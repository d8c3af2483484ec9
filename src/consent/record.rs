//! The consent record: what a person agreed to, when and where, fixed at that moment (GDPR Art. 7(1)).
//!
//! JSON-LD whose terms follow ISO/IEC TS 27560 as the W3C Data Privacy Vocabulary maps it; the context is shipped
//! as `record.jsonld` beside this file. Its exact bytes are what a receipt holds and what the trail commits to.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::address::Address;
use super::field::Profile;

/// The JSON-LD context of records, named by the record's `@context`.
pub const CONTEXT: &str = include_str!("record.jsonld");

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    #[serde(rename = "@context")]
    context: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    address: &'a str,
    list: u32,
    notice: String,
    language: &'a str,
    fields_given: Vec<&'a str>,
    #[serde(flatten)]
    given: Given,
    origin: Option<&'a str>,
}

/// How consent was given, and when.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all_fields = "camelCase", untagged)]
pub enum Given {
    /// By a signup, which a confirmation followed.
    BySignup { signed_up_at: Timestamp },
    /// By agreeing to a new notice.
    ByRenewal { renewed_at: Timestamp },
}

/// What a record says: of a yes by signup, or by renewal.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Content {
    pub address: String,
    /// The SHA-256 of the notice, in hexadecimal.
    pub notice: String,
    pub language: String,
    pub fields_given: Vec<String>,
    pub signed_up_at: Option<Timestamp>,
    pub renewed_at: Option<Timestamp>,
    pub origin: Option<String>,
}

impl Content {
    /// Reads a record's bytes; `None` where they are not as [`record`] writes them.
    pub fn read(record: &str) -> Option<Content> {
        serde_json::from_str(record).ok()
    }
}

/// The record's exact bytes. Names of the optional fields stand in it, never values: those may be corrected or
/// erased later, and the record may not.
pub fn record(
    address: &Address,
    list: u32,
    notice_sha256: &[u8; 32],
    language: &str,
    profile: &Profile,
    given: Given,
    origin: Option<&str>,
) -> String {
    let record = Record {
        context: "urn:optin:consent-record:1",
        kind: "ConsentRecord",
        address: address.as_typed(),
        list,
        notice: data_encoding::HEXLOWER.encode(notice_sha256),
        language,
        fields_given: profile.keys().map(String::as_str).collect(),
        given,
        origin,
    };
    serde_json::to_string(&record).expect("texts, numbers and times always serialize")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_names_fields_but_holds_no_value_and_its_context_knows_each_term() {
        let address = Address::parse("Ann@example.org").unwrap();
        let profile = Profile::from([("name".into(), "Annabella".into())]);
        let at = "2026-11-02T14:00:00.5Z".parse().unwrap();
        let context: serde_json::Value = serde_json::from_str(CONTEXT).unwrap();
        for (given, time) in [
            (Given::BySignup { signed_up_at: at }, r#""signedUpAt":"2026-11-02T14:00:00.5Z","origin""#),
            (Given::ByRenewal { renewed_at: at }, r#""renewedAt":"2026-11-02T14:00:00.5Z","origin""#),
        ] {
            let text =
                record(&address, 1, &[0xAB; 32], "de", &profile, given, Some("https://www.example.org"));
            assert!(text.contains(r#""fieldsGiven":["name"]"#) && !text.contains("Annabella"));
            assert!(text.contains(time), "{text}");
            let record: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&text).unwrap();
            for term in record.keys().filter(|term| *term != "@context") {
                assert!(context["@context"].get(term).is_some(), "{term}");
            }
        }
    }
}
