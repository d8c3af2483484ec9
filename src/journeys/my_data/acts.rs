//! What a person does with their data.

use super::file;
use super::holdings::Mine;
use super::page::Said;
use crate::app::App;
use crate::app::acts::CorrectionError;
use crate::consent::change::{CannotCorrect, Edit, Held, Rewrite};
use crate::consent::field::{FieldProblem, Profile, check_profile};
use crate::consent::person::Correction;
use crate::consent::subscription::{EraseOutcome, RewriteOutcome};
use crate::token::{SubscriptionId, Token};
use crate::web::asked::ContentKind;
use crate::web::holdings::Holding;
use crate::web::refusal::Refusal;
use crate::web::request::Request;
use crate::web::{email, form};

/// What was asked for, on the list of a slug or on all.
pub enum Act {
    Save { slug: String, entered: Profile, withheld: Vec<String>, lang: Option<String> },
    Erase { slug: String, field: String },
    Pause { slug: String },
    Resume { slug: String },
    Leave { slug: String },
    LeaveAll,
    Correct { email: String },
    KeepAddress,
    Download,
}

/// What it came to.
pub enum Done {
    Said(Said),
    Left(Vec<Left>),
    File(Vec<u8>),
}

/// A list that was left, and the way back to it.
pub struct Left {
    pub id: SubscriptionId,
    pub title: String,
    pub undo: Option<String>,
}

impl Act {
    /// Reads one form of the page: `do` says which button was pressed. Fields come as `field.<name>`, and as `keep.<name>`
    /// where they are to be kept out of exports.
    pub fn read(request: &Request) -> Result<Act, Refusal> {
        let body = request.body()?;
        if request.asked.content != ContentKind::Form {
            return Err(Refusal::MediaType);
        }
        let pairs = form::parse(body).map_err(|_| Refusal::BadRequest)?;
        let one = |name| form::one(&pairs, name).map_err(|_| Refusal::BadRequest);
        let slug = || -> Result<String, Refusal> { Ok(one("list")?.ok_or(Refusal::BadRequest)?.to_owned()) };
        let under = |prefix: &'static str| {
            pairs.iter().filter_map(move |(name, value)| Some((name.strip_prefix(prefix)?, value)))
        };
        match one("do")?.ok_or(Refusal::BadRequest)? {
            "save" => Ok(Act::Save {
                slug: slug()?,
                entered: under("field.").map(|(name, value)| (name.to_owned(), value.clone())).collect(),
                withheld: under("keep.").map(|(name, _)| name.to_owned()).collect(),
                lang: one("lang")?.map(str::to_owned),
            }),
            "pause" => Ok(Act::Pause { slug: slug()? }),
            "resume" => Ok(Act::Resume { slug: slug()? }),
            "leave" => Ok(Act::Leave { slug: slug()? }),
            "leave_all" => Ok(Act::LeaveAll),
            "correct" => Ok(Act::Correct { email: one("email")?.unwrap_or_default().to_owned() }),
            "keep_address" => Ok(Act::KeepAddress),
            "download" => Ok(Act::Download),
            other => match other.strip_prefix("erase.") {
                Some(field) => Ok(Act::Erase { slug: slug()?, field: field.to_owned() }),
                None => Err(Refusal::BadRequest),
            },
        }
    }
}

/// The use case: does it, on rows as they are when it is done.
pub async fn act(app: &App, mine: &Mine, act: Act) -> Result<Done, Refusal> {
    let on = |slug: &str| mine.on(slug).ok_or(Refusal::UnknownList);
    match act {
        Act::Save { slug, entered, withheld, lang } => {
            save(app, on(&slug)?, entered, withheld, lang).await.map(Done::Said)
        }
        Act::Erase { slug, field } => erase(app, on(&slug)?, &field).await.map(Done::Said),
        Act::Pause { slug } => {
            let now = app.clock.now();
            let pause = |held: &Held<'_>, nonce| Ok(Rewrite::pause(&app.keys, held, nonce, now)?);
            said(app, on(&slug)?, Said::Paused { slug: slug.clone() }, pause).await.map(Done::Said)
        }
        Act::Resume { slug } => {
            let now = app.clock.now();
            let resume = |held: &Held<'_>, nonce| Ok(Rewrite::resume(&app.keys, held, nonce, now)?);
            said(app, on(&slug)?, Said::Resumed { slug: slug.clone() }, resume).await.map(Done::Said)
        }
        Act::Leave { slug } => leave(app, &[on(&slug)?], &mine.lang).await,
        Act::LeaveAll => leave(app, &mine.own_last(), &mine.lang).await,
        Act::Correct { email } => correct(app, mine, email).await.map(Done::Said),
        Act::KeepAddress => {
            for holding in &mine.holdings {
                let keep = |held: &Held<'_>, nonce| {
                    Ok::<_, CorrectionError>(Rewrite::drop_correction(&app.keys, held, nonce, |_| true)?)
                };
                match app.rewrite(holding.list.number, holding.id, keep).await {
                    Ok(_) | Err(CorrectionError::Cannot(CannotCorrect::NoneWaits)) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            Ok(Done::Said(Said::AddressKept))
        }
        Act::Download => Ok(Done::File(file::write(app, mine).await?)),
    }
}

/// Fields that the list asks for, as they were entered; whatever else is held stays, until it is erased.
async fn save(
    app: &App,
    holding: &Holding,
    entered: Profile,
    withheld: Vec<String>,
    lang: Option<String>,
) -> Result<Said, Refusal> {
    let (list, slug) = (&holding.list, holding.list.slug.clone());
    let profile = match check_profile(&list.options.fields, &entered) {
        Ok(profile) => profile,
        Err(problems) => return Ok(Said::Problems { slug, entered, problems }),
    };
    let lang = lang.filter(|lang| holding.current.languages().any(|of| of == lang));
    let lang = lang.filter(|lang| app.templates.words().codes().contains(&lang.as_str()));
    let declared = |name: &String| list.options.fields.iter().any(|field| field.name == *name);
    let edit = |own: &mut Edit| {
        own.profile.retain(|name, _| !declared(name));
        own.profile.extend(profile.clone());
        own.withheld.retain(|name| !declared(name));
        own.withheld.extend(withheld.iter().filter(|name| declared(name)).cloned());
        own.lang.clone_from(&lang);
    };
    let make = |held: &Held<'_>, nonce| Ok(Rewrite::edit(&app.keys, held, nonce, edit)?);
    said(app, holding, Said::Saved { slug }, make).await
}

/// One field goes, and nothing else (msg-3). What the newsletter cannot do without goes with the whole subscription.
async fn erase(app: &App, holding: &Holding, field: &str) -> Result<Said, Refusal> {
    let slug = holding.list.slug.clone();
    if holding.list.options.fields.iter().any(|declared| declared.name == field && declared.required) {
        let problems = vec![(field.to_owned(), FieldProblem::Missing)];
        return Ok(Said::Problems { slug, entered: holding.person.profile.clone(), problems });
    }
    let edit = |own: &mut Edit| {
        own.profile.remove(field);
        own.withheld.remove(field);
    };
    let make = |held: &Held<'_>, nonce| Ok(Rewrite::edit(&app.keys, held, nonce, edit)?);
    said(app, holding, Said::Erased { slug }, make).await
}

/// The new address waits on every list, and is asked once whether it is theirs: on the last, when all others know it.
async fn correct(app: &App, mine: &Mine, entered: String) -> Result<Said, Refusal> {
    let address = match email::reachable(app, &entered) {
        Ok(address) => address,
        Err(problem) => return Ok(Said::BadAddress { entered, problem }),
    };
    let now = app.clock.now();
    let correction = Correction::new(&address, now);
    let subscribed: Vec<_> = mine.own_last().into_iter().filter(|of| of.is_subscribed()).collect();
    let mut outcome = Said::Nothing;
    for (n, holding) in (1..).zip(&subscribed) {
        let asked_at = (n == subscribed.len()).then_some(now);
        let ask = |held: &Held<'_>, nonce| {
            Ok::<_, CorrectionError>(Rewrite::ask_correction(&app.keys, held, &correction, nonce, asked_at)?)
        };
        outcome = match app.rewrite(holding.list.number, holding.id, ask).await {
            Ok(RewriteOutcome::Done) => Said::CorrectionAsked,
            Ok(_) => Said::Nothing,
            Err(CorrectionError::Cannot(CannotCorrect::TooSoon)) => return Ok(Said::TooSoon),
            Err(error) => return Err(error.into()),
        };
    }
    Ok(outcome)
}

/// Everything goes, list by list, each with its way back.
async fn leave(app: &App, holdings: &[&Holding], lang: &str) -> Result<Done, Refusal> {
    let mut left = Vec::new();
    for holding in holdings {
        let (id, list) = (holding.id, &holding.list);
        let token = Token { list: list.number, id, expiry: 0 };
        let (outcome, undo) = app.withdraw_undoably(&token).await?;
        if outcome == EraseOutcome::Erased {
            left.push(Left { id, title: list.title(lang).to_owned(), undo });
        }
    }
    Ok(Done::Left(left))
}

/// Writes it, and says that it is done.
async fn said(
    app: &App,
    holding: &Holding,
    done: Said,
    make: impl Fn(&Held<'_>, [u8; 24]) -> Result<Rewrite, Refusal>,
) -> Result<Said, Refusal> {
    match app.rewrite(holding.list.number, holding.id, make).await? {
        RewriteOutcome::Done => Ok(done),
        // It is so already, or is gone: the page shows what there is.
        _ => Ok(Said::Nothing),
    }
}
