//! The server's own secrets: files outside the database, made at the first start.
//!
//! Losing `opaque.key` ends the six words and PINs of everybody, so it belongs into the backup; the recovery
//! sheets do not need it. None of these secrets opens anything that a person keeps here.

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use anyhow::{Context as _, ensure};
use ed25519_dalek::{Signer as _, SigningKey};
use opaque_ke::{
    CipherSuite, Ristretto255, ServerSetup, TripleDh,
    ksf::Identity,
    rand::{CryptoRng, RngCore},
};
use reconnect_format::{Label, PublicKey, Signature, Signed, sign::Signable};
use zeroize::Zeroizing;

/// RFC 9807 as we use it: words are stretched on the person's device, never here.
pub(crate) struct Words;

impl CipherSuite for Words {
    type OprfCs = Ristretto255;
    type KeyExchange = TripleDh<Ristretto255, sha2_opaque::Sha512>;
    type Ksf = Identity;
}

/// The system's randomness, as opaque-ke's generation of traits asks for it.
pub(crate) struct SystemRng;

impl CryptoRng for SystemRng {}

impl RngCore for SystemRng {
    fn next_u32(&mut self) -> u32 {
        let mut bytes = [0; 4];
        self.fill_bytes(&mut bytes);
        u32::from_le_bytes(bytes)
    }

    fn next_u64(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.fill_bytes(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("a system that gives no randomness cannot serve");
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), opaque_ke::rand::Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

/// The files of a data folder that hold them.
pub(crate) const FILES: [&str; 5] =
    ["opaque.key", "operator.key", "tries.key", "folder.id", "log.key"];

/// What the server holds in memory.
pub(crate) struct Secrets {
    /// OPAQUE's long-lived state.
    pub(crate) opaque: ServerSetup<Words>,
    operator: SigningKey,
    log: SigningKey,
    tries: Zeroizing<Vec<u8>>,
    /// A random name of the data folder. No secret: it is here so that it is backed up with them.
    pub(crate) folder: Vec<u8>,
    /// Whether `opaque.key` was not there.
    pub(crate) words_are_new: bool,
}

impl Secrets {
    /// Reads the secrets of a data folder, and makes those that are not there.
    pub(crate) fn open(data: &Path) -> anyhow::Result<Self> {
        let folder = data.join("secrets");
        make_folder(&folder)?;
        let words_are_new = !folder.join("opaque.key").exists();
        let opaque = read_or_make(&folder, "opaque.key", || {
            Ok(Zeroizing::new(ServerSetup::<Words>::new(&mut SystemRng).serialize().to_vec()))
        })?;
        let operator = read_or_make(&folder, "operator.key", random)?;
        let tries = read_or_make(&folder, "tries.key", random)?;
        let name = read_or_make(&folder, "folder.id", random)?;
        ensure!(tries.len() == 32, "secrets/tries.key is not 32 bytes");
        let log = read_or_make(&folder, "log.key", random)?;
        Ok(Self {
            opaque: ServerSetup::deserialize(&opaque)
                .map_err(|_| anyhow::anyhow!("secrets/opaque.key does not decode"))?,
            operator: signing_key(&operator, "operator.key")?,
            log: signing_key(&log, "log.key")?,
            tries,
            folder: name.to_vec(),
            words_are_new,
        })
    }

    /// What follows from each file and is no secret: servers with other files have others.
    pub(crate) fn marks(&self) -> [(&'static str, Vec<u8>); 5] {
        [
            (FILES[0], self.opaque.keypair().public().serialize().to_vec()),
            (FILES[1], self.operator_key().0.to_vec()),
            // Of no handle: none is empty.
            (FILES[2], self.tries_key("").to_vec()),
            (FILES[3], self.folder.clone()),
            (FILES[4], self.log_key().to_vec()),
        ]
    }

    /// The operator's public key.
    pub(crate) fn operator_key(&self) -> PublicKey {
        PublicKey(self.operator.verifying_key().to_bytes())
    }

    /// The public key of the log.
    pub(crate) fn log_key(&self) -> [u8; 32] {
        self.log.verifying_key().to_bytes()
    }

    /// Signs as the log.
    pub(crate) fn sign_as_log(&self, message: &[u8]) -> [u8; 64] {
        self.log.sign(message).to_bytes()
    }

    /// Signs as the operator.
    pub(crate) fn sign_as_operator<T: Signable>(&self, body: T) -> Signed<T> {
        Signed::make(body, |message| Signature(self.operator.sign(message).to_bytes()))
    }

    /// Under what the tries of a handle are counted: says nothing without the secret.
    pub(crate) fn tries_key(&self, handle: &str) -> [u8; 32] {
        let keyed = Zeroizing::new([self.tries.as_slice(), handle.as_bytes()].concat());
        Label::HandleTries.hash(&keyed)
    }
}

fn signing_key(seed: &[u8], name: &str) -> anyhow::Result<SigningKey> {
    let seed = <[u8; 32]>::try_from(seed).map(Zeroizing::new);
    let seed = seed.with_context(|| format!("secrets/{name} is not 32 bytes"))?;
    Ok(SigningKey::from_bytes(&seed))
}

fn random() -> anyhow::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(vec![0; 32]);
    getrandom::fill(&mut bytes).map_err(|_| anyhow::anyhow!("the system gives no randomness"))?;
    Ok(bytes)
}

/// Makes a folder that only this account may enter, and makes its name durable.
pub(crate) fn make_folder(folder: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    if !folder.is_dir() {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    }
    for place in [Some(folder), folder.parent()].into_iter().flatten() {
        sync_folder(place).with_context(|| format!("cannot sync {}", place.display()))?;
    }
    Ok(())
}

/// Makes the names in a folder durable.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    fs::File::open(folder)?.sync_all()
}

/// Temporary file, fsync, rename, fsync of the folder: a secret is there whole or not at all.
fn read_or_make(
    folder: &Path,
    name: &str,
    make: impl FnOnce() -> anyhow::Result<Zeroizing<Vec<u8>>>,
) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    let path = folder.join(name);
    match fs::read(&path) {
        Ok(bytes) => return Ok(Zeroizing::new(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
    let secret = make()?;
    let fresh = folder.join(format!("{name}.new"));
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&fresh)
        .with_context(|| format!("cannot write {}", fresh.display()))?;
    file.write_all(&secret)?;
    file.sync_all()?;
    fs::rename(&fresh, &path)?;
    sync_folder(folder)?;
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_made_once_and_read_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = Secrets::open(folder.path()).expect("made");
        let again = Secrets::open(folder.path()).expect("read");
        assert_eq!(first.operator_key(), again.operator_key());
        assert_eq!(first.tries_key("a-b-1"), again.tries_key("a-b-1"));
        assert_ne!(first.tries_key("a-b-1"), first.tries_key("a-b-2"));
        assert_eq!(first.opaque.serialize(), again.opaque.serialize());
    }
}
