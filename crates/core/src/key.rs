//! Key pairs: what an account derives from its root, a device from its seed, a structure from its
//! epoch seed. Public halves are always recomputed from private ones (ACC-1).

use ed25519_dalek::{Signer as _, SigningKey};
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable, kem::XWing};
use rand_core::CryptoRng;
use reconnect_format::{
    Label, PublicKey, Signable, Signature, Signed, Suite,
    account::{AccountKeys, GENERATIONS_MAX, RecipientPublicKey},
    id::{AccountId, Base64},
};
use zeroize::Zeroizing;

use crate::{
    error::{Damaged, Error, ServerMisbehaved},
    seal::{derive, open_salted, seal_salted},
    secret::{DeviceSeed, EpochSeed, Root, VaultKey},
};

type Aead = hpke::aead::AesGcm256;
type Kdf = hpke::kdf::HkdfSha256;

/// An Ed25519 key pair.
pub struct SignKey(SigningKey);

impl SignKey {
    pub(crate) fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    /// Signs a message whose label is already before it.
    pub(crate) fn sign_bytes(&self, message: &[u8]) -> Signature {
        Signature(self.0.sign(message).to_bytes())
    }

    /// Signs `body` under its own label.
    pub fn sign<T: Signable>(&self, body: T) -> Signed<T> {
        Signed::make(body, |message| self.sign_bytes(message))
    }
}

impl std::fmt::Debug for SignKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SignKey")
    }
}

/// An X-Wing key pair.
pub struct RecipientKey {
    private: <XWing as Kem>::PrivateKey,
    public: RecipientPublicKey,
}

impl std::fmt::Debug for RecipientKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RecipientKey")
    }
}

impl RecipientKey {
    fn derive(ikm: &[u8; 32]) -> Self {
        let (private, public) = XWing::derive_keypair(ikm);
        let mut bytes = [0; 1216];
        bytes.copy_from_slice(&public.to_bytes());
        Self { private, public: RecipientPublicKey(bytes) }
    }

    /// Draws one that nothing is derived from. LINK-1.
    pub(crate) fn generate(rng: &mut impl CryptoRng) -> Self {
        Self::derive(EpochSeed::generate(rng).expose())
    }

    /// A structure's recipient key, from the seed that its group exported. STRUCT-4.
    pub fn of_epoch(seed: &EpochSeed) -> Self {
        Self::derive(seed.expose())
    }

    /// What a structure's history is also sealed to, from its paper.
    pub(crate) fn of_paper(seed: &[u8; 32]) -> Self {
        Self::derive(seed)
    }

    /// The same again, for whoever goes on with it.
    pub(crate) fn copy(&self) -> Self {
        Self { private: self.private.clone(), public: self.public.clone() }
    }

    /// The public half.
    pub fn public(&self) -> &RecipientPublicKey {
        &self.public
    }

    /// Opens what [`wrap_to`] wrapped as one message.
    pub(crate) fn unwrap(
        &self,
        info: &[u8],
        wrapped: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Damaged> {
        let sealed_bytes = wrapped.len().checked_sub(ENCAPPED_BYTES).ok_or(Damaged)?;
        let [plain] = self.unwrap_each(info, wrapped, [sealed_bytes])?;
        Ok(plain)
    }

    /// Opens the first messages of what [`wrap_to`] wrapped, of these sealed sizes, and nothing
    /// behind them: HPKE Base mode, X-Wing, HKDF-SHA256, AES-256-GCM (RFC 9180 section 5).
    pub(crate) fn unwrap_each<const N: usize>(
        &self,
        info: &[u8],
        wrapped: &[u8],
        sealed_bytes: [usize; N],
    ) -> Result<[Zeroizing<Vec<u8>>; N], Damaged> {
        let (encapped, mut sealed) = wrapped.split_at_checked(ENCAPPED_BYTES).ok_or(Damaged)?;
        let encapped = <XWing as Kem>::EncappedKey::from_bytes(encapped).map_err(|_| Damaged)?;
        let (mode, private) = (OpModeR::Base, &self.private);
        let mut context = hpke::setup_receiver::<Aead, Kdf, XWing>(&mode, private, &encapped, info)
            .map_err(|_| Damaged)?;
        let mut plains = std::array::from_fn(|_| Zeroizing::new(Vec::new()));
        for (plain, bytes) in plains.iter_mut().zip(sealed_bytes) {
            let (message, rest) = sealed.split_at_checked(bytes).ok_or(Damaged)?;
            *plain = Zeroizing::new(context.open(message, b"").map_err(|_| Damaged)?);
            sealed = rest;
        }
        if sealed.is_empty() { Ok(plains) } else { Err(Damaged) }
    }
}

/// Bytes of an X-Wing encapsulation.
pub(crate) const ENCAPPED_BYTES: usize = 1120;

/// Wraps messages to `public` under one encapsulation: that, then each ciphertext with its tag. Whoever
/// has the first messages only can open those, and no others.
pub(crate) fn wrap_to(
    public: &RecipientPublicKey,
    info: &[u8],
    plains: &[&[u8]],
    rng: &mut impl CryptoRng,
) -> Result<Vec<u8>, Damaged> {
    let public = <XWing as Kem>::PublicKey::from_bytes(&public.0).map_err(|_| Damaged)?;
    let (encapped, mut context) =
        hpke::setup_sender_with_rng::<Aead, Kdf, XWing>(&OpModeS::Base, &public, info, rng)
            .map_err(|_| Damaged)?;
    let mut wrapped = encapped.to_bytes().to_vec();
    for plain in plains {
        wrapped.extend(context.seal(plain, b"").map_err(|_| Damaged)?);
    }
    Ok(wrapped)
}

/// Everything that an account derives from its root.
#[derive(Debug)]
pub struct AccountSecrets {
    /// Signs statements about devices and locks.
    pub signing: SignKey,
    /// Opens what others seal to the account.
    pub recipient: RecipientKey,
    /// Seals what the owner keeps.
    pub vault: VaultKey,
    /// Which generation this is.
    pub generation: u32,
    pub(crate) root: Root,
}

impl AccountSecrets {
    /// Derives them, one label each. ACC-1.
    pub fn derive(root: Root, generation: u32) -> Self {
        let part = |label| derive(root.expose(), &[], label, &generation.to_be_bytes());
        Self {
            signing: SignKey::from_seed(&part(Label::AccountSigningKey)),
            recipient: RecipientKey::derive(&part(Label::AccountRecipientKey)),
            vault: VaultKey::from_bytes(*part(Label::AccountVaultKey)),
            generation,
            root,
        }
    }

    /// Of the same root, in another generation.
    pub(crate) fn again(&self, generation: u32) -> Self {
        Self::derive(Root::from_bytes(*self.root.expose()), generation)
    }

    /// The same again, for whoever goes on with it.
    pub(crate) fn copy(&self) -> Self {
        self.again(self.generation)
    }

    /// Seals the roots of earlier generations, the newest first, for the server to keep. ACC-5.
    pub fn seal_earlier<'a>(
        &self,
        account_id: AccountId,
        earlier: impl IntoIterator<Item = &'a Self>,
        rng: &mut impl CryptoRng,
    ) -> Vec<u8> {
        let mut salt = [0; 32];
        rng.fill_bytes(&mut salt);
        let mut roots = Zeroizing::new(Vec::with_capacity(32 * GENERATIONS_MAX as usize));
        let earlier: Vec<_> = earlier.into_iter().collect();
        for generation in (1..self.generation).rev() {
            // GUARD-9: zeros for one that was overruled, and whose root its thief alone has.
            let known = earlier.iter().find(|it| it.generation == generation);
            roots.extend_from_slice(known.map_or(&[0; 32], |it| it.root.expose()));
        }
        let context = self.earlier_context(account_id);
        seal_salted(self.vault.expose(), salt, Label::EarlierRoots, &context, &roots)
    }

    /// Opens what the server kept. Their keys must be those that the chain names, the oldest first, the
    /// newest ones last. ACC-1, ACC-5.
    pub fn open_earlier(
        &self,
        account_id: AccountId,
        sealed: &Base64,
        named: &[&AccountKeys],
    ) -> Result<Vec<Self>, Error> {
        let (_, before) = named.split_last().ok_or(Damaged)?;
        let context = self.earlier_context(account_id);
        let roots = open_salted(self.vault.expose(), Label::EarlierRoots, &context, &sealed.0)?;
        let (roots, []) = roots.as_chunks::<32>() else { return Err(Damaged.into()) };
        let pairs = before.iter().rev().zip(roots).filter(|(_, root)| **root != [0; 32]);
        let earlier: Vec<_> = pairs
            .map(|(keys, root)| (keys, Self::derive(Root::from_bytes(*root), keys.generation)))
            .collect();
        let theirs = earlier.iter().all(|(keys, secrets)| secrets.public() == ***keys);
        if roots.len() == before.len() && theirs {
            Ok(earlier.into_iter().map(|(_, secrets)| secrets).collect())
        } else {
            Err(ServerMisbehaved::Forged.into())
        }
    }

    fn earlier_context(&self, account_id: AccountId) -> Vec<u8> {
        [account_id.as_bytes(), &self.generation.to_be_bytes()[..]].concat()
    }

    /// The public halves.
    pub fn public(&self) -> AccountKeys {
        AccountKeys {
            suite: Suite::V1,
            generation: self.generation,
            signing: self.signing.public(),
            recipient: Box::new(self.recipient.public().clone()),
        }
    }
}

/// What a device signs with.
#[derive(Debug)]
pub struct DeviceSecrets {
    /// Signs statements, sessions and receipts.
    pub signing: SignKey,
    /// Signs in MLS groups.
    pub leaf: SignKey,
    pub(crate) seed: DeviceSeed,
}

impl DeviceSecrets {
    /// Derives them from the device's seed. DEV-1.
    pub fn derive(seed: DeviceSeed) -> Self {
        let part = |label| derive(seed.expose(), &[], label, &[]);
        Self {
            signing: SignKey::from_seed(&part(Label::DeviceSigningKey)),
            leaf: SignKey::from_seed(&part(Label::DeviceLeafKey)),
            seed,
        }
    }
}
