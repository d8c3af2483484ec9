//! Tests of the real thing: a real PostgreSQL, real SMTP, real HTTP. See tests/README.md for the levels.

mod house;

mod answers;
mod dev;
mod doors;
mod erasure;
mod floors;
mod letters;
mod machine;
mod migrations;
mod promises;
mod serve;
mod sql;
mod story;
mod words;
