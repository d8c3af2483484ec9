//! What is allowed and what follows from it: no clock, no database, no network. Here it is decided;
//! `store::record` applies.

pub mod address;
pub mod change;
pub mod difference;
pub mod exported;
pub mod field;
pub mod figures;
pub mod list;
pub mod list_file;
pub mod network;
pub mod notice;
pub mod operator;
pub mod person;
pub mod receipt;
pub mod record;
pub mod replay;
pub mod subscription;
pub mod undo;
pub mod webhook;
