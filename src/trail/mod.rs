//! The trail's formats, and nothing else: no clock, no database, no randomness.

pub mod entry;
