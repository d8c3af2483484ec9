//! Optin

pub mod clock;
pub mod consent;
pub mod keys;
pub mod token;
pub mod trail;
