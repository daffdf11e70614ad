//! A second generation: what begins one, what must not follow it, and what shows its keys.

use anyhow::Result;
use ed25519_dalek::SigningKey;
use rand_chacha::ChaCha20Rng;
use reconnect_core::{key::AccountSecrets, secret::Root};
use reconnect_format::{
    PublicKey, Unverified,
    account::AccountKeys,
    encode,
    grant::RecipientName,
    id::{DeviceId, DocumentId, GrantId, HeldId, LockId},
    lock::{Held, LockAccess},
    statement::{Body, DeviceProof, KeysProof, Signer, Statement},
};

use crate::{
    Vector, Writer,
    byhand::{Person, kdf, labelled, seal, sign_statement},
    draw,
    keys::FixedRng,
    safes::{Scene, chain_of},
    seeded,
};

/// A second generation, as far as keys go: by hand.
struct Second {
    keys: AccountKeys,
    root_key: SigningKey,
    vault_key: [u8; 32],
    root: [u8; 32],
    device: DeviceId,
    device_key: SigningKey,
}

impl Second {
    fn draw(rng: &mut ChaCha20Rng) -> Result<Self> {
        let (root, seed): ([u8; 32], [u8; 32]) = (draw(rng), draw(rng));
        let keys = AccountSecrets::derive(Root::generate(&mut FixedRng(root)), 2).public();
        let part = |label| kdf(&root, b"", label, &2_u32.to_be_bytes());
        let device_key = SigningKey::from_bytes(&kdf(&seed, b"", "device signing key", b"")?);
        Ok(Self {
            keys,
            root_key: SigningKey::from_bytes(&part("account signing key")?),
            vault_key: part("account vault key")?,
            root,
            device: DeviceId(draw(rng)),
            device_key,
        })
    }

    fn added(&self) -> Body {
        let signing = PublicKey(self.device_key.verifying_key().to_bytes());
        Body::AddDevice { device_id: self.device, signing, leaf: PublicKey([3; 32]) }
    }

    fn sign(&self, statement: &Statement) -> Vec<u8> {
        let key = match statement.signer {
            Signer::Root { .. } | Signer::Guardians { .. } => &self.root_key,
            Signer::Device { .. } => &self.device_key,
        };
        sign_statement(key, statement)
    }
}

impl Scene<'_> {
    /// Signs with the second generation's keys what does not follow.
    fn refuse_second(
        &mut self,
        second: &Second,
        (name, rule, expect): (&str, &'static str, &'static str),
        about: &'static str,
        body: Body,
    ) -> Result<()> {
        let signer = second_signer(second, &body);
        let statement = self.person.next(signer, body);
        self.refuse(name, rule, expect, about, second.sign(&statement))
    }

    fn say_second(&mut self, second: &Second, body: Body) -> Result<()> {
        let signer = second_signer(second, &body);
        let statement = self.person.next(signer, body);
        let bytes = second.sign(&statement);
        self.person.manifest.append(Unverified::decode(&bytes)?)?;
        self.person.chain.push(bytes);
        Ok(())
    }
}

fn second_signer(second: &Second, body: &Body) -> Signer {
    if body.is_by_root() {
        Signer::Root { generation: 2 }
    } else {
        Signer::Device { device_id: second.device }
    }
}

pub(crate) fn write(writer: &mut Writer) -> Result<()> {
    let mut rng = seeded("second generation");
    let second = Second::draw(&mut rng)?;
    let person = Person::open(seeded("generations"))?;
    let mut scene = Scene { writer, person };
    beginnings(&mut scene, &second)?;
    what_follows(&mut scene, &second)?;
    let about = "other keys, a device, two locks, and the own grant goes on";
    let whole = chain_of(&scene.person, "generation-begun", "ACC-4", about)
        .hex("account", scene.person.account.0)
        .hex("sequence", 10_u64.to_be_bytes())
        .hex("head", scene.person.manifest.head())
        .hex("root", scene.person.manifest.root());
    scene.writer.put(&whole)?;
    let Scene { writer, person } = scene;
    proofs(writer, &person, &second)?;
    earlier_roots(writer, &person, &second)
}

fn beginnings(scene: &mut Scene<'_>, second: &Second) -> Result<()> {
    let begin = Body::NewGeneration { keys: second.keys.clone(), overrulers: Vec::new() };
    let with = |change: &dyn Fn(&mut AccountKeys)| {
        let mut keys = second.keys.clone();
        change(&mut keys);
        Body::NewGeneration { keys, overrulers: Vec::new() }
    };
    let first = scene.person.keys.clone();
    for (name, about, body) in [
        ("generation-skipped", "3 after 1", with(&|keys| keys.generation = 3)),
        ("generation-again", "1 after 1", with(&|keys| keys.generation = 1)),
        ("generation-of-the-same-root", "one signing key for two", {
            with(&|keys| keys.signing = first.signing)
        }),
        ("generation-of-the-same-recipient", "one recipient key for two", {
            with(&|keys| keys.recipient.clone_from(&first.recipient))
        }),
    ] {
        scene.contradict(name, "STMT-5", about, body)?;
    }
    let (name, about) = ("generation-by-itself", "signed by the root that it names");
    let id = (name, "STMT-3", "wrong_signer");
    scene.refuse_second(second, id, about, begin.clone())?;
    let device = Signer::Device { device_id: scene.person.device };
    let statement = scene.person.next(device, begin.clone());
    let signed = scene.person.sign(&statement);
    let about = "a device signs what the root signs";
    scene.refuse("generation-by-a-device", "STMT-3", "wrong_signer", about, signed)
}

fn what_follows(scene: &mut Scene<'_>, second: &Second) -> Result<()> {
    let own = scene.person.own_grant()?;
    let before = scene.person.manifest.owner_grant().map(|terms| terms.grant_id);
    let before = before.unwrap_or(GrantId([0; 16]));
    let locks: Vec<_> = scene.person.manifest.locks().map(|(id, _)| id).collect();
    scene.person.say(Body::NewGeneration { keys: second.keys.clone(), overrulers: Vec::new() })?;
    let id = DocumentId(draw(&mut scene.person.rng));
    let put = scene.put_version(id, 1, 1);
    let signed = scene.changed(put, |_| ());
    let about = "a device of the generation before";
    scene.refuse("generation-and-a-device-of-before", "STMT-3", "wrong_signer", about, signed)?;
    let signed = scene.changed(second.added(), |_| ());
    let about = "the root of the generation before";
    scene.refuse("generation-and-the-root-of-before", "STMT-3", "wrong_signer", about, signed)?;
    let mut back = second.added();
    if let Body::AddDevice { device_id, .. } = &mut back {
        *device_id = scene.person.device;
    }
    let contradicts = "contradiction";
    let what = ("generation-and-a-device-comes-back", "STMT-6", contradicts);
    scene.refuse_second(second, what, "the id of a device of before", back)?;
    scene.say_second(second, second.added())?;
    let lock = |lock_id, generation| Body::SetLock {
        lock_id,
        generation,
        access: LockAccess::Sheet(Held { held_id: HeldId([5; 16]), signing: PublicKey([6; 32]) }),
        wrap_hash: [7; 32],
    };
    let what = ("generation-and-a-lock-of-before", "STMT-5", contradicts);
    scene.refuse_second(second, what, "a lock of the old root", lock(LockId([4; 16]), 1))?;
    let what = ("generation-and-a-lock-comes-back", "STMT-6", contradicts);
    let old = locks.first().copied().unwrap_or(LockId([0; 16]));
    scene.refuse_second(second, what, "the id of a lock of before", lock(old, 2))?;
    scene.say_second(second, lock(LockId([4; 16]), 2))?;
    let mut words = scene.person.words_lock(b"other-handle-1234");
    if let Body::SetLock { generation, .. } = &mut words {
        *generation = 2;
    }
    scene.say_second(second, words)?;
    let what = ("generation-and-the-own-grant-of-before", "GRANT-9", contradicts);
    let body = Body::Regrant { grant_id: before, terms: own.clone() };
    scene.refuse_second(second, what, "it goes on under the old keys", body)?;
    let mut terms = own;
    terms.recipient = RecipientName::Owner { generation: 2 };
    let what = ("generation-and-a-second-own-grant", "GRANT-1", contradicts);
    let beside = Body::Grant(terms.clone());
    scene.refuse_second(second, what, "beside that of before", beside)?;
    scene.say_second(second, Body::Regrant { grant_id: before, terms: terms.clone() })?;
    let mut again = terms;
    let live = std::mem::replace(&mut again.grant_id, GrantId([6; 16]));
    let what = ("generation-and-the-own-grant-again", "GRANT-9", contradicts);
    let body = Body::Regrant { grant_id: live, terms: again };
    scene.refuse_second(second, what, "it goes on twice in one generation", body)
}

fn proofs(writer: &mut Writer, person: &Person, second: &Second) -> Result<()> {
    let stranger = Person::open(seeded("another's generations"))?;
    let (opening, begun, device) = (&person.chain[0], &person.chain[5], &person.chain[6]);
    let with = |opening: &Vec<u8>, generations: &[&Vec<u8>], device: &Vec<u8>| {
        let generations = generations.iter().map(|it| (*it).clone()).collect();
        let keys = KeysProof { opening: opening.clone(), generations };
        encode(&DeviceProof { keys, device: device.clone() })
    };
    let good =
        Vector::new("proof", "of-a-generation", "ACC-4", "a device of the second generation")
            .hex("account", person.account.0)
            .hex("device", second.device.0)
            .hex("signing", second.device_key.verifying_key().to_bytes())
            .item(with(opening, &[begun], device));
    writer.put(&good)?;
    let added = &person.chain[1];
    let other = &stranger.chain[0];
    for (name, about, item) in [
        ("generation-left-out", "a device of keys that are not shown", with(opening, &[], device)),
        ("generation-twice", "one generation twice", with(opening, &[begun, begun], device)),
        ("generation-of-another", "another account's opening", with(other, &[begun], device)),
        ("generation-and-its-first-device", "a device of the keys before", {
            with(opening, &[begun], added)
        }),
        ("generation-that-is-a-device", "no new generation", with(opening, &[added], device)),
    ] {
        writer.put(&good.spoilt(name, "ACC-4", "bad_signature", about).item(item))?;
    }
    Ok(())
}

fn earlier_roots(writer: &mut Writer, person: &Person, second: &Second) -> Result<()> {
    let salt = [9; 32];
    let context = [&person.account.0[..], &2_u32.to_be_bytes()[..]].concat();
    let sealed = |roots: &[u8]| -> Result<_> {
        let key = kdf(&second.vault_key, &salt, "earlier roots", &context)?;
        let sealed = seal(&key, [0; 12], &labelled("earlier roots", &context), roots)?;
        Ok([&salt[..], &sealed].concat())
    };
    let root = person.root;
    let items = |sealed| vec![sealed, encode(&person.keys), encode(&second.keys)];
    let good = Vector::new("earlier-roots", "of-one", "ACC-5", "the root of the first generation")
        .hex("account", person.account.0)
        .hex("root", second.root)
        .hex("salt", salt)
        .hex("roots", root)
        .items(items(sealed(&root)?));
    writer.put(&good)?;
    let bad =
        |name, expect, about, item| good.spoilt(name, "ACC-5", expect, about).items(items(item));
    writer.put(&bad(
        "of-another-root",
        "forged",
        "not the root of these keys",
        sealed(&[1; 32])?,
    ))?;
    writer.put(&bad("of-none", "forged", "no root where one belongs", sealed(&[])?))?;
    let two = [root, root].concat();
    writer.put(&bad("of-two", "forged", "one root too many", sealed(&two)?))?;
    writer.put(&bad("cut", "damaged", "half a root", sealed(&root[..16])?))?;
    let about = "another generation's";
    let mut third = second.keys.clone();
    third.generation = 3;
    let vector = good.spoilt("of-another-generation", "OPEN-1", "damaged", about);
    writer.put(&vector.items(vec![sealed(&root)?, encode(&person.keys), encode(&third)]))?;
    let about = "another safe's";
    let vector = good.spoilt("of-another-safe", "OPEN-1", "damaged", about);
    writer.put(&vector.hex("account", [1; 32]))
}
