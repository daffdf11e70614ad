//! The inbox: what workers sealed to this owner, looked at before it is opened, and taken or refused
//! once.

use reconnect_format::{
    Signed, Sorted,
    api::{Call, Code, Inbox as WaitingInbox, WaitingDeposit},
    check,
    deposit::Deposit,
    envelope::EnvelopeKind,
    id::{DepositId, DocumentId, StructureId},
    statement::{Attested, Body},
    structure::verify_certificate,
};

use super::{ContentDraft, PaperCard, Reading, Vault, bare};
use crate::{
    deposit::{DepositSecret, open_deposit},
    document::{Card, draw_id},
    error::{Damaged, Error},
    picture::{PictureError, without_traces},
    secret::DocumentKey,
    world::World,
};

/// A deposit that may be opened. What its words say, the depositor signed, and nobody checked.
pub struct Deposited {
    /// Which.
    pub deposit_id: DepositId,
    /// For which structure the depositor acts.
    pub structure_id: StructureId,
    /// Their number in it.
    pub worker_number: u32,
    /// What is proposed to be written on its card.
    pub card: Card,
    /// Seconds since 1970, by the depositor's clock.
    pub made_at: u64,
    /// When it goes by itself, as the server says.
    pub ends_at: u64,
    signed: Signed<Deposit>,
    secret: DepositSecret,
}

impl Deposited {
    /// What the depositor calls themselves. DEP-8.
    pub fn says_to_be(&self) -> &str {
        self.secret.name()
    }

    /// What they say.
    pub fn message(&self) -> &str {
        self.secret.message()
    }
}

/// Why a deposit is not opened. DEP-4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distrust {
    /// Nobody of that structure signed it so.
    Forged,
    /// What the server shows of that structure is not so, or is nothing: nobody can tell who signed it.
    Unproven,
    /// Who signed it is not there any more.
    Left,
    /// It is for somebody else.
    Misdirected,
    /// It was taken or refused before.
    Replayed,
    /// What was sealed does not open.
    Damaged,
}

/// What waits, and what could not be trusted.
#[derive(Default)]
pub struct Inbox {
    /// May be opened; the oldest first.
    pub waiting: Vec<DepositId>,
    /// Never opened.
    pub quarantined: Vec<(DepositId, Distrust)>,
}

impl Vault {
    /// How many deposits the server says are waiting.
    pub fn deposits_waiting(&self) -> u32 {
        self.deposits
    }

    /// Looks at what waits: each deposit is verified before anything of it is opened. DEP-4.
    pub async fn look_into_inbox(&mut self, world: &impl World) -> Result<Inbox, Error> {
        self.sync(world).await?;
        let shown: WaitingInbox = self.read(world, Call::read("/v1/deposits")).await?;
        let mut sound = Sorted::default();
        let mut inbox = Inbox::default();
        let mut trusted = Sorted::default();
        for waiting in &shown.deposits {
            let deposit_id = waiting.deposit_id;
            let again = shown.deposits.iter().filter(|it| it.deposit_id == deposit_id).count() > 1;
            match self.look_at(world, waiting, &mut sound).await? {
                Ok(_) if again => inbox.quarantined.push((deposit_id, Distrust::Replayed)),
                Ok(deposited) => {
                    inbox.waiting.push(deposit_id);
                    trusted.insert(deposit_id, deposited);
                }
                Err(distrust) => inbox.quarantined.push((deposit_id, distrust)),
            }
        }
        self.inbox = trusted;
        Ok(inbox)
    }

    async fn look_at(
        &mut self,
        world: &impl World,
        waiting: &WaitingDeposit,
        sound: &mut Sorted<StructureId, bool>,
    ) -> Result<Result<Deposited, Distrust>, Error> {
        let Ok((signed, device)) = Attested::open::<Deposit>(&waiting.deposit.0) else {
            return Ok(Err(Distrust::Forged));
        };
        let structure_id = signed.body().structure_id;
        if !sound.contains(&structure_id) {
            let is_sound = match self.structure(world, structure_id).await {
                Ok(_) => true,
                // One structure about which the server lies keeps no other deposit away.
                Err(Error::Misbehaved(_)) => false,
                Err(Error::Refused(problem)) if problem.code == Code::NotFound => false,
                Err(error) => return Err(error),
            };
            sound.insert(structure_id, is_sound);
        }
        if sound.get(&structure_id) != Some(&true) {
            return Ok(Err(Distrust::Unproven));
        }
        let body = signed.body();
        if body.deposit_id != waiting.deposit_id
            || body.account_id != device.account_id
            || body.device_id != device.device_id
            || body.content.kind != EnvelopeKind::Content
            || body.content.version != 1
        {
            return Ok(Err(Distrust::Forged));
        }
        Ok(self
            .judge(world.now(), body, &waiting.certificate.0)
            .and_then(|()| self.open_words(signed, waiting).map_err(|Damaged| Distrust::Damaged)))
    }

    /// Whether a deposit, signed by whom it says, is for this safe, new, and by somebody who is in
    /// that structure. DEP-4.
    fn judge(&self, now: u64, body: &Deposit, certificate: &[u8]) -> Result<(), Distrust> {
        let to_us = body.owner == self.account_id() && self.recipient_key(body.key_id).is_some();
        if !check!(DepositOwner, to_us) {
            return Err(Distrust::Misdirected);
        }
        if self.manifest.is_settled(body.deposit_id) {
            return Err(Distrust::Replayed);
        }
        let chain = self.chains.get(&body.structure_id).ok_or(Distrust::Forged)?;
        chain.key_id(body.epoch).ok_or(Distrust::Forged)?;
        let certificate = verify_certificate(certificate, chain).map_err(|_| Distrust::Forged)?;
        let certificate = certificate.body();
        let theirs =
            certificate.account_id == body.account_id && certificate.number == body.worker_number;
        if !check!(DepositSigner, theirs) {
            return Err(Distrust::Forged);
        }
        let left = chain.closed || chain.is_revoked(certificate.number);
        if left || certificate.ends_at <= now { Err(Distrust::Left) } else { Ok(()) }
    }

    fn open_words(
        &self,
        signed: Signed<Deposit>,
        waiting: &WaitingDeposit,
    ) -> Result<Deposited, Damaged> {
        let key = self.recipient_key(signed.body().key_id).unwrap_or(&self.secrets.recipient);
        let secret = open_deposit(&waiting.wrap.0, &signed, key)?;
        let body = signed.body();
        Ok(Deposited {
            deposit_id: body.deposit_id,
            structure_id: body.structure_id,
            worker_number: body.worker_number,
            card: secret.card()?,
            made_at: body.made_at,
            ends_at: waiting.ends_at,
            signed,
            secret,
        })
    }

    /// A deposit that was looked at and may be opened.
    pub fn deposited(&self, deposit_id: DepositId) -> Result<&Deposited, Error> {
        self.inbox.get(&deposit_id).ok_or(Error::NotFound)
    }

    /// Prepares reading a deposit, as one reads a paper. DEP-5.
    pub fn deposit_reading(&self, deposit_id: DepositId) -> Result<Reading, Error> {
        let deposited = self.deposited(deposit_id)?;
        Ok(Reading {
            call: Call::read(format!("/v1/deposits/{deposit_id}/content")),
            named: deposited.signed.body().content.clone(),
            true_bytes: deposited.card.true_bytes(),
            unchecked: None,
            key: deposited.secret.key(),
            owner: self.account_id(),
            document_id: deposit_id.as_document(),
        })
    }

    /// Begins taking a deposit: a document of one's own, of which nothing is the depositor's choice
    /// but what it shows. It is taken with the statement that `finish_content` signs. DEP-6.
    pub fn begin_accepting(
        &self,
        world: &impl World,
        deposit_id: DepositId,
        true_bytes: u64,
    ) -> Result<ContentDraft, Error> {
        let deposited = self.deposited(deposit_id)?;
        let deposit = Some((deposit_id, deposited.signed.hash()));
        let mut rng = world.rng();
        let key = match deposited.secret.key() {
            theirs if !check!(FreshKey) => theirs,
            _ => DocumentKey::generate(&mut rng),
        };
        let new = (DocumentId(draw_id(&mut rng)), 1);
        Ok(ContentDraft { deposit, ..self.draft(world, new, key, true_bytes) })
    }

    /// Takes a deposit that fits into memory, under a card of one's own. The page streams instead.
    pub async fn accept_deposit(
        &mut self,
        world: &impl World,
        deposit_id: DepositId,
        paper: &PaperCard,
    ) -> Result<DocumentId, Error> {
        let reading = self.deposit_reading(deposit_id)?;
        let bytes = world.ship(reading.call.clone(), Some(&self.token)).await?;
        let plain = reading.open(&bytes)?;
        let clean = match without_traces(&plain) {
            Ok(clean) => zeroize::Zeroizing::new(clean),
            Err(PictureError::OtherFormat) => plain,
            Err(PictureError::Broken) => return Err(Damaged.into()),
        };
        let draft = self.begin_accepting(world, deposit_id, clean.len() as u64)?;
        let leaves = self.upload_whole(world, &draft, &clean).await?;
        self.finish_content(world, &draft, &leaves, paper).await?;
        Ok(draft.document_id)
    }

    /// Refuses a deposit, or removes one that could not be trusted: it never comes back.
    pub async fn refuse_deposit(
        &mut self,
        world: &impl World,
        deposit_id: DepositId,
    ) -> Result<(), Error> {
        self.write(world, &format!("refuse {deposit_id}"), &|vault, _| {
            if vault.manifest.is_settled(deposit_id) {
                return Err(Error::NotFound);
            }
            Ok((Body::RefuseDeposit { deposit_id }, bare()))
        })
        .await?;
        self.inbox.remove(&deposit_id);
        self.sync(world).await
    }
}
