//! What programs ask for in an operator's name: JSON, and RFC 9457 problems.

pub mod document;
pub mod feed;
pub mod lists;
pub mod stats;
