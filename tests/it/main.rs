//! Tests of the real thing: a real PostgreSQL, real SMTP, real HTTP. See tests/README.md for the levels.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod house;
mod log;
mod process;

mod agree;
mod announce;
mod answers;
mod api;
mod asks;
mod check_mail;
mod container;
mod corpora;
mod desk;
mod dev;
mod doors;
mod erasure;
mod evidence;
mod feed;
mod floors;
mod forms;
mod inbound;
mod integrations;
mod letters;
mod machine;
mod migrations;
mod my_data;
mod papers;
mod postfix;
mod promises;
mod replay;
mod schema;
mod serve;
mod sql;
mod story;
mod sweeper;
mod tallies;
mod templates;
mod trail;
mod trail_tools;
mod undo;
mod welcome;
mod words;
