//! PROTOCOL.md by hand: derivation, sealing, signing, envelopes, and a person with a safe.

use aes_gcm::{
    Aes256Gcm, KeyInit as _,
    aead::{Aead as _, Payload},
};
use anyhow::{Context as _, Result};
use ed25519_dalek::{Signer as _, SigningKey};
use hkdf::Hkdf;
use rand_chacha::ChaCha20Rng;
use reconnect_core::{
    key::{AccountSecrets, DeviceSecrets},
    secret::{DeviceSeed, Root},
};
use reconnect_format::{
    PublicKey, Signable, Suite, Unverified,
    account::AccountKeys,
    encode,
    envelope::{EnvelopeHeader, EnvelopeKind, EnvelopeRef},
    grant::{GrantTerms, NO_END, RecipientName, Scope},
    id::{AccountId, DeviceId, DocumentId, EnvelopeId, GrantId, HeldId, LockId},
    lock::{Held, LockAccess},
    manifest::Manifest,
    statement::{Attested, Body, DeviceProof, KeysProof, Signer, Statement},
    tree,
};
use sha2::{Digest as _, Sha256};

use crate::{draw, peek};

/// How every label begins.
pub(crate) const PROTOCOL: &str = "reconnect/v1";

/// Section 4: length, label, content.
pub(crate) fn labelled(label: &str, content: &[u8]) -> Vec<u8> {
    let text = format!("{PROTOCOL} {label}");
    let length = u8::try_from(text.len()).unwrap_or(u8::MAX);
    [&[length], text.as_bytes(), content].concat()
}

/// Section 1: `H`.
pub(crate) fn hash(label: &str, content: &[u8]) -> [u8; 32] {
    Sha256::digest(labelled(label, content)).into()
}

/// Section 1: `KDF`.
pub(crate) fn kdf(secret: &[u8], salt: &[u8], label: &str, context: &[u8]) -> Result<[u8; 32]> {
    let mut output = [0; 32];
    Hkdf::<Sha256>::new(Some(salt), secret)
        .expand(&labelled(label, context), &mut output)
        .ok()
        .context("32 bytes are within HKDF's limit")?;
    Ok(output)
}

/// AES-256-GCM.
pub(crate) fn seal(key: &[u8; 32], nonce: [u8; 12], ad: &[u8], plain: &[u8]) -> Result<Vec<u8>> {
    Aes256Gcm::new(key.into())
        .encrypt(&nonce.into(), Payload { msg: plain, aad: ad })
        .ok()
        .context("within AES-GCM's limit")
}

/// Section 2: the body, then a signature under a label.
pub(crate) fn sign_as(key: &SigningKey, label: &str, body: &[u8]) -> Vec<u8> {
    [body, &key.sign(&labelled(label, body)).to_bytes()].concat()
}

/// Section 2: the body, signed under its own label.
pub(crate) fn sign<T: Signable>(key: &SigningKey, body: &T) -> Vec<u8> {
    let bytes = encode(body);
    let signature = key.sign(&T::LABEL.with(&bytes)).to_bytes();
    [bytes.as_slice(), &signature].concat()
}

/// Section 9.1: what of a statement is signed, with a hash in the place of what it says.
pub(crate) fn head(statement: &Statement) -> Vec<u8> {
    let made_at = statement.made_at.to_be_bytes();
    let content = [&statement.salt[..], &statement.previous, &made_at, &encode(&statement.body)];
    let signer = match statement.signer {
        Signer::Root { generation } => [&[1], &generation.to_be_bytes()[..]].concat(),
        Signer::Device { device_id } => [&[2], &device_id.0[..]].concat(),
        Signer::Guardians { lock_id } => [&[3], &lock_id.0[..]].concat(),
    };
    [
        &[0, 1],
        &statement.account_id.0[..],
        &statement.sequence.to_be_bytes(),
        &signer,
        &statement.manifest_root,
        &hash("statement content", &content.concat()),
    ]
    .concat()
}

/// A statement: its head is signed under its label.
pub(crate) fn sign_statement(key: &SigningKey, statement: &Statement) -> Vec<u8> {
    sign_head_as(key, "statement", statement)
}

/// The same under any label.
pub(crate) fn sign_head_as(key: &SigningKey, label: &str, statement: &Statement) -> Vec<u8> {
    let signature = key.sign(&labelled(label, &head(statement))).to_bytes();
    [&encode(statement)[..], &signature].concat()
}

/// By what the next statement names this one.
pub(crate) fn statement_hash(signed: &[u8]) -> Result<[u8; 32]> {
    let statement = Unverified::<Statement>::decode(signed)?;
    let signature = &signed[signed.len() - 64..];
    Ok(hash("statement", &[&head(statement.claim())[..], signature].concat()))
}

/// The keys of one envelope, as section 8.1 derives them.
pub(crate) struct EnvelopeKeys {
    pub(crate) header_hash: [u8; 32],
    pub(crate) payload: [u8; 32],
    pub(crate) commitment: [u8; 32],
}

/// Derives them.
pub(crate) fn envelope_keys(key: &[u8; 32], header: &EnvelopeHeader) -> Result<EnvelopeKeys> {
    let header_hash = hash("envelope header", &encode(header));
    Ok(EnvelopeKeys {
        header_hash,
        payload: kdf(key, &header.salt, "envelope payload", &header_hash)?,
        commitment: kdf(key, &header.salt, "envelope commitment", &header_hash)?,
    })
}

/// Seals `plain`, whose length is already padded.
pub(crate) fn envelope(key: &[u8; 32], header: &EnvelopeHeader, plain: &[u8]) -> Result<Vec<u8>> {
    let keys = envelope_keys(key, header)?;
    let mut bytes = [encode(header).as_slice(), &keys.commitment].concat();
    let chunks: Vec<&[u8]> = plain.chunks(262_144).collect();
    for (index, chunk) in (0_u32..).zip(&chunks) {
        let last = index as usize + 1 == chunks.len();
        let mut nonce = [0; 12];
        nonce[7..11].copy_from_slice(&index.to_be_bytes());
        nonce[11] = u8::from(last);
        bytes.extend(seal(&keys.payload, nonce, &keys.header_hash, chunk)?);
    }
    Ok(bytes)
}

/// How a statement names an envelope.
pub(crate) fn name(bytes: &[u8], header: &EnvelopeHeader, id: EnvelopeId) -> EnvelopeRef {
    let (prefix, chunks) = bytes.split_at(131);
    let leaves: Vec<_> =
        std::iter::once(prefix).chain(chunks.chunks(262_160)).map(tree::leaf_hash).collect();
    EnvelopeRef {
        envelope_id: id,
        kind: header.kind,
        version: header.version,
        header_hash: hash("envelope header", &encode(header)),
        tree_root: tree::root(&leaves),
        sealed_bytes: bytes.len() as u64,
    }
}

/// Names an envelope that exists nowhere: enough for a chain.
pub(crate) fn some_name(rng: &mut ChaCha20Rng, kind: EnvelopeKind, version: u32) -> EnvelopeRef {
    EnvelopeRef {
        envelope_id: EnvelopeId(draw(rng)),
        kind,
        version,
        header_hash: draw(rng),
        tree_root: draw(rng),
        sealed_bytes: 16_531,
    }
}

/// Section 15.4: where everybody in the vectors stands in the log.
pub(crate) fn place() -> Vec<u8> {
    [&[0, 1][..], &[0x1d; 32], &[0x0e; 32]].concat()
}

/// Section 10: what a grant says of its key and of its owner's place in the log.
pub(crate) fn commitment(grant_key: &[u8; 32], grant_id: GrantId) -> Result<[u8; 32]> {
    kdf(grant_key, b"", "grant commitment", &[grant_id.as_bytes(), &place()[..]].concat())
}

/// A person with a safe: keys by hand, statements in their chain.
pub(crate) struct Person {
    pub(crate) root: [u8; 32],
    pub(crate) keys: AccountKeys,
    pub(crate) account: AccountId,
    pub(crate) root_key: SigningKey,
    /// What guardians put together signs with it.
    pub(crate) guardians_key: SigningKey,
    pub(crate) device_key: SigningKey,
    pub(crate) device: DeviceId,
    pub(crate) vault_key: [u8; 32],
    pub(crate) grant_key: [u8; 32],
    pub(crate) chain: Vec<Vec<u8>>,
    pub(crate) manifest: Manifest,
    pub(crate) rng: ChaCha20Rng,
}

/// When everybody in the vectors signs.
pub(crate) const NOW: u64 = 1_767_225_600;

impl Person {
    /// Opens a safe: the five first statements.
    pub(crate) fn open(mut rng: ChaCha20Rng) -> Result<Self> {
        let root: [u8; 32] = peek(&rng);
        let keys = AccountSecrets::derive(Root::generate(&mut rng), 1).public();
        let generation = 1_u32.to_be_bytes();
        let part = |label| kdf(&root, b"", label, &generation);
        let seed: [u8; 32] = peek(&rng);
        let secrets = DeviceSecrets::derive(DeviceSeed::generate(&mut rng));
        let mut person = Self {
            root,
            account: AccountId(hash("account id", &encode(&keys))),
            root_key: SigningKey::from_bytes(&part("account signing key")?),
            guardians_key: SigningKey::from_bytes(&[0x47; 32]),
            device_key: SigningKey::from_bytes(&kdf(&seed, b"", "device signing key", b"")?),
            device: DeviceId(draw(&mut rng)),
            vault_key: part("account vault key")?,
            grant_key: draw(&mut rng),
            chain: Vec::new(),
            manifest: Manifest::before(keys.clone()),
            keys,
            rng,
        };
        person.say(Body::Open { keys: person.keys.clone() })?;
        person.say(Body::AddDevice {
            device_id: person.device,
            signing: PublicKey(person.device_key.verifying_key().to_bytes()),
            leaf: secrets.leaf.public(),
        })?;
        let words = person.words_lock(b"plump-otter-4711");
        person.say(words)?;
        let sheet = Body::SetLock {
            lock_id: LockId(draw(&mut person.rng)),
            generation: 1,
            access: LockAccess::Sheet(Held {
                held_id: HeldId(draw(&mut person.rng)),
                signing: PublicKey(person.device_key.verifying_key().to_bytes()),
            }),
            wrap_hash: draw(&mut person.rng),
        };
        person.say(sheet)?;
        let own = person.own_grant()?;
        person.say(Body::Grant(own))?;
        Ok(person)
    }

    /// A lock of six words under a handle.
    pub(crate) fn words_lock(&mut self, handle: &[u8]) -> Body {
        Body::SetLock {
            lock_id: LockId(draw(&mut self.rng)),
            generation: 1,
            access: LockAccess::Words { handle: handle.to_vec(), record_hash: draw(&mut self.rng) },
            wrap_hash: draw(&mut self.rng),
        }
    }

    /// The owner's own grant.
    pub(crate) fn own_grant(&mut self) -> Result<GrantTerms> {
        let grant_id = GrantId(draw(&mut self.rng));
        Ok(GrantTerms {
            grant_id,
            recipient: RecipientName::Owner { generation: 1 },
            scope: Scope::Safe,
            ends_at: NO_END,
            face_hash: draw(&mut self.rng),
            commitment: commitment(&self.grant_key, grant_id)?,
        })
    }

    /// The signer that section 9.1 asks for.
    pub(crate) fn signer_of(&self, body: &Body) -> Signer {
        match body {
            body if body.is_by_root() => Signer::Root { generation: 1 },
            _ => Signer::Device { device_id: self.device },
        }
    }

    /// The statement that would say `body` next.
    pub(crate) fn next(&mut self, signer: Signer, body: Body) -> Statement {
        let salt = draw(&mut self.rng);
        self.manifest.next(signer, body, NOW, salt)
    }

    /// Signs with the key that the statement names.
    pub(crate) fn sign(&self, statement: &Statement) -> Vec<u8> {
        let key = match statement.signer {
            Signer::Root { .. } => &self.root_key,
            Signer::Device { .. } => &self.device_key,
            Signer::Guardians { .. } => &self.guardians_key,
        };
        sign_statement(key, statement)
    }

    /// Says something true.
    pub(crate) fn say(&mut self, body: Body) -> Result<()> {
        let signer = self.signer_of(&body);
        let statement = self.next(signer, body);
        let bytes = self.sign(&statement);
        if self.chain.is_empty() {
            self.manifest = Manifest::begin(Unverified::decode(&bytes)?)?.0;
        } else {
            self.manifest.append(Unverified::decode(&bytes)?)?;
        }
        self.chain.push(bytes);
        Ok(())
    }

    /// Adds a document in its first version, without a picture.
    pub(crate) fn add_document(&mut self) -> Result<DocumentId> {
        let document_id = DocumentId(draw(&mut self.rng));
        let content = some_name(&mut self.rng, EnvelopeKind::Content, 1);
        let card = some_name(&mut self.rng, EnvelopeKind::Card, 1);
        self.say(Body::PutVersion { document_id, content, card, thumbnail: None })?;
        Ok(document_id)
    }

    /// What shows that the device is this person's.
    pub(crate) fn proof(&self) -> DeviceProof {
        DeviceProof {
            keys: KeysProof::of_first(self.chain[0].clone()),
            device: self.chain[1].clone(),
        }
    }

    /// A body signed by the device, with its proof.
    pub(crate) fn attest<T: Signable>(&self, body: &T) -> Vec<u8> {
        encode(&Attested { object: sign(&self.device_key, body), proof: self.proof() })
    }
}

/// A header like any other.
pub(crate) fn header(rng: &mut ChaCha20Rng, kind: EnvelopeKind, padded: u64) -> EnvelopeHeader {
    EnvelopeHeader {
        suite: Suite::V1,
        kind,
        owner: AccountId(draw(rng)),
        document_id: DocumentId(draw(rng)),
        version: 1,
        salt: draw(rng),
        chunk_bytes: 262_144,
        padded_bytes: padded,
    }
}

/// HPKE with fixed randomness, through the library, whose own vectors stand in `standards`: an
/// encapsulation, and each message sealed under it in turn.
pub(crate) fn hpke_seal(
    public: &reconnect_format::account::RecipientPublicKey,
    info: &[u8],
    plains: &[&[u8]],
    randomness: &[u8; 64],
) -> Result<Vec<u8>> {
    use hpke::{Deserializable as _, Kem, OpModeS, Serializable as _, kem::XWing};
    let public = <XWing as Kem>::PublicKey::from_bytes(&public.0).ok().context("an X-Wing key")?;
    let context = hpke::setup_sender_with_rng::<hpke::aead::AesGcm256, hpke::kdf::HkdfSha256, XWing>(
        &OpModeS::Base,
        &public,
        info,
        &mut Replay(randomness),
    );
    let (encapped, mut context) = context.ok().context("HPKE encapsulates")?;
    let mut wrapped = encapped.to_bytes().to_vec();
    for plain in plains {
        wrapped.extend(context.seal(plain, b"").ok().context("HPKE seals")?);
    }
    Ok(wrapped)
}

/// Gives fixed bytes, once.
struct Replay<'a>(&'a [u8]);

impl rand_core::TryRng for Replay<'_> {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        Ok(0)
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        Ok(0)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
        let (now, later) = self.0.split_at(bytes.len());
        bytes.copy_from_slice(now);
        self.0 = later;
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Replay<'_> {}
