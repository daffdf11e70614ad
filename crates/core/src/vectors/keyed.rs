//! What only a key-holder can judge: derivations, wraps, envelopes. What seals is sealed again from
//! the same randomness and must give the same bytes.

use generic_array::GenericArray;
use opaque_ke::ksf::Ksf;
use reconnect_format::{
    PublicKey, Unverified,
    account::AccountKeys,
    decode,
    deposit::Deposit,
    encode,
    envelope::{EnvelopeHeader, EnvelopeRef, HEADER_BYTES, PREFIX_BYTES},
    grant::{GrantTerms, WrapBinding},
    id::{AccountId, Base64, DeviceId, DocumentId},
    link::LinkOffer,
    lock::RootWrap,
    log::{account_index, generation_mark, mark_value},
    statement::Statement,
    tree,
};
use sha2::{Digest, Sha256};

use super::{Case, Found, Unreadable, unreadable};
use crate::{
    deposit::open_deposit,
    document::{
        SealedEnvelope, open_card, open_content, open_thumbnail, seal_card, seal_content,
        seal_thumbnail,
    },
    error::{Damaged, Error},
    grant::{
        open_as_owner, open_as_recipient, open_face, seal_for_owner, unwrap_document, wrap_document,
    },
    held::{HeldKind, HeldSecret, Pin},
    key::{AccountSecrets, DeviceSecrets, RecipientKey, wrap_to},
    link::LinkSecret,
    lock::{ExportKey, Login, Password, Registration, Stretch, unwrap_root, wrap_root},
    place::{LogPlace, MarkOf},
    secret::{DeviceSeed, DocumentKey, EpochSeed, GrantKey, LockSecret, Root, VaultKey},
    words::SixWords,
};

pub(super) fn judge(object: &str, case: &Case<'_>) -> Result<Option<&'static str>, Unreadable> {
    let found = match object {
        "account" => account(case),
        "device" => device(case),
        "earlier-roots" => earlier_roots(case),
        "recipient-key" => recipient_key(case),
        "lock" => lock(case),
        "stretch" => stretch(case),
        "held" => held(case),
        "mark" => mark(case),
        "registration" => registration(case),
        "login" => login(case),
        "content" | "card" | "thumbnail" => small(object, case),
        "content-by-rule" => by_rule(case),
        "hpke" => hpke(case),
        "grant" => grant(case),
        "deposit" => deposit(case),
        "link" => link(case),
        "grant-face" => grant_face(case),
        "owner-wrap" => owner_wrap(case),
        "log-place" => log_place(case),
        "log-mark" => log_mark(case),
        "document-wrap" => document_wrap(case),
        _ => return Ok(None),
    };
    found.map(Some)
}

fn account(case: &Case<'_>) -> Found {
    let generation = u32::try_from(case.number("generation")?);
    let generation = generation.map_err(|_| unreadable("generation"))?;
    let secrets = AccountSecrets::derive(Root::from_bytes(case.array("root")?), generation);
    let keys = secrets.public();
    case.compare(&[
        ("keys", &encode(&keys)),
        ("account", keys.account_id().as_bytes()),
        ("vault_key", secrets.vault.expose()),
    ])
}

fn device(case: &Case<'_>) -> Found {
    let secrets = DeviceSecrets::derive(DeviceSeed::from_bytes(case.array("seed")?));
    case.compare(&[("signing", &secrets.signing.public().0), ("leaf", &secrets.leaf.public().0)])
}

fn recipient_key(case: &Case<'_>) -> Found {
    let key = RecipientKey::of_epoch(&EpochSeed::from_bytes(case.array("seed")?));
    case.compare(&[("public", &key.public().0), ("key_id", &key.public().id())])
}

fn lock(case: &Case<'_>) -> Found {
    let secret = LockSecret::from_bytes(case.array("secret")?);
    let opened = decode::<RootWrap>(case.item())
        .map_err(|_| Damaged)
        .and_then(|wrap| unwrap_root(&secret, &wrap).map(|root| (wrap, root)));
    let Ok((wrap, root)) = opened else { return Ok("damaged") };
    let mut given = case.given("randomness")?;
    if wrap_root(&secret, wrap.binding.clone(), &root, &mut given) != wrap {
        return Ok("differs");
    }
    case.compare(&[("root", root.expose()), ("hash", &wrap.hash())])
}

fn stretch(case: &Case<'_>) -> Found {
    let input = GenericArray::from(case.array::<64>("input")?);
    let output = Stretch.hash(input).map_err(|_| unreadable("input"))?;
    case.compare(&[("output", &output)])
}

/// The first item is the server's answer.
fn registration(case: &Case<'_>) -> Found {
    let known = Known::read(case)?;
    let mut given = case.given("randomness")?;
    let begun = Registration::start(known.password(), &mut given);
    let (registration, request) = begun.map_err(|_| unreadable("randomness"))?;
    match registration.finish(case.item(), &mut given) {
        Ok((record, export)) => case.compare(&[
            ("request", &request),
            ("record", &record),
            ("lock_secret", known.lock_secret(&export).expose()),
        ]),
        Err(error) => Ok(word(&error)),
    }
}

/// The first item is the server's answer.
fn login(case: &Case<'_>) -> Found {
    let known = Known::read(case)?;
    let mut given = case.given("randomness")?;
    let (login, request) =
        Login::start(known.password(), &mut given).map_err(|_| unreadable("randomness"))?;
    match login.finish(case.item(), &mut given) {
        Ok(Some((finalization, export))) => case.compare(&[
            ("request", &request),
            ("finalization", &finalization),
            ("lock_secret", known.lock_secret(&export).expose()),
        ]),
        Ok(None) => Ok("wrong_words_or_handle"),
        Err(error) => Ok(word(&error)),
    }
}

/// What goes through the PAKE: six words, or a PIN beside what is held.
enum Known {
    Words(SixWords),
    Pin(Pin, HeldSecret),
}

impl Known {
    fn read(case: &Case<'_>) -> Result<Self, Unreadable> {
        let Some(pin) = case.optional("pin") else {
            let words = SixWords::parse(case.text("words")?);
            return words.map(Self::Words).map_err(|_| unreadable("words"));
        };
        let pin = Pin::parse(pin).map_err(|_| unreadable("pin"))?;
        Ok(Self::Pin(pin, held_secret(case)?))
    }

    fn password(&self) -> Password {
        match self {
            Self::Words(words) => words.password(),
            Self::Pin(pin, held) => pin.password(held),
        }
    }

    fn lock_secret(&self, export: &ExportKey) -> LockSecret {
        match self {
            Self::Words(_) => export.words_secret(),
            Self::Pin(_, held) => export.pin_secret(held),
        }
    }
}

fn held_secret(case: &Case<'_>) -> Result<HeldSecret, Unreadable> {
    let kind = match case.text("kind")? {
        "sheet" => HeldKind::Sheet,
        "card" => HeldKind::Card,
        "device" => HeldKind::Device,
        "passkey" => HeldKind::Passkey,
        "guardians" => HeldKind::Guardians,
        "return-card" => HeldKind::ReturnCard,
        "guardian-paper" => HeldKind::GuardianPaper,
        _ => return Err(unreadable("kind")),
    };
    Ok(HeldSecret::new(kind, &case.bytes("held")?))
}

fn held(case: &Case<'_>) -> Found {
    let held = held_secret(case)?;
    case.compare(&[
        ("held_id", held.held_id().as_bytes()),
        ("signing", &held.signing().public().0),
        ("secret", held.secret().expose()),
    ])
}

fn mark(case: &Case<'_>) -> Found {
    let vault = VaultKey::from_bytes(case.array("vault_key")?);
    let mark = crate::held::mark(&vault, &case.bytes("id")?);
    Ok(if u64::from(mark) == case.number("mark")? { "ok" } else { "differs" })
}

fn word(error: &Error) -> &'static str {
    if *error == Error::Unreadable { "unreadable" } else { error.code() }
}

/// What every envelope needs to be opened.
struct Opening {
    key: DocumentKey,
    owner: AccountId,
    document: DocumentId,
}

impl Opening {
    fn read(case: &Case<'_>) -> Result<Self, Unreadable> {
        Ok(Self {
            key: DocumentKey::from_bytes(case.array("key")?),
            owner: AccountId(case.array("owner")?),
            document: DocumentId(case.array("document")?),
        })
    }
}

/// An envelope that is whole in the file.
fn small(object: &str, case: &Case<'_>) -> Found {
    let it = Opening::read(case)?;
    let bytes = case.item();
    let named = match case.optional("named") {
        Some(_) => decode(&case.bytes("named")?).map_err(|_| unreadable("named"))?,
        // What a liar who may sign would name: only what is inside can refuse it.
        None => name_as_is(bytes).ok_or_else(|| unreadable("prefix"))?,
    };
    let mut given = case.given("randomness")?;
    let version = named.version;
    let (plain, again) = match object {
        "card" => match open_card(&it.key, bytes, &named, it.owner, it.document) {
            Ok(card) => {
                let again = seal_card(&card, it.owner, it.document, version, &mut given);
                (encode(&card), again.ok())
            }
            Err(Damaged) => return Ok("damaged"),
        },
        "thumbnail" => match open_thumbnail(&it.key, bytes, &named, it.owner, it.document) {
            Ok(jpeg) => {
                let again = seal_thumbnail(&jpeg, it.owner, it.document, version, &mut given);
                (jpeg.to_vec(), again.ok())
            }
            Err(Damaged) => return Ok("damaged"),
        },
        _ => {
            let true_bytes = case.number("true_bytes")?;
            match open_content(&it.key, bytes, &named, it.owner, it.document, true_bytes) {
                Ok(plain) => {
                    let again = seal_content(&plain, it.owner, it.document, version, &mut given);
                    (plain.to_vec(), Some(again))
                }
                Err(Damaged) => return Ok("damaged"),
            }
        }
    };
    if again.is_none_or(|again| again.bytes != bytes || again.named != named) {
        return Ok("differs");
    }
    case.compare(&[("plain", &plain), ("plain_hash", &Sha256::digest(&plain))])
}

/// Content of which byte `i` is `i mod 251`, sealed here, then perhaps damaged, then opened.
fn by_rule(case: &Case<'_>) -> Found {
    let it = Opening::read(case)?;
    let length = case.number("true_bytes")?;
    let version = u32::try_from(case.number("version")?).map_err(|_| unreadable("version"))?;
    let plain: Vec<u8> = (0..=250).cycle().zip(0..length).map(|(byte, _)| byte).collect();
    let mut given = case.given("randomness")?;
    let SealedEnvelope { mut bytes, mut named, .. } =
        seal_content(&plain, it.owner, it.document, version, &mut given);
    let made = case.compare(&[
        ("prefix", bytes.get(..PREFIX_BYTES).unwrap_or_default()),
        ("named", &encode(&named)),
        ("envelope_hash", &Sha256::digest(&bytes)),
    ])?;
    if made != "ok" {
        return Ok(made);
    }
    if let Some(damage) = case.optional("damage") {
        bytes = apply(damage, &bytes).ok_or_else(|| unreadable("damage"))?;
    }
    if case.text("named_as")? == "damaged" {
        named = name_as_is(&bytes).ok_or_else(|| unreadable("prefix"))?;
    }
    match open_content(&it.key, &bytes, &named, it.owner, it.document, length) {
        Ok(opened) if *opened == plain => Ok("ok"),
        Ok(_) => Ok("differs"),
        Err(Damaged) => Ok("damaged"),
    }
}

/// How a statement would name these bytes, right or wrong.
fn name_as_is(bytes: &[u8]) -> Option<EnvelopeRef> {
    let (prefix, chunks) = bytes.split_at_checked(PREFIX_BYTES)?;
    let header = EnvelopeHeader::decode(prefix.get(..HEADER_BYTES)?).ok()?;
    let leaves: Vec<_> = std::iter::once(prefix)
        .chain(chunks.chunks(SEALED_CHUNK_BYTES))
        .map(tree::leaf_hash)
        .collect();
    Some(EnvelopeRef {
        envelope_id: reconnect_format::id::EnvelopeId([0; 16]),
        kind: header.kind,
        version: header.version,
        header_hash: header.hash(),
        tree_root: tree::root(&leaves),
        sealed_bytes: bytes.len() as u64,
    })
}

const SEALED_CHUNK_BYTES: usize = 256 * 1024 + 16;

/// `order 1 0 2` puts the chunks in another order, `flip 500` flips a bit, `cut 3` shortens.
fn apply(damage: &str, bytes: &[u8]) -> Option<Vec<u8>> {
    let mut words = damage.split(' ');
    let verb = words.next()?;
    let numbers: Vec<usize> = words.map(str::parse).collect::<Result<_, _>>().ok()?;
    let (prefix, chunks) = bytes.split_at_checked(PREFIX_BYTES)?;
    let chunks: Vec<&[u8]> = chunks.chunks(SEALED_CHUNK_BYTES).collect();
    match (verb, numbers.as_slice()) {
        ("order", order) => {
            let mut damaged = prefix.to_vec();
            for index in order {
                damaged.extend_from_slice(chunks.get(*index)?);
            }
            Some(damaged)
        }
        ("flip", [place]) => {
            let mut damaged = bytes.to_vec();
            *damaged.get_mut(*place)? ^= 1;
            Some(damaged)
        }
        ("cut", [count]) => bytes.get(..bytes.len().checked_sub(*count)?).map(<[u8]>::to_vec),
        _ => None,
    }
}

/// HPKE as version 1 configures it.
fn hpke(case: &Case<'_>) -> Found {
    let key = RecipientKey::of_epoch(&EpochSeed::from_bytes(case.array("seed")?));
    let info = case.bytes("info")?;
    let Ok(plain) = key.unwrap(&info, case.item()) else { return Ok("damaged") };
    let again = wrap_to(key.public(), &info, &[&plain], &mut case.given("randomness")?);
    if again.ok().as_deref() != Some(case.item()) {
        return Ok("differs");
    }
    case.compare(&[("plain", &plain)])
}

fn terms(case: &Case<'_>) -> Result<(GrantTerms, [u8; 32]), Unreadable> {
    let bytes = case.bytes("statement")?;
    let claim = Unverified::<Statement>::decode(&bytes).map_err(|_| unreadable("statement"))?;
    let hash = claim.hash();
    let terms = claim.claim().body.grant_terms().ok_or_else(|| unreadable("statement"))?;
    Ok((terms.clone(), hash))
}

/// The statement is believed here: its own vectors show that it would not be otherwise.
fn grant(case: &Case<'_>) -> Found {
    let (terms, hash) = terms(case)?;
    let key = RecipientKey::of_epoch(&EpochSeed::from_bytes(case.array("seed")?));
    match open_as_recipient(case.item(), hash, &terms, &key) {
        Ok(secret) => case.compare(&[
            ("grant_key", secret.key().expose()),
            ("place", secret.place().encode().as_slice()),
            ("signed_as", secret.face().signed_as().as_bytes()),
            ("purpose", secret.face().purpose().as_bytes()),
        ]),
        Err(Damaged) => Ok("damaged"),
    }
}

/// The signature is believed here: `deposit-signed` shows that it would not be otherwise.
fn deposit(case: &Case<'_>) -> Found {
    let signing = PublicKey(case.array("signing")?);
    let deposit = Unverified::<Deposit>::decode(&case.bytes("deposit")?)
        .and_then(|deposit| deposit.verify(&signing))
        .map_err(|_| unreadable("deposit"))?;
    let key = RecipientKey::of_epoch(&EpochSeed::from_bytes(case.array("seed")?));
    match open_deposit(case.item(), &deposit, &key) {
        Ok(secret) => case.compare(&[
            ("document_key", secret.key().expose()),
            ("name", secret.name().as_bytes()),
            ("message", secret.message().as_bytes()),
        ]),
        Err(Damaged) => Ok("damaged"),
    }
}

fn link(case: &Case<'_>) -> Found {
    let offer: LinkOffer = decode(&case.bytes("offer")?).map_err(|_| unreadable("offer"))?;
    let key = RecipientKey::of_epoch(&EpochSeed::from_bytes(case.array("seed")?));
    let Ok(secret) = LinkSecret::open(case.item(), &offer, &key) else { return Ok("damaged") };
    let ((account, device), (root, generation)) = (secret.named(), secret.root());
    case.compare(&[
        ("account", account.as_bytes()),
        ("device", device.as_bytes()),
        ("generation", &generation.to_be_bytes()),
        ("root", root.expose()),
        ("picture", &[secret.picture()]),
    ])
}

fn grant_face(case: &Case<'_>) -> Found {
    let (terms, hash) = terms(case)?;
    let key = RecipientKey::of_epoch(&EpochSeed::from_bytes(case.array("seed")?));
    let Ok(face) = open_face(case.item(), hash, &terms, &key) else { return Ok("damaged") };
    case.compare(&[
        ("signed_as", face.signed_as().as_bytes()),
        ("purpose", face.purpose().as_bytes()),
    ])
}

fn owner_wrap(case: &Case<'_>) -> Found {
    let vault = VaultKey::from_bytes(case.array("vault_key")?);
    let (terms, _) = terms(case)?;
    let place = LogPlace::decode(&case.bytes("place")?).map_err(|_| unreadable("place"))?;
    let Ok(secret) = open_as_owner(case.item(), &terms, &vault, &place) else {
        return Ok("damaged");
    };
    if seal_for_owner(&secret, terms.grant_id, &vault) != case.item() {
        return Ok("differs");
    }
    let key = secret.key();
    case.compare(&[
        ("grant_key", key.expose()),
        ("commitment", &secret.commitment(terms.grant_id)),
        ("signed_as", secret.face().signed_as().as_bytes()),
        ("purpose", secret.face().purpose().as_bytes()),
    ])
}

fn document_wrap(case: &Case<'_>) -> Found {
    let grant_key = GrantKey::from_bytes(case.array("grant_key")?);
    let binding: WrapBinding =
        decode(&case.bytes("binding")?).map_err(|_| unreadable("binding"))?;
    let Ok(key) = unwrap_document(case.item(), &grant_key, &binding) else { return Ok("damaged") };
    if wrap_document(&key, &grant_key, &binding) != case.item() {
        return Ok("differs");
    }
    case.compare(&[("document_key", key.expose())])
}

/// The first item is sealed; the others are the keys that a chain names.
fn earlier_roots(case: &Case<'_>) -> Found {
    let account = AccountId(case.array("account")?);
    let keys = case.items.iter().skip(1).map(|item| decode::<AccountKeys>(item));
    let keys: Vec<_> = keys.collect::<Result<_, _>>().map_err(|_| unreadable("keys"))?;
    let named: Vec<_> = keys.iter().collect();
    let generation = named.last().map_or(1, |keys| keys.generation);
    let newest = AccountSecrets::derive(Root::from_bytes(case.array("root")?), generation);
    let sealed = Base64(case.item().to_vec());
    let earlier = match newest.open_earlier(account, &sealed, &named) {
        Ok(earlier) => earlier,
        Err(error) => return Ok(error.code()),
    };
    if newest.seal_earlier(account, &earlier, &mut case.given("salt")?) != case.item() {
        return Ok("differs");
    }
    let roots: Vec<u8> = earlier.iter().flat_map(|it| *it.root.expose()).collect();
    case.compare(&[("roots", &roots)])
}

fn log_mark(case: &Case<'_>) -> Found {
    let plain = [[0, 1].as_slice(), &[0; 32], &case.bytes("opening")?].concat();
    let place = LogPlace::decode(&plain).map_err(|_| unreadable("opening"))?;
    let account = AccountId(case.array("account")?);
    let (mark, (index, value)) = if let Some(number) = case.optional("generation") {
        let number: u32 = number.parse().map_err(|_| unreadable("generation"))?;
        let mark = place.mark(MarkOf::Generation(number));
        (mark, generation_mark(account, (&mark, number), &PublicKey(case.array("next")?)))
    } else {
        let mark = place.mark(MarkOf::Device(DeviceId(case.array("device")?)));
        (mark, (account_index(account, &mark), mark_value(&mark)))
    };
    case.compare(&[("mark", &mark), ("index", &index), ("value", &value)])
}

fn log_place(case: &Case<'_>) -> Found {
    let vault = VaultKey::from_bytes(case.array("vault_key")?);
    let account = AccountId(case.array("account")?);
    let Ok(place) = LogPlace::open(&vault, account, case.item()) else {
        return Ok(Error::from(Damaged).code());
    };
    let sealed = place.seal(&vault, account, &mut case.given("salt")?);
    let value = place.value(case.number("sequence")?, &case.array("head")?);
    if sealed != case.item() {
        return Ok("differs");
    }
    case.compare(&[("index", &place.index()), ("value", &value)])
}
