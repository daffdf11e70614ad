//! What the server answers, from outside.

mod crash;
mod given;
mod network;
mod safe;
mod stage;
