//! Guardians who overrule the root: what they may say, for how long, and who overrules whom.

use anyhow::Result;
use ed25519_dalek::SigningKey;
use reconnect_core::{key::AccountSecrets, secret::Root};
use reconnect_format::{
    PublicKey, Unverified,
    account::AccountKeys,
    encode,
    guardian::{Guardian, GuardianName, Guardians, OVERRULE_SECONDS},
    id::{AccountId, DeviceId, HeldId, LockId},
    lock::{Held, LockAccess},
    statement::{Body, DeviceProof, KeysProof, Signer},
};

use crate::{
    Vector, Writer,
    byhand::{NOW, Person, kdf, sign_statement},
    draw,
    keys::FixedRng,
    safes::{Scene, chain_of},
    seeded,
};

const DAY: u64 = 24 * 3600;
/// Whose guardians the owner names, and whose the thief.
const OWNERS: LockId = LockId([0x41; 16]);
const THIEFS: LockId = LockId([0x42; 16]);
const DEVICE: DeviceId = DeviceId([0x43; 16]);

/// Keys of a generation, by hand.
struct Of {
    keys: AccountKeys,
    root_key: SigningKey,
}

impl Of {
    fn generation(root: [u8; 32], generation: u32) -> Result<Self> {
        let seed = kdf(&root, b"", "account signing key", &generation.to_be_bytes())?;
        let secrets = AccountSecrets::derive(Root::generate(&mut FixedRng(root)), generation);
        Ok(Self { keys: secrets.public(), root_key: SigningKey::from_bytes(&seed) })
    }

    /// Named are whoever may overrule, as the chain has it.
    fn begun(&self, scene: &Scene<'_>) -> Body {
        let overrulers = scene.person.manifest.overrulers();
        Body::NewGeneration { keys: self.keys.clone(), overrulers }
    }
}

fn named(lock_id: LockId, generation: u32, key: &SigningKey) -> Body {
    let one = |number: u8| Guardian {
        number,
        name: GuardianName::Account { account_id: AccountId([number; 32]), key_id: [8; 32] },
        commitment: [9; 32],
    };
    let signing = PublicKey(key.verifying_key().to_bytes());
    let guardians = Guardians {
        held: Held { held_id: HeldId([5; 16]), signing },
        needed: 2,
        wait_seconds: 604_800,
        short_wait_seconds: 345_600,
        face_hash: [6; 32],
        guardians: vec![one(1), one(2)],
    };
    let access = LockAccess::Guardians(Box::new(guardians));
    Body::SetLock { lock_id, generation, access, wrap_hash: [7; 32] }
}

impl Scene<'_> {
    fn signed(&mut self, signer: Signer, key: &SigningKey, body: Body, days: u64) -> Vec<u8> {
        let salt = draw(&mut self.person.rng);
        let next = self.person.manifest.next(signer, body, NOW + days * DAY, salt);
        sign_statement(key, &next)
    }

    fn say_as(&mut self, signer: Signer, key: &SigningKey, body: Body, days: u64) -> Result<()> {
        let bytes = self.signed(signer, key, body, days);
        self.person.manifest.append(Unverified::decode(&bytes)?)?;
        self.person.chain.push(bytes);
        Ok(())
    }
}

pub(crate) fn write(writer: &mut Writer) -> Result<()> {
    let mut rng = seeded("overruling");
    let second = Of::generation(draw(&mut rng), 2)?;
    let third = Of::generation(draw(&mut rng), 3)?;
    let fourth = Of::generation(draw(&mut rng), 4)?;
    let thiefs_key = SigningKey::from_bytes(&draw(&mut rng));
    let mut scene = Scene { writer, person: Person::open(seeded("overruled"))? };
    let key = scene.person.guardians_key.clone();
    let first_key = scene.person.root_key.clone();
    let (owners, thiefs) =
        (Signer::Guardians { lock_id: OWNERS }, Signer::Guardians { lock_id: THIEFS });
    let (rule, wrong) = ("GUARD-7", "wrong_signer");

    let body = second.begun(&scene);
    let early = scene.signed(owners, &key, body, 0);
    scene.refuse("overruled-by-nobody", rule, wrong, "guardians whom nobody named", early)?;
    scene.person.say(named(OWNERS, 1, &key))?;
    let device = Body::AddDevice {
        device_id: DEVICE,
        signing: PublicKey([1; 32]),
        leaf: PublicKey([3; 32]),
    };
    let other = scene.signed(owners, &key, device.clone(), 0);
    scene.refuse("overruled-with-a-device", "STMT-3", wrong, "nothing but a generation", other)?;
    let body = second.begun(&scene);
    let other = scene.signed(owners, &first_key, body, 0);
    scene.refuse("overruled-with-the-root", rule, "bad_signature", "not their key", other)?;
    let root = |generation| Signer::Root { generation };
    let body = second.begun(&scene);
    scene.say_as(root(1), &first_key, body, 1)?;
    let body = third.begun(&scene);
    let again = scene.signed(owners, &first_key, body, 2);
    scene.refuse(
        "overruled-by-the-root-of-before",
        rule,
        "bad_signature",
        "not their key",
        again,
    )?;
    let nobody = Body::NewGeneration { keys: third.keys.clone(), overrulers: Vec::new() };
    let silent = scene.signed(root(2), &second.root_key, nobody, 2);
    let about = "nothing of those who may overrule";
    scene.refuse("overruled-in-silence", rule, "contradiction", about, silent)?;
    scene.say_as(root(2), &second.root_key, named(THIEFS, 2, &thiefs_key), 2)?;
    let invented = scene.signed(root(1), &first_key, named(LockId([0x44; 16]), 1, &thiefs_key), 1);
    let most = OVERRULE_SECONDS / DAY;
    let body = third.begun(&scene);
    let late = scene.signed(owners, &key, body, most + 2);
    scene.refuse("overruled-too-late", rule, wrong, "181 days after they were ended", late)?;
    let body = third.begun(&scene);
    scene.say_as(owners, &key, body, most + 1)?;
    let body = fourth.begun(&scene);
    let back = scene.signed(thiefs, &thiefs_key, body, most + 1);
    scene.refuse("overruled-back", rule, wrong, "those named by whoever was overruled", back)?;
    scene.say_as(root(3), &third.root_key, device, most + 1)?;
    let about = "a thief's generation and guardians, and the owner's guardians 180 days later";
    let whole = chain_of(&scene.person, "overruled", rule, about)
        .hex("account", scene.person.account.0)
        .hex("head", scene.person.manifest.head())
        .hex("root", scene.person.manifest.root());
    scene.writer.put(&whole)?;
    let body = fourth.begun(&scene);
    let last = scene.signed(root(3), &third.root_key, body, most + 1);
    let body = fourth.begun(&scene);
    let back = scene.signed(thiefs, &thiefs_key, body, most + 1);
    let body = third.begun(&scene);
    let taken =
        scene.signed(Signer::Guardians { lock_id: LockId([0x44; 16]) }, &thiefs_key, body, 3);
    proofs(&mut scene, [&last, &back, &invented, &taken])
}

/// What shows others the keys of a generation that guardians began.
fn proofs(scene: &mut Scene<'_>, [last, back, invented, taken]: [&Vec<u8>; 4]) -> Result<()> {
    let Scene { writer, person } = scene;
    let [opening, .., owners, second, thiefs, third, device] = person.chain.as_slice() else {
        anyhow::bail!("a short chain");
    };
    let with = |generations: &[&Vec<u8>]| {
        let generations = generations.iter().map(|it| (*it).clone()).collect();
        let keys = KeysProof { opening: opening.clone(), generations };
        encode(&DeviceProof { keys, device: device.clone() })
    };
    let good =
        Vector::new("proof", "overruled", "GUARD-7", "a device of a generation of guardians")
            .hex("account", person.account.0)
            .hex("device", DEVICE.0)
            .hex("signing", [1; 32])
            .item(with(&[second, owners, third]));
    writer.put(&good)?;
    for (name, about, item) in [
        ("overruled-by-nobody", "who they are is not shown", with(&[second, third])),
        ("overruled-by-others", "others are shown", with(&[second, thiefs, third])),
        ("overruled-by-the-root-of-before", "guardians whom no chain names", {
            with(&[second, invented, taken])
        }),
        ("overruled-and-no-more", "guardians who begin nothing", {
            with(&[second, owners, third, owners])
        }),
        ("overruled-back", "those named by whoever was overruled", {
            with(&[second, owners, third, thiefs, back])
        }),
        ("overruled-and-another", "a device of the generation before", {
            with(&[second, owners, third, last])
        }),
    ] {
        writer.put(&good.spoilt(name, "GUARD-7", "bad_signature", about).item(item))?;
    }
    Ok(())
}
