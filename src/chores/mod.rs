//! What runs without being asked.

pub mod postman;
pub mod sealer;
pub mod sweeper;
