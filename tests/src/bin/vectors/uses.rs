//! What a device and what is held sign to come in.

use anyhow::Result;
use ed25519_dalek::SigningKey;
use reconnect_format::{
    Suite, encode,
    id::{AccountId, DeviceId, HeldId},
    lock::{HeldUse, SessionOpening},
};

use crate::{
    Vector, Writer,
    byhand::{NOW, hash, sign, sign_as},
    draw, flip, seeded,
};

pub(crate) fn write(writer: &mut Writer) -> Result<()> {
    let mut rng = seeded("uses");
    let key = SigningKey::from_bytes(&draw(&mut rng));
    let opening = SessionOpening {
        suite: Suite::V1,
        account_id: AccountId(draw(&mut rng)),
        device_id: DeviceId(draw(&mut rng)),
        token_hash: hash("session token", &draw::<32>(&mut rng)),
        made_at: NOW,
    };
    let signed = sign(&key, &opening);
    let session =
        Vector::new("session", "opening", "SESS-1", "the hash of a token, never the token")
            .hex("signing", key.verifying_key().to_bytes())
            .hex("hash", hash("session", &signed))
            .item(signed);
    writer.put(&session)?;
    let about = "one bit of the token's hash";
    let vector = session.spoilt("another-token", "SESS-1", "bad_signature", about);
    writer.put(&vector.change(flip(50)))?;
    let mut held_use = HeldUse {
        suite: Suite::V1,
        held_id: HeldId(draw(&mut rng)),
        nonce: draw(&mut rng),
        made_at: NOW,
        request: Vec::new(),
    };
    let signed = sign(&key, &held_use);
    let good = Vector::new("held-use", "of-a-sheet", "LOCK-5", "what proves that one holds it")
        .hex("signing", key.verifying_key().to_bytes())
        .hex("hash", hash("held use", &signed))
        .item(signed);
    writer.put(&good)?;
    let about = "another sheet's id under this sheet's key";
    let vector = good.spoilt("another-sheet", "LOCK-5", "bad_signature", about);
    writer.put(&vector.change(flip(2)))?;
    held_use.request = draw::<96>(&mut rng).to_vec();
    let signed = sign(&key, &held_use);
    let about = "a try of a PIN, with the request of the PAKE";
    let card = Vector::new("held-use", "of-a-card", "LOCK-10", about)
        .hex("signing", key.verifying_key().to_bytes())
        .hex("hash", hash("held use", &signed))
        .item(signed);
    writer.put(&card)?;
    let about = "one bit of the PAKE's request";
    writer
        .put(&card.spoilt("another-request", "LOCK-10", "bad_signature", about).change(flip(80)))?;
    let about = "signed for a session";
    let vector = good.spoilt("signed-as-session", "SIG-2", "bad_signature", about);
    writer.put(&vector.item(sign_as(&key, "session", &encode(&held_use))))
}
