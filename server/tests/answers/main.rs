//! What the server answers, from outside.

mod clock;
mod crash;
mod given;
mod histories;
mod limits;
mod log;
mod network;
mod receipts;
mod safe;
mod stage;
mod start;
