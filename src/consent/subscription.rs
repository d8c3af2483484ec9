//! The subscription's state machine: which act is allowed when, and what it leaves behind.
//!
//! The rules stand here once. `store::record` hands them to the database as parameters, and asks the pure
//! functions below to settle two acts on one row that arrive in one batch.

use jiff::{SignedDuration, Timestamp};

/// A subscription's state. There is no state "unsubscribed": that is the absence of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i16)]
pub enum State {
    Pending = 1,
    Active = 2,
    Paused = 3,
}

impl State {
    /// Reads the number that the database keeps.
    pub fn from_number(number: i16) -> Option<State> {
        [State::Pending, State::Active, State::Paused].into_iter().find(|state| *state as i16 == number)
    }
}

/// A set of states, as a parameter of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct States(i16);

impl States {
    const fn of(states: &[State]) -> States {
        let mut bits = 0;
        let mut n = 0;
        while n < states.len() {
            bits |= 1 << states[n] as i16;
            n += 1;
        }
        States(bits)
    }

    pub fn only(state: State) -> States {
        States::of(&[state])
    }

    pub fn has(self, state: State) -> bool {
        self.0 & 1 << state as i16 != 0
    }

    /// Bit `n` stands for the state with number `n`.
    pub fn bits(self) -> i16 {
        self.0
    }
}

/// A signup may take the place of a row in these states.
pub const REPLACEABLE: States = States::of(&[State::Pending]);
/// … but only when that row is at least this old; a second signup within it changes nothing.
pub const COOL_DOWN: SignedDuration = SignedDuration::from_mins(10);
/// A signup that meets a row in these states sends "you are already subscribed" …
pub const SUBSCRIBED: States = States::of(&[State::Active, State::Paused]);
/// … at most once in this time.
pub const TELL_AGAIN: SignedDuration = SignedDuration::from_hours(24);
/// Whoever asks for a letter with a link by address gets one of a kind in this time: nobody can fill another's mailbox.
pub const ASK_AGAIN: SignedDuration = SignedDuration::from_mins(10);
/// Whoever asks to leave by a mail that may be anybody's gets the link at most once in this time.
pub const ASK_BY_MAIL_AGAIN: SignedDuration = SignedDuration::from_hours(24);
/// The link to what is stored works for so long after it was asked for.
pub const DATA_LINK_FOR: SignedDuration = SignedDuration::from_mins(60);
/// Confirming leads from these states to `Active`.
pub const CONFIRMABLE: States = States::of(&[State::Pending]);
/// An unsubscribe link erases a row in any state.
pub const WITHDRAWABLE: States = States::of(&[State::Pending, State::Active, State::Paused]);
/// "This wasn't me" erases a pending signup and nothing else.
pub const DENIABLE: States = States::of(&[State::Pending]);
/// Pausing leads from these states to `Paused`.
pub const PAUSABLE: States = States::of(&[State::Active]);
/// Resuming leads from these states to `Active`.
pub const RESUMABLE: States = States::of(&[State::Paused]);
/// A withdrawal from these states can be undone by the page that tells of it …
pub const UNDOABLE: States = States::of(&[State::Active, State::Paused]);
/// … for so long.
pub const UNDO_FOR: SignedDuration = SignedDuration::from_mins(15);
/// A new address has to be confirmed within this time …
pub const CORRECT_WITHIN: SignedDuration = SignedDuration::from_hours(24);
/// … and another can be entered only after this.
pub const CORRECT_AGAIN: SignedDuration = SignedDuration::from_mins(5);
/// A link to agree to a new notice is valid for so long.
pub const AGREE_WITHIN: SignedDuration = SignedDuration::from_hours(60 * 24);
/// No state at all.
pub const NONE: States = States::of(&[]);
/// Only an erasure from these states leaves an entry in the trail: a signup that never confirmed leaves nothing.
pub const LEAVES_ENTRY: States = States::of(&[State::Active, State::Paused]);
/// Only people in these states may be written to.
pub const EXPORTABLE: States = States::of(&[State::Active]);

/// What a decision needs to know of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    pub state: State,
    pub signed_up_at: Timestamp,
    /// When an unconfirmed signup dies.
    pub expires_at: Timestamp,
    /// When "you are already subscribed" was last sent.
    pub told_at: Option<Timestamp>,
    /// Whether the purpose that was agreed to is still the list's.
    pub purpose_is_current: bool,
}

/// What a signup met. The visitor is told none of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignupOutcome {
    /// A fresh pending row, and a confirmation letter.
    Asked,
    /// A pending row that is still warm: nothing changed.
    CoolingDown,
    /// Subscribed already: a letter says so.
    Told,
    /// Subscribed already, and told so within the day: nothing changed.
    ToldBefore,
}

/// What a confirmation met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfirmOutcome {
    Confirmed,
    AlreadyConfirmed,
    Expired,
    /// The list has a new purpose since: the person has to be asked again.
    PurposeChanged,
    NoRow,
}

/// What an erasure met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EraseOutcome {
    Erased,
    /// A row in a state that this link may not erase.
    Spared,
    NoRow,
}

/// What asking for a letter by address met. The visitor is told none of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskOutcome {
    /// The letter goes out.
    Owed,
    /// One of this kind was owed not long ago: none goes out.
    CoolingDown,
    NoRow,
}

/// What a rarer act met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RewriteOutcome {
    Done,
    /// The row has changed since it was read: read it again.
    Stale,
    /// A row in a state that this act does not start from.
    Spared,
    /// The new address is another subscription's on this list.
    Taken,
    NoRow,
}

/// What the undoing of a withdrawal finds in its place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The list has ended.
    pub is_closed: bool,
    /// There is a row of this very subscription.
    pub is_back: bool,
    /// This withdrawal was undone before.
    pub is_used: bool,
    /// There is a row of a later signup of the same address.
    pub is_taken: bool,
}

/// What the undoing of a withdrawal came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestoreOutcome {
    Restored,
    /// It is back already.
    AlreadyRestored,
    /// The time to undo was over.
    TooLate,
    /// The way back works once.
    Used,
    /// The person has signed up anew meanwhile, and the newer signup stands.
    Taken,
    /// The list takes nobody any more.
    Closed,
    /// Somebody else came between: look again.
    Stale,
}

/// Decides on a signup.
pub fn on_signup(row: Option<&Row>, at: Timestamp) -> SignupOutcome {
    match row {
        None => SignupOutcome::Asked,
        Some(row) if REPLACEABLE.has(row.state) && row.signed_up_at <= at - COOL_DOWN => SignupOutcome::Asked,
        Some(row) if REPLACEABLE.has(row.state) => SignupOutcome::CoolingDown,
        Some(row) if row.told_at.is_none_or(|told| told <= at - TELL_AGAIN) => SignupOutcome::Told,
        Some(_) => SignupOutcome::ToldBefore,
    }
}

/// Decides on a confirmation.
pub fn on_confirm(row: Option<&Row>, at: Timestamp) -> ConfirmOutcome {
    match row {
        None => ConfirmOutcome::NoRow,
        Some(row) if !CONFIRMABLE.has(row.state) => ConfirmOutcome::AlreadyConfirmed,
        Some(row) if row.expires_at <= at => ConfirmOutcome::Expired,
        Some(row) if !row.purpose_is_current => ConfirmOutcome::PurposeChanged,
        Some(_) => ConfirmOutcome::Confirmed,
    }
}

/// Decides on an erasure that may touch rows in the states `from`.
pub fn on_erase(state: Option<State>, from: States) -> EraseOutcome {
    match state {
        None => EraseOutcome::NoRow,
        Some(state) if from.has(state) => EraseOutcome::Erased,
        Some(_) => EraseOutcome::Spared,
    }
}

/// Decides on a letter that is asked for by the address of a row; `asked_at` is when one of its kind was last owed.
pub fn on_ask(asked_at: Option<Timestamp>, at: Timestamp, again: SignedDuration) -> AskOutcome {
    match asked_at {
        Some(asked_at) if asked_at > at - again => AskOutcome::CoolingDown,
        _ => AskOutcome::Owed,
    }
}

/// Decides on the undoing of a withdrawal whose time is not over.
///
/// A later signup stands even while it is pending. To replace it would end the links of the letter that is on its way,
/// and to say anything of it would tell the holder of a forwarded newsletter that the person has come back.
pub fn on_restore(place: Place) -> RestoreOutcome {
    match place {
        Place { is_closed: true, .. } => RestoreOutcome::Closed,
        Place { is_back: true, .. } => RestoreOutcome::AlreadyRestored,
        Place { is_used: true, .. } => RestoreOutcome::Used,
        Place { is_taken: true, .. } => RestoreOutcome::Taken,
        _ => RestoreOutcome::Restored,
    }
}
