//! What every journey needs from HTTP.

pub mod answer;
pub mod ask;
pub mod asked;
pub mod body;
pub mod client;
pub mod desk;
pub mod email;
pub mod fields;
pub mod form;
pub mod guard;
pub mod headers;
pub mod holdings;
pub mod inbox;
pub mod notice;
pub mod onward;
pub mod refusal;
pub mod request;
pub mod route;
pub mod seen;
pub mod server;
pub mod stream;
pub mod wish;
