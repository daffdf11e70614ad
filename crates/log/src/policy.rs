//! Whom a client believes about a log, and how many of them.

use crate::{Error, KeyKind, Note, VerifierKey, note::Checkpoint};

/// Constants of a release: a log, its witnesses, and how many of them must have cosigned.
#[derive(Clone, Debug)]
pub struct Policy {
    log: VerifierKey,
    witnesses: Vec<VerifierKey>,
    required: usize,
}

/// A checkpoint that log and witnesses signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// What they signed.
    pub checkpoint: Checkpoint,
    /// Witnessed time: seconds since 1970.
    pub time: u64,
}

impl Policy {
    /// Each witness is one key, and not the log's own.
    pub fn new(
        log: VerifierKey,
        witnesses: Vec<VerifierKey>,
        required: usize,
    ) -> Result<Self, Error> {
        let all: Vec<_> = witnesses.iter().chain([&log]).map(VerifierKey::key).collect();
        let distinct =
            all.iter().enumerate().all(|(at, key)| !all.iter().take(at).any(|it| it == key));
        let cosign = witnesses.iter().all(|witness| witness.kind() == KeyKind::Cosigner);
        let enough = Self::is_enough(required, witnesses.len());
        if !distinct || !cosign || log.kind() != KeyKind::Log || !enough {
            return Err(Error::BadPolicy);
        }
        Ok(Self { log, witnesses, required })
    }

    /// Whether honest witnesses cannot cosign two trees that differ: more than half of all, or none. LOG-5.
    pub fn is_enough(required: usize, witnesses: usize) -> bool {
        required == 0 || (witnesses / 2 < required && required <= witnesses)
    }

    /// Whether nobody but the log's operator vouches for it: the page must say so. LOG-5.
    pub fn is_one_operators_word(&self) -> bool {
        self.required == 0
    }

    /// Checks origin, the log's two signatures, and the witnesses'. LOG-4, LOG-5, LOG-6.
    pub fn check(&self, note: &Note) -> Result<Checked, Error> {
        if note.claim().origin != self.log.name() {
            return Err(Error::WrongOrigin);
        }
        // LOG-4: the text, and the text with a time.
        note.verify(&self.log)?.ok_or(Error::Unsigned)?;
        let own = note.verify(&self.log.as_kind(KeyKind::Cosigner))?.ok_or(Error::Unsigned)?;
        let mut times = Vec::new();
        for witness in &self.witnesses {
            // LOG-5: each key once, however often it signed.
            times.extend(note.verify(witness)?);
        }
        times.sort_unstable_by(|a, b| b.cmp(a));
        // LOG-6: as many as are required have seen it at this time or later.
        let time = match self.required.checked_sub(1) {
            None => own,
            Some(last) => *times
                .get(last)
                .ok_or(Error::TooFewWitnesses { found: times.len(), required: self.required })?,
        };
        Ok(Checked { checkpoint: note.claim().clone(), time })
    }
}
