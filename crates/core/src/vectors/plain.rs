//! What anyone can judge: encodings, hashes, signatures, chains.

use reconnect_format::{
    Label, PublicKey, Signable, Unverified,
    account::AccountKeys,
    api::LoggedHead,
    decode,
    deposit::Deposit,
    envelope::{EnvelopeHeader, padded_content_bytes},
    id::{Base64, StructureId},
    link::LinkOffer,
    lock::{HeldUse, SessionOpening},
    manifest::{Manifest, StatementError},
    receipt::Receipt,
    rewrap::{GrantList, Rewrap, RewrapCheck, verify_list},
    statement::{Attested, DeviceProof, Statement, StatementHead},
    structure::{
        Acceptance, Invitation, StructureChain, StructureStatement, verify_certificate,
        verify_leaf_request,
    },
};

use super::{Case, Found, Unreadable, chain_word, decode_word, statement_word, unreadable};
use crate::{
    error::Error,
    held::Pin,
    link::LinkCode,
    words::{PaperSecret, SixWords, normalize_handle},
};

pub(super) fn judge(object: &str, case: &Case<'_>) -> Result<Option<&'static str>, Unreadable> {
    let found = match object {
        "label" => label(case),
        "padding" => padding(case),
        "header" => header(case),
        "account-keys" => account_keys(case),
        "proof" => proof(case),
        "statement" => signed::<Statement>(case),
        "statement-head" => signed::<StatementHead>(case),
        "fresh" => fresh(case),
        "session" => signed::<SessionOpening>(case),
        "held-use" => signed::<HeldUse>(case),
        "acceptance" => signed::<Acceptance>(case),
        "receipt" => attested::<Receipt>(case),
        "deposit-signed" => attested::<Deposit>(case),
        "invitation" => attested::<Invitation>(case),
        "structure-statement" => attested::<StructureStatement>(case),
        "certificate" => certificate(case),
        "chain" => chain(case),
        "structure" => structure(case),
        "leaf-request" => leaf_request(case),
        "rewrap" => grant_list::<Rewrap>(case),
        "rewrap-check" => grant_list::<RewrapCheck>(case),
        "code" => code(case),
        "words" => words(case),
        "handle" => handle(case),
        "sheet" => sheet(case),
        "pin" => pin(case),
        "link-code" => link_code(case),
        "link-offer" => link_offer(case),
        _ => return Ok(None),
    };
    found.map(Some)
}

fn label(case: &Case<'_>) -> Found {
    let text = case.text("text")?;
    let content = case.bytes("content")?;
    let Some(label) = Label::ALL.iter().find(|label| label.text() == text) else {
        return Ok("unknown_label");
    };
    case.compare(&[("encoded", &label.with(&content)), ("hash", &label.hash(&content))])
}

fn padding(case: &Case<'_>) -> Found {
    let padded = padded_content_bytes(case.number("true_bytes")?);
    Ok(if padded == case.number("padded_bytes")? { "ok" } else { "differs" })
}

fn header(case: &Case<'_>) -> Found {
    match EnvelopeHeader::decode(case.item()) {
        Ok(header) => case.compare(&[
            ("hash", &header.hash()),
            ("sealed_bytes", &header.sealed_bytes().to_be_bytes()),
            ("chunks", &header.chunk_count().to_be_bytes()),
            ("parts", &header.part_count().to_be_bytes()),
        ]),
        Err(error) => Ok(decode_word(error)),
    }
}

fn account_keys(case: &Case<'_>) -> Found {
    match decode::<AccountKeys>(case.item()) {
        Ok(keys) => case.compare(&[
            ("account", keys.account_id().as_bytes()),
            ("recipient_key_id", &keys.recipient.id()),
        ]),
        Err(error) => Ok(decode_word(error)),
    }
}

fn proof(case: &Case<'_>) -> Found {
    match decode::<DeviceProof>(case.item()).and_then(|proof| proof.verify()) {
        Ok(device) => case.compare(&[
            ("account", device.account_id.as_bytes()),
            ("device", device.device_id.as_bytes()),
            ("signing", &device.signing.0),
            ("leaf", &device.leaf.0),
        ]),
        Err(error) => Ok(decode_word(error)),
    }
}

fn signed<T: Signable>(case: &Case<'_>) -> Found {
    let key = PublicKey(case.array("signing")?);
    match Unverified::<T>::decode(case.item()).and_then(|object| object.verify(&key)) {
        Ok(object) => case.compare(&[("hash", &object.hash())]),
        Err(error) => Ok(decode_word(error)),
    }
}

fn attested<T: Signable>(case: &Case<'_>) -> Found {
    match Attested::open::<T>(case.item()) {
        Ok((object, device)) => case.compare(&[
            ("hash", &object.hash()),
            ("account", device.account_id.as_bytes()),
            ("device", device.device_id.as_bytes()),
        ]),
        Err(error) => Ok(decode_word(error)),
    }
}

/// The first item is a certificate, the others are the chain that it must fit.
fn certificate(case: &Case<'_>) -> Found {
    let (certificate, chain) = case.items.split_first().ok_or_else(|| unreadable("items"))?;
    let id = StructureId(case.array("structure")?);
    let chain = StructureChain::verify(id, chain.iter().map(Vec::as_slice))
        .map_err(|_| unreadable("chain"))?;
    match verify_certificate(certificate, &chain) {
        Ok(certificate) => case.compare(&[("hash", &certificate.hash())]),
        Err(error) => Ok(chain_word(error)),
    }
}

fn chain(case: &Case<'_>) -> Found {
    match grow(&case.items) {
        Ok(manifest) => {
            let whole = Manifest::replay(case.items.iter().map(Vec::as_slice));
            if whole.map(|(whole, _)| whole.root()).ok() != Some(manifest.root()) {
                return Ok("differs");
            }
            case.compare(&[
                ("account", manifest.account_id().as_bytes()),
                ("sequence", &manifest.sequence().to_be_bytes()),
                ("head", &manifest.head()),
                ("root", &manifest.root()),
            ])
        }
        Err(error) => Ok(statement_word(error)),
    }
}

fn grow(statements: &[Vec<u8>]) -> Result<Manifest, StatementError> {
    let (first, others) = statements.split_first().ok_or(StatementError::Fork)?;
    let (mut manifest, _) = Manifest::begin(Unverified::decode(first)?)?;
    for statement in others {
        manifest.append(Unverified::decode(statement)?)?;
    }
    Ok(manifest)
}

fn structure(case: &Case<'_>) -> Found {
    let id = StructureId(case.array("structure")?);
    let seen = match case.optional("seen_sequence") {
        Some(_) => Some((case.number("seen_sequence")?, case.array("seen_head")?)),
        None => None,
    };
    let verified = StructureChain::verify(id, case.items.iter().map(Vec::as_slice));
    let chain = verified.and_then(|chain| match seen {
        Some((sequence, head)) => chain.extends(sequence, &head).map(|()| chain),
        None => Ok(chain),
    });
    match chain {
        Ok(chain) => {
            let key_id = chain.epoch.as_ref().map(|epoch| epoch.recipient.id());
            let (sequence, head) = chain.head();
            case.compare(&[
                ("sequence", &sequence.to_be_bytes()),
                ("head", &head),
                ("key_id", &key_id.unwrap_or_default()),
            ])
        }
        Err(error) => Ok(chain_word(error)),
    }
}

fn grant_list<T: GrantList>(case: &Case<'_>) -> Found {
    match verify_list::<T>(case.item()) {
        Ok(list) => case.compare(&[
            ("hash", &list.hash()),
            ("account", list.body().by().account_id.as_bytes()),
            ("device", list.body().by().device_id.as_bytes()),
        ]),
        Err(error) => Ok(decode_word(error)),
    }
}

/// As the answer of the statement with that number and time.
fn leaf_request(case: &Case<'_>) -> Found {
    let id = StructureId(case.array("structure")?);
    let statement = (case.number("sequence")?, case.number("made_at")?);
    match verify_leaf_request(case.item(), id, statement) {
        Ok(request) => case.compare(&[
            ("hash", &request.hash()),
            ("account", request.body().account_id.as_bytes()),
            ("device", request.body().device_id.as_bytes()),
        ]),
        Err(error) => Ok(chain_word(error)),
    }
}

fn code(case: &Case<'_>) -> Found {
    let id = StructureId(case.array("structure")?);
    if case.optional("code").is_some_and(|code| code != id.code()) {
        return Ok("differs");
    }
    Ok(match id.has_code(case.text("typed")?) {
        Some(true) => "ok",
        Some(false) => Error::CodeDiffers.code(),
        None => Error::CodeMisread.code(),
    })
}

fn link_offer(case: &Case<'_>) -> Found {
    let offer: LinkOffer = match decode(case.item()) {
        Ok(offer) => offer,
        Err(error) => return Ok(decode_word(error)),
    };
    let code = LinkCode::of(&offer).groups().join(" ");
    if case.optional("code").is_some_and(|shown| shown != code) {
        return Ok("differs");
    }
    case.compare(&[("hash", &offer.hash())])
}

fn link_code(case: &Case<'_>) -> Found {
    match LinkCode::parse(case.text("typed")?) {
        Ok(code) => case.compare(&[("link", code.link_id.as_bytes())]),
        Err(error) => Ok(error.code()),
    }
}

fn words(case: &Case<'_>) -> Found {
    match SixWords::parse(case.text("typed")?) {
        Ok(words) => case.compare(&[("password", &words.password().bytes)]),
        Err(Error::WordsMisread(number)) if number as u64 != case.number("word")? => Ok("differs"),
        Err(error) => Ok(error.code()),
    }
}

fn handle(case: &Case<'_>) -> Found {
    let handle = normalize_handle(case.text("typed")?);
    Ok(if handle == case.text("handle")? { "ok" } else { "differs" })
}

fn sheet(case: &Case<'_>) -> Found {
    match PaperSecret::parse(case.text("typed")?) {
        Ok(paper) => {
            let letters = paper.groups().join(" ");
            if case.optional("letters").is_some_and(|expected| expected != letters) {
                return Ok("differs");
            }
            case.compare(&[
                ("held_id", paper.held().held_id().as_bytes()),
                ("signing", &paper.held().signing().public().0),
                ("secret", paper.held().secret().expose()),
            ])
        }
        Err(error) => Ok(error.code()),
    }
}

fn pin(case: &Case<'_>) -> Found {
    let typed = case.text("typed")?;
    let read =
        if case.optional("to_set").is_some() { Pin::choose(typed) } else { Pin::parse(typed) };
    match read {
        Ok(pin) => case.compare(&[("digits", pin.show().as_bytes())]),
        Err(error) => Ok(error.code()),
    }
}

/// Places are numbers, or a dash for a leaf that is not there; the item is what stands beside.
fn fresh(case: &Case<'_>) -> Found {
    let leaves = case.bytes("leaves")?;
    let (leaves, []) = leaves.as_chunks::<32>() else { return Err(unreadable("leaves")) };
    let place = |word: &str| match word {
        "-" => Ok(None),
        number => number.parse().map(Some).map_err(|_| unreadable("places")),
    };
    let places = case.text("places")?.split(' ').map(place).collect::<Result<_, _>>()?;
    let size = u32::try_from(case.number("size")?).map_err(|_| unreadable("size"))?;
    let (head, beside) = (Base64(Vec::new()), Base64(case.item().to_vec()));
    let logged = LoggedHead { head, proof: Base64::default(), size, places, beside };
    match logged.shown(&case.array("root")?, leaves) {
        Some(shown) => case.compare(&[("shown", &shown.concat())]),
        None => Ok("withheld"),
    }
}
