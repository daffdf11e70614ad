//! Giving 1,000 documents to a structure of 20 people and of 200: what the core does between the
//! tap and the statement. Beside it, one HPKE for each document and person, sampled.

use std::hint::black_box;
use std::time::Duration;

use anyhow::{Context as _, Result};
use ed25519_dalek::{Signer as _, SigningKey};
use getrandom::SysRng;
use rand_core::{Rng as _, UnwrapErr};
use reconnect_core::{
    grant::{GrantSecret, seal_for_owner, unwrap_document, wrap_document, wrap_for_recipient},
    key::{AccountSecrets, DeviceSecrets, RecipientKey},
    place::LogPlace,
    recipient::Recipient,
    secret::{DeviceSeed, DocumentKey, EpochSeed, GrantKey, Root},
    words::PaperSecret,
};
use reconnect_format::{
    Suite, Unverified,
    api::LoggedHead,
    envelope::{EnvelopeKind, EnvelopeRef},
    grant::WrapBinding,
    id::{Base64, DeviceId, DocumentId, EnvelopeId, GrantId},
    log::{structure_index, structure_value},
    manifest::Manifest,
    statement::{Attested, Body, DeviceProof, KeysProof, Signer, Statement},
    structure::{
        EpochTerms, Founding, Link, RosterTerms, StructureBody, StructureChain, StructureStatement,
        roster_hash,
    },
    tree,
};
use reconnect_log::{
    Checkpoint, KeyKind, Leaf, Lookup, Newest, Note, Policy, Question, Replay, VerifierKey,
    Witnessed,
};

use crate::figures::{median, print, timed};

const DOCUMENTS: usize = 1000;
const ROUNDS: usize = 9;
/// How many of the comparison's wraps are really made.
const SAMPLE: u32 = 2000;
const NOW: u64 = 1_800_000_000;

pub(crate) fn measure() -> Result<()> {
    let owner = Owner::new()?;
    let safe: Vec<_> = (0..DOCUMENTS).map(|_| owner.document()).collect();
    let mut rows = Vec::new();
    for people in [20, 200] {
        let recipient = owner.recipient(people)?;
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            let (given, time) = timed(|| owner.give(&safe, &recipient));
            black_box(given?);
            rounds.push(time.as_secs_f64());
        }
        let ours = median(rounds);
        let one = one_wrap(&owner, &recipient)?;
        #[expect(clippy::cast_precision_loss, reason = "a figure of three digits is shown")]
        let each = one.as_secs_f64() * (DOCUMENTS * people as usize) as f64;
        rows.push(vec![
            format!("{people} people"),
            format!("{:.1} ms", ours * 1e3),
            format!("{each:.2} s"),
            format!("{:.0} times", each / ours),
        ]);
    }
    let heads = ["", "grant key (RECONNECT)", "one HPKE for each document and person", "faster"];
    print("Give 1,000 documents, each with card and preview, to a structure", &heads, &rows);
    let rows = [1, 100, DOCUMENTS].map(|given| owner.still_given(&safe, given));
    let rows = rows.into_iter().collect::<Result<Vec<_>>>()?;
    let heads = ["of 1,000 documents", "found by the server", "checked by the reader", "answer"];
    print("Show a reader that what was given is so in the safe that the log names", &heads, &rows);
    Ok(())
}

/// The mean time of one wrap to the same key, with nothing shared between them.
fn one_wrap(owner: &Owner, recipient: &Recipient) -> Result<Duration> {
    let rng = &mut UnwrapErr(SysRng);
    let secret = GrantSecret::generate("", "", &owner.place, rng)?;
    let (wraps, time) = timed(|| {
        (0..SAMPLE)
            .map(|_| wrap_for_recipient(&secret, owner.manifest.head(), recipient, rng))
            .collect::<Result<Vec<_>, _>>()
    });
    black_box(wraps?);
    Ok(time / SAMPLE)
}

/// Somebody who owns papers, and manages a structure.
struct Owner {
    secrets: AccountSecrets,
    device: DeviceSecrets,
    manifest: Manifest,
    proof: DeviceProof,
    grant_id: GrantId,
    grant_key: GrantKey,
    place: LogPlace,
}

/// A document in the safe: its envelopes, each with its wrap under the owner's own grant.
struct Document {
    document_id: DocumentId,
    envelopes: Vec<(EnvelopeRef, Vec<u8>)>,
}

impl Owner {
    fn new() -> Result<Self> {
        let rng = &mut UnwrapErr(SysRng);
        let secrets = AccountSecrets::derive(Root::generate(rng), 1);
        let device = DeviceSecrets::derive(DeviceSeed::generate(rng));
        let root = Signer::Root { generation: 1 };
        let keys = secrets.public();
        let open = Body::Open { keys: keys.clone() };
        let opening = secrets.signing.sign(Manifest::before(keys).next(root, open, NOW, draw()));
        let (mut manifest, _) = Manifest::begin(Unverified::decode(&opening.encode())?)?;
        let add = Body::AddDevice {
            device_id: DeviceId(draw()),
            signing: device.signing.public(),
            leaf: device.leaf.public(),
        };
        let added = secrets.signing.sign(manifest.next(root, add, NOW, draw())).encode();
        manifest.append(Unverified::decode(&added)?)?;
        let proof = DeviceProof { keys: KeysProof::of_first(opening.encode()), device: added };
        let (grant_id, grant_key) = (GrantId(draw()), GrantKey::generate(rng));
        let (place, _) = LogPlace::generate(manifest.account_id(), rng);
        Ok(Self { secrets, device, manifest, proof, grant_id, grant_key, place })
    }

    fn document(&self) -> Document {
        let document_id = DocumentId(draw());
        let envelopes = [EnvelopeKind::Content, EnvelopeKind::Card, EnvelopeKind::Thumbnail]
            .into_iter()
            .map(|kind| {
                let named = EnvelopeRef {
                    envelope_id: EnvelopeId(draw()),
                    kind,
                    version: 1,
                    header_hash: draw(),
                    tree_root: draw(),
                    sealed_bytes: 4096,
                };
                let key = DocumentKey::generate(&mut UnwrapErr(SysRng));
                let binding = WrapBinding::new(self.grant_id, document_id, &named);
                let wrap = wrap_document(&key, &self.grant_key, &binding);
                (named, wrap)
            })
            .collect();
        Document { document_id, envelopes }
    }

    /// A structure of so many people, whose chain is verified and was compared.
    fn recipient(&self, people: u32) -> Result<Recipient> {
        let rng = &mut UnwrapErr(SysRng);
        let root = PaperSecret::generate(rng).structure_root();
        let founding = Founding {
            suite: Suite::V1,
            name: b"Accueil de jour".to_vec(),
            place: b"Lyon".to_vec(),
            root: root.public(),
            recovery: Box::new(PaperSecret::generate(rng).structure_recovery().public().clone()),
            founder: self.manifest.account_id(),
            nonce: draw(),
        };
        let structure_id = founding.structure_id();
        let statement = |sequence, previous, body| StructureStatement {
            suite: Suite::V1,
            structure_id,
            sequence,
            previous,
            made_at: NOW,
            body,
        };
        let first = root.sign(statement(1, [0; 32], StructureBody::Found(founding))).encode();
        let first = Link::Root { statement: first }.encode();
        let mut chain = StructureChain::begin(structure_id, &first).context("founding")?;
        let epoch = EpochTerms {
            epoch: 1,
            recipient: Box::new(RecipientKey::of_epoch(&EpochSeed::generate(rng)).public().clone()),
            roster: RosterTerms {
                group: 1,
                mls_epoch: u64::from(people),
                roster_hash: roster_hash((0..people).map(|_| draw()).collect()),
                roster_size: people,
                tree_hash: draw(),
                authenticator_hash: draw(),
            },
            revoked: Vec::new(),
        };
        let (_, head) = chain.head();
        let said = self.device.signing.sign(statement(2, head, StructureBody::Epoch(epoch)));
        let statement = Attested { object: said.encode(), proof: self.proof.clone() };
        chain.append(&Link::Manager { statement }.encode()).context("the first epoch")?;
        let (sequence, head) = chain.head();
        let mut manifest = self.manifest.clone();
        let compared = Body::CompareStructure { structure_id, sequence, head };
        let device_id = manifest.devices().map(|(id, _)| id).next().context("no device")?;
        let statement = manifest.next(Signer::Device { device_id }, compared, NOW, draw());
        manifest.append(Unverified::decode(&self.device.signing.sign(statement).encode())?)?;
        Ok(Recipient::of_structure(&chain, &manifest, &witnessed(&chain)?)?)
    }

    /// Where the records of so many documents stand in a manifest of all of them.
    fn still_given(&self, safe: &[Document], given: usize) -> Result<Vec<String>> {
        let device_id = self.manifest.devices().map(|(id, _)| id).next().context("no device")?;
        let mut statements = Vec::new();
        for document in safe {
            let [(content, _), (card, _), ..] = document.envelopes.as_slice() else { continue };
            let (document_id, thumbnail) = (document.document_id, None);
            let (content, card) = (content.clone(), card.clone());
            let body = Body::PutVersion { document_id, content, card, thumbnail };
            statements.push(self.manifest.next(Signer::Device { device_id }, body, NOW, draw()));
        }
        let leaves_of = |statements: &[Statement]| {
            let written = statements.iter().flat_map(|it| {
                it.records().into_iter().map(|(key, record)| record.leaf(&it.salt, &key))
            });
            let mut leaves: Vec<_> = written.collect();
            leaves.sort_unstable();
            leaves
        };
        let asked = leaves_of(&statements[..given]);
        let (mut found, mut checked, mut bytes) = (Vec::new(), Vec::new(), 0);
        for _ in 0..ROUNDS {
            let (logged, time) = timed(|| {
                let leaves = leaves_of(&statements);
                let (head, proof) = (Base64(vec![0; 187]), Base64(vec![0; 2000]));
                LoggedHead::find(head, proof, &leaves, &asked)
            });
            found.push(time.as_secs_f64());
            let root = tree::root(&leaves_of(&statements));
            let (shown, time) = timed(|| logged.shown(&root, &asked));
            anyhow::ensure!(shown.is_some_and(|shown| shown.len() == asked.len()));
            checked.push(time.as_secs_f64());
            bytes = serde_json::to_vec(&logged)?.len() + asked.len() * 43;
        }
        let time = |rounds| format!("{:.2} ms", median(rounds) * 1e3);
        Ok(vec![given.to_string(), time(found), time(checked), format!("{bytes} bytes")])
    }

    /// What the safe does for a gift: every document key from one wrap into another, and the grant
    /// key wrapped once for the structure and once for the owner.
    fn give(&self, safe: &[Document], recipient: &Recipient) -> Result<Vec<Vec<u8>>> {
        let rng = &mut UnwrapErr(SysRng);
        let grant_id = GrantId(draw());
        let secret = GrantSecret::generate("Aminata D.", "Demande de logement", &self.place, rng)?;
        let key = secret.key();
        let mut wraps = Vec::new();
        for document in safe {
            for (named, wrap) in &document.envelopes {
                let bound = WrapBinding::new(self.grant_id, document.document_id, named);
                let document_key = unwrap_document(wrap, &self.grant_key, &bound)?;
                let bound = WrapBinding::new(grant_id, document.document_id, named);
                wraps.push(wrap_document(&document_key, &key, &bound));
            }
        }
        black_box(secret.commitment(grant_id));
        wraps.push(seal_for_owner(&secret, grant_id, &self.secrets.vault));
        wraps.push(wrap_for_recipient(&secret, self.manifest.head(), recipient, rng)?);
        Ok(wraps)
    }
}

/// What a log says that has nothing but this chain's newest statement.
fn witnessed(chain: &StructureChain) -> Result<Witnessed> {
    let secret = SigningKey::from_bytes(&draw());
    let key = VerifierKey::new("log.example", KeyKind::Log, secret.verifying_key().to_bytes())?;
    let (sequence, head) = chain.head();
    let index = structure_index(chain.structure_id);
    let newest = Newest { sequence, value: structure_value(sequence, &head) };
    let entry = Leaf::Entry { index, newest };
    let mut log = Replay::default();
    log.take(&entry.encode(), &[])?;
    let (map_leaf, _) = log.map_leaf(&[], &[]);
    log.take(&map_leaf.encode(), &[])?;
    let (size, root) = (log.size(), log.root());
    let checkpoint = Checkpoint { origin: key.name().to_owned(), size, root };
    let note = Note::make(checkpoint, &key, NOW, |message| secret.sign(message).to_bytes());
    let (map_proof, newest) = log.map().prove(&index);
    let lookup = Lookup {
        checkpoint: note.to_string().into_bytes(),
        consistency: Vec::new(),
        map_leaf: map_leaf.encode(),
        inclusion: log.tree().inclusion(size - 1, size).context("the last leaf")?,
        map_proof,
        newest,
        beside: Vec::new(),
    };
    let policy = Policy::new(key, Vec::new(), 0)?;
    Ok(lookup.verify(&Question { policy: &policy, index, beside: &[], kept: None, now: NOW })?)
}

fn draw<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    UnwrapErr(SysRng).fill_bytes(&mut bytes);
    bytes
}
