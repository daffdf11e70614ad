//! What is held: the secret of a sheet, a card, a remembered device or a passkey; and the PIN that some
//! of them ask for as well.

use rand_core::CryptoRng;
use reconnect_format::{
    Label, Suite, check,
    id::HeldId,
    lock::{Held, HeldUse, LockKind, PIN_DIGITS},
};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::{
    error::Error,
    key::SignKey,
    lock::Password,
    seal::derive,
    secret::{LockSecret, VaultKey},
};

/// Bytes that a sheet, a card and a device hold.
pub const HELD_BYTES: usize = 20;
/// Bytes that a passkey gives.
pub const PASSKEY_BYTES: usize = 32;

/// Bytes that guardians put together.
pub const RECOVERY_BYTES: usize = 32;

/// What is held: the number that all its derivations have. LOCK-5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum HeldKind {
    /// A printed sheet.
    Sheet = 2,
    /// A printed card, with a PIN.
    Card = 3,
    /// A browser that remembers, with a PIN.
    Device = 4,
    /// What a passkey gives.
    Passkey = 5,
    /// A key that guardians put together. GUARD-1.
    Guardians = 6,
    /// A return card, with a PIN: no lock. Section 16.2.
    ReturnCard = 7,
    /// A guardian's paper: no lock. Section 16.1.
    GuardianPaper = 8,
}

impl HeldKind {
    /// The kind of lock that it opens, if any.
    pub fn lock(self) -> Option<LockKind> {
        match self {
            Self::Sheet => Some(LockKind::Sheet),
            Self::Card => Some(LockKind::Card),
            Self::Device => Some(LockKind::Device),
            Self::Passkey => Some(LockKind::Passkey),
            Self::Guardians => Some(LockKind::Guardians),
            Self::ReturnCard | Self::GuardianPaper => None,
        }
    }
}

/// A secret that somebody holds, and what it is. Wiped when dropped.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct HeldSecret {
    #[zeroize(skip)]
    kind: HeldKind,
    bytes: Vec<u8>,
}

impl HeldSecret {
    /// Of a paper, a browser or a passkey.
    pub(crate) fn new(kind: HeldKind, bytes: &[u8]) -> Self {
        Self { kind, bytes: bytes.to_vec() }
    }

    /// The same again, for whoever goes on with it.
    pub(crate) fn copy(&self) -> Self {
        Self::new(self.kind, &self.bytes)
    }

    /// Draws one for a browser to keep. LOCK-13.
    pub(crate) fn of_device(rng: &mut impl CryptoRng) -> Self {
        let mut bytes = Zeroizing::new([0; HELD_BYTES]);
        rng.fill_bytes(bytes.as_mut_slice());
        Self::new(HeldKind::Device, bytes.as_slice())
    }

    /// What a browser kept.
    pub(crate) fn kept(bytes: &[u8]) -> Option<Self> {
        (bytes.len() == HELD_BYTES).then(|| Self::new(HeldKind::Device, bytes))
    }

    /// What a passkey gave. LOCK-14.
    pub fn of_passkey(bytes: &[u8]) -> Result<Self, Error> {
        let sized = bytes.len() == PASSKEY_BYTES;
        sized.then(|| Self::new(HeldKind::Passkey, bytes)).ok_or(Error::BadInput)
    }

    /// Whether it opens nothing alone.
    pub fn asks_for_pin(&self) -> bool {
        matches!(self.kind, HeldKind::Card | HeldKind::Device | HeldKind::ReturnCard)
    }

    /// What it is.
    pub fn kind(&self) -> HeldKind {
        self.kind
    }

    pub(crate) fn expose(&self) -> &[u8] {
        &self.bytes
    }

    fn derive(&self, label: Label) -> Zeroizing<[u8; 32]> {
        derive(&self.bytes, &[], label, &[self.kind as u8])
    }

    /// What finds the lock. LOCK-5.
    pub fn held_id(&self) -> HeldId {
        let mut id = [0; 16];
        id.copy_from_slice(self.derive(Label::HeldId).first_chunk::<16>().unwrap_or(&[0; 16]));
        HeldId(id)
    }

    /// What proves that one holds it.
    pub fn signing(&self) -> SignKey {
        SignKey::from_seed(&self.derive(Label::HeldSigningKey))
    }

    /// A lock's secret, or its share of one.
    pub fn secret(&self) -> LockSecret {
        LockSecret::from_bytes(*self.derive(Label::HeldSecret))
    }

    /// What the server is told of it.
    pub fn public(&self) -> Held {
        Held { held_id: self.held_id(), signing: self.signing().public() }
    }

    /// One use of it, signed. LOCK-10.
    pub(crate) fn sign_use(
        &self,
        made_at: u64,
        request: Vec<u8>,
        rng: &mut impl CryptoRng,
    ) -> Vec<u8> {
        self.signing().sign(self.use_now(made_at, request, rng)).encode()
    }

    /// One use of it, for whichever key signs it.
    pub(crate) fn use_now(
        &self,
        made_at: u64,
        request: Vec<u8>,
        rng: &mut impl CryptoRng,
    ) -> HeldUse {
        let mut nonce = [0; 32];
        rng.fill_bytes(&mut nonce);
        HeldUse { suite: Suite::V1, held_id: self.held_id(), nonce, made_at, request }
    }
}

/// What a passkey is asked for its secret with.
pub fn passkey_input() -> [u8; 32] {
    Label::PasskeyInput.hash(&[])
}

/// The picture of a lock or a device: what no server knows. Section 6.7.
pub fn mark(vault: &VaultKey, id: &[u8]) -> u8 {
    let derived = derive(vault.expose(), &[], Label::Mark, id);
    derived.first().map_or(0, |first| first % MARKS)
}

/// How many pictures there are.
pub const MARKS: u8 = 32;

/// The picture of somebody else's computer.
pub const SHARED_MARK: u8 = 4;

/// Draws an id whose picture is the wanted one.
pub(crate) fn draw_marked(vault: &VaultKey, wanted: u8, rng: &mut impl CryptoRng) -> [u8; 16] {
    loop {
        let mut id = [0; 16];
        rng.fill_bytes(&mut id);
        if mark(vault, &id) == wanted % MARKS {
            return id;
        }
    }
}

/// Six digits. Wiped when dropped.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Pin([u8; PIN_DIGITS]);

impl Pin {
    /// Reads what a person typed, in any script's decimal digits. LOCK-9.
    pub fn parse(typed: &str) -> Result<Self, Error> {
        let mut digits = [0; PIN_DIGITS];
        let mut typed = typed.chars().filter(|letter| !letter.is_whitespace());
        for digit in &mut digits {
            *digit = b'0' + typed.next().and_then(digit_of).ok_or(Error::PinMisread)?;
        }
        if typed.next().is_some() { Err(Error::PinMisread) } else { Ok(Self(digits)) }
    }

    /// Reads a PIN that is to be set: one that is guessed first is refused. LOCK-9.
    pub fn choose(typed: &str) -> Result<Self, Error> {
        let pin = Self::parse(typed)?;
        if pin.is_guessed_first() { Err(Error::PinTooPlain) } else { Ok(pin) }
    }

    /// Draws one.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        loop {
            let mut bytes = Zeroizing::new([0; 4]);
            rng.fill_bytes(bytes.as_mut_slice());
            let number = u32::from_be_bytes(*bytes);
            // The highest multiple of a million: no digit is likelier than another.
            let pin = Zeroizing::new(format!("{:06}", number % 1_000_000));
            if number < 4_294_000_000
                && let Ok(pin) = Self::choose(&pin)
            {
                return pin;
            }
        }
    }

    /// For showing it once.
    pub fn show(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or_default()
    }

    fn is_guessed_first(&self) -> bool {
        let digits = &self.0;
        let kinds = (b'0'..=b'9').filter(|digit| digits.contains(digit)).count();
        let run = |step: u8| {
            digits.windows(2).all(|pair| match pair {
                [one, next] => (next + 10 - one) % 10 == step,
                _ => false,
            })
        };
        let repeats =
            |part: usize| digits.iter().skip(part).eq(digits.iter().take(PIN_DIGITS - part));
        let of = |pair: usize| {
            digits.chunks(2).nth(pair).map_or(0, |two| {
                two.iter().fold(0, |value, digit| value * 10 + u32::from(digit - b'0'))
            })
        };
        let date = |day: u32, month: u32| (1..=31).contains(&day) && (1..=12).contains(&month);
        kinds < 3
            || run(1)
            || run(9)
            || repeats(2)
            || repeats(3)
            || date(of(0), of(1))
            || date(of(1), of(0))
            || date(of(2), of(1))
    }

    /// What goes into the PAKE: without what is held, the server's record says nothing of the PIN. LOCK-9.
    pub fn password(&self, held: &HeldSecret) -> Password {
        let with_kind = Zeroizing::new([&[held.kind as u8][..], &self.0].concat());
        let bytes = if check!(PinPassword) {
            derive(&held.bytes, &[], Label::PinPassword, &with_kind).to_vec()
        } else {
            self.0.to_vec()
        };
        Password { bytes: Zeroizing::new(bytes), context: Label::PinContext }
    }
}

/// The value of a decimal digit: ASCII, Arabic-Indic, Extended Arabic-Indic (Persian, Pashto, Urdu), Bengali and
/// Devanagari, full-width.
fn digit_of(letter: char) -> Option<u8> {
    const ZEROS: [u32; 6] = [0x30, 0x660, 0x6f0, 0x966, 0x9e6, 0xff10];
    let values = ZEROS.iter().filter_map(|zero| u32::from(letter).checked_sub(*zero));
    values.filter(|value| *value < 10).find_map(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use getrandom::SysRng;
    use rand_core::UnwrapErr;

    #[test]
    fn a_pin_is_read_in_any_script() {
        for typed in ["481 709", "٤٨١٧٠٩", "۴۸۱۷۰۹", "४८१७०९", "৪৮১৭০৯", "４８１７０９"]
        {
            assert_eq!(Pin::parse(typed).map(|pin| pin.show().to_owned()), Ok("481709".into()));
        }
        for typed in ["", "48170", "4817090", "48170a", "48-1709", "½81709"] {
            assert_eq!(Pin::parse(typed).err(), Some(Error::PinMisread), "{typed}");
        }
    }

    #[test]
    fn what_is_guessed_first_is_not_set() {
        let plain = [
            "000000", "111111", "123456", "987654", "890123", "210987", "121212", "123123",
            "112211", "010190", "311299", "123190", "901231", "900214", "290200",
        ];
        for typed in plain {
            assert_eq!(Pin::choose(typed).err(), Some(Error::PinTooPlain), "{typed}");
        }
        for typed in ["481709", "728406", "993817", "004857"] {
            assert!(Pin::choose(typed).is_ok(), "{typed}");
        }
    }

    #[test]
    fn a_drawn_pin_may_be_set() {
        for _ in 0..1000 {
            let pin = Pin::generate(&mut UnwrapErr(SysRng));
            assert!(Pin::choose(pin.show()).is_ok());
        }
    }

    #[test]
    fn a_drawn_id_has_its_mark() {
        let vault = VaultKey::generate(&mut UnwrapErr(SysRng));
        for wanted in 0..MARKS {
            let id = draw_marked(&vault, wanted, &mut UnwrapErr(SysRng));
            assert_eq!(mark(&vault, &id), wanted);
        }
    }
}
