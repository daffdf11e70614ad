//! Mallory: runs the server, or stole it, and has real keys of her own. Everything that she makes is
//! valid, signed and sealed as it should be; only the keys are hers.

use anyhow::{Context as _, Result};
use getrandom::SysRng;
use rand_core::UnwrapErr;
use reconnect_core::{
    document::ChunkPlan,
    grant::{GrantSecret, open_as_recipient, unwrap_document},
    key::{AccountSecrets, DeviceSecrets, RecipientKey, SignKey},
    secret::{DeviceSeed, DocumentKey, EpochSeed, Root},
};
use reconnect_format::{
    Label, Signable, Suite, Unverified,
    api::Submission,
    envelope::{CHUNK_BYTES, EnvelopeRef, PREFIX_BYTES, TAG_BYTES},
    grant::{GrantTerms, WrapBinding},
    id::{AccountId, DeviceId, DocumentId, EnvelopeId, GrantId, StructureId},
    log::{structure_index, structure_value},
    manifest::Manifest,
    statement::{Attested, Body, DeviceProof, KeysProof, Signer, Statement},
    structure::{
        EpochTerms, Founding, Link, RosterTerms, StructureBody, StructureChain, StructureStatement,
    },
};
use reconnect_tests::{
    dump,
    stage::{BEGINNING, Server},
};

pub(crate) fn rng() -> UnwrapErr<SysRng> {
    UnwrapErr(SysRng)
}

/// Somebody with one device, made by hand: Mallory's, or whosever an attack needs.
pub(crate) struct Somebody {
    pub(crate) secrets: AccountSecrets,
    pub(crate) account_id: AccountId,
    pub(crate) device_id: DeviceId,
    pub(crate) device: DeviceSecrets,
    pub(crate) proof: DeviceProof,
}

impl Somebody {
    pub(crate) fn new() -> Result<Self> {
        let account = AccountSecrets::derive(Root::generate(&mut rng()), 1);
        let keys = account.public();
        let root = Signer::Root { generation: 1 };
        let before = Manifest::before(keys.clone());
        let opening = before.next(root, Body::Open { keys }, BEGINNING, [1; 16]);
        let opening = account.signing.sign(opening).encode();
        let (manifest, _) = Manifest::begin(Unverified::decode(&opening)?)?;
        let device = DeviceSecrets::derive(DeviceSeed::generate(&mut rng()));
        let device_id = DeviceId([0x66; 16]);
        let (signing, leaf) = (device.signing.public(), device.leaf.public());
        let added = Body::AddDevice { device_id, signing, leaf };
        let added = account.signing.sign(manifest.next(root, added, BEGINNING, [2; 16])).encode();
        let proof = DeviceProof { keys: KeysProof::of_first(opening), device: added };
        let account_id = manifest.account_id();
        Ok(Self { secrets: account, account_id, device_id, device, proof })
    }

    pub(crate) fn attest<T: Signable>(&self, body: T) -> Attested {
        Attested { object: self.device.signing.sign(body).encode(), proof: self.proof.clone() }
    }

    /// What comes after `head` in a structure's chain, in her words.
    pub(crate) fn says(
        &self,
        structure_id: StructureId,
        (sequence, previous): (u64, [u8; 32]),
        body: StructureBody,
    ) -> Vec<u8> {
        let statement = self.attest(StructureStatement {
            suite: Suite::V1,
            structure_id,
            sequence: sequence + 1,
            previous,
            made_at: BEGINNING,
            body,
        });
        Link::Manager { statement }.encode()
    }

    /// A structure of that name whose keys she holds. It says of itself that it is `claimed`, where
    /// that is not its own id.
    pub(crate) fn found(&self, name: &str, claimed: Option<StructureId>) -> Result<Front> {
        let root = AccountSecrets::derive(Root::generate(&mut rng()), 1).signing;
        let founding = Founding {
            suite: Suite::V1,
            name: name.as_bytes().to_vec(),
            place: b"Lyon".to_vec(),
            root: root.public(),
            recovery: Box::new(self.secrets.recipient.public().clone()),
            founder: self.account_id,
            nonce: [0x66; 32],
        };
        let structure_id = claimed.unwrap_or_else(|| founding.structure_id());
        let mut front = Front {
            structure_id,
            name: name.to_owned(),
            links: vec![],
            head: (0, [0; 32]),
            keys: vec![],
        };
        front.begin(&root, founding);
        let (epoch, key) = epoch(1, 0);
        front.take(self.says(structure_id, front.head, StructureBody::Epoch(epoch)), key)?;
        Ok(front)
    }

    /// One under the id of a real one, with more to say than the log has named of that.
    pub(crate) async fn replaces(
        &self,
        server: &Server,
        structure_id: StructureId,
    ) -> Result<Front> {
        let real = chain_of(server, structure_id).await?;
        let mut front = self.found("Accueil de jour", Some(structure_id))?;
        while front.links.len() <= real.len() {
            front.begin_epoch(self)?;
        }
        Ok(front)
    }
}

/// Terms of a recipient epoch whose key is hers.
pub(crate) fn epoch(number: u64, mls_epoch: u64) -> (EpochTerms, RecipientKey) {
    let key = RecipientKey::of_epoch(&EpochSeed::generate(&mut rng()));
    let roster = RosterTerms {
        group: 1,
        mls_epoch,
        roster_hash: [1; 32],
        roster_size: 2,
        tree_hash: [2; 32],
        authenticator_hash: [3; 32],
    };
    let recipient = Box::new(key.public().clone());
    (EpochTerms { epoch: number, recipient, roster, revoked: vec![] }, key)
}

/// A structure whose keys Mallory holds.
pub(crate) struct Front {
    pub(crate) structure_id: StructureId,
    pub(crate) name: String,
    pub(crate) links: Vec<Vec<u8>>,
    pub(crate) head: (u64, [u8; 32]),
    /// Of its recipient epochs, the first first.
    pub(crate) keys: Vec<RecipientKey>,
}

impl Front {
    fn begin(&mut self, root: &SignKey, founding: Founding) {
        let first = root.sign(StructureStatement {
            suite: Suite::V1,
            structure_id: self.structure_id,
            sequence: 1,
            previous: [0; 32],
            made_at: BEGINNING,
            body: StructureBody::Found(founding),
        });
        self.head = (1, first.hash());
        self.links.push(Link::Root { statement: first.encode() }.encode());
    }

    fn take(&mut self, link: Vec<u8>, key: RecipientKey) -> Result<()> {
        self.head = (self.head.0 + 1, hash_of(&link)?);
        self.links.push(link);
        self.keys.push(key);
        Ok(())
    }

    /// Somebody left: another epoch begins, under a key that the one before does not give.
    pub(crate) fn begin_epoch(&mut self, mallory: &Somebody) -> Result<()> {
        let number = self.keys.len() as u64 + 1;
        let (terms, key) = epoch(number, number - 1);
        let said = StructureBody::Epoch(terms);
        self.take(mallory.says(self.structure_id, self.head, said), key)
    }

    /// The same, in an older suite: what it says of itself in its first two bytes.
    pub(crate) fn of_another_suite(&mut self) {
        if let Some(first) = self.links.first_mut() {
            // The link's number, the length of the statement in two or four bytes, its suite.
            let place = if first[1] >> 6 == 1 { 3 } else { 5 };
            first[place + 1] = 0;
        }
    }

    /// The newest key.
    pub(crate) fn key(&self) -> Result<&RecipientKey> {
        self.keys.last().context("a structure without a key")
    }

    /// The server shows it under its id, in the place of whatever it showed there.
    pub(crate) async fn show(&self, server: &Server, mallory: &Somebody) -> Result<()> {
        show_chain(server, self.structure_id, &self.links).await?;
        let mut connection = dump::connect(server.config()).await?;
        sqlx::query(
            "insert into structure (structure_id, name, place, searched, founder, sequence, epoch,
               key_id, acceptance, closed, mls_epoch, history)
             values ($1, $2, 'Lyon', lower($2), $3, $4, $5, $6, $7, 0, 0, $7)
             on conflict (structure_id) do update set founder = excluded.founder,
               sequence = excluded.sequence, epoch = excluded.epoch, key_id = excluded.key_id",
        )
        .bind(self.structure_id.as_bytes())
        .bind(&self.name)
        .bind(mallory.account_id.as_bytes())
        .bind(i64::try_from(self.links.len())?)
        .bind(i64::try_from(self.keys.len())?)
        .bind(self.key()?.public().id().as_slice())
        .bind([0_u8; 8].as_slice())
        .execute(&mut connection)
        .await?;
        Ok(())
    }
}

/// The server shows these links as a structure's chain.
pub(crate) async fn show_chain(
    server: &Server,
    structure_id: StructureId,
    links: &[Vec<u8>],
) -> Result<()> {
    let mut connection = dump::connect(server.config()).await?;
    sqlx::query("pragma foreign_keys = off").execute(&mut connection).await?;
    sqlx::query("delete from structure_statement where structure_id = $1")
        .bind(structure_id.as_bytes())
        .execute(&mut connection)
        .await?;
    for (sequence, link) in (1_i64..).zip(links) {
        sqlx::query(
            "insert into structure_statement (structure_id, sequence, bytes) values ($1, $2, $3)",
        )
        .bind(structure_id.as_bytes())
        .bind(sequence)
        .bind(link.as_slice())
        .execute(&mut connection)
        .await?;
    }
    let sequence = u64::try_from(links.len())?;
    let head = hash_of(links.last().context("no links")?)?;
    log(server, &structure_index(structure_id), (sequence, &structure_value(sequence, &head))).await
}

/// The server's own log says the same as it does: nobody but its operator vouches for it.
/// Of what an index had, something newer must be said: whoever replays the log sees to that.
pub(crate) async fn log(
    server: &Server,
    index: &[u8; 32],
    (sequence, value): (u64, &[u8; 32]),
) -> Result<()> {
    let mut connection = dump::connect(server.config()).await?;
    sqlx::query(
        "insert into log_waiting (log_index, value, sequence, is_head) values ($1, $2, $3, 0)",
    )
    .bind(index.as_slice())
    .bind(value.as_slice())
    .bind(i64::try_from(sequence)?)
    .execute(&mut connection)
    .await?;
    Ok(())
}

/// The links that the server has of a structure.
pub(crate) async fn chain_of(server: &Server, structure_id: StructureId) -> Result<Vec<Vec<u8>>> {
    let mut connection = dump::connect(server.config()).await?;
    Ok(sqlx::query_scalar(
        "select bytes from structure_statement where structure_id = $1 order by sequence",
    )
    .bind(structure_id.as_bytes())
    .fetch_all(&mut connection)
    .await?)
}

/// A chain, verified.
pub(crate) fn verified(structure_id: StructureId, links: &[Vec<u8>]) -> Result<StructureChain> {
    Ok(StructureChain::verify(structure_id, links.iter().map(Vec::as_slice))?)
}

/// By what the next statement names the one in this link.
pub(crate) fn hash_of(link: &[u8]) -> Result<[u8; 32]> {
    let object = match reconnect_format::decode::<Link>(link)? {
        Link::Root { statement } => statement,
        Link::Manager { statement } | Link::Member { statement, .. } => statement.object,
    };
    Ok(Label::StructureStatement.hash(&object))
}

/// Everything that owners sent to the server so far.
pub(crate) struct Heard {
    submissions: Vec<(Submission, [u8; 32], Body)>,
    puts: Vec<(String, Vec<u8>)>,
}

/// A grant that somebody opened with a key of theirs.
pub(crate) struct Opened {
    pub(crate) terms: GrantTerms,
    pub(crate) secret: GrantSecret,
}

impl Heard {
    pub(crate) fn by(server: &Server) -> Result<Self> {
        let (mut submissions, mut puts) = (Vec::new(), Vec::new());
        for exchange in server.recording().borrow().iter() {
            let words: Vec<_> = exchange.head.split(' ').collect();
            if exchange.head.starts_with("POST /v1/statements ") {
                let submission: Submission = serde_json::from_slice(&exchange.sent)?;
                let statement = Unverified::<Statement>::decode(&submission.statement.0)?;
                let hash = statement.hash();
                submissions.push((submission, hash, statement.claim().body.clone()));
            } else if let ["PUT", path, ..] = words.as_slice() {
                puts.push(((*path).to_owned(), exchange.sent.clone()));
            }
        }
        Ok(Self { submissions, puts })
    }

    /// What the log was to say of a statement.
    pub(crate) fn log_value_of(&self, statement: &[u8]) -> Option<[u8; 32]> {
        let mut submissions = self.submissions.iter().map(|(submission, ..)| submission);
        let sent = submissions.find(|it| it.statement.0 == statement)?;
        sent.log_value.0.as_slice().try_into().ok()
    }

    /// How many grants to others were sent.
    pub(crate) fn grants(&self) -> usize {
        let to_others = |(submission, ..): &&(Submission, [u8; 32], Body)| {
            submission.grant.as_ref().is_some_and(|wraps| !wraps.recipient_wrap.0.is_empty())
        };
        self.submissions.iter().filter(to_others).count()
    }

    /// The grants that this key opens.
    pub(crate) fn opened_with(&self, key: &RecipientKey) -> Vec<Opened> {
        let opened = |(submission, hash, body): &(Submission, [u8; 32], Body)| {
            let (Some(wraps), Body::Grant(terms)) = (&submission.grant, body) else { return None };
            let secret = open_as_recipient(&wraps.recipient_wrap.0, *hash, terms, key).ok()?;
            Some(Opened { terms: terms.clone(), secret })
        };
        self.submissions.iter().filter_map(opened).collect()
    }

    /// Every content that was named, the first version first.
    pub(crate) fn contents(&self) -> Vec<(DocumentId, EnvelopeRef)> {
        self.submissions
            .iter()
            .filter_map(|(_, _, body)| match body {
                Body::PutVersion { document_id, content, .. }
                | Body::AcceptDeposit { document_id, content, .. } => {
                    Some((*document_id, content.clone()))
                }
                _ => None,
            })
            .collect()
    }

    /// A document key, out of whatever was wrapped under this grant.
    pub(crate) fn key_of(
        &self,
        opened: &Opened,
        document_id: DocumentId,
        named: &EnvelopeRef,
    ) -> Option<DocumentKey> {
        let wraps = self.submissions.iter().flat_map(|(submission, ..)| &submission.wraps);
        let mut mine = wraps.filter(|it| {
            it.grant_id == opened.terms.grant_id && it.envelope_id == named.envelope_id
        });
        let binding = WrapBinding::new(opened.terms.grant_id, document_id, named);
        mine.find_map(|it| unwrap_document(&it.wrap.0, &opened.secret.key(), &binding).ok())
    }

    /// A card or picture as it was uploaded.
    pub(crate) fn small(&self, envelope_id: EnvelopeId) -> Result<Vec<u8>> {
        let mut all = self.submissions.iter().flat_map(|(submission, ..)| &submission.envelopes);
        let small = all.find(|it| it.envelope_id == envelope_id).context("no such envelope")?;
        Ok(small.envelope.0.clone())
    }

    /// A grant's key, as it was wrapped to its recipient.
    pub(crate) fn wrap_of(&self, grant_id: GrantId) -> Result<Vec<u8>> {
        let wrapped = |(submission, _, body): &(Submission, [u8; 32], Body)| match body {
            Body::Grant(terms) if terms.grant_id == grant_id => {
                submission.grant.as_ref().map(|wraps| wraps.recipient_wrap.0.clone())
            }
            _ => None,
        };
        self.submissions.iter().find_map(wrapped).context("no such grant")
    }

    /// A content as it was uploaded.
    pub(crate) fn envelope(&self, envelope_id: EnvelopeId) -> Result<Vec<u8>> {
        let base = format!("/v1/envelopes/{envelope_id}");
        let prefix = self.puts.iter().find(|(path, _)| *path == base).context("no upload")?;
        let mut bytes = prefix.1.clone();
        for part in 0.. {
            let path = format!("{base}/parts/{part}");
            let Some((_, part)) = self.puts.iter().find(|(it, _)| *it == path) else { break };
            bytes.extend_from_slice(part);
        }
        Ok(bytes)
    }

    /// Opens a content with a key, as somebody would who asks nobody for anything more.
    pub(crate) fn read(
        &self,
        key: &DocumentKey,
        owner: AccountId,
        document_id: DocumentId,
        named: &EnvelopeRef,
    ) -> Option<Vec<u8>> {
        let bytes = self.envelope(named.envelope_id).ok()?;
        let (prefix, chunks) = bytes.split_at_checked(PREFIX_BYTES)?;
        let plan = ChunkPlan::for_opening(key, prefix, named, owner, document_id).ok()?;
        let mut opened = Vec::new();
        for (index, chunk) in (0..).zip(chunks.chunks((CHUNK_BYTES + TAG_BYTES) as usize)) {
            opened.extend_from_slice(&plan.open_chunk(index, chunk).ok()?);
        }
        Some(opened)
    }

    /// Whether a content that begins so can be read with this key of a recipient.
    pub(crate) fn is_read_with(&self, key: &RecipientKey, owner: AccountId, plain: &[u8]) -> bool {
        self.opened_with(key).iter().any(|opened| {
            self.contents().iter().any(|(document_id, named)| {
                self.key_of(opened, *document_id, named)
                    .and_then(|key| self.read(&key, owner, *document_id, named))
                    .is_some_and(|read| read.starts_with(plain))
            })
        })
    }
}
