//! Everything that is read from outside, and how it is read.

use reconnect_format::{
    Signable, Unverified,
    account::AccountKeys,
    decode,
    deposit::Deposit,
    encode,
    envelope::EnvelopeHeader,
    guardian::{ByGuardian, Return, ReturnOffer, Vouch},
    link::LinkOffer,
    lock::{HeldUse, RootWrap, SessionOpening},
    receipt::Receipt,
    rewrap::{GrantList, Rewrap, RewrapCheck, verify_list},
    statement::{Attested, DeviceProof, Statement, StatementHead},
    structure::{
        Acceptance, AuthenticatedJoin, Certificate, Invitation, LeafRequest, Link, Motion,
        StructureStatement,
    },
};
use reconnect_log::{Carried, Leaf, Lookup, Note, leaf, tile};
use reconnect_tests::layout::{Node, Shape, objects};
use tls_codec::{DeserializeBytes, Serialize, Size};

/// What was read, to be written again when it was looked at what reading took.
pub(crate) type Written = Box<dyn FnOnce() -> Vec<u8>>;

/// One kind of thing that comes from outside.
pub(crate) struct Decoder {
    pub(crate) name: &'static str,
    /// Its layout; none of a text.
    pub(crate) shape: Option<fn() -> Shape>,
    /// The most bytes that it can have where it comes in.
    pub(crate) most: usize,
    /// Reads it: what it is written as again, or nothing where it is refused.
    pub(crate) read: fn(&[u8]) -> Option<Written>,
}

impl Decoder {
    /// A value as a tree.
    pub(crate) fn tree(&self, bytes: &[u8]) -> Option<Node> {
        match self.shape {
            Some(shape) => Node::read(&shape(), bytes),
            None => Some(Node::lines(bytes)),
        }
    }
}

/// In JSON of an open route, of a caller, and of a whole safe: three quarters of what such a body may have.
const OPEN: usize = 48 << 10;
const CALLER: usize = 6 << 20;
/// What a client takes from a server in one answer.
const ANSWER: usize = 8 << 20;

fn of(
    name: &'static str,
    shape: fn() -> Shape,
    most: usize,
    read: fn(&[u8]) -> Option<Written>,
) -> Decoder {
    Decoder { name, shape: Some(shape), most, read }
}

fn text(name: &'static str, most: usize, read: fn(&[u8]) -> Option<Written>) -> Decoder {
    Decoder { name, shape: None, most, read }
}

/// All of them.
pub(crate) fn all() -> Vec<Decoder> {
    use objects as o;
    vec![
        of("statement", || o::signed(o::statement()), CALLER, signed::<Statement>),
        of("statement-head", || o::signed(o::statement_head()), CALLER, signed::<StatementHead>),
        of("account-keys", o::account_keys, CALLER, plain::<AccountKeys>),
        of("device-proof", o::device_proof, CALLER, device_proof),
        of("session", || o::signed(o::session()), OPEN, signed::<SessionOpening>),
        of("held-use", || o::signed(o::held_use()), OPEN, signed::<HeldUse>),
        of("root-wrap", o::root_wrap, CALLER, plain::<RootWrap>),
        of("header", o::header, CALLER, header),
        of("receipt", || o::attested(o::receipt()), CALLER, attested::<Receipt>),
        of("deposit", || o::attested(o::deposit()), CALLER, attested::<Deposit>),
        of("certificate", || o::attested(o::certificate()), CALLER, attested::<Certificate>),
        of("invitation", || o::attested(o::invitation()), CALLER, attested::<Invitation>),
        of("leaf-request", || o::attested(o::leaf_request()), CALLER, attested::<LeafRequest>),
        of("motion", || o::attested(o::motion()), CALLER, attested::<Motion>),
        of(
            "structure-statement",
            || o::attested(o::structure_statement()),
            CALLER,
            attested::<StructureStatement>,
        ),
        of("structure-link", o::link, CALLER, link),
        of("acceptance", || o::signed(o::acceptance()), CALLER, signed::<Acceptance>),
        of("join", o::join, CALLER, plain::<AuthenticatedJoin>),
        of("rewrap", || o::attested(o::rewrap()), CALLER, grant_list::<Rewrap>),
        of("rewrap-check", || o::attested(o::rewrap_check()), CALLER, grant_list::<RewrapCheck>),
        of("link-offer", o::link_offer, OPEN, plain::<LinkOffer>),
        of("return-offer", o::return_offer, OPEN, plain::<ReturnOffer>),
        of("return", || o::by_guardian(o::comeback), CALLER, by_guardian::<Return>),
        of("vouch", || o::by_guardian(o::vouch), CALLER, by_guardian::<Vouch>),
        of("log-leaf", o::log_leaf, ANSWER, |it| {
            let read = Leaf::decode(it).ok()?;
            Some(Box::new(move || read.encode()))
        }),
        of("log-lookup", o::lookup, ANSWER, |it| {
            let read = Lookup::decode(it).ok()?;
            Some(Box::new(move || read.encode()))
        }),
        text("log-heads", ANSWER, |it| {
            let read = leaf::decode_heads(it).ok()?;
            Some(Box::new(move || leaf::encode_heads(&read)))
        }),
        of("log-carried", o::carried, OPEN, |it| {
            let read = Carried::decode(it).ok()?;
            Some(Box::new(move || read.encode()))
        }),
        text("log-note", OPEN, |it| {
            let read = Note::parse(str::from_utf8(it).ok()?).ok()?;
            Some(Box::new(move || read.to_string().into_bytes()))
        }),
        text("log-tile", OPEN, |it| {
            let read: tile::TilePath = str::from_utf8(it).ok()?.parse().ok()?;
            Some(Box::new(move || read.to_string().into_bytes()))
        }),
        text("log-entries", ANSWER, |it| {
            let read: Vec<_> =
                tile::decode_entries(it).ok()?.into_iter().map(<[u8]>::to_vec).collect();
            Some(Box::new(move || tile::encode_entries(read.iter().map(Vec::as_slice))))
        }),
    ]
}

fn plain<T>(bytes: &[u8]) -> Option<Written>
where
    T: DeserializeBytes + Serialize + Size + 'static,
{
    let read = decode::<T>(bytes).ok()?;
    Some(Box::new(move || encode(&read)))
}

fn signed<T: Signable + 'static>(bytes: &[u8]) -> Option<Written> {
    let read = Unverified::<T>::decode(bytes).ok()?;
    // What is not verified has no encoding of its own: its signature is what it ends with.
    let signature = bytes.get(bytes.len().checked_sub(64)?..)?.to_vec();
    Some(Box::new(move || {
        read.hash();
        [encode(read.claim()), signature].concat()
    }))
}

fn device_proof(bytes: &[u8]) -> Option<Written> {
    let proof = decode::<DeviceProof>(bytes).ok()?;
    let _ = proof.verify();
    Some(Box::new(move || encode(&proof)))
}

fn attested<T: Signable>(bytes: &[u8]) -> Option<Written> {
    let read = decode::<Attested>(bytes).ok()?;
    let _ = read.verify::<T>();
    Some(Box::new(move || read.encode()))
}

fn grant_list<T: GrantList>(bytes: &[u8]) -> Option<Written> {
    let _ = verify_list::<T>(bytes);
    attested::<T>(bytes)
}

fn by_guardian<T: Signable>(bytes: &[u8]) -> Option<Written> {
    let _ = ByGuardian::open::<T>(bytes);
    plain::<ByGuardian>(bytes)
}

fn link(bytes: &[u8]) -> Option<Written> {
    let _ = Link::claim(bytes);
    plain::<Link>(bytes)
}

fn header(bytes: &[u8]) -> Option<Written> {
    let header = EnvelopeHeader::decode(bytes).ok()?;
    // What its numbers come to, which a server reckons with before it has anything else.
    let _ = (header.sealed_bytes(), header.part_count(), header.part_bytes(u32::MAX));
    Some(Box::new(move || encode(&header)))
}
