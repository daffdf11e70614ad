//! What the server answers, from outside.

mod given;
mod network;
mod safe;
mod stage;
