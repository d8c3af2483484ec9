//! Mail: out to the relay, in at our own door, and what letters say.

pub mod inbound;
pub mod inbox;
pub mod letters;
pub mod mailer;
pub mod pace;
pub mod parsed;
mod phrase;
pub mod relay;
pub mod relays;
pub mod session;
pub mod status;
