//! Mail: out to the relay, in at our own door, and what letters say.

pub mod inbox;
pub mod letters;
pub mod mailer;
pub mod relay;
pub mod session;
