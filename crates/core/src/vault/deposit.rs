//! Giving a paper to an owner: sealed on the worker's device to the key that the owner's address
//! names, and signed.

use reconnect_format::{
    Label, Suite,
    api::{Call, GiveDeposit, OwnerKeys, SentDeposits},
    decode,
    deposit::Deposit,
    id::{AccountId, Base64, DepositId, EnvelopeId},
};
use reconnect_log::Carried;

use super::{ContentDraft, Vault, desk::Desk, papers::Sealed};
use crate::{
    deposit::{DepositSecret, wrap_deposit},
    document::{Card, ChunkPlan, DocumentKind, draw_id},
    error::Error,
    recipient::Recipient,
    seal::seal_salted,
    secret::DocumentKey,
    world::{ShipError, World},
};

/// What a worker says with a paper.
pub struct DepositWords {
    /// What they call themselves.
    pub name: String,
    /// What it is about.
    pub message: String,
    /// What they propose to call it.
    pub title: String,
    /// What it is shown as.
    pub kind: DocumentKind,
    /// IANA media type.
    pub media_type: String,
    /// Pages.
    pub page_count: u32,
}

/// A deposit whose content is about to be sealed and uploaded.
pub struct DepositDraft {
    /// Its content.
    pub content: ContentDraft,
    /// For whom.
    pub to: DepositTo,
}

/// For whom a deposit is: keys that hash to the address that was read.
pub struct DepositTo {
    owner: Recipient,
    account_id: AccountId,
    deposit_id: DepositId,
}

/// A deposit that was sent from this account.
pub struct GivenDeposit {
    /// Which.
    pub deposit_id: DepositId,
    /// What it was called; nothing when the note does not open.
    pub title: String,
    /// Seconds since 1970.
    pub sent_at: u64,
    /// Seconds since 1970.
    pub ends_at: u64,
    /// Whether its owner took it.
    pub accepted: bool,
}

impl Desk {
    /// Begins giving a paper to whoever showed this address. The keys come from the server, and
    /// count only if they hash to the address. DEP-1.
    pub async fn begin_deposit(
        &self,
        vault: &Vault,
        world: &impl World,
        address: &str,
        true_bytes: u64,
    ) -> Result<DepositDraft, Error> {
        let account_id = AccountId::from_deposit_address(Carried::split(address).0)
            .ok_or(Error::AddressMisread)?;
        let OwnerKeys { keys, generations } =
            vault.read(world, Call::read(format!("/v1/owners/{account_id}"))).await?;
        let (first, generations) = (decode(&keys.0)?, generations.iter().map(|it| it.0.as_slice()));
        let owner = Recipient::of_owner(account_id, first, generations)?;
        let mut rng = world.rng();
        let deposit_id = DepositId(draw_id(&mut rng));
        let key = DocumentKey::generate(&mut rng);
        let document_id = deposit_id.as_document();
        let plan = ChunkPlan::for_content(&key, account_id, document_id, 1, true_bytes, &mut rng);
        let envelope_id = EnvelopeId(draw_id(&mut rng));
        let content =
            ContentDraft { document_id, envelope_id, plan, true_bytes, key, deposit: None };
        Ok(DepositDraft { content, to: DepositTo { owner, account_id, deposit_id } })
    }

    /// Signs for a deposit whose parts have all arrived: from the answer on it waits for its owner.
    pub async fn finish_deposit(
        &self,
        vault: &Vault,
        world: &impl World,
        (to, content): (&DepositTo, &ContentDraft),
        chunk_leaves: &[[u8; 32]],
        words: &DepositWords,
    ) -> Result<(), Error> {
        let DepositTo { owner, account_id, deposit_id } = to;
        let card = Card::new(
            &words.title,
            words.kind,
            &words.media_type,
            content.true_bytes,
            words.page_count,
            world.now(),
        )?;
        let secret = DepositSecret::new(&content.key, &words.name, &words.message, &card)?;
        let (structure_id, epoch) = (self.structure_id(), self.recipient_epoch());
        let deposit = vault.device().signing.sign(Deposit {
            suite: Suite::V1,
            owner: *account_id,
            key_id: owner.key_id(),
            structure_id,
            epoch,
            deposit_id: *deposit_id,
            content: Sealed { draft: content, chunk_leaves }.named(),
            secret_hash: secret.hash(),
            worker_number: self.number(vault).ok_or(Error::NotAMember)?,
            account_id: vault.account_id(),
            device_id: vault.device_id(),
            made_at: world.now(),
        });
        let mut rng = world.rng();
        let wrap = wrap_deposit(&secret, &deposit, owner, &mut rng)?;
        let mut salt = [0; 32];
        rand_core::Rng::fill_bytes(&mut rng, &mut salt);
        let kept = seal_salted(
            vault.secrets().vault.expose(),
            salt,
            Label::DepositKeep,
            deposit_id.as_bytes(),
            card.title().as_bytes(),
        );
        let deposit = reconnect_format::statement::Attested {
            object: deposit.encode(),
            proof: vault.device_proof(),
        };
        let given = GiveDeposit {
            deposit: Base64(deposit.encode()),
            wrap: Base64(wrap),
            kept: Base64(kept),
        };
        let call = Call::send("/v1/deposits", &given);
        // Sent again when the answer was lost: the server takes a deposit once.
        match world.ship(call.clone(), Some(vault.token())).await {
            Err(ShipError::Offline) => world.ship(call, Some(vault.token())).await?,
            other => other?,
        };
        Ok(())
    }

    /// What was sent from this account and is not over.
    pub async fn sent_deposits(
        &self,
        vault: &Vault,
        world: &impl World,
    ) -> Result<Vec<GivenDeposit>, Error> {
        let sent: SentDeposits = vault.read(world, Call::read("/v1/deposits/sent")).await?;
        Ok(sent
            .deposits
            .into_iter()
            .map(|it| {
                let context = it.deposit_id.as_bytes();
                let note = vault.open_kept(Label::DepositKeep, context, &it.kept.0);
                let title = note.map(|note| String::from_utf8_lossy(&note).into_owned());
                GivenDeposit {
                    deposit_id: it.deposit_id,
                    title: title.unwrap_or_default(),
                    sent_at: it.sent_at,
                    ends_at: it.ends_at,
                    accepted: it.accepted,
                }
            })
            .collect())
    }

    /// Gives a paper that is in memory. The page streams instead.
    pub async fn deposit(
        &self,
        vault: &Vault,
        world: &impl World,
        address: &str,
        plain: &[u8],
        words: &DepositWords,
    ) -> Result<DepositId, Error> {
        let draft = self.begin_deposit(vault, world, address, plain.len() as u64).await?;
        let DepositDraft { content, to } = draft;
        let leaves = vault.upload_whole(world, &content, plain).await?;
        self.finish_deposit(vault, world, (&to, &content), &leaves, words).await?;
        Ok(to.deposit_id)
    }
}
