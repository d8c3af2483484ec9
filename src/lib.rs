//! Optin: asks every person twice, keeps proof of each yes, and forgets whoever leaves.
//!
//! The house has floors, and a file imports only from floors below its own (`tests/it/floors.rs` keeps it):
//!
//! | floor | room | what it is |
//! |---|---|---|
//! | 7 | [`commands`] | what a terminal asks for |
//! | 6 | [`journeys`] | one file per thing that a person comes to do; its `mod.rs` is the URL table |
//! | 5 | [`web`], [`chores`] | what every journey needs from HTTP; what runs without being asked |
//! | 4 | [`app`] | what journeys and chores are handed |
//! | 3 | [`store`], [`mail`] | the only folder that speaks SQL; mail out and in |
//! | 2 | [`consent`] | pure: what is allowed and what follows |
//! | 1 | [`trail`], [`token`], [`links`] | pure: the formats of proofs and links |
//! | 0 | [`keys`], [`password`], [`config`], [`clock`], [`site`], [`words`], [`templates`], [`toml_fault`] | what everything stands on |
//!
//! To walk through one act, read `docs/ARCHITECTURE.md` beside `journeys/confirm.rs`.

pub mod app;
pub mod chores;
pub mod clock;
pub mod commands;
pub mod config;
pub mod consent;
pub mod journeys;
pub mod keys;
pub mod links;
pub mod mail;
pub mod password;
pub mod site;
pub mod store;
pub mod templates;
pub mod token;
pub mod toml_fault;
pub mod trail;
pub mod web;
pub mod words;
