//! A safe that goes on from a backup: what its chain then says, and what does not follow.

use anyhow::Result;
use reconnect_format::{
    Unverified,
    id::DeviceId,
    statement::{Body, Signer, Statement},
};

use crate::{
    Writer,
    byhand::Person,
    safes::{Scene, chain_of},
    seeded,
};

/// What the log names: the last of five statements that are missing.
const VALUE: [u8; 32] = [0x51; 32];
const MISSING: u64 = 5;

pub(crate) fn write(writer: &mut Writer) -> Result<()> {
    let person = Person::open(seeded("going on"))?;
    let mut scene = Scene { writer, person };
    let newest = scene.person.manifest.sequence();
    let (named, device) = (newest + MISSING, scene.person.device);
    let body = |sequence, retired: &[DeviceId]| Body::Continue {
        sequence,
        value: VALUE,
        retired: retired.to_vec(),
    };
    let signed = scene.numbered(named + 1, body(newest, &[]));
    let about = "the log names what is there: nothing is missing";
    scene.refuse("continued-from-nothing", "STMT-11", "fork", about, signed)?;
    for (name, about, number) in [
        ("continued-too-low", "under the number that the log names", named),
        ("continued-in-place", "under the number that would be next", newest + 1),
        ("continued-too-high", "1,001 numbers higher than what is missing", named + 1_001),
    ] {
        let signed = scene.numbered(number, body(named, &[]));
        scene.refuse(name, "STMT-11", "fork", about, signed)?;
    }
    for (name, about, retired) in [
        ("continued-without-a-stranger", "a device that is none", vec![DeviceId([9; 16])]),
        ("continued-without-one-twice", "one device, twice", vec![device, device]),
    ] {
        let signed = scene.numbered(named + 1, body(named, &retired));
        scene.refuse(name, "STMT-11", "contradiction", about, signed)?;
    }
    let mut by_device = scene.person.next(Signer::Device { device_id: device }, body(named, &[]));
    by_device.sequence = named + 1;
    let signed = scene.person.sign(&by_device);
    let about = "a device signs what the root signs";
    scene.refuse("continued-by-a-device", "STMT-3", "wrong_signer", about, signed)?;

    let signed = scene.numbered(named + 3, body(named, &[device]));
    scene.person.manifest.append(Unverified::decode(&signed)?)?;
    scene.person.chain.push(signed);
    let about = "a safe that goes on 3 numbers behind what the log names, without its device";
    let whole = chain_of(&scene.person, "continued", "STMT-11", about)
        .hex("account", scene.person.account.0)
        .hex("sequence", (named + 3).to_be_bytes())
        .hex("head", scene.person.manifest.head())
        .hex("root", scene.person.manifest.root());
    scene.writer.put(&whole)
}

impl Scene<'_> {
    /// Signs a body under a number of its own.
    fn numbered(&mut self, number: u64, body: Body) -> Vec<u8> {
        let signer = self.person.signer_of(&body);
        let salt = self.person.next(signer, body.clone()).salt;
        let statement: Statement =
            self.person.manifest.numbered(number, signer, body, crate::byhand::NOW, salt);
        self.person.sign(&statement)
    }
}
