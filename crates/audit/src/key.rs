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

use crate::state::{read_text, replace, sync_folder};

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

    /// One key serves one memory: beside the key and in the state stands which. LOG-8.
    pub(crate) fn bind(&self, path: &Path, state: &Path) -> Result<()> {
        let (beside, name) = (path.parent().unwrap_or(path), path.file_name());
        let name = name.context("the key file has no name")?.to_string_lossy();
        let marker = format!("{name}.memory");
        let bound = read_text(state, "witness")?;
        let used = read_text(beside, &marker)?;
        let ours = |text: &str| {
            text.split_once('\n')
                .filter(|(key, _)| *key == self.verifier.to_string())
                .map(|it| it.1.to_owned())
        };
        let memory = match bound {
            None => {
                ensure!(
                    used.is_none(),
                    "the key {} has cosigned from another state: put that state back. Where it is lost, \
                     make a new key, and tell whoever relies on the old one",
                    path.display()
                );
                let mut id = [0; 16];
                getrandom::fill(&mut id).context("the system gives no randomness")?;
                let id = format!("{}\n", STANDARD.encode(id));
                replace(state, "witness", format!("{}\n{id}", self.verifier).as_bytes())?;
                id
            }
            Some(text) => ours(&text).with_context(|| {
                format!(
                    "{} belongs to another witness: give its key, or another --state",
                    state.display()
                )
            })?,
        };
        match used {
            Some(used) => ensure!(
                used == memory,
                "the key {} has cosigned from another state than {}",
                path.display(),
                state.display()
            ),
            None => replace(beside, &marker, memory.as_bytes())?,
        }
        Ok(())
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

    #[test]
    fn a_key_serves_one_memory_and_a_state_one_key() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let place = |name: &str| folder.path().join(name);
        let (path, other) = (place("witness.key"), place("other.key"));
        let key = WitnessKey::new("witness.example", &[7; 32])?;
        let second = WitnessKey::new("other.example", &[8; 32])?;
        for name in ["state", "fresh"] {
            fs::create_dir(place(name))?;
        }
        key.bind(&path, &place("state"))?;
        key.bind(&path, &place("state"))?;
        ensure!(key.bind(&path, &place("fresh")).is_err(), "it had lost its memory");
        ensure!(second.bind(&other, &place("state")).is_err(), "two witnesses with one memory");
        // A crash between the two: the state knows the key already.
        fs::remove_file(place("witness.key.memory"))?;
        key.bind(&path, &place("state"))?;
        ensure!(key.bind(&path, &place("fresh")).is_err());
        second.bind(&other, &place("fresh"))
    }
}
