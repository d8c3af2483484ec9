//! Everything that is held, as a file to take along (GDPR Art. 20), with the receipts that prove each yes.

use serde_json::{Value, json};

use super::holdings::Mine;
use crate::app::App;
use crate::app::logged::logged;
use crate::consent::notice::Notice;
use crate::consent::receipt::Receipt;
use crate::store::StoreError;
use crate::trail::entry::{Entry, Event};
use crate::web::holdings::{Holding, told};
use crate::web::refusal::Refusal;

/// The file's bytes.
pub async fn write(app: &App, mine: &Mine) -> Result<Vec<u8>, Refusal> {
    let mut lists = Vec::new();
    for holding in &mine.holdings {
        let mut list = told(app, holding, &mine.lang).await?;
        list["record"] = json!(holding.person.record);
        list["renewal"] = json!(holding.person.renewal);
        list["receipts"] = receipts(app, holding).await?;
        lists.push(list);
    }
    let file = json!({
        "type": "optin-data/1",
        "made_at": app.clock.now(),
        "controller": app.controller.name,
        "address": mine.address,
        "lists": lists,
    });
    serde_json::to_vec_pretty(&file).map_err(|_| Refusal::Internal)
}

/// A receipt for the signup's yes, and for the last to a new notice: as far as the log has them by now.
async fn receipts(app: &App, holding: &Holding) -> Result<Value, Refusal> {
    if !holding.is_subscribed() || app.store.is_held(holding.list.number).await? {
        return Ok(json!([]));
    }
    let mut yeses = vec![(Event::Confirmed, 0), holding.person.latest_yes()];
    yeses.dedup();
    let mut receipts = Vec::new();
    for yes in yeses {
        let Some(receipt) = receipt(app, holding, yes).await? else { continue };
        match receipt.check() {
            Ok(_) => receipts.push(receipt.to_json()),
            // What does not prove itself is given to nobody.
            Err(error) => tracing::error!(%error, "a receipt does not prove"),
        }
    }
    let receipts: Result<Vec<Value>, _> =
        receipts.iter().map(|bytes| serde_json::from_slice(bytes)).collect();
    receipts.map(Value::Array).map_err(|_| Refusal::Internal)
}

async fn receipt(app: &App, holding: &Holding, yes: (Event, u32)) -> Result<Option<Receipt>, Refusal> {
    let Holding { list, person, .. } = holding;
    let now = app.clock.now();
    let logged = logged(&app.store, &app.keys, &app.links, list, person, yes, now).await?;
    let Some(logged) = logged else { return Ok(None) };
    let notice = Entry::read(&logged.entry).map_err(|_| Refusal::Internal)?.notice;
    let notice = notice_of(app, holding, &notice).await?;
    Ok(notice.map(|notice| Receipt::for_person(person, &notice, logged)))
}

/// The version with that hash: the one that was agreed to last, or an earlier one.
async fn notice_of(app: &App, holding: &Holding, sha256: &[u8; 32]) -> Result<Option<Notice>, StoreError> {
    let agreed = &holding.subscription.notice;
    if agreed.sha256 == *sha256 {
        return Ok(Some(agreed.clone()));
    }
    for (version, _) in app.store.notice_versions(holding.list.number).await? {
        let notice = app.store.find_notice(holding.list.number, version).await?;
        if notice.as_ref().is_some_and(|notice| notice.sha256 == *sha256) {
            return Ok(notice);
        }
    }
    Ok(None)
}
