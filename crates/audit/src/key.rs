//! A witness's signing key, in the file form of signed notes:
//! `PRIVATE+KEY+<name>+<key id>+<base64(type ‖ seed)>`.

use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::Path,
};

use anyhow::{Context as _, Result, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signer as _, SigningKey};
use reconnect_log::{KeyKind, Note, VerifierKey, note::Line};
use zeroize::Zeroizing;

use crate::state::sync_folder;

const PRIVATE: &str = "PRIVATE+KEY+";

/// What cosigns.
pub(crate) struct WitnessKey {
    verifier: VerifierKey,
    secret: SigningKey,
}

impl WitnessKey {
    /// A new one, from 32 random bytes.
    pub(crate) fn new(name: &str, seed: &[u8; 32]) -> Result<Self> {
        let secret = SigningKey::from_bytes(seed);
        let public = secret.verifying_key().to_bytes();
        let verifier = VerifierKey::new(name, KeyKind::Cosigner, public)
            .context("a name has no white space and no plus")?;
        Ok(Self { verifier, secret })
    }

    /// Writes it where nothing is yet, for this account alone.
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .with_context(|| format!("cannot make {}", path.display()))?;
        let bytes = Zeroizing::new(
            [&[KeyKind::Cosigner as u8], self.secret.as_bytes().as_slice()].concat(),
        );
        let id = u32::from_be_bytes(self.verifier.id());
        let text = Zeroizing::new(format!(
            "{PRIVATE}{}+{id:08x}+{}\n",
            self.verifier.name(),
            STANDARD.encode(bytes.as_slice())
        ));
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        Ok(sync_folder(path.parent().unwrap_or(path))?)
    }

    /// Reads one that nobody else can read.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let place = path.display();
        let about = fs::metadata(path).with_context(|| format!("the key file {place}"))?;
        // The last six bits are those of group and others.
        ensure!(
            about.mode().trailing_zeros() >= 6,
            "other accounts can read the key file {place}: `chmod 600` it, or make a new key"
        );
        let text = Zeroizing::new(fs::read_to_string(path)?);
        let key = text.trim_end().strip_prefix(PRIVATE).and_then(|rest| {
            let mut parts = rest.splitn(3, '+');
            let (name, id, bytes) = (parts.next()?, parts.next()?, parts.next()?);
            let bytes = Zeroizing::new(STANDARD.decode(bytes).ok()?);
            let (kind, seed) = bytes.split_first()?;
            let key = Self::new(name, seed.try_into().ok()?).ok()?;
            let is_its_id = format!("{:08x}", u32::from_be_bytes(key.verifier.id())) == id;
            (is_its_id && *kind == KeyKind::Cosigner as u8).then_some(key)
        });
        key.with_context(|| format!("{place} is no witness key, as `keygen` writes it"))
    }

    /// What verifies it.
    pub(crate) fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// A cosignature. LOG-8 is the caller's to keep.
    pub(crate) fn cosign(&self, note: &Note, time: u64) -> Line {
        note.cosign(&self.verifier, time, |message| self.secret.sign(message).to_bytes())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_key_is_read_as_it_was_written_never_overwritten_and_never_shared() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("witness.key");
        let key = WitnessKey::new("witness.example", &[7; 32])?;
        key.write(&path)?;
        ensure!(WitnessKey::read(&path)?.verifier() == key.verifier());
        ensure!(key.write(&path).is_err(), "a key was written over another");
        let text = fs::read_to_string(&path)?;
        for spoilt in [text.replace("witness.example", "else.example"), text.replace("KEY+", "KEY")]
        {
            fs::write(&path, &spoilt)?;
            ensure!(WitnessKey::read(&path).is_err(), "{spoilt}");
        }
        fs::write(&path, &text)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640))?;
        ensure!(WitnessKey::read(&path).is_err(), "a key that others can read");
        ensure!(WitnessKey::new("a+b", &[7; 32]).is_err());
        Ok(())
    }
}
