//! Locks of a safe: what registers them, and what puts a new one in place of an old one.

use rand_core::CryptoRng;
use reconnect_format::{
    Label, Suite,
    api::{Call, LockMaterial, RegistrationAnswer, RegistrationStart, Submission},
    encode,
    id::{Base64, LockId},
    lock::{LockAccess, LockBinding, LockKind, RootWrap},
    statement::Body,
};

use super::{Attach, Vault, bare};
use crate::{
    document::draw_id,
    error::{Error, ServerMisbehaved},
    lock::{Registration, wrap_root},
    secret::LockSecret,
    words::{PaperSecret, SixWords},
    world::{World, ask},
};

/// A record of six words that the server does not hold yet.
pub(super) struct WordsLock {
    handle: String,
    pub(super) record: Vec<u8>,
}

impl WordsLock {
    pub(super) fn access(&self) -> LockAccess {
        LockAccess::Words {
            handle: self.handle.clone().into_bytes(),
            record_hash: Label::WordsRecordHash.hash(&self.record),
        }
    }
}

pub(super) async fn register_words<W: World>(
    world: &W,
    words: &SixWords,
    handle: &str,
    rng: &mut W::Rng,
) -> Result<(WordsLock, LockSecret), Error> {
    let (registration, request) = Registration::start(words, rng)?;
    let start = RegistrationStart { handle: handle.to_owned(), request: Base64(request) };
    let call = Call::send("/v1/words/registration", &start).open();
    let answer: RegistrationAnswer = ask(world, call, None).await?;
    let (record, secret) = registration.finish(&answer.response.0, rng)?;
    Ok((WordsLock { handle: handle.to_owned(), record }, secret))
}

pub(super) fn sheet_access(paper: &PaperSecret) -> LockAccess {
    LockAccess::Sheet { sheet_id: paper.sheet_id(), signing: paper.signing().public() }
}

pub(super) fn set_lock(wrap: &RootWrap, access: LockAccess) -> Body {
    Body::SetLock {
        lock_id: wrap.binding.lock_id,
        generation: wrap.binding.generation,
        access,
        wrap_hash: wrap.hash(),
    }
}

impl Vault {
    /// New words with a new handle, in place of the old: the old words open nothing from then on.
    pub async fn replace_words(
        &mut self,
        world: &impl World,
        handle: &str,
        words: &SixWords,
    ) -> Result<(), Error> {
        let (lock, secret) = register_words(world, words, handle, &mut world.rng()).await?;
        let new = self.set_lock(world, &secret, lock.access(), Some(lock.record)).await?;
        self.retire_all_but(world, new, LockKind::Words).await
    }

    /// A new recovery sheet in place of the old.
    pub async fn replace_paper(
        &mut self,
        world: &impl World,
        paper: &PaperSecret,
    ) -> Result<(), Error> {
        let new = self.set_lock(world, &paper.lock_secret(), sheet_access(paper), None).await?;
        self.retire_all_but(world, new, LockKind::Sheet).await
    }

    async fn set_lock(
        &mut self,
        world: &impl World,
        secret: &LockSecret,
        access: LockAccess,
        words_record: Option<Vec<u8>>,
    ) -> Result<LockId, Error> {
        let wish = match &access {
            LockAccess::Words { handle, .. } => {
                format!("words {}", String::from_utf8_lossy(handle))
            }
            LockAccess::Sheet { sheet_id, .. } => format!("sheet {sheet_id}"),
        };
        let make = |vault: &Self, mut rng: &mut dyn CryptoRng| {
            let binding = LockBinding {
                suite: Suite::V1,
                account_id: vault.account_id(),
                lock_id: LockId(draw_id(&mut rng)),
                kind: access.kind(),
                generation: vault.secrets.generation,
            };
            let wrap = wrap_root(secret, binding, &vault.secrets.root, &mut rng);
            let body = set_lock(&wrap, access.clone());
            let lock = LockMaterial {
                root_wrap: Base64(encode(&wrap)),
                words_record: words_record.clone().map(Base64),
            };
            let submission = Submission { lock: Some(lock), ..Submission::default() };
            let attach: Attach = Box::new(|_, _| Ok(submission));
            Ok((body, attach))
        };
        match self.write(world, &wish, &make).await?.into_body().body {
            Body::SetLock { lock_id, .. } => Ok(lock_id),
            _ => Err(ServerMisbehaved::Forged.into()),
        }
    }

    /// The new lock may be one that was set before, when its answer was lost: it stays.
    async fn retire_all_but(
        &mut self,
        world: &impl World,
        new: LockId,
        kind: LockKind,
    ) -> Result<(), Error> {
        let locks = self.manifest.locks().filter(|(_, lock)| lock.access.kind() == kind);
        let old: Vec<_> = locks.map(|(lock_id, _)| lock_id).filter(|id| *id != new).collect();
        for lock_id in old {
            self.write(world, &format!("unlock {lock_id}"), &|_, _| {
                Ok((Body::RetireLock { lock_id }, bare()))
            })
            .await?;
        }
        Ok(())
    }
}
