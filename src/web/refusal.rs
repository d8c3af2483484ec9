//! Why a request gets no page of its own. Only here and in `answer` are status codes known.

use http::StatusCode;

use super::wish::Fault;
use crate::app::acts::CorrectionError;
use crate::app::logged::LoggedError;
use crate::consent::list::List;
use crate::consent::notice::Notice;
use crate::consent::person::PersonError;
use crate::store::StoreError;
use crate::templates::TemplateError;

/// A refusal; its words stand in the catalogues under `refusal.<name>` (med-9: each gives its reason).
#[derive(Debug)]
pub enum Refusal {
    /// Broken encoding, broken off.
    BadRequest,
    /// What is asked for in JSON or in the query is not right, and where.
    Invalid(Vec<Fault>),
    UnknownList,
    /// A list that has ended.
    ListClosed {
        slug: String,
    },
    /// A version of this list's notice that there is not.
    UnknownNotice {
        slug: String,
    },
    /// A token of wrong length, alphabet or tag.
    IncompleteLink,
    /// What should undo a withdrawal does not open.
    DamagedUndo,
    NotFound,
    /// A door for programs, and no bearer token.
    NoToken,
    /// A bearer token that is nobody's, or has expired.
    UnknownToken,
    /// What the operator's role, or the token, does not let them do. Does not tell whether it is there.
    Forbidden,
    /// What only an auditor's token opens.
    AuditorsOnly,
    /// A page of a site that the list does not declare would sign somebody up.
    UndeclaredOrigin,
    /// A page of another site asks in a person's name.
    ForeignPage,
    /// A door of the desk, and nobody is logged in, or has not said yet what operators say first. Where to go.
    GoTo(String),
    /// A form of the desk that another page than ours would have sent, or one from before its session.
    StaleForm,
    /// Too many passwords were wrong: how many seconds to wait.
    TooManyTries(u32),
    /// Nobody with that address has agreed, or nobody has it.
    NoEvidence,
    /// An idempotency key that came with another request before.
    KeyReused,
    /// With the methods that would do.
    Method(&'static str),
    TooLarge,
    MediaType,
    /// The database does not answer, or too many wait for it.
    Busy,
    Internal,
}

impl Refusal {
    pub fn status(&self) -> StatusCode {
        match self {
            Refusal::BadRequest | Refusal::DamagedUndo => StatusCode::BAD_REQUEST,
            Refusal::Invalid(faults) if faults.iter().any(|fault| fault.parameter.is_some()) => {
                StatusCode::BAD_REQUEST
            }
            Refusal::Invalid(_) | Refusal::KeyReused => StatusCode::UNPROCESSABLE_ENTITY,
            Refusal::UnknownList
            | Refusal::UnknownNotice { .. }
            | Refusal::IncompleteLink
            | Refusal::NoEvidence
            | Refusal::NotFound => StatusCode::NOT_FOUND,
            Refusal::ListClosed { .. } => StatusCode::GONE,
            Refusal::NoToken | Refusal::UnknownToken => StatusCode::UNAUTHORIZED,
            Refusal::UndeclaredOrigin | Refusal::ForeignPage | Refusal::AuditorsOnly | Refusal::Forbidden => {
                StatusCode::FORBIDDEN
            }
            Refusal::GoTo(_) => StatusCode::SEE_OTHER,
            Refusal::StaleForm => StatusCode::FORBIDDEN,
            Refusal::TooManyTries(_) => StatusCode::TOO_MANY_REQUESTS,
            Refusal::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            Refusal::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Refusal::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Refusal::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Refusal::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Its name in the catalogues and in problems' `type`.
    pub fn name(&self) -> &'static str {
        match self {
            Refusal::BadRequest => "bad_request",
            Refusal::Invalid(_) => "invalid",
            Refusal::UnknownList => "unknown_list",
            Refusal::ListClosed { .. } => "list_closed",
            Refusal::UnknownNotice { .. } => "unknown_notice",
            Refusal::IncompleteLink => "incomplete_link",
            Refusal::DamagedUndo => "damaged_undo",
            Refusal::NotFound => "not_found",
            Refusal::NoToken => "no_token",
            Refusal::UnknownToken => "unknown_token",
            Refusal::Forbidden => "forbidden",
            Refusal::AuditorsOnly => "auditors_only",
            Refusal::UndeclaredOrigin => "undeclared_origin",
            Refusal::ForeignPage => "foreign_page",
            Refusal::GoTo(_) => "go_to",
            Refusal::StaleForm => "stale_form",
            Refusal::TooManyTries(_) => "too_many_tries",
            Refusal::NoEvidence => "no_evidence",
            Refusal::KeyReused => "key_reused",
            Refusal::Method(_) => "method",
            Refusal::TooLarge => "too_large",
            Refusal::MediaType => "media_type",
            Refusal::Busy => "busy",
            Refusal::Internal => "internal",
        }
    }

    /// Where the notice can be read that the refusal speaks of.
    pub fn notice_url(&self) -> Option<String> {
        match self {
            Refusal::ListClosed { slug } | Refusal::UnknownNotice { slug } => {
                Some(format!("/lists/{slug}/notice"))
            }
            _ => None,
        }
    }

    /// Seconds after which trying again makes sense.
    pub fn retry_after(&self) -> Option<u32> {
        match self {
            Refusal::Busy => Some(5),
            Refusal::TooManyTries(seconds) => Some(*seconds),
            _ => None,
        }
    }
}

/// A list that takes people; one that has ended is refused.
pub fn open_list((list, notice): (List, Notice)) -> Result<(List, Notice), Refusal> {
    if list.is_closed { Err(Refusal::ListClosed { slug: list.slug }) } else { Ok((list, notice)) }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Refusal {
        match error {
            // A list that is brought up to its mirror is served again soon.
            StoreError::Unavailable | StoreError::Busy | StoreError::Collision | StoreError::Held => {
                Refusal::Busy
            }
            error => {
                tracing::error!(%error, "a request failed");
                Refusal::Internal
            }
        }
    }
}

impl From<LoggedError> for Refusal {
    fn from(error: LoggedError) -> Refusal {
        match error {
            LoggedError::Store(error) => error.into(),
            LoggedError::Key(error) => {
                tracing::error!(%error, "what the log has could not be told");
                Refusal::Internal
            }
        }
    }
}

impl From<CorrectionError> for Refusal {
    fn from(error: CorrectionError) -> Refusal {
        match error {
            CorrectionError::Store(error) => error.into(),
            CorrectionError::Cannot(error) => {
                tracing::error!(%error, "a new address could not be written");
                Refusal::Internal
            }
        }
    }
}

impl From<PersonError> for Refusal {
    fn from(error: PersonError) -> Refusal {
        tracing::error!(%error, "a row could not be opened");
        Refusal::Internal
    }
}

impl From<TemplateError> for Refusal {
    fn from(error: TemplateError) -> Refusal {
        tracing::error!(%error, "a page could not be rendered");
        Refusal::Internal
    }
}
