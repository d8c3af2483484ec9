//! The page of one's data, and the same in JSON.

use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::acts::Left;
use super::holdings::Mine;
use crate::app::App;
use crate::consent::address::AddressProblem;
use crate::consent::field::{Field, FieldKind, FieldProblem, Profile};
use crate::consent::subscription::{AGREE_WITHIN, CORRECT_AGAIN, UNDO_FOR};
use crate::token::{Purpose, Token};
use crate::web::answer::say;
use crate::web::holdings::{Holding, told};
use crate::web::refusal::Refusal;
use crate::web::{email, fields};

/// What the page begins with, once something was done.
pub enum Said {
    Nothing,
    Saved {
        slug: String,
    },
    Erased {
        slug: String,
    },
    Paused {
        slug: String,
    },
    Resumed {
        slug: String,
    },
    CorrectionAsked,
    AddressKept,
    /// A new address was entered a moment ago.
    TooSoon,
    /// What was entered is not to be taken, and why.
    Problems {
        slug: String,
        entered: Profile,
        problems: Vec<(String, FieldProblem)>,
    },
    BadAddress {
        entered: String,
        problem: AddressProblem,
    },
}

impl Said {
    /// Its words in the catalogues, under `my_data.said`.
    pub fn word(&self) -> Option<&'static str> {
        match self {
            Said::Nothing => None,
            Said::Saved { .. } => Some("saved"),
            Said::Erased { .. } => Some("erased"),
            Said::Paused { .. } => Some("paused"),
            Said::Resumed { .. } => Some("resumed"),
            Said::CorrectionAsked => Some("correction_asked"),
            Said::AddressKept => Some("address_kept"),
            Said::TooSoon => Some("too_soon"),
            Said::Problems { .. } | Said::BadAddress { .. } => Some("problems"),
        }
    }

    pub fn is_refusal(&self) -> bool {
        matches!(self, Said::TooSoon | Said::Problems { .. } | Said::BadAddress { .. })
    }

    /// Of which list it is said.
    fn slug(&self) -> Option<&str> {
        match self {
            Said::Saved { slug }
            | Said::Erased { slug }
            | Said::Paused { slug }
            | Said::Resumed { slug }
            | Said::Problems { slug, .. } => Some(slug),
            Said::Nothing
            | Said::CorrectionAsked
            | Said::AddressKept
            | Said::TooSoon
            | Said::BadAddress { .. } => None,
        }
    }
}

/// What is told of all holdings.
pub struct Page<'a> {
    mine: &'a Mine,
    said: Said,
    lists: Vec<Value>,
}

impl<'a> Page<'a> {
    pub async fn of(app: &App, mine: &'a Mine, said: Said) -> Result<Page<'a>, Refusal> {
        let mut lists = Vec::new();
        for holding in &mine.holdings {
            lists.push(told(app, holding, &mine.lang).await?);
        }
        Ok(Page { mine, said, lists })
    }

    pub fn status(&self) -> StatusCode {
        match self.said {
            Said::TooSoon => StatusCode::TOO_MANY_REQUESTS,
            Said::Problems { .. } | Said::BadAddress { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            _ => StatusCode::OK,
        }
    }

    /// For programs, and for whoever takes it along.
    pub fn told(&self) -> Value {
        json!({ "address": self.mine.address, "lists": self.lists })
    }

    /// For the template.
    pub fn context(&self, app: &App) -> Value {
        let mine = self.mine;
        let lang = mine.lang.as_str();
        let mut lists = self.lists.clone();
        for (list, holding) in lists.iter_mut().zip(&mine.holdings) {
            list["fields"] = self.inputs(app, holding);
            let state = list["state"].as_str().unwrap_or_default();
            list["state_word"] = json!(say(app, lang, &format!("my_data.state.{state}"), &[]));
            list["agree_url"] = json!(list["needs_yes"].as_bool().unwrap_or_default().then(|| {
                let link = app.links.agree(holding.list.number, holding.id, app.clock.now() + AGREE_WITHIN);
                link.strip_prefix(&app.links.public_url).unwrap_or_default().to_owned()
            }));
        }
        let waits = mine.holdings.iter().find_map(|holding| holding.person.correction.as_ref());
        let (entered, problem) = match &self.said {
            Said::BadAddress { entered, problem } => (entered.as_str(), Some(*problem)),
            _ => ("", None),
        };
        let title = self.said.slug().and_then(|slug| mine.on(slug)).map(|holding| holding.list.title(lang));
        let (title, minutes) = (title.unwrap_or_default(), CORRECT_AGAIN.as_mins());
        let said = self.said.word().map(|word| {
            say(app, lang, &format!("my_data.said.{word}"), &[("list", &title), ("n", &minutes)])
        });
        json!({
            "action": format!("/my/{}", app.links.tokens.mint(Purpose::Data, &mine.token)),
            "open_until": Timestamp::from_second(mine.token.expiry.into()).unwrap_or_default(),
            "said": said,
            "refused": self.said.is_refusal(),
            "problems": self.unplaced(app),
            "address": mine.address,
            "lists": lists,
            "correction": waits.map(|waits| json!({ "address": waits.address, "expires_at": waits.expires_at })),
            "can_correct": mine.holdings.iter().any(Holding::is_subscribed),
            "email": { "value": entered, "problem": problem.map(|problem| email::told(app, lang, problem)) },
        })
    }

    /// What is wrong with no field of the page.
    fn unplaced(&self, app: &App) -> Vec<String> {
        let Said::Problems { slug, problems, .. } = &self.said else { return Vec::new() };
        let Some(holding) = self.mine.on(slug) else { return Vec::new() };
        let unplaced = problems.iter().filter(|(name, _)| name.is_empty());
        unplaced
            .map(|(name, problem)| fields::told(app, &holding.list, name, *problem, &self.mine.lang))
            .collect()
    }

    /// The fields that a list asks for, and those that it no longer does, of which something is held.
    fn inputs(&self, app: &App, holding: &Holding) -> Value {
        let (list, person, lang) = (&holding.list, &holding.person, self.mine.lang.as_str());
        let refused = match &self.said {
            Said::Problems { slug, entered, problems } if *slug == list.slug => Some((entered, problems)),
            _ => None,
        };
        let input = |field: &Field| {
            let entered = refused.and_then(|(entered, _)| entered.get(&field.name));
            let problem = refused.and_then(|(_, all)| all.iter().find(|(name, _)| *name == field.name));
            json!({
                "name": field.name,
                "label": fields::label(app, list, field, lang),
                "kind": field.kind,
                "required": field.required,
                "exported": field.exported,
                "asked_for": true,
                "max": field.max,
                "held": person.profile.get(&field.name),
                "value": entered.or(person.profile.get(&field.name)).map_or("", String::as_str),
                "withheld": person.withheld.contains(&field.name),
                "problem": problem.map(|(name, problem)| fields::told(app, list, name, *problem, lang)),
            })
        };
        let asked_for = |name: &String| list.options.fields.iter().any(|field| field.name == *name);
        let left_over = person.profile.iter().filter(|(name, _)| !asked_for(name)).map(|(name, value)| {
            json!({
                "name": name, "label": name, "kind": FieldKind::Text, "required": false, "exported": false,
                "asked_for": false, "held": value, "max": value.chars().count(), "value": value, "withheld": false,
                "problem": null,
            })
        });
        list.options.fields.iter().map(input).chain(left_over).collect()
    }
}

/// What was left, with the way back to each, and to the data that is still held.
pub fn left(app: &App, lang: &str, left: &[Left], back: Option<&Token>) -> Value {
    let lists: Vec<_> = left.iter().map(|of| json!({ "title": of.title, "undo": of.undo })).collect();
    let back = back.map(|token| format!("/my/{}?lang={lang}", app.links.tokens.mint(Purpose::Data, token)));
    json!({ "left": lists, "minutes": UNDO_FOR.as_mins(), "back_url": back })
}
