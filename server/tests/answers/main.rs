//! What the server answers, from outside.

mod crash;
mod given;
mod limits;
mod network;
mod receipts;
mod safe;
mod stage;
