//! Whoever runs the server wants to learn keys from what passes, or to pass one thing off as another.

use anyhow::{Context as _, Result, ensure};
use axum::http::HeaderMap;
use reconnect_core::key::SignKey;
use reconnect_format::{
    DecodeError, Label, Signable, Suite, Unverified,
    id::{AccountId, DeviceId, DocumentId, GrantId, HeldId, InvitationId, StructureId},
    lock::{HeldUse, SessionOpening},
    receipt::{Receipt, Subject},
    statement::{Body, Signer, Statement},
    structure::{
        Acceptance, Certificate, Invitation, LeafRequest, Motion, MotionAbout, Role, StructureBody,
        StructureStatement,
    },
};
use reconnect_tests::{
    browser::Exchange,
    scan::Canary,
    stage::{Database, Server, bytes},
    team::Team,
    wire::Answer,
};
use tls_codec::{TlsDeserializeBytes, TlsSerialize, TlsSize};

use crate::{
    giving::works_on,
    mallory::{Heard, Somebody},
    pair::{Outcome, pairs},
};

pairs! {
    keys_on_the_wire: passed_over given "an address with a key in it";
    a_signature_passed_off_as_another: passed_over without [SignatureLabel];
    a_structure_of_another_suite: "undecodable" without [Suite, Canonical];
}

/// A safe's whole life, and an invitation's: no key in any request, address or answer.
async fn keys_on_the_wire(with_a_link: bool) -> Result<Outcome> {
    let server = Server::on(Database::Sqlite).await?;
    let mut team = Team::on(&server).await?;
    let mut owner = server.person().await?;
    let document_id = owner.add("Passeport", &bytes(1, 40_000)).await?;
    let grant_id = owner.give(team.structure_id, &[document_id]).await?;
    team.worker.received().await?;
    team.worker.read(grant_id, document_id).await?;
    owner.with_words(&server.browser(), true).await?;
    owner.with_sheet(&server.browser(), false).await?;
    let fragment = team.manager.invite("Zoé").await?;
    let named = owner.vault.manifest().document(document_id).context("no record")?.content.clone();
    let envelope = Heard::by(&server)?.envelope(named.envelope_id)?;
    let plan = owner.vault.reading(document_id)?.plan(envelope.get(..131).context("too short")?)?;
    if with_a_link {
        let key = reconnect_format::id::Base64(plan.payload_key().to_vec());
        let head = format!("GET /v1/documents/{document_id}/content?key={}", String::from(key));
        let answer = Answer { status: 200, headers: HeaderMap::new(), body: Vec::new() };
        server.recording().borrow_mut().push(Exchange { head, sent: Vec::new(), answer });
    }
    let sheet: String = owner.sheet.split_whitespace().collect();
    let secret = fragment.get(fragment.len() - 20..).context("a short fragment")?;
    let canaries = [
        Canary::bytes("the key of a paper", plan.payload_key()),
        Canary::text("the words", &owner.words),
        Canary::text("the sheet", &sheet),
        Canary::text("the secret of an invitation", secret),
    ];
    let control = Canary::bytes("an id", document_id.as_bytes());
    let (mut leaked, mut seen) = (false, false);
    for exchange in server.recording().borrow().iter() {
        for place in [exchange.head.as_bytes(), &exchange.sent, &exchange.answer.body] {
            leaked |= canaries.iter().any(|canary| canary.is_in(place));
            seen |= control.is_in(place);
        }
    }
    ensure!(seen, "nothing was looked at");
    works_on(&mut owner).await?;
    Ok(if leaked { Outcome::Succeeded } else { Outcome::PassedOver })
}

/// Of the shape of an acceptance, and something else.
#[derive(TlsSize, TlsSerialize, TlsDeserializeBytes)]
struct Lookalike(Acceptance);

impl Signable for Lookalike {
    const LABEL: Label = Label::Certificate;
}

fn read_as<T: Signable>(
    bytes: &[u8],
    key: &reconnect_format::PublicKey,
) -> Result<(), DecodeError> {
    Unverified::<T>::decode(bytes)?.verify(key).map(drop)
}

const SUITE: Suite = Suite::V1;
const STRUCTURE: StructureId = StructureId([1; 32]);
const ACCOUNT: AccountId = AccountId([2; 32]);
const DEVICE: DeviceId = DeviceId([3; 16]);

/// What people's devices sign, in the order of the kinds below.
fn signed_by_people(key: &SignKey) -> [Vec<u8>; 4] {
    let (suite, account_id, device_id, made_at) = (SUITE, ACCOUNT, DEVICE, 1);
    let used =
        HeldUse { suite, held_id: HeldId([5; 16]), nonce: [0; 32], made_at, request: Vec::new() };
    let opened = SessionOpening { suite, account_id, device_id, token_hash: [6; 32], made_at };
    let receipt = Receipt {
        suite,
        grant_id: GrantId([7; 16]),
        owner: ACCOUNT,
        structure_id: STRUCTURE,
        worker_number: 1,
        account_id,
        device_id,
        subject: Subject::Document { document_id: DocumentId([4; 16]), version: 1 },
        made_at,
        nonce: [8; 16],
    };
    let statement = Statement {
        suite,
        account_id,
        sequence: 1,
        previous: [0; 32],
        made_at,
        salt: [0; 16],
        signer: Signer::Device { device_id },
        manifest_root: [0; 32],
        body: Body::Close,
    };
    [
        key.sign(statement).encode(),
        key.sign(used).encode(),
        key.sign(opened).encode(),
        key.sign(receipt).encode(),
    ]
}

/// What is signed in and about structures.
fn signed_in_structures(key: &SignKey) -> [Vec<u8>; 6] {
    let (suite, structure_id, account_id, made_at) = (SUITE, STRUCTURE, ACCOUNT, 1);
    let (previous, body) = ([0; 32], StructureBody::Close { motion: None });
    let said = StructureStatement { suite, structure_id, sequence: 1, previous, made_at, body };
    let (serial, number, role, ends_at) = (1, 1, Role::Worker, 1);
    let certificate =
        Certificate { suite, structure_id, serial, number, account_id, role, ends_at };
    let about = MotionAbout::RemoveManager(account_id);
    let motion = Motion { suite, structure_id, sequence: 1, made_at, about };
    let (device_id, sequence, key_package) = (DEVICE, 1, vec![]);
    let leaf =
        LeafRequest { suite, structure_id, account_id, device_id, sequence, made_at, key_package };
    let invitation_id = InvitationId([9; 16]);
    let invitation = Invitation { suite, structure_id, invitation_id, role, ends_at };
    [
        key.sign(said).encode(),
        key.sign(certificate).encode(),
        key.sign(motion).encode(),
        key.sign(leaf).encode(),
        key.sign(acceptance()).encode(),
        key.sign(invitation).encode(),
    ]
}

fn acceptance() -> Acceptance {
    Acceptance { suite: SUITE, structure_id: STRUCTURE, accepted_at: 1 }
}

/// Each signed object, presented as every other kind.
async fn a_signature_passed_off_as_another() -> Result<Outcome> {
    let signer = Somebody::new()?.device.signing;
    let key = signer.public();
    let objects: Vec<_> =
        signed_by_people(&signer).into_iter().chain(signed_in_structures(&signer)).collect();
    let kinds = [
        read_as::<Statement>,
        read_as::<HeldUse>,
        read_as::<SessionOpening>,
        read_as::<Receipt>,
        read_as::<StructureStatement>,
        read_as::<Certificate>,
        read_as::<Motion>,
        read_as::<LeafRequest>,
        read_as::<Acceptance>,
        read_as::<Invitation>,
    ];
    for (one, bytes) in objects.iter().enumerate() {
        for (other, read) in kinds.iter().enumerate() {
            ensure!(read(bytes, &key).is_ok() == (one == other), "{one} read as {other}");
        }
    }
    // Kinds of one shape are told apart by the label alone.
    match read_as::<Lookalike>(&signer.sign(acceptance()).encode(), &key) {
        Ok(()) => Ok(Outcome::Succeeded),
        Err(error) => {
            ensure!(error == DecodeError::BadSignature, "{error:?}");
            Ok(Outcome::PassedOver)
        }
    }
}

/// A structure's chain whose objects name a suite that this version does not know.
async fn a_structure_of_another_suite() -> Result<Outcome> {
    let server = Server::on(Database::Sqlite).await?;
    let mut owner = server.person().await?;
    let mallory = Somebody::new()?;
    let mut front = mallory.found("Foyer", None)?;
    front.of_another_suite();
    front.show(&server, &mallory).await?;
    let outcome = owner.vault.structure(&owner.browser, front.structure_id).await.map(drop);
    works_on(&mut owner).await?;
    Ok(outcome.map_or_else(Outcome::Stopped, |()| Outcome::Succeeded))
}
