//! What anyone can judge of the log: leaves, map, keys, look-ups, replays.

use reconnect_format::{id::StructureId, log};
use reconnect_log::{
    Carried, Error, Fault, Kept, Leaf, Lookup, MapProof, Newest, Note, Policy, Question, Replay,
    VerifierKey, codec, tree::leaf_hash,
};

use super::{Case, Found, Unreadable, unreadable};

pub(super) fn judge(object: &str, case: &Case<'_>) -> Result<Option<&'static str>, Unreadable> {
    let found = match object {
        "log-leaf" => leaf(case),
        "log-map" => map(case),
        "log-key" => key(case),
        "log-lookup" => lookup(case),
        "log-replay" => replay(case),
        "log-value" => value(case),
        "carried" => carried(case),
        "square" => square(case),
        _ => return Ok(None),
    };
    found.map(Some)
}

fn leaf(case: &Case<'_>) -> Found {
    match Leaf::decode(case.item()) {
        Ok(leaf) if leaf.encode() == case.item() => {
            case.compare(&[("hash", &leaf_hash(case.item()))])
        }
        Ok(_) => Ok("differs"),
        Err(error) => Ok(word(error)),
    }
}

fn map(case: &Case<'_>) -> Found {
    let newest = case.optional("value").map(|_| -> Result<_, Unreadable> {
        Ok(Newest { sequence: case.number("sequence")?, value: case.array("value")? })
    });
    let newest = newest.transpose()?;
    let (root, index) = (case.array("root")?, case.array("index")?);
    let proof = codec::decode::<MapProof>(case.item());
    let verified = proof.and_then(|proof| proof.verify(&root, &index, newest.as_ref()));
    Ok(verified.map_or_else(word, |()| "ok"))
}

fn key(case: &Case<'_>) -> Found {
    let text = case.text("key")?;
    match text.parse::<VerifierKey>() {
        Ok(key) if key.to_string() != text || key.name() != case.text("name")? => Ok("differs"),
        Ok(key) => case.compare(&[("id", &key.id()), ("public", key.key())]),
        Err(error) => Ok(word(error)),
    }
}

/// The item is a look-up; the head says who asks, whom they believe and what they have seen.
fn lookup(case: &Case<'_>) -> Found {
    let parse = |text: &str| text.parse::<VerifierKey>().map_err(|_| unreadable("key"));
    let witnesses = case.optional("witnesses").unwrap_or_default();
    let witnesses = witnesses.split_whitespace().map(parse).collect::<Result<_, _>>()?;
    let required = usize::try_from(case.number("required")?);
    let required = required.map_err(|_| unreadable("required"))?;
    let policy = match Policy::new(parse(case.text("log")?)?, witnesses, required) {
        Ok(policy) => policy,
        Err(error) => return Ok(word(error)),
    };
    let kept = case.optional("kept").map(|_| -> Result<_, Unreadable> {
        let text = String::from_utf8(case.bytes("kept")?).map_err(|_| unreadable("kept"))?;
        let note = Note::parse(&text).map_err(|_| unreadable("kept"))?;
        Ok(Kept { note, time: case.number("kept_time")? })
    });
    let kept = kept.transpose()?;
    let (index, now) = (case.array("index")?, case.number("now")?);
    let beside = case.optional("beside").map(|_| case.bytes("beside")).transpose()?;
    let beside = beside.unwrap_or_default();
    let (beside, []) = beside.as_chunks() else { return Err(unreadable("beside")) };
    let asked = Question { policy: &policy, index, beside, kept: kept.as_ref(), now };
    match Lookup::decode(case.item()).and_then(|lookup| lookup.verify(&asked)) {
        Ok(found) => case.compare(&[
            ("size", &found.checkpoint().size.to_be_bytes()),
            ("time", &found.time().to_be_bytes()),
            ("newest", &found.newest().as_ref().map(codec::encode).unwrap_or_default()),
            ("found", &found.beside().iter().map(|it| u8::from(it.is_some())).collect::<Vec<_>>()),
        ]),
        Err(error) => Ok(word(error)),
    }
}

/// Items are leaves; after each map leaf come its heads, two zero bytes before them.
fn replay(case: &Case<'_>) -> Found {
    let mut replay = Replay::default();
    let mut items = case.items.iter().peekable();
    while let Some(leaf) = items.next() {
        let heads = items.next_if(|item| item.first() == Some(&0) && item.get(1) != Some(&1));
        let heads = heads.and_then(|item| item.get(2..)).unwrap_or_default();
        if let Err(fault) = replay.take(leaf, heads) {
            return Ok(match fault {
                Fault::Leaf { error, .. } => word(error),
                Fault::Heads { .. } => "wrong_heads",
                Fault::TooManyHeads { .. } => "too_many_heads",
                Fault::Map { .. } => "wrong_map",
                Fault::Rollback { .. } => "rollback",
            });
        }
    }
    if !replay.ends_with_map() {
        return Ok("not_a_map_leaf");
    }
    case.compare(&[("root", &replay.root()), ("map_root", &replay.map().root())])
}

fn value(case: &Case<'_>) -> Found {
    let structure_id = StructureId(case.array("structure")?);
    let value = log::structure_value(case.number("sequence")?, &case.array("head")?);
    case.compare(&[("index", &log::structure_index(structure_id)), ("value", &value)])
}

/// A checkpoint on paper, and the log that must have signed it.
fn carried(case: &Case<'_>) -> Found {
    let log = case.text("log")?.parse::<VerifierKey>().map_err(|_| unreadable("log"))?;
    let carried = Carried::decode(case.item());
    match carried.and_then(|it| Ok((it.verify(&log)?, it))) {
        Ok((note, it)) => {
            let claim = note.claim();
            let time = note.lines().first().map_or(0, reconnect_log::note::Line::time);
            let same = it.encode() == case.item() && Carried::of(&note, &log) == Some(it);
            let found = case.compare(&[
                ("size", &claim.size.to_be_bytes()),
                ("root", &claim.root),
                ("time", &time.to_be_bytes()),
            ]);
            if same { found } else { Ok("differs") }
        }
        Err(error) => Ok(word(error)),
    }
}

/// What a square holds, taken apart and put together again.
fn square(case: &Case<'_>) -> Found {
    let whole = str::from_utf8(case.item()).map_err(|_| unreadable("square"))?;
    let (text, carried) = Carried::split(whole);
    if Carried::beside(text, carried.as_ref()) != whole {
        return Ok("differs");
    }
    let carried = carried.map(|it| it.encode()).unwrap_or_default();
    case.compare(&[("text", text.as_bytes()), ("carried", &carried)])
}

fn word(error: Error) -> &'static str {
    match error {
        Error::Truncated => "truncated",
        Error::TrailingBytes => "trailing",
        Error::UnknownVersion => "unknown_version",
        Error::NotCanonical => "not_canonical",
        Error::NotACheckpoint => "not_a_checkpoint",
        Error::NotAKey => "not_a_key",
        Error::BadPolicy => "bad_policy",
        Error::WrongOrigin => "wrong_origin",
        Error::Unsigned => "unsigned",
        Error::BadSignature => "bad_signature",
        Error::TooFewWitnesses { .. } => "too_few_witnesses",
        Error::Stale => "stale",
        Error::Ahead { .. } => "ahead",
        Error::WentBack => "went_back",
        Error::Forked => "forked",
        Error::Inconsistent => "inconsistent",
        Error::NotIncluded => "not_included",
        Error::NotAMapLeaf => "not_a_map_leaf",
        Error::WrongMap => "wrong_map",
    }
}
