//! Guardians: a key that is split among them, what each of them holds, and what they seal to whoever comes
//! back. PROTOCOL.md section 16.

use rand_core::CryptoRng;
use reconnect_format::{
    Label, Suite,
    account::RecipientPublicKey,
    check, encode,
    grant::FACE_BYTES,
    guardian::{GuardianId, Guardians, ReturnOffer},
    id::{Base64, LockId, ReturnId},
    lock::HeldUse,
};
use reconnect_log::Carried;
use subtle::ConstantTimeEq;
use tls_codec::{DeserializeBytes, TlsDeserializeBytes, TlsSerialize, TlsSize};
use vsss_rs::Gf256;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::{
    error::{Damaged, Error},
    grant::Face,
    held::{HeldKind, HeldSecret, Pin, RECOVERY_BYTES},
    key::{RecipientKey, SignKey, wrap_to},
    link::LinkCode,
    lock::stretch,
    seal::{derive, open_salted, seal_salted},
    secret::{PlaceOpening, ReturnSeed, VaultKey},
    words::{Paper, PaperSecret},
};

/// Bytes of an AES-GCM tag.
const TAG: usize = 16;
/// What goes before the face: what opens the marks of returns.
const OPENING_BYTES: usize = 32;
/// Value and salt.
const SHARE_BYTES: usize = 64;
/// Longest label by which an owner knows a guardian, in bytes of UTF-8.
pub const LABEL_MAX_BYTES: usize = 60;
const NOTE_BYTES: usize = 1024;

/// What guardians put together: it opens the safe. Wiped when dropped.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct RecoveryKey([u8; RECOVERY_BYTES]);

impl RecoveryKey {
    /// Draws one, for one configuration. GUARD-2.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        let mut bytes = [0; RECOVERY_BYTES];
        rng.fill_bytes(&mut bytes);
        Self(bytes)
    }

    /// The lock that it opens.
    pub fn held(&self) -> HeldSecret {
        HeldSecret::new(HeldKind::Guardians, &self.0)
    }

    /// Splits it: `needed` of `count` shares put it together, and fewer say nothing of it. Shamir (1979) over
    /// GF(2^8), each byte for itself; numbers from 1.
    pub fn split(
        &self,
        needed: u8,
        count: u8,
        rng: &mut impl CryptoRng,
    ) -> Result<Vec<Share>, Error> {
        let mut shares = Vec::with_capacity(usize::from(count));
        let values = Gf256::split_bytes(needed.into(), count.into(), self.0, &mut *rng)
            .map_err(|_| Error::BadInput)?;
        for bytes in values {
            let bytes = Zeroizing::new(bytes);
            let (number, value) = bytes.split_first().ok_or(Error::BadInput)?;
            let mut salt = [0; 32];
            rng.fill_bytes(&mut salt);
            let value = value.try_into().map_err(|_| Error::BadInput)?;
            shares.push(Share { number: *number, value, salt });
        }
        Ok(shares)
    }

    /// Puts it together from `needed` shares, and checks that it is the one that the lock names. BACK-6.
    pub fn combine(shares: &[Share], named: &Guardians) -> Result<Self, Damaged> {
        let enough = shares.get(..usize::from(named.needed)).ok_or(Damaged)?;
        let mut bytes: Vec<Vec<u8>> =
            enough.iter().map(|it| [&[it.number][..], &it.value].concat()).collect();
        let put = Gf256::combine_bytes(&bytes).map(Zeroizing::new);
        bytes.zeroize();
        let key = Self(put.map_err(|_| Damaged)?.as_slice().try_into().map_err(|_| Damaged)?);
        let is_it = key.held().public() == named.held;
        if is_it { Ok(key) } else { Err(Damaged) }
    }
}

/// What one guardian holds. Wiped when dropped.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Share {
    number: u8,
    value: [u8; 32],
    salt: [u8; 32],
}

impl Share {
    /// Whose: where the polynomials were evaluated.
    pub fn number(&self) -> u8 {
        self.number
    }

    /// As the lock names it. GUARD-3.
    pub fn commitment(&self, lock_id: LockId) -> [u8; 32] {
        let parts = [lock_id.as_bytes(), &[self.number], self.value.as_slice(), &self.salt];
        Label::GuardianShare.hash(&Zeroizing::new(parts.concat()))
    }

    pub(crate) fn plain(&self) -> Zeroizing<[u8; SHARE_BYTES]> {
        let mut plain = Zeroizing::new([0; SHARE_BYTES]);
        for (to, from) in plain.iter_mut().zip(self.value.iter().chain(&self.salt)) {
            *to = *from;
        }
        plain
    }

    /// Reads what was sealed, and checks that it is what the lock names. GUARD-3, BACK-6.
    pub(crate) fn read(
        plain: &[u8],
        (lock_id, guardians): (LockId, &Guardians),
        number: u8,
    ) -> Result<Self, Damaged> {
        let named = guardians.get(number).ok_or(Damaged)?;
        let (value, salt) = plain.split_first_chunk::<32>().ok_or(Damaged)?;
        let share = Self { number, value: *value, salt: salt.try_into().map_err(|_| Damaged)? };
        let same = share.commitment(lock_id).ct_eq(&named.commitment);
        if check!(ShareCommitment, bool::from(same)) { Ok(share) } else { Err(Damaged) }
    }

    /// Seals it to whoever comes back, for one return. BACK-2.
    pub fn seal_to(
        &self,
        offer: &ReturnOffer,
        return_id: ReturnId,
        rng: &mut impl CryptoRng,
    ) -> Result<Vec<u8>, Damaged> {
        let plain = self.plain();
        wrap_to(&offer.recipient, &vouched(return_id, self.number), &[&plain[..]], rng)
    }
}

/// As a vouch names what was sealed.
pub fn vouched_hash(sealed: &[u8]) -> [u8; 32] {
    Label::VouchedHash.hash(sealed)
}

fn vouched(return_id: ReturnId, number: u8) -> Vec<u8> {
    Label::VouchedShare.with(&[return_id.as_bytes(), &[number]].concat())
}

/// What a guardian sees of an owner at any time: the owner's words, and what opens the marks of returns.
pub struct GuardianFace {
    /// By what name the owner is known, and what else they said.
    pub face: Face,
    /// Opens the marks of returns in the log.
    pub opening: PlaceOpening,
}

/// What opens the marks of returns in a generation, under whatever configuration: every device of the owner's
/// knows it.
pub fn return_opening(vault: &VaultKey) -> PlaceOpening {
    PlaceOpening::from_bytes(*derive(vault.expose(), &[], Label::ReturnOpening, &[]))
}

/// What says in the log that a return began: the `count`th one that this guardian began. BACK-2, BACK-4.
pub fn return_mark(opening: &PlaceOpening, who: GuardianId, count: u32) -> [u8; 32] {
    let parts = [opening.expose().as_slice(), &[3], &who.to_bytes(), &count.to_be_bytes()];
    Label::LogMark.hash(&parts.concat())
}

/// Wraps what a guardian holds to them, bound to the statement that names them: the face as a first message,
/// the share as a second one behind it. GUARD-4.
pub fn wrap_share(
    share: &Share,
    (face, opening): (&Face, &PlaceOpening),
    statement_hash: [u8; 32],
    recipient: &RecipientPublicKey,
    rng: &mut impl CryptoRng,
) -> Result<Vec<u8>, Damaged> {
    let mut shown = Zeroizing::new(Vec::with_capacity(OPENING_BYTES + FACE_BYTES));
    shown.extend_from_slice(opening.expose());
    shown.extend_from_slice(&face.padded());
    let info = info(statement_hash, share.number, recipient.id());
    wrap_to(recipient, &info, &[&shown, &share.plain()[..]], rng)
}

/// Opens the first message of a guardian's wrap.
pub fn open_guardian_face(
    wrapped: &[u8],
    statement_hash: [u8; 32],
    (guardians, number): (&Guardians, u8),
    key: &RecipientKey,
) -> Result<GuardianFace, Damaged> {
    let info = info(statement_hash, number, key.public().id());
    let [shown] = key.unwrap_each(&info, wrapped, [OPENING_BYTES + FACE_BYTES + TAG])?;
    let (opening, face) = shown.split_first_chunk::<OPENING_BYTES>().ok_or(Damaged)?;
    let opening = PlaceOpening::from_bytes(*opening);
    Ok(GuardianFace { face: Face::read(face, &guardians.face_hash)?, opening })
}

/// Opens what a guardian holds, and checks that it is what the lock names. GUARD-3.
pub fn open_share(
    wrapped: &[u8],
    statement_hash: [u8; 32],
    (lock_id, guardians): (LockId, &Guardians),
    number: u8,
    key: &RecipientKey,
) -> Result<Share, Damaged> {
    let info = info(statement_hash, number, key.public().id());
    let sizes = [OPENING_BYTES + FACE_BYTES + TAG, SHARE_BYTES + TAG];
    let [_, plain] = key.unwrap_each(&info, wrapped, sizes)?;
    Share::read(&plain, (lock_id, guardians), number)
}

fn info(statement_hash: [u8; 32], number: u8, key_id: [u8; 32]) -> Vec<u8> {
    let suite = encode(&Suite::V1);
    Label::GuardianWrap.with(&[&suite[..], &statement_hash, &[number], &key_id].concat())
}

/// What the owner keeps for their next splits: their words, and what they call each guardian.
#[derive(Zeroize, ZeroizeOnDrop, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct GuardiansNote {
    pub(crate) face: Face,
    pub(crate) labels: Vec<Vec<u8>>,
}

impl GuardiansNote {
    /// Seals it for the server to keep.
    pub(crate) fn seal(
        &self,
        vault: &VaultKey,
        lock_id: LockId,
        rng: &mut impl CryptoRng,
    ) -> Result<Base64, Error> {
        let mut plain = Zeroizing::new(encode(self));
        if plain.len() > NOTE_BYTES {
            return Err(Error::BadInput);
        }
        plain.resize(NOTE_BYTES, 0);
        let mut salt = [0; 32];
        rng.fill_bytes(&mut salt);
        let label = Label::GuardiansNote;
        Ok(Base64(seal_salted(vault.expose(), salt, label, lock_id.as_bytes(), &plain)))
    }

    /// Opens what the server kept.
    pub(crate) fn open(vault: &VaultKey, lock_id: LockId, sealed: &[u8]) -> Result<Self, Damaged> {
        let plain = open_salted(vault.expose(), Label::GuardiansNote, lock_id.as_bytes(), sealed)?;
        let (note, padding) = Self::tls_deserialize_bytes(&plain).map_err(|_| Damaged)?;
        if padding.iter().all(|byte| *byte == 0) { Ok(note) } else { Err(Damaged) }
    }
}

/// What somebody has who comes back: a return card and its PIN, and the keys that come of them.
pub struct ReturnKeys {
    held: HeldSecret,
    recipient: RecipientKey,
    signing: SignKey,
}

impl ReturnKeys {
    /// Draws the card, for a PIN that was chosen.
    pub fn draw(rng: &mut impl CryptoRng) -> PaperSecret {
        PaperSecret::draw(Paper::Return, rng)
    }

    /// Derives the keys: both are needed. Section 16.2.
    pub fn derive(card: &PaperSecret, pin: &Pin) -> Result<Self, Error> {
        if card.paper() != Paper::Return {
            return Err(Error::WrongPaper);
        }
        let held = card.held();
        let password = pin.password(&held);
        let mut stretched = Zeroizing::new([0; 64]);
        stretch(&password.bytes, stretched.as_mut_slice()).map_err(|_| Error::BadInput)?;
        let seed = derive(stretched.as_slice(), &[], Label::ReturnSeed, &[]);
        let seed = ReturnSeed::from_bytes(*seed);
        let part = |label| derive(seed.expose(), &[], label, &[]);
        Ok(Self {
            held,
            recipient: RecipientKey::of_paper(&part(Label::ReturnRecipientKey)),
            signing: SignKey::from_seed(&part(Label::ReturnSigningKey)),
        })
    }

    /// What guardians seal to.
    pub fn offer(&self) -> ReturnOffer {
        ReturnOffer {
            suite: Suite::V1,
            recipient: Box::new(self.recipient.public().clone()),
            signing: self.signing.public(),
            held_id: self.held.held_id(),
        }
    }

    /// What is typed or scanned by whoever vouches.
    pub fn code(&self) -> LinkCode {
        LinkCode::of_return(&self.offer())
    }

    /// What the square holds. LOG-16.
    pub fn square(&self, carried: Option<&Carried>) -> String {
        Carried::beside(&self.code().groups().concat(), carried)
    }

    /// One look at how it stands, signed. BACK-7.
    pub(crate) fn sign_look(&self, made_at: u64, rng: &mut impl CryptoRng) -> Vec<u8> {
        let look: HeldUse = self.held.use_now(made_at, Vec::new(), rng);
        self.signing.sign(look).encode()
    }

    /// Opens what a guardian sealed, and checks it: whose does not fit is named. BACK-6.
    pub fn open_vouched(
        &self,
        sealed: &[u8],
        return_id: ReturnId,
        (lock_id, guardians): (LockId, &Guardians),
        number: u8,
    ) -> Result<Share, Error> {
        let plain = self.recipient.unwrap(&vouched(return_id, number), sealed);
        plain
            .and_then(|plain| Share::read(&plain, (lock_id, guardians), number))
            .map_err(|Damaged| Error::BadShare(number))
    }
}
