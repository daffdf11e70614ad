//! Published vectors against the crates as version 1 configures them. Sources and licences stand in
//! `vectors/standards/README.md`.

#[path = "standards/hashes.rs"]
mod hashes;
#[path = "standards/hpke_xwing.rs"]
mod hpke_xwing;
#[path = "standards/opaque.rs"]
mod opaque;
#[path = "standards/wycheproof_sets.rs"]
mod wycheproof_sets;

use std::{convert::Infallible, fs, path::Path};

/// A file of `vectors/standards`.
fn published<T: serde::de::DeserializeOwned>(name: &str) -> T {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/standards").join(name);
    let text = fs::read_to_string(path).expect("a published vector is readable");
    serde_json::from_str(&text).expect("a published vector has the fields that it had")
}

fn bytes(hex: &str) -> Vec<u8> {
    hex::decode(hex).expect("hex")
}

/// Gives fixed bytes in order, in place of randomness.
struct Replay(Vec<u8>);

impl Replay {
    fn take(&mut self, target: &mut [u8]) {
        assert!(target.len() <= self.0.len(), "more is drawn than the vector fixes");
        let later = self.0.split_off(target.len());
        target.copy_from_slice(&self.0);
        self.0 = later;
    }
}

impl rand_core::TryRng for Replay {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut drawn = [0; 4];
        self.take(&mut drawn);
        Ok(u32::from_le_bytes(drawn))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut drawn = [0; 8];
        self.take(&mut drawn);
        Ok(u64::from_le_bytes(drawn))
    }

    fn try_fill_bytes(&mut self, target: &mut [u8]) -> Result<(), Infallible> {
        self.take(target);
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Replay {}

/// The same for the PAKE's older interface.
impl opaque_ke::rand::RngCore for Replay {
    fn next_u32(&mut self) -> u32 {
        rand_core::Rng::next_u32(self)
    }
    fn next_u64(&mut self) -> u64 {
        rand_core::Rng::next_u64(self)
    }
    fn fill_bytes(&mut self, target: &mut [u8]) {
        self.take(target);
    }
    fn try_fill_bytes(&mut self, target: &mut [u8]) -> Result<(), opaque_ke::rand::Error> {
        self.take(target);
        Ok(())
    }
}

impl opaque_ke::rand::CryptoRng for Replay {}
