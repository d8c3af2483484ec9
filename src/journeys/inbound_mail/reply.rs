//! The reply to a mail that cancelled.

use serde_json::json;

use crate::app::{App, Unwritten};
use crate::consent::address::Address;
use crate::consent::list::List;
use crate::consent::person::Person;
use crate::mail::letters::{Content, Letter, Occasion};
use crate::token::Token;

/// What is said to one person once these subscriptions of theirs are gone; nothing where they are gone already.
///
/// It goes to the subscribed address, whoever wrote the mail, and nothing in it comes from that mail (ADR 14). What comes
/// of it comes back to nobody (RFC 3834 section 3.3).
pub async fn write(app: &App, tokens: &[Token]) -> Result<Option<Letter>, Unwritten> {
    let mut known = Vec::new();
    for token in tokens {
        let subscription = app.store.find_subscription(token.list, token.id).await?;
        let list = app.store.find_list_by_number(token.list).await?;
        known.extend(subscription.zip(list).map(|(subscription, (list, _))| (token.id, list, subscription)));
    }
    let Some((id, list, subscription)) = known.first() else { return Ok(None) };
    let person = Person::open(&app.keys, list.number, *id, &subscription.seal)?;
    let to = Address::parse(&person.address)?;
    let lang = app.letter_lang(list, subscription);
    let left = |list: &List| {
        let url = (!list.is_closed).then(|| app.links.signup(&list.slug, lang));
        json!({ "title": list.title(lang), "url": url })
    };
    let context = json!({
        "list": { "slug": list.slug, "title": list.title(lang) },
        "leave_mailto": null,
        "lists": known.iter().map(|(_, list, _)| left(list)).collect::<Vec<_>>(),
    });
    let name = data_encoding::BASE32_NOPAD.encode(&App::random::<15>()).to_ascii_lowercase();
    let content = Content { kind: "cancelled", context, attachment: None, name, occasion: Occasion::Mail };
    let nobody = Some(String::new());
    Ok(Some(app.compose(list, lang, &to, nobody, content)?))
}
