//! What runs without being asked.

pub mod postman;
pub mod replies;
pub mod sealer;
pub mod sweeper;
