//! What a device draws for a person to write down: a handle, six words, a recovery sheet.
//!
//! Words come from a list of 7,776 (the Electronic Frontier Foundation's long list), so six are
//! 77.5 bits; a sheet is 160 bits. Nothing is chosen by the person, nothing says who they are.

use rand_core::CryptoRng;
use reconnect_format::{Label, structure::CODE_ALPHABET};
use reconnect_log::Carried;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::{
    error::Error,
    held::{HELD_BYTES, HeldKind, HeldSecret},
    key::{RecipientKey, SignKey},
    lock::Password,
    seal::derive,
};

/// Words that unlock a safe.
pub const WORD_COUNT: usize = 6;
const LIST_WORDS: u16 = 7776;
/// As the build wrote it: an upper-case letter ends a word and says how much of it the next keeps.
static LIST: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/words.txt"));
const SHEET_LETTERS: usize = HELD_BYTES * 8 / 5;
const CHECK_LETTERS: usize = 4;
const GROUP_LETTERS: usize = 4;

/// A number below `bound` without bias: draws that would favour small ones are thrown away.
fn draw_below(bound: u16, rng: &mut impl CryptoRng) -> u16 {
    let fair = u16::MAX - u16::MAX % bound;
    loop {
        let mut bytes = [0; 2];
        rng.fill_bytes(&mut bytes);
        let drawn = u16::from_be_bytes(bytes);
        if drawn < fair {
            return drawn % bound;
        }
    }
}

/// Shows every word of the list in its order. The whole list is walked, whatever is looked for.
fn walk_list(mut visit: impl FnMut(u16, &str)) {
    let mut word = Zeroizing::new(String::new());
    let mut place = 0;
    for byte in LIST {
        if byte.is_ascii_uppercase() {
            visit(place, &word);
            place += 1;
            word.truncate(usize::from(byte - b'A'));
        } else {
            word.push(char::from(*byte));
        }
    }
}

fn draw_word(rng: &mut impl CryptoRng) -> String {
    let drawn = draw_below(LIST_WORDS, rng);
    let mut found = String::new();
    walk_list(|place, word| {
        if place == drawn {
            found.push_str(word);
        }
    });
    found
}

fn is_listed(typed: &str) -> bool {
    let mut listed = false;
    walk_list(|_, word| listed |= word == typed);
    listed
}

/// A handle: two words and a number. What one types to say which safe; not a secret.
pub fn draw_handle(rng: &mut impl CryptoRng) -> String {
    let (first, second) = (draw_word(rng), draw_word(rng));
    let number = 1000 + draw_below(9000, rng);
    format!("{first}-{second}-{number}").replace(' ', "-")
}

/// A handle as typed: case and spaces do not matter.
pub fn normalize_handle(typed: &str) -> String {
    let typed = plain_dashes(typed);
    typed
        .split(|c: char| c.is_whitespace() || c == '-')
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("-")
        .to_ascii_lowercase()
}

/// Phones turn dashes into typographic ones.
fn plain_dashes(typed: &str) -> Zeroizing<String> {
    Zeroizing::new(typed.replace(['\u{2010}', '\u{2011}', '\u{2012}', '\u{2013}', '\u{2212}'], "-"))
}

/// Six words. Wiped when dropped.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct SixWords(Vec<String>);

impl SixWords {
    /// Draws them.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        Self((0..WORD_COUNT).map(|_| draw_word(rng)).collect())
    }

    /// Reads what a person typed; says which word is not in the list, counted from 1.
    pub fn parse(typed: &str) -> Result<Self, Error> {
        let typed = Zeroizing::new(plain_dashes(typed).to_ascii_lowercase());
        let words = Self(
            typed
                .split(|c: char| c.is_whitespace() || c == ',')
                .filter(|word| !word.is_empty())
                .map(str::to_owned)
                .collect(),
        );
        let stranger = words.0.iter().position(|word| !is_listed(word));
        match stranger {
            Some(index) => Err(Error::WordsMisread(index + 1)),
            None if words.0.len() == WORD_COUNT => Ok(words),
            None => Err(Error::WordsMisread(words.0.len().min(WORD_COUNT) + 1)),
        }
    }

    /// The words, for showing them once.
    pub fn show(&self) -> &[String] {
        &self.0
    }

    /// What goes into the PAKE: the words with single spaces. LOCK-3.
    pub fn password(&self) -> Password {
        let bytes = Zeroizing::new(self.0.join(" ").into_bytes());
        Password { bytes, context: Label::WordsContext }
    }
}

/// What a paper is: its check letters say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paper {
    /// A recovery sheet, or a structure's paper.
    Sheet,
    /// A card, which asks for a PIN as well.
    Card,
    /// A card of somebody who comes back, which asks for a PIN as well. Section 16.2.
    Return,
    /// A guardian's. Section 16.1.
    Guardian,
}

impl Paper {
    const ALL: [Self; 4] = [Self::Sheet, Self::Card, Self::Return, Self::Guardian];

    fn check(self) -> Label {
        match self {
            Self::Sheet => Label::SheetCheck,
            Self::Card => Label::CardCheck,
            Self::Return => Label::ReturnCheck,
            Self::Guardian => Label::GuardianPaperCheck,
        }
    }

    fn held(self) -> HeldKind {
        match self {
            Self::Sheet => HeldKind::Sheet,
            Self::Card => HeldKind::Card,
            Self::Return => HeldKind::ReturnCard,
            Self::Guardian => HeldKind::GuardianPaper,
        }
    }
}

/// 160 random bits on paper. Wiped when dropped.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct PaperSecret {
    bytes: [u8; HELD_BYTES],
    #[zeroize(skip)]
    paper: Paper,
    #[zeroize(skip)]
    carried: Option<Carried>,
}

impl PaperSecret {
    /// Draws one for a sheet, or for a structure's paper.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        Self::draw(Paper::Sheet, rng)
    }

    /// Draws one for a card.
    pub fn card(rng: &mut impl CryptoRng) -> Self {
        Self::draw(Paper::Card, rng)
    }

    /// Draws one for a guardian who keeps a paper.
    pub fn guardian(rng: &mut impl CryptoRng) -> Self {
        Self::draw(Paper::Guardian, rng)
    }

    /// Draws one.
    pub(crate) fn draw(paper: Paper, rng: &mut impl CryptoRng) -> Self {
        let mut bytes = [0; HELD_BYTES];
        rng.fill_bytes(&mut bytes);
        Self { bytes, paper, carried: None }
    }

    /// What it is.
    pub fn paper(&self) -> Paper {
        self.paper
    }

    /// The key of the lock that it opens, alone or with a PIN.
    pub fn held(&self) -> HeldSecret {
        HeldSecret::new(self.paper.held(), &self.bytes)
    }

    /// The letters to print: 32 of the secret, then four that check them, in groups of four.
    pub fn groups(&self) -> Vec<String> {
        in_groups(&self.bytes, &self.check())
    }

    /// Reads letters as a person types them or as a QR holds them. LOCK-6.
    pub fn parse(typed: &str) -> Result<Self, Error> {
        let (typed, carried) = Carried::split(typed);
        let letters = as_read(typed);
        let (secret, check) = letters.split_at_checked(SHEET_LETTERS).ok_or(Error::SheetMisread)?;
        let bytes = Zeroizing::new(from_letters(secret).ok_or(Error::SheetMisread)?);
        let mut read = Paper::ALL.into_iter().map(|paper| Self { bytes: *bytes, paper, carried });
        read.find(|read| read.check() == check).ok_or(Error::SheetMisread)
    }

    /// The checkpoint that its square carried. LOG-17.
    pub fn carried(&self) -> Option<Carried> {
        self.carried
    }

    fn check(&self) -> String {
        let hash = self.paper.check().hash(&self.bytes);
        to_letters(hash.get(..5).unwrap_or_default()).chars().take(CHECK_LETTERS).collect()
    }

    /// A structure's root, when the paper is a structure's.
    pub fn structure_root(&self) -> SignKey {
        SignKey::from_seed(&derive(&self.bytes, &[], Label::StructureRoot, &[]))
    }

    /// What opens what is wrapped to a guardian's paper.
    pub(crate) fn guardian_key(&self) -> RecipientKey {
        RecipientKey::of_paper(&derive(&self.bytes, &[], Label::GuardianPaperKey, &[]))
    }

    /// What opens the history of the structure whose paper this is.
    pub fn structure_recovery(&self) -> RecipientKey {
        RecipientKey::of_paper(&derive(&self.bytes, &[], Label::StructureRecoveryKey, &[]))
    }
}

/// Letters as they are shown: in groups of four, with those that check them.
pub(crate) fn in_groups(bytes: &[u8], check: &str) -> Vec<String> {
    let letters = Zeroizing::new(to_letters(bytes) + check);
    letters
        .as_bytes()
        .chunks(GROUP_LETTERS)
        .map(|group| group.iter().map(|letter| char::from(*letter)).collect())
        .collect()
}

/// Letters as they are typed: what is none is passed over, and some are taken for others.
fn as_read(typed: &str) -> Zeroizing<String> {
    let mut letters = Zeroizing::new(String::new());
    for letter in typed.chars().filter(char::is_ascii_alphanumeric) {
        letters.push(match letter.to_ascii_uppercase() {
            'I' | 'L' => '1',
            'O' => '0',
            other => other,
        });
    }
    letters
}

/// What was typed as letters, if it is exactly that much.
pub(crate) fn read_letters<const N: usize>(typed: &str) -> Option<[u8; N]> {
    let letters = as_read(typed);
    (letters.len() == N * 8 / 5).then(|| from_letters(&letters)).flatten()
}

/// Five bits a letter, most significant first; `bytes` is a multiple of five long.
fn to_letters(bytes: &[u8]) -> String {
    let mut text = String::new();
    for block in bytes.chunks(5) {
        let value = block.iter().fold(0_u64, |value, byte| (value << 8) | u64::from(*byte));
        for place in (0..8).rev() {
            let index = usize::try_from((value >> (place * 5)) & 31).unwrap_or_default();
            text.push(CODE_ALPHABET.get(index).copied().unwrap_or(b'0').into());
        }
    }
    text
}

fn from_letters<const N: usize>(letters: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    for (block, target) in letters.as_bytes().chunks(8).zip(bytes.chunks_mut(5)) {
        let mut value = 0_u64;
        for letter in block {
            let index = CODE_ALPHABET.iter().position(|known| known == letter)?;
            value = (value << 5) | u64::try_from(index).ok()?;
        }
        target.copy_from_slice(value.to_be_bytes().get(3..)?);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use getrandom::SysRng;
    use rand_core::UnwrapErr;

    #[test]
    fn the_list_is_the_published_one() {
        let mut words = Vec::new();
        walk_list(|_, word| words.push(word.to_owned()));
        assert_eq!(words, diceware_wordlists::EFF_LONG_WORDLIST);
        assert_eq!(words.len(), usize::from(LIST_WORDS));
    }

    #[test]
    fn six_words_are_read_as_they_are_typed() {
        let words = SixWords::generate(&mut UnwrapErr(SysRng));
        let typed = format!("  {}, ", words.show().join("  ").to_uppercase());
        assert_eq!(
            SixWords::parse(&typed).map(|read| read.show().to_vec()),
            Ok(words.show().to_vec())
        );
        assert!(matches!(SixWords::parse("abacus zzzz"), Err(Error::WordsMisread(2))));
        assert!(matches!(SixWords::parse("abacus"), Err(Error::WordsMisread(2))));
    }

    #[test]
    fn a_sheet_is_read_back_and_a_wrong_letter_is_noticed() {
        let sheet = PaperSecret::generate(&mut UnwrapErr(SysRng));
        let printed = sheet.groups().join(" ");
        assert_eq!(sheet.groups().len(), 9);
        let read = PaperSecret::parse(&printed.to_lowercase().replace('0', "o"));
        assert_eq!(read.map(|read| (read.bytes, read.paper)), Ok((sheet.bytes, Paper::Sheet)));
        let card = PaperSecret::card(&mut UnwrapErr(SysRng));
        let read = PaperSecret::parse(&card.groups().join(""));
        assert_eq!(read.map(|read| (read.bytes, read.paper)), Ok((card.bytes, Paper::Card)));
        for place in 0..printed.len() {
            let mut wrong = printed.clone().into_bytes();
            if wrong[place] == b' ' {
                continue;
            }
            wrong[place] = if wrong[place] == b'7' { b'8' } else { b'7' };
            let wrong = String::from_utf8(wrong).expect("ASCII");
            assert!(matches!(PaperSecret::parse(&wrong), Err(Error::SheetMisread)), "{place}");
        }
    }

    #[test]
    fn a_handle_is_what_the_format_accepts() {
        for _ in 0..200 {
            let handle = draw_handle(&mut UnwrapErr(SysRng));
            assert!(
                handle.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            );
            assert_eq!(normalize_handle(&handle.to_uppercase().replace('-', "  ")), handle);
        }
    }
}
