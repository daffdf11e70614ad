//! Locks: what wraps a root, and the PAKE (OPAQUE, RFC 9807) that six words and PINs go through.

use argon2::{Algorithm, Argon2, Params, Version};
use generic_array::{ArrayLength, GenericArray};
use opaque_ke::{
    CipherSuite, ClientLogin, ClientLoginFinishParameters, ClientRegistration,
    ClientRegistrationFinishParameters, CredentialResponse, Identifiers, RegistrationResponse,
    Ristretto255, TripleDh, errors::InternalError, ksf::Ksf,
};
use rand_core::CryptoRng;
use reconnect_format::{
    Label, check, encode,
    lock::{ARGON2_LANES, ARGON2_MEMORY_KIB, ARGON2_PASSES, LockBinding, RootWrap},
};
use zeroize::Zeroizing;

use crate::{
    error::{Damaged, Error},
    held::HeldSecret,
    seal::{derive, once_key, open_once, seal_once},
    secret::{LockSecret, Root},
};

/// Wraps `root` under a lock's secret. LOCK-1.
pub fn wrap_root(
    secret: &LockSecret,
    binding: LockBinding,
    root: &Root,
    rng: &mut impl CryptoRng,
) -> RootWrap {
    let mut salt = [0; 32];
    rng.fill_bytes(&mut salt);
    let bound = bound(&binding);
    let key = once_key(secret.expose(), &salt, Label::LockWrap, &bound);
    let mut sealed = [0; 48];
    // Invariant: 32 bytes and a tag of 16 are 48.
    sealed.copy_from_slice(&seal_once(&key, &bound, root.expose()));
    RootWrap { binding, salt, sealed }
}

fn bound(binding: &LockBinding) -> Vec<u8> {
    if check!(RootWrapBinding) { encode(binding) } else { Vec::new() }
}

/// Unwraps a root; one error for everything.
pub fn unwrap_root(secret: &LockSecret, wrap: &RootWrap) -> Result<Root, Damaged> {
    let bound = bound(&wrap.binding);
    let key = once_key(secret.expose(), &wrap.salt, Label::LockWrap, &bound);
    let root = open_once(&key, &bound, &wrap.sealed)?;
    root.as_slice().try_into().map(Root::from_bytes).map_err(|_| Damaged)
}

/// Argon2id with the constants of version 1: a server cannot ask for less. LOCK-4.
#[derive(Default)]
pub struct Stretch;

impl Ksf for Stretch {
    fn hash<L: ArrayLength<u8>>(
        &self,
        input: GenericArray<u8, L>,
    ) -> Result<GenericArray<u8, L>, InternalError> {
        let mut output = GenericArray::default();
        // The salt is fixed: the input is the output of an OPRF keyed for this handle (RFC 9807
        // section 7).
        stretch(&input, &mut output).map_err(|_| InternalError::KsfError)?;
        Ok(output)
    }
}

/// Fills `output` from an input that nobody else has the like of.
pub(crate) fn stretch(input: &[u8], output: &mut [u8]) -> Result<(), argon2::Error> {
    let (memory, passes) =
        if check!(StretchCost) { (ARGON2_MEMORY_KIB, ARGON2_PASSES) } else { (8, 1) };
    let params = Params::new(memory, passes, ARGON2_LANES, Some(output.len()))?;
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(input, &[0; 16], output)
}

/// OPAQUE as version 1 configures it: ristretto255, 3DH, SHA-512, Argon2id.
pub struct WordsSuite;

impl CipherSuite for WordsSuite {
    type OprfCs = Ristretto255;
    type KeyExchange = TripleDh<Ristretto255, sha2_010::Sha512>;
    type Ksf = Stretch;
}

/// The generator of this crate as the older interface of the PAKE wants it.
struct OlderRng<'a, R>(&'a mut R);

impl<R: CryptoRng> rand_core_06::RngCore for OlderRng<'_, R> {
    fn next_u32(&mut self) -> u32 {
        self.0.next_u32()
    }
    fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }
    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        self.0.fill_bytes(bytes);
    }
    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core_06::Error> {
        self.0.fill_bytes(bytes);
        Ok(())
    }
}

impl<R: CryptoRng> rand_core_06::CryptoRng for OlderRng<'_, R> {}

/// What a person knows, as the PAKE takes it: of [`crate::words::SixWords`] or a [`crate::held::Pin`].
pub struct Password {
    pub(crate) bytes: Zeroizing<Vec<u8>>,
    pub(crate) context: Label,
}

/// A registration that waits for the server's half.
pub struct Registration {
    state: ClientRegistration<WordsSuite>,
    password: Password,
}

impl Registration {
    /// Begins: the request goes to the server.
    pub fn start(password: Password, rng: &mut impl CryptoRng) -> Result<(Self, Vec<u8>), Error> {
        let started = ClientRegistration::start(&mut OlderRng(rng), &password.bytes)
            .map_err(|_| Error::BadInput)?;
        Ok((Self { state: started.state, password }, started.message.serialize().to_vec()))
    }

    /// Ends: the record goes to the server.
    pub fn finish(
        self,
        response: &[u8],
        rng: &mut impl CryptoRng,
    ) -> Result<(Vec<u8>, ExportKey), Error> {
        let response =
            RegistrationResponse::deserialize(response).map_err(|_| Error::Unreadable)?;
        let finished = self
            .state
            .finish(
                &mut OlderRng(rng),
                &self.password.bytes,
                response,
                ClientRegistrationFinishParameters::new(Identifiers::default(), None),
            )
            .map_err(|_| Error::Unreadable)?;
        let record = finished.message.serialize().to_vec();
        Ok((record, ExportKey(Zeroizing::new(finished.export_key.to_vec()))))
    }
}

/// An unlocking that waits for the server's half.
pub struct Login {
    state: ClientLogin<WordsSuite>,
    password: Password,
}

impl Login {
    /// Begins: the request goes to the server.
    pub fn start(password: Password, rng: &mut impl CryptoRng) -> Result<(Self, Vec<u8>), Error> {
        let started =
            ClientLogin::start(&mut OlderRng(rng), &password.bytes).map_err(|_| Error::BadInput)?;
        Ok((Self { state: started.state, password }, started.message.serialize().to_vec()))
    }

    /// Ends: the finalization goes to the server. `None` for a wrong password, and for a handle that
    /// is nobody's: they fail alike, here on the device.
    pub fn finish(
        self,
        response: &[u8],
        rng: &mut impl CryptoRng,
    ) -> Result<Option<(Vec<u8>, ExportKey)>, Error> {
        let response = CredentialResponse::deserialize(response).map_err(|_| Error::Unreadable)?;
        let context = self.password.context.text().as_bytes();
        let finished = self.state.finish(
            &mut OlderRng(rng),
            &self.password.bytes,
            response,
            ClientLoginFinishParameters::new(Some(context), Identifiers::default(), None),
        );
        Ok(finished.ok().map(|finished| {
            let finalization = finished.message.serialize().to_vec();
            (finalization, ExportKey(Zeroizing::new(finished.export_key.to_vec())))
        }))
    }
}

/// What the PAKE gives to whoever knew the password; the server never has it.
pub struct ExportKey(Zeroizing<Vec<u8>>);

impl ExportKey {
    /// As it came out, for vectors.
    #[cfg(feature = "vectors")]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// A lock's secret, of six words.
    pub(crate) fn words_secret(&self) -> LockSecret {
        LockSecret::from_bytes(*derive(&self.0, &[], Label::WordsSecret, &[]))
    }

    /// A lock's secret, of what is held and a PIN.
    pub(crate) fn pin_secret(&self, held: &HeldSecret) -> LockSecret {
        let both = Zeroizing::new([held.secret().expose().as_slice(), &self.0].concat());
        LockSecret::from_bytes(*derive(&both, &[], Label::PinSecret, &[held.kind() as u8]))
    }
}
