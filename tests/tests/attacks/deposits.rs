//! Whoever runs the server, perhaps with a depositor or another owner at their side, wants an owner to
//! believe of a deposit what nobody signed for them, or wants to read what was sealed for somebody.

use anyhow::{Context as _, Result, ensure};
use reconnect_core::{
    deposit::{DepositSecret, open_deposit, wrap_deposit},
    document::{Card, DocumentKind, SealedEnvelope, seal_content},
    recipient::Recipient,
    secret::DocumentKey,
    vault::{upload_begin, upload_part},
};
use reconnect_format::{
    Signed, Suite,
    account::AccountKeys,
    api::{Inbox, OwnerKeys, WaitingDeposit},
    deposit::{Deposit, GiveDeposit},
    encode,
    id::{AccountId, Base64, DepositId},
    statement::Attested,
    structure::{Certificate, Role},
};
use reconnect_tests::{
    stage::{BEGINNING, DAY, Database, Person, Server, card, parts},
    team::Team,
};

use crate::{
    giving::works_on,
    lies::lie,
    mallory::{Front, Heard, Somebody, rng},
    pair::{Outcome, pairs},
};

pairs! {
    a_deposit_in_a_workers_name: passed_over without [DepositSigner];
    a_deposit_that_its_owner_passes_on: passed_over without [DepositOwner];
    other_words_under_a_workers_deposit: passed_over without [DepositWords];
    a_deposit_steered_into_another_safe: "forged" without [OwnerKeys];
    a_paper_under_a_key_that_its_depositor_keeps: passed_over without [FreshKey];
}

const SECRET: &[u8] = b"Attestation de domicile";
const DEPOSIT_ID: DepositId = DepositId([0x77; 16]);

/// A structure and its only worker, who gives papers to owners.
struct Counter {
    paul: Somebody,
    front: Front,
    certificate: Attested,
}

impl Counter {
    async fn on(server: &Server) -> Result<Self> {
        let paul = Somebody::new()?;
        let front = paul.found("Accueil de jour", None)?;
        front.show(server, &paul).await?;
        let certificate = paul.attest(Certificate {
            suite: Suite::V1,
            structure_id: front.structure_id,
            serial: 1,
            number: 1,
            account_id: paul.account_id,
            role: Role::Manager,
            ends_at: BEGINNING + 30 * DAY,
        });
        Ok(Self { paul, front, certificate })
    }

    /// A paper sealed for `owner`, in the words of `signer`, who says that they are the worker.
    fn give(&self, signer: &Somebody, owner: &AccountKeys) -> Result<Given> {
        let account_id = owner.account_id();
        let document_id = DEPOSIT_ID.as_document();
        let SealedEnvelope { bytes: content, named, key } =
            seal_content(SECRET, account_id, document_id, 1, &mut rng());
        let secret = words(&key, "Votre attestation")?;
        let attested = signer.attest(Deposit {
            suite: Suite::V1,
            owner: account_id,
            key_id: owner.recipient.id(),
            structure_id: self.front.structure_id,
            epoch: 1,
            deposit_id: DEPOSIT_ID,
            content: named,
            secret_hash: secret.hash(),
            worker_number: 1,
            account_id: signer.account_id,
            device_id: signer.device_id,
            made_at: BEGINNING,
        });
        let (deposit, _) = Attested::open::<Deposit>(&attested.encode())?;
        let wrap = wrap_deposit(&secret, &deposit, &recipient(owner)?, &mut rng())?;
        Ok(Given { key, attested, deposit, wrap, content })
    }

    /// The server says that this is all that waits.
    fn show(&self, owner: &Person, given: &Given) {
        let waiting = WaitingDeposit {
            deposit_id: DEPOSIT_ID,
            deposit: Base64(given.attested.encode()),
            certificate: Base64(self.certificate.encode()),
            wrap: Base64(given.wrap.clone()),
            ends_at: BEGINNING + 30 * DAY,
        };
        lie(&owner.browser, "/v1/deposits", move |_, inbox: &mut Inbox| {
            inbox.deposits = vec![waiting.clone()];
        });
    }
}

/// A deposit as whoever made it knows it.
struct Given {
    key: DocumentKey,
    attested: Attested,
    deposit: Signed<Deposit>,
    wrap: Vec<u8>,
    content: Vec<u8>,
}

fn words(key: &DocumentKey, message: &str) -> Result<DepositSecret> {
    let length = SECRET.len() as u64;
    let card = Card::new("Attestation", DocumentKind::Other, "text/plain", length, 0, BEGINNING)?;
    Ok(DepositSecret::new(key, "Paul", message, &card)?)
}

fn recipient(owner: &AccountKeys) -> Result<Recipient> {
    Ok(Recipient::of_owner(owner.account_id(), owner.clone(), [])?)
}

async fn stage() -> Result<(Server, Person, Counter)> {
    let server = Server::on(Database::Sqlite).await?;
    let owner = server.person().await?;
    let counter = Counter::on(&server).await?;
    Ok((server, owner, counter))
}

/// What the owner is shown as said by the structure's worker; or nothing is, and the safe works on.
async fn judge(owner: &mut Person, message: &str) -> Result<Outcome> {
    let inbox = owner.vault.look_into_inbox(&owner.browser).await?;
    if let [deposit_id] = inbox.waiting.as_slice() {
        let deposited = owner.vault.deposited(*deposit_id)?;
        let as_worker = deposited.worker_number == 1 && deposited.says_to_be() == "Paul";
        ensure!(as_worker && deposited.message() == message, "something else waits");
        return Ok(Outcome::Succeeded);
    }
    ensure!(inbox.waiting.is_empty() && inbox.quarantined.len() == 1, "it was not even shown");
    ensure!(owner.vault.deposit_reading(DEPOSIT_ID).is_err());
    owner.browser.hear_the_truth();
    works_on(owner).await?;
    Ok(Outcome::PassedOver)
}

/// Mallory seals and signs with keys of her own, as the worker; the certificate beside it is the
/// worker's.
async fn a_deposit_in_a_workers_name() -> Result<Outcome> {
    let (_server, mut owner, counter) = stage().await?;
    let mallory = Somebody::new()?;
    let forged = counter.give(&mallory, owner.vault.manifest().keys())?;
    counter.show(&owner, &forged);
    let outcome = judge(&mut owner, "Votre attestation").await?;
    if matches!(outcome, Outcome::Succeeded) {
        // Not its words alone.
        let reading = owner.vault.deposit_reading(DEPOSIT_ID)?;
        ensure!(*reading.open(&forged.content)? == *SECRET);
    }
    Ok(outcome)
}

/// Mallory was given a paper as an owner. She opens key and words, and wraps them, with what the worker
/// signed, to somebody else.
async fn a_deposit_that_its_owner_passes_on() -> Result<Outcome> {
    let (_server, mut owner, counter) = stage().await?;
    let mallory = Somebody::new()?;
    let mut given = counter.give(&counter.paul, &mallory.secrets.public())?;
    let secret = open_deposit(&given.wrap, &given.deposit, &mallory.secrets.recipient)?;
    let owner_keys = recipient(owner.vault.manifest().keys())?;
    given.wrap = wrap_deposit(&secret, &given.deposit, &owner_keys, &mut rng())?;
    counter.show(&owner, &given);
    judge(&mut owner, "Votre attestation").await
}

/// The owner's key is public: whoever runs the server wraps other words to it, under what the worker
/// signed.
async fn other_words_under_a_workers_deposit() -> Result<Outcome> {
    const LIE: &str = "Rappelez ce numéro";
    let (_server, mut owner, counter) = stage().await?;
    let mut given = counter.give(&counter.paul, owner.vault.manifest().keys())?;
    let secret = words(&DocumentKey::generate(&mut rng()), LIE)?;
    let owner_keys = recipient(owner.vault.manifest().keys())?;
    given.wrap = wrap_deposit(&secret, &given.deposit, &owner_keys, &mut rng())?;
    counter.show(&owner, &given);
    judge(&mut owner, LIE).await
}

/// A worker holds the owner's address; the keys that the server gives for it are Mallory's.
async fn a_deposit_steered_into_another_safe() -> Result<Outcome> {
    let server = Server::on(Database::Sqlite).await?;
    let team = Team::on(&server).await?;
    let owner = server.person().await?;
    let mallory = Somebody::new()?;
    let keys = Base64(encode(&mallory.secrets.public()));
    lie(team.worker.browser(), "/v1/owners/", move |_, answer: &mut OwnerKeys| {
        answer.keys = keys.clone();
    });
    let outcome = team.worker.deposit(owner.vault.account_id(), SECRET).await;
    let sent = server.recording().borrow().iter().find_map(|exchange| {
        let given = exchange.head.starts_with("POST /v1/deposits ").then_some(&exchange.sent)?;
        serde_json::from_slice::<GiveDeposit>(given).ok()
    });
    if let Some(sent) = sent {
        let (deposit, _) = Attested::open::<Deposit>(&sent.deposit.0)?;
        let secret = open_deposit(&sent.wrap.0, &deposit, &mallory.secrets.recipient)?;
        let Deposit { owner, deposit_id, content, .. } = deposit.body();
        let heard = Heard::by(&server)?;
        let read = heard.read(&secret.key(), *owner, deposit_id.as_document(), content);
        ensure!(read.is_some_and(|plain| plain.starts_with(SECRET)));
        return Ok(Outcome::Succeeded);
    }
    team.worker.browser().hear_the_truth();
    team.worker.deposit(owner.vault.account_id(), SECRET).await?;
    Ok(Outcome::Stopped(outcome.err().context("it was sent nowhere")?))
}

/// A depositor keeps the key under which they sealed a paper. The owner takes it; what is in the safe
/// from then on does not open with it.
async fn a_paper_under_a_key_that_its_depositor_keeps() -> Result<Outcome> {
    let (server, mut owner, counter) = stage().await?;
    let given = counter.give(&counter.paul, owner.vault.manifest().keys())?;
    counter.show(&owner, &given);
    owner.vault.look_into_inbox(&owner.browser).await?;
    let Person { browser, vault, .. } = &mut owner;
    let plain = vault.deposit_reading(DEPOSIT_ID)?.open(&given.content)?;
    let draft = vault.begin_accepting(browser, DEPOSIT_ID, plain.len() as u64)?;
    let token = Some(vault.token().to_owned());
    browser.send(&upload_begin(&draft), token.as_deref()).await?;
    let (pieces, leaves) = parts(&draft.plan, &plain);
    for (index, piece) in (0..).zip(pieces) {
        browser.send(&upload_part(draft.envelope_id, index, piece), token.as_deref()).await?;
    }
    vault.finish_content(browser, &draft, &leaves, &card("Attestation")).await?;
    ensure!(draft.document_id != DEPOSIT_ID.as_document(), "the depositor chose its id");
    let account_id: AccountId = vault.account_id();
    let heard = Heard::by(&server)?;
    let [(document_id, named)] = heard.contents().try_into().ok().context("one content")?;
    let read = heard.read(&given.key, account_id, document_id, &named);
    works_on(&mut owner).await?;
    Ok(if read.is_some() { Outcome::Succeeded } else { Outcome::PassedOver })
}
