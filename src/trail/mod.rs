//! The trail's formats, and nothing else: no clock, no database, no randomness.
//!
//! What is in it ([`entry`]), what it hashes to ([`tree`], [`path`]), how it is kept and served ([`tile`], [`growth`]),
//! who vouches for it ([`note`], [`checkpoint`], [`proof`]), and whether what it says adds up ([`audit`]), and
//! which of it is one person's ([`trace`]).

pub mod audit;
pub mod checkpoint;
pub mod entry;
pub mod growth;
pub mod note;
pub mod path;
pub mod proof;
mod text;
pub mod tile;
pub mod trace;
pub mod tree;

#[cfg(test)]
mod tests;
