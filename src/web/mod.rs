//! What every journey needs from HTTP.

pub mod answer;
pub mod ask;
pub mod asked;
pub mod body;
pub mod client;
pub mod email;
pub mod fields;
pub mod form;
pub mod guard;
pub mod headers;
pub mod inbox;
pub mod notice;
pub mod onward;
pub mod refusal;
pub mod request;
pub mod seen;
pub mod server;
