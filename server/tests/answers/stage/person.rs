//! A person with a safe.

use axum::body::Body as HttpBody;
use ed25519_dalek::{Signer as _, SigningKey};
use opaque_ke::{
    CipherSuite, ClientLogin, ClientLoginFinishParameters, ClientRegistration,
    ClientRegistrationFinishParameters, CredentialResponse, RegistrationResponse, Ristretto255,
    TripleDh,
    ksf::Identity,
    rand::{CryptoRng, RngCore},
};
use reconnect_format::{
    Label, PublicKey, Signature, Signed, Suite, Unverified,
    account::{AccountKeys, RecipientPublicKey},
    api::{
        LockMaterial, OpenAccount, OpenSession, PakeAnswer, PakeFinish, RegistrationAnswer,
        RegistrationStart, SmallEnvelope, Submission, Unlocked, WordsStart, Wrap, Written,
    },
    encode,
    envelope::{
        CHUNK_BYTES, EnvelopeHeader, EnvelopeKind, EnvelopeRef, TAG_BYTES, padded_content_bytes,
    },
    grant::{GrantTerms, NO_END, OWNER_WRAP_BYTES, RecipientName, Scope},
    id::{AccountId, Base64, DeviceId, DocumentId, EnvelopeId, GrantId, HeldId, LockId},
    lock::{Held, HeldUse, LockAccess, LockBinding, RootWrap, SessionOpening},
    log::account_index,
    manifest::Manifest,
    sign::Signable,
    statement::{Attested, Body, DeviceProof, KeysProof, Signer, Statement},
    tree,
};

use super::{Answer, NOW, Server};

pub(crate) struct Words;

impl CipherSuite for Words {
    type OprfCs = Ristretto255;
    type KeyExchange = TripleDh<Ristretto255, sha2_opaque::Sha512>;
    type Ksf = Identity;
}

struct Rng;

impl CryptoRng for Rng {}

impl RngCore for Rng {
    fn next_u32(&mut self) -> u32 {
        u32::from_le_bytes(random())
    }

    fn next_u64(&mut self) -> u64 {
        u64::from_le_bytes(random())
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("randomness");
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), opaque_ke::rand::Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("randomness");
    bytes
}

/// What the log is to say: to the server any 32 bytes.
pub(crate) fn log_value() -> Base64 {
    Base64(random::<32>().to_vec())
}

pub(crate) struct Person {
    pub(crate) handle: String,
    pub(crate) words: Vec<u8>,
    root: SigningKey,
    pub(crate) sheet: SigningKey,
    pub(crate) held_id: HeldId,
    device: SigningKey,
    pub(crate) device_id: DeviceId,
    pub(crate) manifest: Manifest,
    pub(crate) chain: Vec<Vec<u8>>,
    pub(crate) token: [u8; 32],
    now: u64,
    pub(crate) opening: OpenAccount,
}

/// A content that was sealed: its bytes, and how a statement names it.
pub(crate) struct Content {
    pub(crate) named: EnvelopeRef,
    pub(crate) bytes: Vec<u8>,
}

impl Person {
    /// Opens a safe and a session.
    pub(crate) async fn arrive(server: &Server) -> Self {
        let mut person = Self::prepare(server).await;
        let answer = server.post("/v1/accounts", None, &person.opening).await;
        assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(&answer.body));
        let answer = person.open_session(server, None).await;
        assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(&answer.body));
        person
    }

    pub(crate) async fn prepare(server: &Server) -> Self {
        let key = || SigningKey::from_bytes(&random());
        let (root, sheet, device) = (key(), key(), key());
        let keys = AccountKeys {
            suite: Suite::V1,
            generation: 1,
            signing: PublicKey(root.verifying_key().to_bytes()),
            recipient: Box::new(RecipientPublicKey(random())),
        };
        let handle = format!("tree-house-{}", u32::from_le_bytes(random()));
        let words = b"six words of mine".to_vec();
        let words_record = register(server, &handle, &words).await;
        let mut person = Self {
            held_id: HeldId(random()),
            device_id: DeviceId(random()),
            manifest: Manifest::before(keys.clone()),
            chain: Vec::new(),
            token: random(),
            now: server.now(),
            opening: OpenAccount {
                statements: Vec::new(),
                locks: Vec::new(),
                owner_wrap: Base64(random::<OWNER_WRAP_BYTES>().to_vec()),
                log_nonce: Base64(random::<32>().to_vec()),
                log_place: Base64(random::<114>().to_vec()),
                log_value: log_value(),
            },
            handle,
            words,
            root,
            sheet,
            device,
        };
        person.begin(keys, &words_record);
        person
    }

    fn begin(&mut self, keys: AccountKeys, words_record: &[u8]) {
        let account_id = keys.account_id();
        let open = self.manifest.next(Self::by_root(), Body::Open { keys }, NOW, random());
        let signed = sign(open, &self.root);
        let (manifest, _) = Manifest::begin(Unverified::decode(&signed.encode()).expect("decodes"))
            .expect("begins");
        self.manifest = manifest;
        self.chain.push(signed.encode());
        let device = Body::AddDevice {
            device_id: self.device_id,
            signing: PublicKey(self.device.verifying_key().to_bytes()),
            leaf: PublicKey(random()),
        };
        self.say(device);
        let words = LockAccess::Words {
            handle: self.handle.clone().into_bytes(),
            record_hash: Label::LockRecordHash.hash(words_record),
        };
        let sheet = LockAccess::Sheet(Held {
            held_id: self.held_id,
            signing: PublicKey(self.sheet.verifying_key().to_bytes()),
        });
        for (access, record) in [(words, Some(words_record)), (sheet, None)] {
            let (body, mut material) = lock(account_id, access);
            self.say(body);
            material.record = record.map(|record| Base64(record.to_vec()));
            self.opening.locks.push(material);
        }
        self.say(Body::Grant(GrantTerms {
            grant_id: GrantId(random()),
            recipient: RecipientName::Owner { generation: 1 },
            scope: Scope::Safe,
            ends_at: NO_END,
            face_hash: [0; 32],
            commitment: random(),
        }));
        self.opening.statements = self.chain.iter().cloned().map(Base64).collect();
    }

    /// One use of its sheet, not signed.
    pub(crate) fn use_sheet(&self) -> HeldUse {
        let (held_id, nonce) = (self.held_id, random());
        HeldUse { suite: Suite::V1, held_id, nonce, made_at: NOW, request: Vec::new() }
    }

    pub(crate) fn id(&self) -> AccountId {
        self.manifest.account_id()
    }

    fn by_root() -> Signer {
        Signer::Root { generation: 1 }
    }

    /// Signs the next statement and takes it in here; it is not sent.
    pub(crate) fn say(&mut self, body: Body) -> Vec<u8> {
        let by_root = matches!(
            body,
            Body::AddDevice { .. }
                | Body::RetireDevice { .. }
                | Body::SetLock { .. }
                | Body::RetireLock { .. }
                | Body::Close
        );
        let (signer, key) = if by_root {
            (Self::by_root(), &self.root)
        } else {
            (Signer::Device { device_id: self.device_id }, &self.device)
        };
        let bytes = sign(self.manifest.next(signer, body, NOW, random()), key).encode();
        self.manifest
            .append(Unverified::<Statement>::decode(&bytes).expect("decodes"))
            .expect("the statement follows");
        self.chain.push(bytes.clone());
        bytes
    }

    /// Where the log has this safe.
    pub(crate) fn log_index(&self) -> [u8; 32] {
        let nonce = self.opening.log_nonce.0.as_slice().try_into().expect("32 bytes");
        account_index(self.id(), &nonce)
    }

    /// Signs and sends the next statement.
    pub(crate) async fn submit(
        &mut self,
        server: &Server,
        body: Body,
        submission: Submission,
    ) -> Answer {
        let before = self.manifest.clone();
        let statement = Base64(self.say(body));
        let answer = server
            .post(
                "/v1/statements",
                Some(&self.token),
                &Submission { statement, log_value: log_value(), ..submission },
            )
            .await;
        if answer.status == 200 {
            assert_eq!(answer.json::<Written>().sequence, self.manifest.sequence());
        } else {
            self.manifest = before;
            self.chain.pop();
        }
        answer
    }

    pub(crate) fn opening(&self, token: [u8; 32]) -> Base64 {
        let opening = SessionOpening {
            suite: Suite::V1,
            account_id: self.id(),
            device_id: self.device_id,
            token_hash: Label::SessionToken.hash(&token),
            made_at: self.now,
        };
        Base64(sign(opening, &self.device).encode())
    }

    /// Opens a session with a fresh token; a new device comes with its statement.
    pub(crate) async fn open_session(
        &mut self,
        server: &Server,
        statement: Option<Vec<u8>>,
    ) -> Answer {
        self.token = random();
        let opening = self.opening(self.token);
        let (statement, log_value, continued) = (statement.map(Base64), log_value(), None);
        let asked = OpenSession { opening, statement, log_value, continued };
        server.post("/v1/sessions", None, &asked).await
    }

    /// A second browser of the same person: the statement that adds it is not sent yet.
    pub(crate) fn new_device(&mut self) -> Vec<u8> {
        self.device = SigningKey::from_bytes(&random());
        self.device_id = DeviceId(random());
        self.say(Body::AddDevice {
            device_id: self.device_id,
            signing: PublicKey(self.device.verifying_key().to_bytes()),
            leaf: PublicKey(random()),
        })
    }

    pub(crate) fn attest<T: Signable>(&self, body: T) -> Vec<u8> {
        let added = self.manifest.device(self.device_id).expect("my device").added;
        let index = usize::try_from(added - 1).expect("an index");
        let proof = DeviceProof {
            keys: KeysProof::of_first(self.chain[0].clone()),
            device: self.chain[index].clone(),
        };
        Attested { object: sign(body, &self.device).encode(), proof }.encode()
    }

    pub(crate) async fn unlock_with_words(
        &self,
        server: &Server,
        words: &[u8],
    ) -> Result<Unlocked, Answer> {
        unlock(server, &self.handle, words).await
    }

    /// Random bytes in the form of an envelope.
    pub(crate) fn seal(
        &self,
        document_id: DocumentId,
        kind: EnvelopeKind,
        (version, true_bytes): (u32, u64),
    ) -> Content {
        let header = EnvelopeHeader {
            suite: Suite::V1,
            kind,
            owner: self.id(),
            document_id,
            version,
            salt: random(),
            chunk_bytes: CHUNK_BYTES,
            padded_bytes: padded_content_bytes(true_bytes).min(match kind {
                EnvelopeKind::Content => u64::MAX,
                EnvelopeKind::Card => reconnect_format::envelope::CARD_BYTES,
                EnvelopeKind::Thumbnail => reconnect_format::envelope::THUMBNAIL_BYTES,
            }),
        };
        let mut prefix = encode(&header);
        prefix.extend_from_slice(&random::<32>());
        let mut leaves = vec![tree::leaf_hash(&prefix)];
        let mut bytes = prefix;
        for chunk in 0..header.chunk_count() {
            let mut sealed = vec![0; (header.chunk_plain_bytes(chunk) + TAG_BYTES) as usize];
            getrandom::fill(&mut sealed).expect("randomness");
            leaves.push(tree::leaf_hash(&sealed));
            bytes.extend_from_slice(&sealed);
        }
        let named = EnvelopeRef {
            envelope_id: EnvelopeId(random()),
            kind,
            version,
            header_hash: header.hash(),
            tree_root: tree::root(&leaves),
            sealed_bytes: header.sealed_bytes(),
        };
        Content { named, bytes }
    }

    /// Wraps for every grant that covers a document.
    pub(crate) fn wraps(&self, document_id: DocumentId, named: &[&EnvelopeRef]) -> Vec<Wrap> {
        self.manifest
            .grants()
            .filter(|terms| terms.scope.covers(document_id))
            .flat_map(|terms| {
                named.iter().map(|named| Wrap {
                    grant_id: terms.grant_id,
                    envelope_id: named.envelope_id,
                    wrap: Base64(random::<48>().to_vec()),
                })
            })
            .collect()
    }

    /// A card in place of a document's.
    pub(crate) fn new_card(&self, document_id: DocumentId) -> (EnvelopeRef, Submission) {
        let version = self.manifest.document(document_id).map_or(1, |it| it.card.version + 1);
        let card = self.seal(document_id, EnvelopeKind::Card, (version, 1 << 20));
        let submission = Submission {
            wraps: self.wraps(document_id, &[&card.named]),
            envelopes: vec![small(&card)],
            ..Submission::default()
        };
        (card.named, submission)
    }

    /// Uploads a content and makes it live with a card and a thumbnail.
    pub(crate) async fn put(
        &mut self,
        server: &Server,
        document_id: DocumentId,
        size: u64,
    ) -> Content {
        let version =
            self.manifest.document(document_id).map_or(1, |known| known.content.version + 1);
        let card_version =
            self.manifest.document(document_id).map_or(1, |known| known.card.version + 1);
        let content = self.seal(document_id, EnvelopeKind::Content, (version, size));
        let card = self.seal(document_id, EnvelopeKind::Card, (card_version, 1 << 20));
        let thumbnail = self.seal(document_id, EnvelopeKind::Thumbnail, (version, 1 << 20));
        self.upload(server, &content).await;
        let submission = Submission {
            wraps: self.wraps(document_id, &[&content.named, &card.named, &thumbnail.named]),
            envelopes: [&card, &thumbnail].map(small).into(),
            ..Submission::default()
        };
        let body = Body::PutVersion {
            document_id,
            content: content.named.clone(),
            card: card.named.clone(),
            thumbnail: Some(thumbnail.named.clone()),
        };
        let answer = self.submit(server, body, submission).await;
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        content
    }

    pub(crate) async fn upload(&self, server: &Server, content: &Content) {
        let path = format!("/v1/envelopes/{}", content.named.envelope_id);
        let prefix = HttpBody::from(content.bytes[..131].to_vec());
        let answer = server.send("PUT", &path, Some(&self.token), prefix).await;
        assert_eq!(answer.status, 204, "{}", String::from_utf8_lossy(&answer.body));
        for (index, part) in parts(content).enumerate() {
            let path = format!("{path}/parts/{index}");
            let body = HttpBody::from(part.to_vec());
            let answer = server.send("PUT", &path, Some(&self.token), body).await;
            assert_eq!(answer.status, 204, "{}", String::from_utf8_lossy(&answer.body));
        }
    }
}

pub(crate) fn parts(content: &Content) -> impl Iterator<Item = &[u8]> {
    content.bytes[131..].chunks(16 * (CHUNK_BYTES + TAG_BYTES) as usize)
}

pub(crate) fn small(content: &Content) -> SmallEnvelope {
    SmallEnvelope {
        envelope_id: content.named.envelope_id,
        envelope: Base64(content.bytes.clone()),
    }
}

pub(crate) fn sign<T: Signable>(body: T, key: &SigningKey) -> Signed<T> {
    Signed::make(body, |message| Signature(key.sign(message).to_bytes()))
}

/// A lock's statement and material.
pub(crate) fn lock(account_id: AccountId, access: LockAccess) -> (Body, LockMaterial) {
    let lock_id = LockId(random());
    let kind = access.kind();
    let binding = LockBinding { suite: Suite::V1, account_id, lock_id, kind, generation: 1 };
    let mut sealed = [0; 48];
    getrandom::fill(&mut sealed).expect("randomness");
    let wrap = RootWrap { binding, salt: random(), sealed };
    let body = Body::SetLock { lock_id, generation: 1, access, wrap_hash: wrap.hash() };
    (body, LockMaterial { root_wrap: Base64(encode(&wrap)), record: None })
}

async fn register(server: &Server, handle: &str, words: &[u8]) -> Vec<u8> {
    let start = ClientRegistration::<Words>::start(&mut Rng, words).expect("starts");
    let request = RegistrationStart {
        handle: handle.to_owned(),
        request: Base64(start.message.serialize().to_vec()),
    };
    let answer: RegistrationAnswer =
        server.post("/v1/words/registration", None, &request).await.json();
    let answer = RegistrationResponse::deserialize(&answer.response.0).expect("decodes");
    let finish = start
        .state
        .finish(&mut Rng, words, answer, ClientRegistrationFinishParameters::default())
        .expect("finishes");
    finish.message.serialize().to_vec()
}

/// An OPAQUE login; what the server answers when the client itself finds the words wrong.
pub(crate) async fn unlock(
    server: &Server,
    handle: &str,
    words: &[u8],
) -> Result<Unlocked, Answer> {
    let start = ClientLogin::<Words>::start(&mut Rng, words).expect("starts");
    let request = WordsStart {
        handle: handle.to_owned(),
        request: Base64(start.message.serialize().to_vec()),
    };
    let answer = server.post("/v1/unlock/words", None, &request).await;
    if !answer.status.is_success() {
        return Err(answer);
    }
    let started: PakeAnswer = answer.json();
    let response = CredentialResponse::deserialize(&started.response.0).expect("decodes");
    let parameters = ClientLoginFinishParameters {
        context: Some(Label::WordsContext.text().as_bytes()),
        ..ClientLoginFinishParameters::default()
    };
    let Ok(finish) = start.state.finish(&mut Rng, words, response, parameters) else {
        return Err(answer);
    };
    let finish = PakeFinish {
        unlock_id: started.unlock_id,
        finalization: Base64(finish.message.serialize().to_vec()),
    };
    let answer = server.post("/v1/unlock/finish", None, &finish).await;
    if answer.status.is_success() { Ok(answer.json()) } else { Err(answer) }
}
