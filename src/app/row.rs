//! A person's row, as every export and every sender gets it.

use crate::consent::list::List;
use crate::consent::person::{Person, PersonError};
use crate::keys::KeyRing;
use crate::links::Links;
use crate::store::export::ExportRow;

/// What `List-Unsubscribe-Post` says (RFC 8058 §3.1).
pub const ONE_CLICK: &str = "List-Unsubscribe=One-Click";

/// The columns before the list's own fields, each named `field_…`.
pub const COLUMNS: [&str; 8] = [
    "email",
    "lang",
    "confirmed_at",
    "notice_version",
    "unsubscribe_url",
    "list_unsubscribe",
    "list_unsubscribe_post",
    "ref",
];

/// Somebody who may be written to, with their own way out. It shows nothing of them but to who writes it out.
pub struct Row {
    pub email: String,
    pub lang: String,
    pub confirmed_at: String,
    pub notice_version: u32,
    pub unsubscribe_url: String,
    /// The header's value.
    pub list_unsubscribe: String,
    /// Opaque, and the same for as long as they are subscribed: the feed names who has left by it.
    pub reference: String,
    /// The list's exported fields, in its order; empty where nothing was given, or where it is withheld (msg-8).
    pub fields: Vec<String>,
}

impl Row {
    /// Opens the seal of a row. `fields` as [`exported_fields`] names them.
    pub fn open(
        keys: &KeyRing,
        links: &Links,
        list: &List,
        fields: &[String],
        row: &ExportRow,
    ) -> Result<Row, PersonError> {
        let mut person = Person::open(keys, list.number, row.id, &row.seal)?;
        let Person { profile, withheld, .. } = &mut person;
        profile.retain(|name, _| !withheld.contains(name));
        let fields = fields.iter().map(|field| profile.remove(field).unwrap_or_default()).collect();
        let unsubscribe_url = links.unsubscribe(list.number, row.id);
        let mailbox = list.mailbox();
        let mailto = mailbox.and_then(|mailbox| links.leave_mailto(&mailbox, list.number, row.id));
        Ok(Row {
            email: std::mem::take(&mut person.address),
            lang: row.lang.clone(),
            confirmed_at: row.confirmed_at.to_string(),
            notice_version: row.notice_version,
            list_unsubscribe: list_unsubscribe(&unsubscribe_url, mailto.as_deref()),
            unsubscribe_url,
            reference: data_encoding::HEXLOWER.encode(&row.reference),
            fields,
        })
    }

    /// What stands under [`COLUMNS`], in their order.
    pub fn values(&self) -> [String; 8] {
        [
            self.email.clone(),
            self.lang.clone(),
            self.confirmed_at.clone(),
            self.notice_version.to_string(),
            self.unsubscribe_url.clone(),
            self.list_unsubscribe.clone(),
            ONE_CLICK.to_owned(),
            self.reference.clone(),
        ]
    }
}

/// The names of a list's fields that go out, in its order.
pub fn exported_fields(list: &List) -> Vec<String> {
    list.options.fields.iter().filter(|field| field.exported).map(|field| field.name.clone()).collect()
}

/// The header's value: URIs in angle brackets, the preferred one first (RFC 2369 §2), exactly one of them https
/// (RFC 8058 §3.1).
fn list_unsubscribe(url: &str, mailto: Option<&str>) -> String {
    match mailto {
        Some(address) => format!("<{url}>, <mailto:{address}?subject=unsubscribe>"),
        None => format!("<{url}>"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_value_is_ready_to_paste() {
        assert_eq!(list_unsubscribe("https://x.example/u/t", None), "<https://x.example/u/t>");
        assert_eq!(
            list_unsubscribe("https://x.example/u/t", Some("leave+t@x.example")),
            "<https://x.example/u/t>, <mailto:leave+t@x.example?subject=unsubscribe>"
        );
    }
}
