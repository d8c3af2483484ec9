//! The desk: who gets in, who may what, and that nobody acts in another's name.

mod exports;
mod lists;
mod login;
mod matrix;
mod notices;
mod operators;
mod person;
mod records;
mod settings;
mod tokens;
mod trail;
