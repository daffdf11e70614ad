//! What the server answers, from outside.

mod clock;
mod crash;
mod given;
mod limits;
mod log;
mod network;
mod receipts;
mod safe;
mod stage;
mod start;
