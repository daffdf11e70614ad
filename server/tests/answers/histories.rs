//! The whole server against a small model: random histories of two owners and a worker, each answer compared with what
//! must be so, and everything that is stored at the end.

use std::{cell::RefCell, io::Write as _};

use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, TestRunner},
};
use reconnect_format::{
    api::{Received, Submission, Sync, Written},
    id::{Base64, DocumentId, GrantId},
    receipt::Subject,
    statement::Body,
};

use crate::{
    given::given,
    safe::blobs,
    stage::{Person, Server, Team, log_value, random, server},
};

/// Histories; `RECONNECT_HISTORIES` asks for more.
const HISTORIES: u32 = 500;
/// At one time: each waits for its server's disk.
const LANES: u32 = 4;
/// Histories that one server lives through.
const PER_SERVER: u32 = 50;
/// Places for papers of one owner.
const SLOTS: usize = 3;
/// A session's life.
const SESSION_SECONDS: u64 = 12 * 3600;

/// What somebody does. Owners, slots and grants are named by numbers that are taken modulo how many there are.
#[derive(Clone, Debug)]
enum Op {
    Put(usize, usize, u64),
    Rename(usize, usize),
    Remove(usize, usize),
    Give(usize, usize),
    TakeBack(usize, usize),
    Read(usize, usize),
    Pry(usize, usize),
    Repeat(usize),
    SignOut(usize),
    Hours(u64),
    Sweep,
    Restart,
}

fn op() -> impl Strategy<Value = Op> {
    let (who, slot) = (0..2_usize, 0..SLOTS);
    prop_oneof![
        4 => (who.clone(), slot.clone(), 1..60_000_u64).prop_map(|(o, s, z)| Op::Put(o, s, z)),
        2 => (who.clone(), slot.clone()).prop_map(|(o, s)| Op::Rename(o, s)),
        2 => (who.clone(), slot.clone()).prop_map(|(o, s)| Op::Remove(o, s)),
        4 => (who.clone(), slot).prop_map(|(o, s)| Op::Give(o, s)),
        2 => (who.clone(), any::<usize>()).prop_map(|(o, k)| Op::TakeBack(o, k)),
        4 => (who.clone(), any::<usize>()).prop_map(|(o, k)| Op::Read(o, k)),
        2 => (who.clone(), any::<usize>()).prop_map(|(o, k)| Op::Pry(o, k)),
        2 => who.clone().prop_map(Op::Repeat),
        1 => who.prop_map(Op::SignOut),
        1 => (1..4_u64).prop_map(Op::Hours),
        1 => Just(Op::Sweep),
        1 => Just(Op::Restart),
    ]
}

/// A paper as it must be.
struct Paper {
    document_id: DocumentId,
    content: Vec<u8>,
    version: u32,
}

/// Something that was given.
struct Gift {
    grant_id: GrantId,
    document_id: DocumentId,
    lives: bool,
}

/// An owner, and what must be so of their safe.
struct Owner {
    person: Person,
    papers: [Option<Paper>; SLOTS],
    gifts: Vec<Gift>,
    /// When the session ends; none when it has.
    until: Option<u64>,
    ended: Vec<[u8; 32]>,
}

/// A server, and a structure on it.
struct World {
    server: Option<Server>,
    team: Team,
    worker: Person,
    worker_until: u64,
}

impl World {
    async fn new() -> Self {
        let server = server().await;
        let (mut owner, _, _, worker, team) = given(&server).await;
        let closed = owner.submit(&server, Body::Close, Submission::default()).await;
        assert_eq!(closed.status, 200);
        let worker_until = server.app.clock().now() + SESSION_SECONDS;
        Self { server: Some(server), team, worker, worker_until }
    }

    fn server(&self) -> &Server {
        self.server.as_ref().expect("it runs")
    }

    fn now(&self) -> u64 {
        self.server().app.clock().now()
    }

    async fn arrive(&self) -> Owner {
        let person = Person::arrive(self.server()).await;
        let until = Some(self.now() + SESSION_SECONDS);
        Owner { person, papers: [None, None, None], gifts: Vec::new(), until, ended: Vec::new() }
    }

    /// The worker has a session.
    async fn worker_comes(&mut self) {
        if self.now() >= self.worker_until {
            let Self { server, worker, .. } = self;
            let server = server.as_ref().expect("it runs");
            let status = worker.open_session(server, None).await.status;
            assert_eq!(status, 201, "the worker comes in");
            self.worker_until = self.now() + SESSION_SECONDS;
        }
    }

    /// The owner has a session; one that has ended is refused.
    async fn owner_comes(&self, owner: &mut Owner) {
        if owner.until.is_some_and(|until| until > self.now()) {
            return;
        }
        let refused = self.server().get("/v1/sync", Some(&owner.person.token)).await;
        assert_eq!(refused.status, 401, "a session that has ended");
        owner.ended.push(owner.person.token);
        let opened = owner.person.open_session(self.server(), None).await;
        assert_eq!(opened.status, 201, "{}", String::from_utf8_lossy(&opened.body));
        owner.until = Some(self.now() + SESSION_SECONDS);
    }

    async fn act(&mut self, owners: &mut [Owner; 2], op: &Op) {
        match *op {
            Op::Hours(hours) => self.server().app.clock().advance(hours * 3600),
            Op::Sweep => self.server().app.sweep().await.expect("it sweeps"),
            Op::Restart => {
                let server = self.server.take().expect("it runs");
                self.server = Some(server.restart().await);
            }
            Op::Put(who, ..)
            | Op::Rename(who, _)
            | Op::Remove(who, _)
            | Op::Give(who, _)
            | Op::TakeBack(who, _)
            | Op::Repeat(who)
            | Op::SignOut(who) => {
                let owner = &mut owners[who];
                self.owner_comes(owner).await;
                self.write(owner, op).await;
            }
            Op::Read(who, which) => {
                self.worker_comes().await;
                if let Some(gift) = pick(&owners[who].gifts, which) {
                    self.read(&owners[who], gift).await;
                }
            }
            Op::Pry(who, which) => {
                let (one, other) = owners.split_at_mut(1);
                let (owner, stranger) =
                    if who == 0 { (&one[0], &mut other[0]) } else { (&other[0], &mut one[0]) };
                self.owner_comes(stranger).await;
                self.pry(owner, &stranger.person, which).await;
            }
        }
    }

    async fn write(&self, owner: &mut Owner, op: &Op) {
        let server = self.server();
        match *op {
            Op::Put(_, slot, size) => {
                let known = owner.papers[slot].as_ref();
                let document_id = known.map_or_else(|| DocumentId(random()), |it| it.document_id);
                let version = known.map_or(1, |it| it.version + 1);
                let content = owner.person.put(server, document_id, size).await.bytes;
                owner.papers[slot] = Some(Paper { document_id, content, version });
            }
            Op::Rename(_, slot) => {
                let Some(paper) = &owner.papers[slot] else { return };
                let document_id = paper.document_id;
                let (card, submission) = owner.person.new_card(document_id);
                let body = Body::PutCard { document_id, card };
                assert_eq!(owner.person.submit(server, body, submission).await.status, 200);
            }
            Op::Remove(_, slot) => {
                let Some(Paper { document_id, .. }) = owner.papers[slot].take() else { return };
                let body = Body::RemoveDocument { document_id };
                let answer = owner.person.submit(server, body, Submission::default()).await;
                assert_eq!(answer.status, 200);
            }
            Op::Give(_, slot) => {
                let Some(document_id) = owner.papers[slot].as_ref().map(|it| it.document_id) else {
                    return;
                };
                let given = owner.person.give(server, &self.team, document_id).await;
                let grant_id = given.map_err(|it| it.problem()).expect("it is given");
                owner.gifts.push(Gift { grant_id, document_id, lives: true });
            }
            Op::TakeBack(_, which) => {
                let count = owner.gifts.len().max(1);
                let Some(gift) = owner.gifts.get_mut(which % count) else { return };
                let body = Body::Revoke { grant_id: gift.grant_id };
                if !gift.lives {
                    return;
                }
                gift.lives = false;
                let answer = owner.person.submit(server, body, Submission::default()).await;
                assert_eq!(answer.status, 200);
            }
            Op::Repeat(_) => {
                let statement = Base64(owner.person.chain.last().expect("a chain").clone());
                let again =
                    Submission { statement, log_value: log_value(), ..Submission::default() };
                let answer = server.post("/v1/statements", Some(&owner.person.token), &again).await;
                let written = answer.json::<Written>().sequence;
                assert_eq!(written, owner.person.manifest.sequence(), "the effect of one");
            }
            _ => {
                let path = "/v1/sessions/this";
                let body = axum::body::Body::empty();
                let out = server.send("DELETE", path, Some(&owner.person.token), body).await;
                assert_eq!(out.status, 204, "signing out");
                owner.until = None;
            }
        }
    }

    /// The worker opens what was given, or finds nothing.
    async fn read(&self, owner: &Owner, gift: &Gift) {
        let server = self.server();
        let worker = &self.worker;
        let token = Some(&worker.token);
        let paper = owner.papers.iter().flatten().find(|it| it.document_id == gift.document_id);
        let named = (gift.grant_id, &owner.person);
        let received = format!("/v1/received/{}", gift.grant_id);
        let list = worker.receipt(&self.team, named, (2, Subject::List));
        let listed = server.post(&format!("{received}/list"), token, &list).await.status;
        assert_eq!(listed, if gift.lives { 200 } else { 404 }, "the list of a grant");
        let at = format!("{received}/documents/{}", gift.document_id);
        let version = paper.map_or(1, |it| it.version);
        let subject = Subject::Document { document_id: gift.document_id, version };
        let receipt = worker.receipt(&self.team, named, (2, subject));
        let opened = server.post(&format!("{at}/open"), token, &receipt).await.status;
        let content = server.get(&format!("{at}/content"), token).await;
        let Some(paper) = paper.filter(|_| gift.lives) else {
            assert_eq!(opened, 404, "nothing of it is opened");
            assert_eq!(content.status, 404, "nothing of it is given out");
            return;
        };
        assert_eq!(opened, 200, "what was given is opened");
        assert!(content.body == paper.content, "what was given, byte for byte");
    }

    /// Somebody else asks for what is an owner's.
    async fn pry(&self, owner: &Owner, stranger: &Person, which: usize) {
        let token = Some(&stranger.token);
        let papers = owner.papers.iter().flatten();
        let own = papers.map(|it| format!("/v1/documents/{}/content", it.document_id));
        let given = pick(&owner.gifts, which)
            .map(|it| format!("/v1/received/{}/documents/{}/content", it.grant_id, it.document_id));
        for path in own.chain(given) {
            assert_eq!(self.server().get(&path, token).await.status, 404, "it is not theirs");
        }
    }

    /// Everything is as it must be.
    async fn check(&mut self, owners: &mut [Owner; 2]) {
        self.worker_comes().await;
        for owner in owners.iter_mut() {
            self.owner_comes(owner).await;
            let token = Some(&owner.person.token);
            let sync: Sync = self.server().get("/v1/sync", token).await.json();
            let chain: Vec<_> = sync.statements.iter().map(|it| it.0.clone()).collect();
            assert!(sync.more || chain == owner.person.chain, "the chain");
            let manifest = &owner.person.manifest;
            let sealed = |record: reconnect_format::manifest::DocumentRecord| {
                record.envelopes().map(|it| it.sealed_bytes).sum::<u64>()
            };
            let used: u64 = manifest.documents().map(|(_, record)| sealed(record)).sum();
            assert_eq!(sync.used_bytes, used, "what the safe uses");
            for paper in owner.papers.iter().flatten() {
                let path = format!("/v1/documents/{}/content", paper.document_id);
                let content = self.server().get(&path, token).await;
                assert!(content.body == paper.content, "every paper, byte for byte");
            }
            for gift in &owner.gifts {
                self.read(owner, gift).await;
            }
            for token in &owner.ended {
                let refused = self.server().get("/v1/sync", Some(token)).await;
                assert_eq!(refused.status, 401, "an old session");
            }
        }
        let living = owners.iter().flat_map(|it| &it.gifts).filter(|it| it.lives).count();
        let worker = &self.worker;
        let received: Received =
            self.server().get("/v1/received", Some(&worker.token)).await.json();
        assert_eq!(received.grants.len(), living, "exactly what lives is shown");
    }

    /// Both close their safes, and nothing is left.
    async fn close(&self, owners: [Owner; 2]) {
        for mut owner in owners {
            let close = owner.person.submit(self.server(), Body::Close, Submission::default());
            assert_eq!(close.await.status, 200, "closing");
        }
        self.server().app.sweep().await.expect("it sweeps");
        assert!(blobs(self.server()).is_empty(), "blobs of closed safes");
    }
}

fn pick<T>(all: &[T], which: usize) -> Option<&T> {
    all.get(which.checked_rem(all.len())?)
}

/// I-1, I-3, I-9, I-10, I-15, I-24: after every step of a random history the server answers as a small model does.
#[test]
fn random_histories_are_answered_as_the_model_says() {
    let cases = std::env::var("RECONNECT_HISTORIES").ok().and_then(|it| it.parse().ok());
    let cases = cases.unwrap_or(HISTORIES).div_ceil(LANES);
    let counts = std::thread::scope(|scope| {
        let lanes: Vec<_> = (0..LANES).map(|_| scope.spawn(|| play(cases))).collect();
        lanes.into_iter().map(|lane| lane.join().expect("it ends")).collect::<Vec<_>>()
    });
    let (count, ops) = counts.into_iter().fold((0, 0), |all, it| (all.0 + it.0, all.1 + it.1));
    let said = format!("counted: {count} histories of {ops} steps were answered as the model says");
    // Nobody reads it when there is no terminal.
    drop(writeln!(std::io::stderr(), "{said}"));
}

/// So many histories one after the other; how many there were, and of how many steps.
fn play(cases: u32) -> (u32, usize) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let (world, played) = (RefCell::new(None), RefCell::new((0_u32, 0_usize)));
    let mut runner =
        TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let done = runner.run(&vec(op(), 1..40), |history| {
        let (count, ops) = *played.borrow();
        let mut current = world.take();
        if count.is_multiple_of(PER_SERVER) {
            current = None;
        }
        runtime.block_on(async {
            let mut here = match current {
                Some(here) => here,
                None => World::new().await,
            };
            let mut owners = [here.arrive().await, here.arrive().await];
            for op in &history {
                here.act(&mut owners, op).await;
            }
            here.check(&mut owners).await;
            here.close(owners).await;
            world.replace(Some(here));
        });
        played.replace((count + 1, ops + history.len()));
        Ok(())
    });
    if let Some(here) = world.take() {
        runtime.block_on(async move { drop(here) });
    }
    assert_eq!(done.err().map(|error| error.to_string()), None);
    played.into_inner()
}
