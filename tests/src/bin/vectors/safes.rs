//! Statements one by one, and chains of them: what an owner may say, and what nobody may.

use anyhow::Result;
use ed25519_dalek::SigningKey;
use reconnect_format::{
    PublicKey, Unverified, encode,
    envelope::EnvelopeKind,
    grant::{GrantTerms, NO_END, RecipientName, Scope},
    id::{DeviceId, DocumentId, GrantId, HeldId, LockId, StructureId},
    lock::{Held, LockAccess},
    statement::{Body, Signer, Statement},
};

use crate::{
    Vector, Writer,
    byhand::{NOW, Person, sign_as, sign_head_as, sign_statement, some_name, statement_hash},
    cut, draw, flip, flip_last, seeded,
};

pub(crate) fn write(writer: &mut Writer) -> Result<()> {
    statements(writer)?;
    beginnings(writer)?;
    chains(writer)
}

fn statements(writer: &mut Writer) -> Result<()> {
    let mut person = Person::open(seeded("statements"))?;
    person.add_document()?;
    let said = person.chain.last().cloned().unwrap_or_default();
    let key = person.device_key.verifying_key().to_bytes();
    let good = Vector::new("statement", "put-version", "STMT-1", "a document without a picture")
        .hex("signing", key)
        .hex("hash", statement_hash(&said)?)
        .item(&said);
    writer.put(&good)?;
    let open = Vector::new("statement", "open", "STMT-2", "the first of every chain")
        .hex("signing", person.keys.signing.0)
        .hex("hash", statement_hash(&person.chain[0])?)
        .item(&person.chain[0]);
    writer.put(&open)?;
    let bad = |name, rule, expect, about| good.spoilt(name, rule, expect, about);
    for (name, about, place) in [
        ("one-bit-account", "one bit of the account", 2),
        ("one-bit-sequence", "one bit of the sequence number", 41),
        ("one-bit-previous", "one bit of the previous hash", 42),
        ("one-bit-time", "one bit of the time", 81),
        ("one-bit-salt", "one bit of the salt", 82),
        ("one-bit-device", "one bit of the signer", 99),
        ("one-bit-root", "one bit of the manifest root", 115),
        ("one-bit-document", "one bit of what it says", 149),
    ] {
        writer.put(&bad(name, "SIG-2", "bad_signature", about).change(flip(place)))?;
    }
    let vector = bad("one-bit-signature", "SIG-1", "bad_signature", "one bit of the signature");
    writer.put(&vector.change(flip_last))?;
    let vector = bad("suite-2", "CODEC-2", "unknown_version", "a later suite");
    writer.put(&vector.change(|bytes| bytes[1] = 2))?;
    let vector = bad("signer-4", "CODEC-2", "unknown_version", "there is no fourth kind of signer");
    writer.put(&vector.change(|bytes| bytes[98] = 4))?;
    let vector = bad("body-255", "CODEC-2", "unknown_version", "there is no such sentence");
    writer.put(&vector.change(|bytes| bytes[148] = 255))?;
    let vector = bad("kind-0", "CODEC-2", "unknown_version", "an envelope of no kind");
    writer.put(&vector.change(|bytes| bytes[165 + 16] = 0))?;
    let place = said.len() - 65;
    let vector = bad("optional-2", "CODEC-3", "not_canonical", "a picture is there or not: 0 or 1");
    writer.put(&vector.change(move |bytes| bytes[place] = 2))?;
    let vector = bad("truncated", "CODEC-1", "truncated", "one byte short");
    writer.put(&vector.change(cut))?;
    let vector = bad("trailing", "CODEC-1", "trailing", "one byte too long");
    writer.put(&vector.change(|bytes| bytes.push(0)))?;
    let vector = bad("other-key", "SIG-2", "bad_signature", "verified under the root's key");
    writer.put(&vector.hex("signing", person.keys.signing.0))?;
    signatures(writer, &good, &said, &person)
}

/// Ed25519 where loose verification would say yes.
fn signatures(writer: &mut Writer, good: &Vector, said: &[u8], person: &Person) -> Result<()> {
    let bad = |name, rule, about| good.spoilt(name, rule, "bad_signature", about);
    let statement = Unverified::<Statement>::decode(said)?.claim().clone();
    for label in ["receipt", "session", "structure statement", "certificate"] {
        let name = format!("signed-as-{}", label.replace(' ', "-"));
        let vector = good.spoilt(name, "SIG-2", "bad_signature", "the right key, another label");
        writer.put(&vector.item(sign_head_as(&person.device_key, label, &statement)))?;
    }
    let about = "the statement itself is signed, not its head";
    let whole = sign_as(&person.device_key, "statement", &encode(&statement));
    writer.put(&bad("signed-whole", "STMT-10", about).item(whole))?;
    let mut high = said.to_vec();
    let place = high.len() - 32;
    add_order(&mut high[place..]);
    writer.put(&bad("malleable", "SIG-1", "S grown by the group's order").item(high))?;
    // The neutral element as key and R, zero as S: satisfies the equation for every message.
    let mut neutral = [0; 32];
    neutral[0] = 1;
    let forged = [&said[..said.len() - 64], &neutral, &[0; 32]].concat();
    let vector = bad("key-of-small-order", "SIG-1", "a key that fits every message");
    writer.put(&vector.hex("signing", neutral).item(forged))
}

/// Adds the group's order to a number of 32 bytes, least byte first.
fn add_order(number: &mut [u8]) {
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut carry = 0;
    for (digit, add) in number.iter_mut().zip(ORDER) {
        let sum = u16::from(*digit) + u16::from(add) + carry;
        *digit = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
}

pub(crate) fn chain_of(
    person: &Person,
    name: &str,
    rule: &'static str,
    about: &'static str,
) -> Vector {
    Vector::new("chain", name, rule, about).items(person.chain.clone())
}

fn beginnings(writer: &mut Writer) -> Result<()> {
    let mut person = Person::open(seeded("beginnings"))?;
    let good = chain_of(&person, "opened", "STMT-2", "open, device, two locks, own grant")
        .hex("account", person.account.0)
        .hex("sequence", 5_u64.to_be_bytes())
        .hex("head", person.manifest.head())
        .hex("root", person.manifest.root());
    writer.put(&good)?;
    let bare = chain_of(&person, "", "STMT-2", "");
    let bad = |name, expect, about| bare.spoilt(name, "STMT-2", expect, about);
    writer.put(&bad("nothing", "fork", "no statement at all").items([]))?;
    let rest = person.chain[1..].to_vec();
    writer.put(&bad("first-is-not-open", "fork", "begins with a device").items(rest))?;
    let whole = Unverified::<Statement>::decode(&person.chain[0])?;
    let first = whole.claim().clone();
    for (name, about, change) in [
        ("begins-at-2", "the first is the second", (|s| s.sequence = 2) as fn(&mut Statement)),
        ("begins-after-something", "something came before", |s| s.previous[0] = 1),
        ("begins-for-another", "another account's name", |s| s.account_id.0[0] ^= 1),
        ("begins-with-a-device", "signed as a device", |s| {
            s.signer = Signer::Device { device_id: DeviceId([1; 16]) };
        }),
    ] {
        let mut other = first.clone();
        change(&mut other);
        writer.put(&bad(name, "fork", about).item(sign_statement(&person.root_key, &other)))?;
    }
    let mut later = first.clone();
    let mut keys = person.keys.clone();
    keys.generation = 2;
    later.account_id = keys.account_id();
    later.signer = Signer::Root { generation: 2 };
    later.body = Body::Open { keys };
    let later = sign_statement(&person.root_key, &later);
    writer.put(&bad("begins-with-generation-2", "fork", "no first generation").item(later))?;
    let mut other = first.clone();
    other.manifest_root[0] ^= 1;
    let other = sign_statement(&person.root_key, &other);
    let about = "another root, truly signed";
    let vector = bare.spoilt("root-of-the-first", "MAN-1", "root_mismatch", about);
    writer.put(&vector.item(other))?;
    let stranger = SigningKey::from_bytes(&draw(&mut person.rng));
    let forged = sign_statement(&stranger, &first);
    writer.put(&bad("begun-by-a-stranger", "bad_signature", "not the root's key").item(forged))
}

/// A scenario: what is said before, and the statement that must not follow.
pub(crate) struct Scene<'a> {
    pub(crate) writer: &'a mut Writer,
    pub(crate) person: Person,
}

impl Scene<'_> {
    /// Puts `statement` after what was said so far.
    pub(crate) fn refuse(
        &mut self,
        name: &str,
        rule: &'static str,
        expect: &'static str,
        about: &'static str,
        statement: Vec<u8>,
    ) -> Result<()> {
        let mut chain = self.person.chain.clone();
        chain.push(statement);
        let vector = Vector::new("chain", name, rule, about).expect(expect);
        self.writer.put(&vector.items(chain))
    }

    /// Says `body` with the signer that it needs, where it contradicts what is so.
    pub(crate) fn contradict(
        &mut self,
        name: &str,
        rule: &'static str,
        about: &'static str,
        body: Body,
    ) -> Result<()> {
        let signer = self.person.signer_of(&body);
        let statement = self.person.next(signer, body);
        let travels = self.person.sign(&statement);
        self.refuse(name, rule, "contradiction", about, travels)
    }

    pub(crate) fn changed(&mut self, body: Body, change: impl FnOnce(&mut Statement)) -> Vec<u8> {
        let signer = self.person.signer_of(&body);
        let mut statement = self.person.next(signer, body);
        change(&mut statement);
        self.person.sign(&statement)
    }

    pub(crate) fn put_version(&mut self, id: DocumentId, content: u32, card: u32) -> Body {
        let rng = &mut self.person.rng;
        Body::PutVersion {
            document_id: id,
            content: some_name(rng, EnvelopeKind::Content, content),
            card: some_name(rng, EnvelopeKind::Card, card),
            thumbnail: None,
        }
    }
}

fn chains(writer: &mut Writer) -> Result<()> {
    let person = Person::open(seeded("chains"))?;
    let mut scene = Scene { writer, person };
    links(&mut scene)?;
    signers(&mut scene)?;
    documents(&mut scene)?;
    devices_and_locks(&mut scene)?;
    grants(&mut scene)?;
    the_end(&mut scene)
}

fn links(scene: &mut Scene<'_>) -> Result<()> {
    let body =
        Body::CompareStructure { structure_id: StructureId([5; 32]), sequence: 1, head: [6; 32] };
    for (name, about, change) in [
        ("link-skipped", "a number is left out", (|s| s.sequence += 1) as fn(&mut Statement)),
        ("link-repeated", "a number comes twice", |s| s.sequence -= 1),
        ("link-to-another", "follows something else", |s| s.previous[0] ^= 1),
        ("link-of-another", "another account's statement", |s| s.account_id.0[0] ^= 1),
    ] {
        let signed = scene.changed(body.clone(), change);
        scene.refuse(name, "STMT-4", "fork", about, signed)?;
    }
    let signed = scene.changed(body.clone(), |s| s.manifest_root[0] ^= 1);
    let about = "another root, truly signed";
    scene.refuse("root-of-another", "MAN-1", "root_mismatch", about, signed)?;
    let before = scene.person.manifest.root();
    let signed = scene.changed(body, |s| s.manifest_root = before);
    let about = "the root from before: the record is left out";
    scene.refuse("root-without-the-record", "MAN-1", "root_mismatch", about, signed)
}

fn signers(scene: &mut Scene<'_>) -> Result<()> {
    let root = Signer::Root { generation: 1 };
    let device = Signer::Device { device_id: scene.person.device };
    let id = DocumentId(draw(&mut scene.person.rng));
    let put = scene.put_version(id, 1, 1);
    let add = Body::AddDevice {
        device_id: DeviceId(draw(&mut scene.person.rng)),
        signing: PublicKey(draw(&mut scene.person.rng)),
        leaf: PublicKey(draw(&mut scene.person.rng)),
    };
    let nobody = Signer::Device { device_id: DeviceId([9; 16]) };
    for (name, about, signer, body) in [
        ("root-puts-a-document", "the root signs what devices sign", root, put.clone()),
        ("device-adds-a-device", "a device signs what the root signs", device, add.clone()),
        ("device-closes", "a device closes the safe", device, Body::Close),
        ("nobody-puts-a-document", "a device that was never added", nobody, put.clone()),
        (
            "root-of-generation-2",
            "a generation that does not exist",
            { Signer::Root { generation: 2 } },
            add,
        ),
    ] {
        let statement = scene.person.next(signer, body);
        let signed = scene.person.sign(&statement);
        scene.refuse(name, "STMT-3", "wrong_signer", about, signed)?;
    }
    let statement = scene.person.next(device, put);
    let forged = sign_statement(&SigningKey::from_bytes(&[3; 32]), &statement);
    let about = "names the device, signed by another key";
    scene.refuse("forged-device", "STMT-3", "bad_signature", about, forged)
}

fn documents(scene: &mut Scene<'_>) -> Result<()> {
    let id = scene.person.add_document()?;
    let unknown = DocumentId([8; 16]);
    for (name, rule, about, content, card, which) in [
        ("version-skipped", "ENV-9", "content 3 after 1", 3, 2, id),
        ("version-repeated", "ENV-9", "content 1 after 1", 1, 2, id),
        ("card-skipped", "ENV-9", "card 3 after 1", 2, 3, id),
        ("begins-with-version-2", "ENV-9", "a new document with content 2", 2, 1, unknown),
    ] {
        let body = scene.put_version(which, content, card);
        scene.contradict(name, rule, about, body)?;
    }
    let Body::PutVersion { content, card, .. } = scene.put_version(id, 2, 2) else {
        return Ok(());
    };
    let rng = &mut scene.person.rng;
    let picture = some_name(rng, EnvelopeKind::Thumbnail, 1);
    let next = some_name(rng, EnvelopeKind::Card, 2);
    let unknown_card = some_name(rng, EnvelopeKind::Card, 1);
    let with = |content, card, thumbnail| Body::PutVersion {
        document_id: id,
        content,
        card,
        thumbnail: Some(thumbnail),
    };
    let body = with(content.clone(), card.clone(), picture);
    scene.contradict("picture-of-another-version", "ENV-9", "picture 1 of content 2", body)?;
    let body = with(content.clone(), card.clone(), next.clone());
    scene.contradict("picture-is-a-card", "ENV-9", "a card where a picture belongs", body)?;
    let body =
        Body::PutVersion { document_id: id, content: card.clone(), card: content, thumbnail: None };
    scene.contradict("kinds-crossed", "ENV-9", "content and card change places", body)?;
    let body = Body::PutCard { document_id: unknown, card: unknown_card };
    scene.contradict("renames-nothing", "STMT-5", "no such document", body)?;
    let mut repeated = next;
    repeated.version = 1;
    let body = Body::PutCard { document_id: id, card: repeated };
    scene.contradict("card-repeated", "ENV-9", "card 1 after 1", body)?;
    let body = Body::RemoveDocument { document_id: unknown };
    scene.contradict("removes-nothing", "STMT-5", "no such document", body)?;
    let gone = scene.person.add_document()?;
    scene.person.say(Body::RemoveDocument { document_id: gone })?;
    let body = scene.put_version(gone, 1, 1);
    scene.contradict("document-comes-back", "STMT-6", "an id that was removed", body)
}

fn devices_and_locks(scene: &mut Scene<'_>) -> Result<()> {
    let own = scene.person.device;
    let body =
        Body::AddDevice { device_id: own, signing: PublicKey([1; 32]), leaf: PublicKey([2; 32]) };
    scene.contradict("device-again", "STMT-6", "an id that is live", body)?;
    let body = Body::RetireDevice { device_id: DeviceId([9; 16]) };
    scene.contradict("retires-nothing", "STMT-5", "no such device", body)?;
    let body = Body::Open { keys: scene.person.keys.clone() };
    let signed = scene.changed(body, |_| ());
    scene.refuse("opens-again", "STMT-5", "contradiction", "a second Open", signed)?;
    let locks: Vec<_> = scene.person.manifest.locks().map(|(id, _)| id).collect();
    let [one, other] = locks.as_slice() else { return Ok(()) };
    let mut lock = scene.person.words_lock(b"other-handle-1234");
    if let Body::SetLock { lock_id, .. } = &mut lock {
        *lock_id = *one;
    }
    scene.contradict("lock-again", "STMT-6", "an id that is live", lock)?;
    for (name, about, handle) in [
        ("handle-in-capitals", "letters are small", b"Plump-otter-4711".as_slice()),
        ("handle-of-nothing", "no handle", b""),
        ("handle-too-long", "65 bytes", &[b'a'; 65]),
        ("handle-with-a-space", "dashes, no spaces", b"plump otter"),
    ] {
        let body = scene.person.words_lock(handle);
        scene.contradict(name, "STMT-5", about, body)?;
    }
    let body = Body::SetLock {
        lock_id: LockId([4; 16]),
        generation: 2,
        access: LockAccess::Sheet(Held { held_id: HeldId([5; 16]), signing: PublicKey([6; 32]) }),
        wrap_hash: [7; 32],
    };
    scene.contradict("lock-of-generation-2", "STMT-5", "a root that does not exist", body)?;
    let body = Body::RetireLock { lock_id: LockId([9; 16]) };
    scene.contradict("retires-no-lock", "STMT-5", "no such lock", body)?;
    scene.person.say(Body::RetireLock { lock_id: *one })?;
    let body = Body::RetireLock { lock_id: *other };
    scene.contradict("retires-the-last-lock", "STMT-5", "nobody could come back", body)
}

fn grants(scene: &mut Scene<'_>) -> Result<()> {
    let documents = [scene.person.add_document()?, scene.person.add_document()?];
    let mut documents = documents.to_vec();
    documents.sort_unstable();
    let structure_id = StructureId([5; 32]);
    let recipient = RecipientName::Structure { structure_id, epoch: 1, key_id: [7; 32] };
    let terms = GrantTerms {
        grant_id: GrantId(draw(&mut scene.person.rng)),
        recipient,
        scope: Scope::Documents { document_ids: documents.clone() },
        ends_at: NOW + 86_400,
        face_hash: [8; 32],
        commitment: [9; 32],
    };
    let body = Body::Grant(terms.clone());
    scene.contradict("grant-not-compared", "GRANT-1", "the code was never compared", body)?;
    scene.person.say(Body::CompareStructure { structure_id, sequence: 2, head: [6; 32] })?;
    let body = Body::CompareStructure { structure_id, sequence: 2, head: [7; 32] };
    scene.contradict("compares-backwards", "STMT-5", "not newer than what was seen", body)?;
    let with = |change: &dyn Fn(&mut GrantTerms)| {
        let mut other = terms.clone();
        change(&mut other);
        Body::Grant(other)
    };
    let scope = |ids: Vec<DocumentId>| {
        with(&|t| {
            t.scope = Scope::Documents { document_ids: ids.clone() };
        })
    };
    let backwards = documents.iter().rev().copied().collect();
    for (name, about, body) in [
        ("grant-of-nothing", "no document", scope(Vec::new())),
        ("grant-out-of-order", "documents in falling order", scope(backwards)),
        ("grant-twice-the-same", "a document twice", scope(vec![documents[0]; 2])),
        ("grant-of-the-unknown", "a document that is not there", scope(vec![DocumentId([8; 16])])),
        ("grant-of-the-safe", "the whole safe to somebody", with(&|t| t.scope = Scope::Safe)),
        ("grant-without-end", "no end", with(&|t| t.ends_at = NO_END)),
        ("grant-ended", "ended when it was signed", with(&|t| t.ends_at = NOW)),
        (
            "own-grant-again",
            "a second grant to oneself",
            with(&|t| {
                t.recipient = RecipientName::Owner { generation: 1 };
                (t.scope, t.ends_at) = (Scope::Safe, NO_END);
            }),
        ),
        (
            "own-grant-of-a-part",
            "one's own grant of some documents",
            with(&|t| {
                t.recipient = RecipientName::Owner { generation: 1 };
            }),
        ),
    ] {
        scene.contradict(name, "GRANT-1", about, body)?;
    }
    let own = scene.person.manifest.owner_grant().map(|terms| terms.grant_id);
    let body = Body::Revoke { grant_id: own.unwrap_or(GrantId([0; 16])) };
    scene.contradict("revokes-the-own", "STMT-5", "the owner would lose everything", body)?;
    let body = Body::Revoke { grant_id: GrantId([3; 16]) };
    scene.contradict("revokes-nothing", "STMT-5", "no such grant", body)?;
    let grant_id = terms.grant_id;
    scene.person.say(Body::Grant(terms.clone()))?;
    scene.contradict("grant-again", "STMT-6", "an id that is live", Body::Grant(terms.clone()))?;
    scene.person.say(Body::Revoke { grant_id })?;
    scene.contradict("grant-comes-back", "STMT-6", "an id that was revoked", Body::Grant(terms))
}

fn the_end(scene: &mut Scene<'_>) -> Result<()> {
    let retired = scene.person.device;
    let late = scene.person.words_lock(b"late-otter-4711");
    scene.person.say(Body::RetireDevice { device_id: retired })?;
    let id = DocumentId(draw(&mut scene.person.rng));
    let put = scene.put_version(id, 1, 1);
    let signed = scene.changed(put, |_| ());
    let about = "a device that was retired";
    scene.refuse("retired-puts-a-document", "STMT-3", "wrong_signer", about, signed)?;
    scene.person.say(Body::Close)?;
    let signed = scene.changed(late, |_| ());
    scene.refuse("after-the-end", "STMT-4", "fork", "nothing follows Close", signed)?;
    let person = &scene.person;
    let whole = chain_of(person, "everything", "STMT-5", "from open to close")
        .hex("head", person.manifest.head())
        .hex("root", person.manifest.root());
    scene.writer.put(&whole)
}
