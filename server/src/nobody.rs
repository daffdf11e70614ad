//! Nobody: what is read and verified where there is nothing, so that it takes as long as where there is something.
//!
//! Invariant: nothing verifies under its key, whose secret half was never kept, and its record opens nothing.

use ed25519_dalek::SigningKey;
use opaque_ke::{
    ClientRegistration, ClientRegistrationFinishParameters, ServerRegistration, ServerSetup,
    errors::ProtocolError,
};
use reconnect_format::PublicKey;

use crate::secret::{SystemRng, Words};

pub(crate) struct Nobody {
    /// OPAQUE registration record.
    pub(crate) record: Vec<u8>,
    pub(crate) signing: PublicKey,
}

impl Nobody {
    pub(crate) fn new() -> anyhow::Result<Self> {
        let record =
            record().map_err(|_| anyhow::anyhow!("OPAQUE does not work on this machine"))?;
        let mut seed = [0; 32];
        getrandom::fill(&mut seed)
            .map_err(|_| anyhow::anyhow!("the system gives no randomness"))?;
        let signing = PublicKey(SigningKey::from_bytes(&seed).verifying_key().to_bytes());
        Ok(Self { record, signing })
    }
}

fn record() -> Result<Vec<u8>, ProtocolError> {
    let mut rng = SystemRng;
    let setup = ServerSetup::<Words>::new(&mut rng);
    let start = ClientRegistration::<Words>::start(&mut rng, b"nobody")?;
    let answer = ServerRegistration::<Words>::start(&setup, start.message, b"nobody")?;
    let finish = start.state.finish(
        &mut rng,
        b"nobody",
        answer.message,
        ClientRegistrationFinishParameters::default(),
    )?;
    Ok(ServerRegistration::<Words>::finish(finish.message).serialize().to_vec())
}
