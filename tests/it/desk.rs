//! The desk: who gets in, who may what, and that nobody acts in another's name.

mod login;
mod matrix;
mod operators;
mod person;
mod records;
mod tokens;
