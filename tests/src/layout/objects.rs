//! The shape of each object of PROTOCOL.md that comes from outside.

use super::Shape::{self, All, Bytes, Choice, Holding, List, Maybe, Plain};

const HASH: Shape = Plain(32);
const ID: Shape = Plain(16);
const U8: Shape = Plain(1);
const SUITE: Shape = Plain(2);
const U32: Shape = Plain(4);
const U64: Shape = Plain(8);
/// X-Wing's.
const RECIPIENT: Shape = Plain(1216);

fn list(of: Shape) -> Shape {
    List(Box::new(of))
}

fn maybe(it: Shape) -> Shape {
    Maybe(Box::new(it))
}

fn holding(it: Shape) -> Shape {
    Holding(Box::new(it))
}

/// A body, and its signature.
pub fn signed(body: Shape) -> Shape {
    All(vec![body, Plain(64)])
}

/// A body that a device signed, and what shows whose device it is.
pub fn attested(body: Shape) -> Shape {
    All(vec![holding(signed(body)), device_proof()])
}

/// Public keys of a generation.
pub fn account_keys() -> Shape {
    All(vec![SUITE, U32, HASH, RECIPIENT])
}

/// What shows that a device is somebody's.
pub fn device_proof() -> Shape {
    let generations = list(holding(signed(statement())));
    let keys = All(vec![holding(signed(statement())), generations]);
    All(vec![keys, holding(signed(statement()))])
}

/// What an owner says.
pub fn statement() -> Shape {
    let signer = Choice(1, vec![(1, U32), (2, ID), (3, ID)]);
    All(vec![SUITE, HASH, U64, HASH, U64, ID, signer, HASH, body()])
}

fn body() -> Shape {
    let version = || vec![ID, envelope_ref(), envelope_ref(), maybe(envelope_ref())];
    Choice(
        2,
        vec![
            (1, account_keys()),
            (2, All(vec![ID, HASH, HASH])),
            (3, ID),
            (4, All(vec![ID, U32, access(), HASH])),
            (5, ID),
            (6, All(version())),
            (7, All(vec![ID, envelope_ref()])),
            (8, ID),
            (9, terms()),
            (10, ID),
            (11, All(vec![HASH, U64, HASH])),
            (12, All(vec![])),
            (13, All(vec![ID, terms()])),
            (14, All(vec![ID, HASH, All(version())])),
            (15, ID),
            (16, All(vec![HASH, U64, HASH, HASH])),
            (17, All(vec![account_keys(), list(HASH)])),
            (18, HASH),
            (19, All(vec![U64, HASH, list(ID)])),
        ],
    )
}

fn envelope_ref() -> Shape {
    All(vec![ID, U8, U32, HASH, HASH, U64])
}

fn terms() -> Shape {
    let recipient =
        Choice(1, vec![(1, U32), (2, All(vec![HASH, U64, HASH])), (3, All(vec![HASH, HASH]))]);
    let scope = Choice(1, vec![(1, All(vec![])), (2, list(ID))]);
    All(vec![ID, recipient, scope, U64, HASH, HASH])
}

fn held() -> Shape {
    All(vec![ID, HASH])
}

fn access() -> Shape {
    let with_pin = || All(vec![held(), HASH]);
    Choice(
        1,
        vec![
            (1, All(vec![Bytes, HASH])),
            (2, held()),
            (3, with_pin()),
            (4, All(vec![with_pin(), ID])),
            (5, held()),
            (6, guardians()),
        ],
    )
}

fn guardians() -> Shape {
    let name = Choice(
        1,
        vec![
            (1, All(vec![HASH, U64, HASH])),
            (2, All(vec![HASH, HASH])),
            (3, All(vec![held(), RECIPIENT])),
        ],
    );
    All(vec![held(), U8, U32, U32, HASH, list(All(vec![U8, name, HASH]))])
}

/// A statement without what it says and when.
pub fn statement_head() -> Shape {
    let signer = Choice(1, vec![(1, U32), (2, ID), (3, ID)]);
    All(vec![SUITE, HASH, U64, signer, HASH, HASH])
}

/// A root under a lock.
pub fn root_wrap() -> Shape {
    All(vec![All(vec![SUITE, HASH, ID, U8, U32]), HASH, Plain(48)])
}

/// A use of what is held.
pub fn held_use() -> Shape {
    All(vec![SUITE, ID, HASH, U64, Bytes])
}

/// The opening of a session.
pub fn session() -> Shape {
    All(vec![SUITE, HASH, ID, HASH, U64])
}

/// The header of an envelope.
pub fn header() -> Shape {
    All(vec![SUITE, U8, HASH, ID, U32, HASH, U32, U64])
}

/// A receipt.
pub fn receipt() -> Shape {
    let subject = Choice(1, vec![(1, All(vec![])), (2, All(vec![ID, U32])), (3, U64)]);
    All(vec![SUITE, ID, HASH, HASH, U32, HASH, ID, subject, U64, ID])
}

/// A deposit.
pub fn deposit() -> Shape {
    let by = [U32, HASH, ID, U64];
    let to = [SUITE, HASH, HASH, HASH, U64, ID, envelope_ref(), HASH];
    All(to.into_iter().chain(by).collect())
}

/// What a structure says.
pub fn structure_statement() -> Shape {
    let founding = All(vec![SUITE, Bytes, Bytes, HASH, RECIPIENT, HASH, HASH]);
    let roster = || All(vec![U32, U64, HASH, U32, HASH, HASH]);
    let epoch = All(vec![U64, RECIPIENT, roster(), list(U32)]);
    let agreed = || maybe(attested(motion()));
    let said = Choice(
        2,
        vec![
            (1, founding),
            (2, epoch),
            (3, All(vec![roster(), maybe(HASH)])),
            (4, HASH),
            (5, All(vec![HASH, U64, agreed()])),
            (6, All(vec![HASH, RECIPIENT])),
            (7, agreed()),
            (8, All(vec![HASH, U64, HASH])),
            (9, HASH),
        ],
    );
    All(vec![SUITE, HASH, U64, HASH, U64, said])
}

/// What one manager asks another to carry out.
pub fn motion() -> Shape {
    All(vec![SUITE, HASH, U64, U64, Choice(1, vec![(1, HASH), (2, All(vec![]))])])
}

/// A link of a structure's chain.
pub fn link() -> Shape {
    Choice(
        1,
        vec![
            (1, holding(signed(structure_statement()))),
            (2, attested(structure_statement())),
            (3, All(vec![attested(structure_statement()), attested(certificate())])),
        ],
    )
}

/// A worker's certificate.
pub fn certificate() -> Shape {
    All(vec![SUITE, HASH, U64, U32, HASH, U8, U64])
}

/// The operator's acceptance.
pub fn acceptance() -> Shape {
    All(vec![SUITE, HASH, U64])
}

/// An invitation.
pub fn invitation() -> Shape {
    All(vec![SUITE, HASH, ID, U8, U64])
}

/// A newcomer's answer.
pub fn join() -> Shape {
    All(vec![All(vec![SUITE, HASH, ID, HASH, ID, Bytes, Bytes]), HASH])
}

/// A request for a leaf.
pub fn leaf_request() -> Shape {
    All(vec![SUITE, HASH, HASH, ID, U64, U64, Bytes])
}

fn member_says() -> Shape {
    All(vec![HASH, U64, U32, HASH, ID, U64])
}

/// What a member wrapped again.
pub fn rewrap() -> Shape {
    All(vec![SUITE, member_says(), HASH, list(All(vec![ID, HASH, U64, HASH]))])
}

/// Whether that opens.
pub fn rewrap_check() -> Shape {
    All(vec![SUITE, member_says(), list(All(vec![ID, HASH, U8]))])
}

/// What a computer offers that asks to be let in.
pub fn link_offer() -> Shape {
    All(vec![SUITE, U8, RECIPIENT, HASH, HASH])
}

/// What somebody offers who comes back.
pub fn return_offer() -> Shape {
    All(vec![SUITE, RECIPIENT, HASH, ID])
}

/// That somebody comes back.
pub fn comeback() -> Shape {
    All(vec![SUITE, HASH, ID, U32, U8, HASH, U64])
}

/// That a guardian vouches for them.
pub fn vouch() -> Shape {
    All(vec![SUITE, HASH, U8, U8, HASH, U64])
}

/// The same two, by a person or in a structure's name.
pub fn by_guardian(said: fn() -> Shape) -> Shape {
    let structure = All(vec![attested(said()), attested(certificate())]);
    Choice(1, vec![(1, attested(said())), (2, structure)])
}

/// A leaf of the log.
pub fn log_leaf() -> Shape {
    let leaf = Choice(1, vec![(1, All(vec![HASH, newest()])), (2, All(vec![HASH, HASH, U32]))]);
    All(vec![SUITE, leaf])
}

fn newest() -> Shape {
    All(vec![U64, HASH])
}

fn log_head() -> Shape {
    All(vec![HASH, newest()])
}

/// A checkpoint as a square carries it.
pub fn carried() -> Shape {
    All(vec![SUITE, U64, HASH, U64, Plain(64)])
}

/// A look-up in the log.
pub fn lookup() -> Shape {
    let found = || All(vec![list(HASH), maybe(log_head())]);
    All(vec![
        Bytes,
        list(HASH),
        holding(log_leaf()),
        list(HASH),
        found(),
        maybe(newest()),
        list(All(vec![found(), maybe(newest())])),
    ])
}
