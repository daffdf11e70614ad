//! Requests for a leaf, as whoever answers one reads it.

use anyhow::Result;
use reconnect_format::{Suite, encode, statement::Attested, structure::LeafRequest};

use super::Place;
use crate::{
    Vector, Writer,
    byhand::{NOW, hash, sign},
    draw,
};

/// Thirty days.
const WAITS: u64 = 30 * 86_400;

pub(super) fn write(writer: &mut Writer, place: &mut Place) -> Result<()> {
    let key_package: [u8; 32] = draw(&mut place.stranger.rng);
    let asker = &place.stranger;
    let sequence = place.chain.len() as u64;
    let request = LeafRequest {
        suite: Suite::V1,
        structure_id: place.id,
        account_id: asker.account,
        device_id: asker.device,
        sequence,
        made_at: NOW,
        key_package: key_package.to_vec(),
    };
    let good = Vector::new("leaf-request", "answered", "GROUP-9", "by the chain's next statement")
        .hex("structure", place.id.0)
        .with("sequence", sequence + 1)
        .with("made_at", NOW + WAITS)
        .hex("hash", hash("leaf request", &sign(&asker.device_key, &request)))
        .hex("account", asker.account.0)
        .hex("device", asker.device.0)
        .item(asker.attest(&request));
    writer.put(&good)?;
    let bad = |name, rule, expect, about| good.spoilt(name, rule, expect, about);
    let vector = bad("too-late", "GROUP-9", "wrong_signer", "thirty days and a second");
    writer.put(&vector.with("made_at", NOW + WAITS + 1))?;
    let vector = bad("of-later", "GROUP-9", "other_chain", "names the statement that answers it");
    writer.put(&vector.with("sequence", sequence))?;
    let vector = bad("of-elsewhere", "GROUP-9", "other_chain", "another structure's");
    writer.put(&vector.hex("structure", [7; 32]))?;
    for (name, about, change) in [
        (
            "for-another",
            "in another account's name",
            (|r: &mut LeafRequest| r.account_id.0[0] ^= 1) as fn(&mut LeafRequest),
        ),
        ("for-another-device", "of the same account", |r| r.device_id.0[0] ^= 1),
    ] {
        let mut request = request.clone();
        change(&mut request);
        let vector = bad(name, "GROUP-9", "wrong_signer", about);
        writer.put(&vector.item(asker.attest(&request)))?;
    }
    let object = sign(&asker.device_key, &request);
    let framed = encode(&Attested { object, proof: place.founder.proof() });
    let vector = bad("framed", "DEV-2", "bad_signature", "somebody else's proof beside it");
    writer.put(&vector.item(framed))
}
