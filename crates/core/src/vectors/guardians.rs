//! What guardians hold, and what somebody has who comes back. What seals is sealed again from the same randomness.

use reconnect_format::{
    decode, encode,
    guardian::{GuardianId, Guardians, ReturnOffer},
    id::{AccountId, LockId, ReturnId, StructureId},
    log,
};

use super::{Case, Found, Unreadable, unreadable};
use crate::{
    error::{Damaged, Error},
    guardian::{
        GuardiansNote, RecoveryKey, ReturnKeys, Share, open_guardian_face, open_share, return_mark,
        return_opening, vouched_hash, wrap_share,
    },
    held::Pin,
    key::RecipientKey,
    secret::{EpochSeed, PlaceOpening, VaultKey},
    words::PaperSecret,
};

pub(super) fn judge(object: &str, case: &Case<'_>) -> Result<Option<&'static str>, Unreadable> {
    let found = match object {
        "guardian-share" => share(case),
        "guardian-wrap" => wrap(case),
        "guardians-note" => note(case),
        "return-offer" => offer(case),
        "return-keys" => keys(case),
        "vouched" => vouched(case),
        "return-mark" => mark(case),
        _ => return Ok(None),
    };
    found.map(Some)
}

/// Who are named, and under which lock.
fn named(case: &Case<'_>) -> Result<(LockId, Guardians), Unreadable> {
    let guardians = decode(&case.bytes("guardians")?).map_err(|_| unreadable("guardians"))?;
    Ok((LockId(case.array("lock")?), guardians))
}

fn number(case: &Case<'_>) -> Result<u8, Unreadable> {
    u8::try_from(case.number("number")?).map_err(|_| unreadable("number"))
}

/// Each item is what the guardian holds whose number stands at its place.
fn share(case: &Case<'_>) -> Found {
    let (lock_id, guardians) = named(case)?;
    let mut shares = Vec::new();
    for (number, plain) in case.bytes("numbers")?.into_iter().zip(&case.items) {
        match Share::read(plain, (lock_id, &guardians), number) {
            Ok(share) => shares.push(share),
            Err(Damaged) => return Ok("damaged"),
        }
    }
    match RecoveryKey::combine(&shares, &guardians) {
        Ok(key) => case.compare(&[("key", key.held().expose())]),
        Err(Damaged) => Ok("damaged"),
    }
}

fn wrap(case: &Case<'_>) -> Found {
    let (lock_id, guardians) = named(case)?;
    let (number, statement) = (number(case)?, case.array("statement")?);
    let key = RecipientKey::of_epoch(&EpochSeed::from_bytes(case.array("seed")?));
    let shown = case.item().get(..reconnect_format::guardian::GUARDIAN_FACE_BYTES);
    let shown = shown.unwrap_or_default();
    let face = open_guardian_face(shown, statement, (&guardians, number), &key);
    let share = open_share(case.item(), statement, (lock_id, &guardians), number, &key);
    let (Ok(face), Ok(share)) = (face, share) else { return Ok("damaged") };
    let mut given = case.given("randomness")?;
    let words = (&face.face, &face.opening);
    let again = wrap_share(&share, words, statement, key.public(), &mut given);
    if again.is_ok_and(|again| again != case.item()) {
        return Ok("differs");
    }
    case.compare(&[
        ("opening", face.opening.expose()),
        ("face", &face.face.padded()),
        ("share", &share.plain()[..]),
    ])
}

fn note(case: &Case<'_>) -> Found {
    let vault = VaultKey::from_bytes(case.array("vault_key")?);
    let lock_id = LockId(case.array("lock")?);
    let Ok(note) = GuardiansNote::open(&vault, lock_id, case.item()) else {
        return Ok("damaged");
    };
    let mut given = case.given("salt")?;
    if note.seal(&vault, lock_id, &mut given).is_ok_and(|again| again.0 != case.item()) {
        return Ok("differs");
    }
    case.compare(&[("note", &encode(&note))])
}

fn offer(case: &Case<'_>) -> Found {
    match decode::<ReturnOffer>(case.item()) {
        Ok(offer) => case.compare(&[("hash", &offer.hash()), ("code", offer.code().as_bytes())]),
        Err(error) => Ok(super::decode_word(error)),
    }
}

fn return_keys(case: &Case<'_>) -> Result<Result<ReturnKeys, Error>, Unreadable> {
    let card = PaperSecret::parse(case.text("letters")?);
    let pin = Pin::parse(case.text("pin")?);
    Ok(card.and_then(|card| ReturnKeys::derive(&card, &pin?)))
}

fn keys(case: &Case<'_>) -> Found {
    match return_keys(case)? {
        Ok(keys) => case.compare(&[("offer", &encode(&keys.offer()))]),
        Err(error) => Ok(error.code()),
    }
}

fn vouched(case: &Case<'_>) -> Found {
    let (lock_id, guardians) = named(case)?;
    let keys = return_keys(case)?.map_err(|_| unreadable("letters"))?;
    let return_id = ReturnId(case.array("return")?);
    let lock = (lock_id, &guardians);
    let Ok(share) = keys.open_vouched(case.item(), return_id, lock, number(case)?) else {
        return Ok("damaged");
    };
    let mut given = case.given("randomness")?;
    let again = share.seal_to(&keys.offer(), return_id, &mut given);
    if again.is_ok_and(|again| again != case.item()) {
        return Ok("differs");
    }
    case.compare(&[("share", &share.plain()[..]), ("hash", &vouched_hash(case.item()))])
}

fn mark(case: &Case<'_>) -> Found {
    let who = match case.optional("structure") {
        Some(_) => GuardianId::Structure(StructureId(case.array("structure")?)),
        None => GuardianId::Account(AccountId(case.array("guardian")?)),
    };
    let count = u32::try_from(case.number("count")?).map_err(|_| unreadable("count"))?;
    let opening = match case.optional("vault_key") {
        Some(_) => return_opening(&VaultKey::from_bytes(case.array("vault_key")?)),
        None => PlaceOpening::from_bytes(case.array("opening")?),
    };
    let mark = return_mark(&opening, who, count);
    let account_id = AccountId(case.array("account")?);
    let return_id = ReturnId(case.array("return")?);
    let (index, value) = log::return_mark((account_id, who), &mark, return_id);
    case.compare(&[
        ("opening", opening.expose()),
        ("mark", &mark),
        ("index", &index),
        ("value", &value),
    ])
}
