//! What a safe needs from outside: a network, a clock, randomness, and a place on the device.
//!
//! The browser is one world, the stage of the tests another. A world sees only calls that may be
//! seen by the server, and sealed bytes.

use rand_core::CryptoRng;
use reconnect_format::api::{Call, Problem};

use crate::{error::Error, log::Release};

/// Why a call brought nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShipError {
    /// The server could not be reached, or the answer was cut.
    #[error("offline")]
    Offline,
    /// The server answered with a problem.
    #[error("refused by the server: {}", .0.code.text())]
    Problem(Problem),
    /// The answer is not one of this API.
    #[error("unreadable answer")]
    Unreadable,
}

impl From<ShipError> for Error {
    fn from(error: ShipError) -> Self {
        match error {
            ShipError::Offline => Self::Offline,
            ShipError::Problem(problem) => Self::Refused(problem),
            ShipError::Unreadable => Self::Unreadable,
        }
    }
}

/// The outside.
#[expect(async_fn_in_trait, reason = "worlds are used by one thread: browsers have no other")]
pub trait World {
    /// A cryptographic generator, seeded by the system.
    type Rng: CryptoRng;

    /// The generator.
    fn rng(&self) -> Self::Rng;

    /// Whom this release of the client believes about the log.
    fn release(&self) -> &Release;

    /// Seconds since 1970 by this device's clock.
    fn now(&self) -> u64;

    /// Ships one call, with the session's token when it is authorized, and gives the answer's body.
    async fn ship(&self, call: Call, token: Option<&str>) -> Result<Vec<u8>, ShipError>;

    /// What this device is, as its picture says it (section 6.7): 0 where that is not known.
    fn mark(&self) -> u8 {
        0
    }

    /// Keeps sealed bytes under a name on this device; does nothing on a shared one. What has a name that
    /// begins with `locked/` is secret, and kept under a key that the device gives to nobody: where it
    /// has none, nothing is kept and this fails. LOCK-13.
    async fn keep(&self, name: &str, bytes: &[u8]) -> Result<(), ShipError>;

    /// What was kept under a name.
    async fn kept(&self, name: &str) -> Option<Vec<u8>>;

    /// Forgets what was kept under a name.
    async fn forget(&self, name: &str);
}

/// Ships a call and reads its answer as JSON.
pub(crate) async fn ask<T: serde::de::DeserializeOwned>(
    world: &impl World,
    call: Call,
    token: Option<&str>,
) -> Result<T, Error> {
    let answer = world.ship(call, token).await?;
    serde_json::from_slice(&answer).map_err(|_| Error::Unreadable)
}
