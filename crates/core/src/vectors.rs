//! Judges test vectors: one function for the native tests and for wasm, so that both run one set.
//!
//! ```text
//! object: header            which judge
//! expect: not_canonical     what it must find
//! rule: ENV-4               the rule of PROTOCOL.md that this shows
//! about: one line
//! key: 00ff…                what the object needs, in hex, text or decimal
//! ---
//! bytes in hex; an empty line begins the next item
//! ```
//!
//! Fixed randomness goes in, so a sealed object is also made again and compared byte for byte: what
//! one build seals, the other opens, in both directions.

mod guardians;
mod keyed;
mod log;
mod plain;

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
};

use rand_core::{TryCryptoRng, TryRng};
use reconnect_format::{DecodeError, manifest::StatementError, structure::ChainError};

/// A file that is not a vector.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a vector: {0}")]
pub struct Unreadable(String);

/// What a vector expects, and what was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Of what.
    pub object: String,
    /// The rule that it shows.
    pub rule: String,
    /// What must be found.
    pub expect: String,
    /// What was found.
    pub found: String,
}

impl Verdict {
    /// Whether the two are one.
    pub fn holds(&self) -> bool {
        self.expect == self.found
    }
}

/// Judges one vector.
pub fn judge(file: &[u8]) -> Result<Verdict, Unreadable> {
    let text = str::from_utf8(file).map_err(|_| unreadable("UTF-8"))?;
    let case = Case::read(text)?;
    let object = case.text("object")?;
    let judges = [plain::judge, keyed::judge, guardians::judge, log::judge];
    let mut found = None;
    for judge in judges {
        found = found.or(judge(object, &case)?);
    }
    let found = found.ok_or_else(|| unreadable("object"))?;
    let verdict = Verdict {
        object: object.to_owned(),
        rule: case.text("rule")?.to_owned(),
        expect: case.text("expect")?.to_owned(),
        found: found.to_owned(),
    };
    case.text("about")?;
    if found == "ok" {
        case.all_used()?;
    }
    Ok(verdict)
}

/// What a judge found: `ok`, the name of an error, or `differs` when something else came out than
/// the head says.
type Found = Result<&'static str, Unreadable>;

fn unreadable(what: &str) -> Unreadable {
    Unreadable(what.to_owned())
}

/// One file, read.
struct Case<'a> {
    head: BTreeMap<&'a str, &'a str>,
    used: RefCell<BTreeSet<&'a str>>,
    items: Vec<Vec<u8>>,
}

impl<'a> Case<'a> {
    fn read(text: &'a str) -> Result<Self, Unreadable> {
        let (head, body) = text.split_once("---\n").ok_or_else(|| unreadable("---"))?;
        let head = head
            .lines()
            .map(|line| line.split_once(": ").ok_or_else(|| unreadable(line)))
            .collect::<Result<_, _>>()?;
        let body = body.trim_end_matches('\n');
        let items = if body.is_empty() {
            Vec::new()
        } else {
            body.split("\n\n").map(from_hex).collect::<Result<_, _>>()?
        };
        Ok(Self { head, used: RefCell::default(), items })
    }

    fn optional(&self, name: &str) -> Option<&'a str> {
        let (name, value) = self.head.get_key_value(name)?;
        self.used.borrow_mut().insert(name);
        Some(value)
    }

    fn text(&self, name: &str) -> Result<&'a str, Unreadable> {
        self.optional(name).ok_or_else(|| unreadable(name))
    }

    fn number(&self, name: &str) -> Result<u64, Unreadable> {
        self.text(name)?.parse().map_err(|_| unreadable(name))
    }

    fn bytes(&self, name: &str) -> Result<Vec<u8>, Unreadable> {
        from_hex(self.text(name)?)
    }

    fn array<const N: usize>(&self, name: &str) -> Result<[u8; N], Unreadable> {
        self.bytes(name)?.try_into().map_err(|_| unreadable(name))
    }

    fn item(&self) -> &[u8] {
        self.items.first().map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether each value that the head names is the one that came out.
    fn compare(&self, came_out: &[(&str, &[u8])]) -> Found {
        let mut same = true;
        for (name, value) in came_out {
            if let Some(expected) = self.optional(name) {
                same &= from_hex(expected)? == *value;
            }
        }
        Ok(if same { "ok" } else { "differs" })
    }

    fn given(&self, name: &str) -> Result<Given, Unreadable> {
        Ok(Given(self.bytes(name)?))
    }

    /// A misspelt name would be a check that is never made.
    fn all_used(&self) -> Result<(), Unreadable> {
        let used = self.used.borrow();
        match self.head.keys().find(|name| !used.contains(**name)) {
            Some(name) => Err(unreadable(name)),
            None => Ok(()),
        }
    }
}

fn from_hex(text: &str) -> Result<Vec<u8>, Unreadable> {
    let digits: Option<Vec<u32>> =
        text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_digit(16)).collect();
    let (pairs, rest) = digits.as_deref().unwrap_or(&[0]).as_chunks::<2>();
    if !rest.is_empty() {
        return Err(unreadable("hex"));
    }
    let bytes = pairs.iter().map(|[high, low]| u8::try_from(high * 16 + low));
    bytes.collect::<Result<_, _>>().map_err(|_| unreadable("hex"))
}

/// Randomness that a vector fixes: in order, then zeros.
struct Given(Vec<u8>);

impl TryRng for Given {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        let count = bytes.len().min(self.0.len());
        bytes.fill(0);
        for (target, drawn) in bytes.iter_mut().zip(self.0.drain(..count)) {
            *target = drawn;
        }
        Ok(())
    }
}

impl TryCryptoRng for Given {}

fn decode_word(error: DecodeError) -> &'static str {
    match error {
        DecodeError::Truncated => "truncated",
        DecodeError::TrailingBytes => "trailing",
        DecodeError::UnknownVersion => "unknown_version",
        DecodeError::NotCanonical => "not_canonical",
        DecodeError::BadSignature => "bad_signature",
    }
}

fn statement_word(error: StatementError) -> &'static str {
    match error {
        StatementError::Decode(inner) => decode_word(inner),
        StatementError::Fork => "fork",
        StatementError::WrongSigner => "wrong_signer",
        StatementError::Contradiction => "contradiction",
        StatementError::RootMismatch => "root_mismatch",
    }
}

fn chain_word(error: ChainError) -> &'static str {
    match error {
        ChainError::Decode(inner) => decode_word(inner),
        ChainError::OtherChain => "other_chain",
        ChainError::WrongSigner => "wrong_signer",
        ChainError::Rollback => "rollback",
    }
}
