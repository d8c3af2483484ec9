//! What runs without being asked.

pub mod herald;
pub mod postman;
pub mod replies;
pub mod sealer;
pub mod sweeper;
