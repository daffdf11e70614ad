//! Safes: opening, unlocking, sessions, uploads, statements, limits.

use tokio::sync::oneshot;

use crate::stage::{
    NOW, Person, lock, log_value, parts, random, server, server_with, sign, small, unlock,
};
use axum::{body::Body as HttpBody, http::header};
use reconnect_format::{
    api::{Code, OpenSession, Session, Submission, Sync, Unlocked, Upload, UseHeld},
    envelope::EnvelopeKind,
    id::{Base64, DocumentId},
    lock::HeldUse,
    statement::Body,
};

#[tokio::test]
async fn a_safe_opens_with_words_and_with_its_sheet() {
    let server = server().await;
    let person = Person::arrive(&server).await;
    let again = server.post("/v1/accounts", None, &person.opening).await;
    assert_eq!(again.status, 201, "the same request again has the effect of one");
    let unlocked = person.unlock_with_words(&server, &person.words).await;
    let unlocked = unlocked.map_err(|answer| answer.problem()).expect("unlocks");
    assert_eq!(unlocked.account_id, person.id());
    assert_eq!(unlocked.root_wrap, person.opening.locks[0].root_wrap);
    assert_eq!(unlocked.statements.len(), 5);

    let held_use = person.use_sheet();
    let request = UseHeld { held_use: Base64(sign(held_use.clone(), &person.sheet).encode()) };
    let unlocked: Unlocked = server.post("/v1/unlock/held", None, &request).await.json();
    assert_eq!(unlocked.root_wrap, person.opening.locks[1].root_wrap);
    let replayed = server.post("/v1/unlock/held", None, &request).await;
    assert_eq!(replayed.problem(), (401, "wrong_held".into()));
    let stranger = ed25519_dalek::SigningKey::from_bytes(&random());
    let held_use = HeldUse { nonce: random(), ..held_use };
    let forged = UseHeld { held_use: Base64(sign(held_use, &stranger).encode()) };
    let forged = server.post("/v1/unlock/held", None, &forged).await;
    assert_eq!(forged.problem(), (401, "wrong_held".into()));
}

#[tokio::test]
async fn wrong_words_and_unknown_handles_look_alike_and_wait_alike() {
    let server = server().await;
    let person = Person::arrive(&server).await;
    let mut seen = Vec::new();
    for handle in [person.handle.as_str(), "nobody-here-7"] {
        let mut answers = Vec::new();
        for _ in 0..12 {
            let answer = unlock(&server, handle, b"wrong").await.expect_err("wrong");
            let retry = answer.headers.get(header::RETRY_AFTER).cloned();
            answers.push((answer.status, answer.body.len(), answer.problem().1, retry));
        }
        seen.push(answers);
    }
    // All of them: a handle that was just registered has as many tries as one that nobody has.
    assert_eq!(seen[0], seen[1]);
    assert_ne!(seen[0][9].2, "too_many_tries");
    assert_eq!(seen[0][10].2, "too_many_tries");
    assert_eq!(seen[0][10].3.as_ref().map(header::HeaderValue::as_bytes), Some(&b"30"[..]));

    // The session in use and the sheet do not wait.
    assert_eq!(server.get("/v1/sync", Some(&person.token)).await.status, 200);
    let held_use = person.use_sheet();
    let request = UseHeld { held_use: Base64(sign(held_use, &person.sheet).encode()) };
    assert_eq!(server.post("/v1/unlock/held", None, &request).await.status, 200);

    // Waiting is counted across a restart, and ends.
    let server = server.restart().await;
    let answer = person.unlock_with_words(&server, &person.words).await;
    assert_eq!(answer.err().map(|answer| answer.problem().0), Some(429));
    server.app.clock().advance(31);
    assert!(person.unlock_with_words(&server, &person.words).await.is_ok());
    assert!(person.unlock_with_words(&server, &person.words).await.is_err(), "still ten spent");
    server.app.clock().advance(6 * 3600);
    for _ in 0..30 {
        assert!(person.unlock_with_words(&server, &person.words).await.is_ok());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_tries_at_once_are_ten_tries() {
    let server = server().await;
    let tries = (0..64).map(|_| unlock(&server, "nobody-here-7", b"wrong"));
    let mut counts = std::collections::BTreeMap::new();
    for answer in futures_util::future::join_all(tries).await {
        let answer = answer.expect_err("wrong");
        *counts.entry((answer.status.as_u16(), answer.problem().1)).or_insert(0) += 1;
    }
    let answered = counts.remove(&(200, String::new()));
    assert!(answered.is_some_and(|count| count <= 10), "{answered:?} {counts:?}");
    assert!(counts.keys().all(|(status, _)| [429, 503].contains(status)), "{counts:?}");
}

#[tokio::test]
async fn a_handle_belongs_to_one_safe() {
    let server = server().await;
    let person = Person::arrive(&server).await;
    let mut other = Person::arrive(&server).await;
    let record = person.opening.locks[0].record.clone().expect("words");
    let access = reconnect_format::lock::LockAccess::Words {
        handle: person.handle.clone().into_bytes(),
        record_hash: reconnect_format::Label::LockRecordHash.hash(&record.0),
    };
    let (body, mut material) = lock(other.id(), access);
    material.record = Some(record);
    let submission = Submission { lock: Some(material), ..Submission::default() };
    let answer = other.submit(&server, body, submission).await;
    assert_eq!(answer.problem(), (409, "handle_taken".into()));
}

#[tokio::test]
async fn sessions_are_opened_by_devices_and_what_ended_never_comes_back() {
    let server = server().await;
    let mut person = Person::arrive(&server).await;
    let (first, first_opening) = (person.token, person.opening(person.token));
    let added = person.new_device();
    let answer = person.open_session(&server, Some(added.clone())).await;
    let session: Session = answer.json();
    assert_eq!(session.expires_at, NOW + 12 * 3600);
    let second = person.token;
    let request = OpenSession {
        opening: person.opening(second),
        statement: Some(Base64(added.clone())),
        log_value: log_value(),
        continued: None,
    };
    assert_eq!(server.post("/v1/sessions", None, &request).await.status, 201, "once, said twice");

    assert_eq!(
        server.send("DELETE", "/v1/sessions/this", Some(&first), HttpBody::empty()).await.status,
        204
    );
    assert_eq!(server.get("/v1/sync", Some(&first)).await.problem(), (401, "session_ended".into()));
    assert_eq!(server.get("/v1/sync", Some(&second)).await.status, 200);
    let (opening, statement, continued) = (first_opening, None, None);
    let replayed = OpenSession { opening, statement, log_value: log_value(), continued };
    let replayed = server.post("/v1/sessions", None, &replayed).await;
    assert_eq!(replayed.problem(), (401, "session_ended".into()));

    assert_eq!(person.open_session(&server, None).await.status, 201);
    let retired = Body::RetireDevice { device_id: person.device_id };
    // LOG-21: without a mark for the log it is not retired.
    for mark in [0, 31, 33] {
        let submission = Submission { mark: Base64(vec![7; mark]), ..Submission::default() };
        let answer = person.submit(&server, retired.clone(), submission).await;
        assert_eq!(answer.problem(), (422, "refused".into()));
    }
    let submission = Submission { mark: Base64(vec![7; 32]), ..Submission::default() };
    assert_eq!(person.submit(&server, retired, submission).await.status, 200);
    assert_eq!(server.get("/v1/sync", Some(&person.token)).await.status, 401);
    assert_eq!(person.open_session(&server, None).await.problem(), (401, "session_ended".into()));
}

#[tokio::test]
async fn a_session_ends_after_half_a_day_and_all_end_at_once() {
    let server = server().await;
    let mut person = Person::arrive(&server).await;
    let first = person.token;
    server.app.clock().advance(11 * 3600);
    assert_eq!(person.open_session(&server, None).await.status, 201);
    server.app.clock().advance(3601);
    assert_eq!(server.get("/v1/sync", Some(&first)).await.status, 401);
    assert_eq!(server.get("/v1/sync", Some(&person.token)).await.status, 200);
    let answer =
        server.send("DELETE", "/v1/sessions", Some(&person.token), HttpBody::empty()).await;
    assert_eq!(answer.status, 204);
    assert_eq!(server.get("/v1/sync", Some(&person.token)).await.status, 401);
}

#[tokio::test]
async fn a_document_is_kept_and_read_back_also_after_a_restart() {
    let server = server().await;
    let mut person = Person::arrive(&server).await;
    let document_id = DocumentId(random());
    let content = person.put(&server, document_id, 5_000_000).await;
    let server = server.restart().await;
    let path = format!("/v1/documents/{document_id}/content");
    let answer = server.get(&path, Some(&person.token)).await;
    assert_eq!(answer.status, 200);
    assert!(answer.body == content.bytes);
    assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store");
    let range = [(header::RANGE, "bytes=100-4500000")];
    let part =
        server.send_with("GET", &path, Some(&person.token), (&range, HttpBody::empty())).await;
    assert_eq!(part.status, 206);
    assert!(part.body == content.bytes[100..=4_500_000]);

    let sync: Sync = server.get("/v1/sync", Some(&person.token)).await.json();
    assert_eq!(sync.statements.len(), 6);
    assert_eq!((sync.cards.len(), sync.wraps.len(), sync.owner_wraps.len()), (1, 3, 1));
    assert!(sync.used_bytes > 5_000_000);
    let sync: Sync =
        server.get("/v1/sync?statements_after=5&records_after=6", Some(&person.token)).await.json();
    assert_eq!((sync.statements.len(), sync.cards.len(), sync.wraps.len()), (1, 0, 0));

    let before = sync.used_bytes;
    let second = person.put(&server, document_id, 4_000_000).await;
    server.app.sweep().await.expect("sweeps");
    let sync: Sync = server.get("/v1/sync", Some(&person.token)).await.json();
    assert!(sync.used_bytes < before, "the replaced version was given back");
    assert_eq!(blobs(&server), vec![second.named.envelope_id.to_string()]);
    let removed = Body::RemoveDocument { document_id };
    assert_eq!(person.submit(&server, removed, Submission::default()).await.status, 200);
    assert_eq!(server.get(&path, Some(&person.token)).await.problem(), (404, "not_found".into()));
    server.app.sweep().await.expect("sweeps");
    assert!(blobs(&server).is_empty());
    let sync: Sync = server.get("/v1/sync", Some(&person.token)).await.json();
    assert_eq!((sync.used_bytes, sync.cards.len(), sync.wraps.len()), (0, 0, 0));
}

pub(crate) fn blobs(server: &crate::stage::Server) -> Vec<String> {
    std::fs::read_dir(server.folder.path().join("blobs"))
        .expect("the folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect()
}

#[tokio::test]
async fn parts_are_idempotent_and_what_is_not_as_declared_is_refused() {
    let server = server().await;
    let person = Person::arrive(&server).await;
    let document_id = DocumentId(random());
    let content = person.seal(document_id, EnvelopeKind::Content, (1, 5_000_000));
    person.upload(&server, &content).await;
    person.upload(&server, &content).await;
    let path = format!("/v1/envelopes/{}", content.named.envelope_id);
    let upload: Upload = server.get(&path, Some(&person.token)).await.json();
    assert_eq!(upload.parts, vec![0, 1]);
    let mut other = parts(&content).next().expect("a part").to_vec();
    other[77] ^= 1;
    let put = async |part: &str, bytes: Vec<u8>| {
        let path = format!("{path}/parts/{part}");
        server.send("PUT", &path, Some(&person.token), HttpBody::from(bytes)).await.problem()
    };
    assert_eq!(put("0", other.clone()).await, (409, "conflict".into()));
    assert_eq!(put("0", other[1..].to_vec()).await.0, 400);
    assert_eq!(put("0", [other, vec![0]].concat()).await.0, 400);
    assert_eq!(put("2", vec![0]).await.0, 404);
    assert_eq!(put("x", vec![0]).await.0, 404);
    let mut prefix = content.bytes[..131].to_vec();
    prefix[130] ^= 1;
    let again = server.send("PUT", &path, Some(&person.token), HttpBody::from(prefix)).await;
    assert_eq!(again.problem(), (409, "conflict".into()));
    let stranger = Person::arrive(&server).await;
    assert_eq!(server.get(&path, Some(&stranger.token)).await.problem().0, 404);
    let theirs = content.bytes[..131].to_vec();
    let theirs = server.send("PUT", &path, Some(&stranger.token), HttpBody::from(theirs)).await;
    // Into another's safe one deposits, and only as a member of some structure.
    assert_eq!(theirs.problem(), (404, "not_found".into()));
    let gone = server.send("DELETE", &path, Some(&person.token), HttpBody::empty()).await;
    assert_eq!(gone.status, 204);
    server.app.sweep().await.expect("sweeps");
    assert!(blobs(&server).is_empty());
    let sync: Sync = server.get("/v1/sync", Some(&person.token)).await.json();
    assert_eq!(sync.used_bytes, 0);
}

/// A body that stops in the middle for as long as this lives.
pub(crate) struct Halted {
    reached: oneshot::Receiver<()>,
    _go_on: oneshot::Sender<()>,
}

impl Halted {
    /// Waits until it stops: whatever is looked at before a body has been.
    pub(crate) async fn reached(&mut self) {
        (&mut self.reached).await.expect("the body is read");
    }
}

pub(crate) fn halting(bytes: &[u8]) -> (HttpBody, Halted) {
    let (first, second) = bytes.split_at(bytes.len() / 3);
    let (first, second) = (first.to_vec(), second.to_vec());
    let (reach, reached) = oneshot::channel();
    let (go_on, wait) = oneshot::channel::<()>();
    let frames =
        futures_util::stream::unfold((Some(first), Some((reach, wait, second))), async |state| {
            match state {
                (Some(first), rest) => Some((Ok::<_, std::io::Error>(first), (None, rest))),
                (None, Some((reach, wait, second))) => {
                    let _ = reach.send(());
                    drop(wait.await);
                    Some((Ok(second), (None, None)))
                }
                (None, None) => None,
            }
        });
    (HttpBody::from_stream(frames), Halted { reached, _go_on: go_on })
}

#[tokio::test]
async fn an_upload_may_be_given_up_while_its_part_arrives() {
    let server = server().await;
    let person = Person::arrive(&server).await;
    let content = person.seal(DocumentId(random()), EnvelopeKind::Content, (1, 3_000_000));
    let path = format!("/v1/envelopes/{}", content.named.envelope_id);
    let token = Some(&person.token);
    let prefix = HttpBody::from(content.bytes[..131].to_vec());
    assert_eq!(server.send("PUT", &path, token, prefix).await.status, 204);
    let (body, mut halted) = halting(&content.bytes[131..]);
    let part = format!("{path}/parts/0");
    let arriving = server.send("PUT", &part, token, body);
    let given_up = async {
        halted.reached().await;
        let again = parts(&content).next().expect("a part").to_vec();
        let again = server.send("PUT", &part, token, again.into()).await;
        assert_eq!(again.problem(), (409, "conflict".into()), "one at a time");
        let gone = server.send("DELETE", &path, token, HttpBody::empty()).await;
        assert_eq!(gone.status, 204);
        server.app.sweep().await.expect("sweeps");
        drop(halted);
    };
    let (arrived, ()) = tokio::join!(arriving, given_up);
    assert_eq!(arrived.problem(), (404, "not_found".into()));
    server.app.sweep().await.expect("sweeps");
    assert!(blobs(&server).is_empty());
}

#[tokio::test]
async fn a_version_is_live_only_whole_with_its_cards_and_every_wrap() {
    let server = server().await;
    let mut person = Person::arrive(&server).await;
    let document_id = DocumentId(random());
    let content = person.seal(document_id, EnvelopeKind::Content, (1, 5_000_000));
    let card = person.seal(document_id, EnvelopeKind::Card, (1, 1 << 20));
    let body = Body::PutVersion {
        document_id,
        content: content.named.clone(),
        card: card.named.clone(),
        thumbnail: None,
    };
    let submission = Submission {
        wraps: person.wraps(document_id, &[&content.named, &card.named]),
        envelopes: vec![small(&card)],
        ..Submission::default()
    };
    let refused = (422, "refused".to_owned());
    let answer = person.submit(&server, body.clone(), submission.clone()).await;
    assert_eq!(answer.problem(), refused, "nothing was uploaded");
    let path = format!("/v1/envelopes/{}", content.named.envelope_id);
    let prefix = HttpBody::from(content.bytes[..131].to_vec());
    assert_eq!(server.send("PUT", &path, Some(&person.token), prefix).await.status, 204);
    let part = parts(&content).nth(1).expect("a part").to_vec();
    let second = format!("{path}/parts/1");
    assert_eq!(server.send("PUT", &second, Some(&person.token), part.into()).await.status, 204);
    let answer = person.submit(&server, body.clone(), submission.clone()).await;
    assert_eq!(answer.problem(), refused, "a part is missing");
    person.upload(&server, &content).await;
    let mut without = submission.clone();
    without.wraps.pop();
    assert_eq!(person.submit(&server, body.clone(), without).await.problem(), refused);
    let mut damaged = submission.clone();
    damaged.envelopes[0].envelope.0[500] ^= 1;
    assert_eq!(person.submit(&server, body.clone(), damaged).await.problem(), refused);
    assert_eq!(person.submit(&server, body, submission).await.status, 200);
}

#[tokio::test]
async fn the_same_statement_is_one_and_another_at_its_place_is_a_conflict() {
    let server = server().await;
    let mut person = Person::arrive(&server).await;
    let before = (person.manifest.clone(), person.chain.clone());
    let compare = |id: u8| Body::CompareStructure {
        structure_id: reconnect_format::id::StructureId([id; 32]),
        sequence: 2,
        head: [0; 32],
    };
    let one = Submission {
        statement: Base64(person.say(compare(1))),
        log_value: log_value(),
        ..Submission::default()
    };
    (person.manifest, person.chain) = before;
    let other = Submission {
        statement: Base64(person.say(compare(2))),
        log_value: log_value(),
        ..Submission::default()
    };
    let token = Some(&person.token);
    let (a, b) = tokio::join!(
        server.post("/v1/statements", token, &one),
        server.post("/v1/statements", token, &other)
    );
    let mut statuses = [a.status.as_u16(), b.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409], "exactly one child for each parent");
    let winner = if a.status == 200 { &one } else { &other };
    assert_eq!(server.post("/v1/statements", token, winner).await.status, 200);
}

#[tokio::test]
async fn limits_are_said_before_anything_is_uploaded() {
    let server = server_with(|config| {
        config.file_limit_bytes = 1 << 20;
        config.account_limit_bytes = 2 << 20;
    })
    .await;
    let person = Person::arrive(&server).await;
    let declare = async |size: u64| {
        let content = person.seal(DocumentId(random()), EnvelopeKind::Content, (1, size));
        let path = format!("/v1/envelopes/{}", content.named.envelope_id);
        let prefix = HttpBody::from(content.bytes[..131].to_vec());
        server.send("PUT", &path, Some(&person.token), prefix).await
    };
    let answer = declare((1 << 20) + 100_000).await;
    assert_eq!(answer.problem(), (413, Code::FileTooLarge.text().into()));
    let problem: serde_json::Value = serde_json::from_slice(&answer.body).expect("JSON");
    assert_eq!(problem["limit_bytes"], 1 << 20);
    assert_eq!(answer.headers[header::CONTENT_TYPE], "application/problem+json");
    assert_eq!(declare(1 << 20).await.status, 204);
    assert_eq!(declare(1 << 20).await.problem(), (413, Code::QuotaFull.text().into()));
    server.pass(25 * 3600).await;
    let mut person = person;
    assert_eq!(person.open_session(&server, None).await.status, 201);
    let sync: Sync = server.get("/v1/sync", Some(&person.token)).await.json();
    assert_eq!(sync.used_bytes, 0, "an abandoned upload is given back after a day");
}

#[tokio::test]
async fn a_full_disk_refuses_uploads_and_nothing_else() {
    let mut server = server().await;
    let mut person = Person::arrive(&server).await;
    person.put(&server, DocumentId(random()), 20_000).await;
    server.config.reserve_bytes = 1 << 39;
    let server = server.restart().await;
    let late = Person::prepare(&server).await;
    let opened = server.post("/v1/accounts", None, &late.opening).await;
    assert_eq!(opened.problem(), (507, "storage_full".into()), "a new safe waits for room");
    let again = server.post("/v1/accounts", None, &person.opening).await;
    assert_eq!(again.status, 201, "one that is there is there");
    let content = person.seal(DocumentId(random()), EnvelopeKind::Content, (1, 20_000));
    let path = format!("/v1/envelopes/{}", content.named.envelope_id);
    let prefix = HttpBody::from(content.bytes[..131].to_vec());
    let answer = server.send("PUT", &path, Some(&person.token), prefix).await;
    assert_eq!(answer.problem(), (507, "storage_full".into()));
    assert!(person.unlock_with_words(&server, &person.words).await.is_ok());
    let added = person.new_device();
    assert_eq!(person.open_session(&server, Some(added)).await.status, 201, "signing in");
    let close = person.submit(&server, Body::Close, Submission::default()).await;
    assert_eq!(close.status, 200, "closing");
}

/// Runs where the temporary folder is on a small disk of its own: `TMPDIR` on a tmpfs.
#[tokio::test]
async fn a_disk_that_is_really_full_still_takes_back_deletes_and_unlocks() {
    let server = server().await;
    let disk = rustix::fs::statvfs(server.folder.path()).expect("a disk");
    if disk.f_blocks * disk.f_frsize > 256 << 20 {
        return;
    }
    let (mut owner, document_id, _, worker, team) = crate::given::given(&server).await;
    let grant_id =
        owner.give(&server, &team, document_id).await.map_err(|a| a.problem()).expect("given");
    server.app.sweep().await.expect("lays the ballast down");
    let content = owner.seal(DocumentId(random()), EnvelopeKind::Content, (1, 3_000_000));
    let path = format!("/v1/envelopes/{}", content.named.envelope_id);
    let prefix = HttpBody::from(content.bytes[..131].to_vec());
    assert_eq!(server.send("PUT", &path, Some(&owner.token), prefix).await.status, 204);
    let (body, mut halted) = halting(&content.bytes[131..]);
    let part = format!("{path}/parts/0");
    let arriving = server.send("PUT", &part, Some(&owner.token), body);
    let filler = server.folder.path().join("filler");
    let fill = async {
        halted.reached().await;
        let mut file = std::fs::File::create(&filler).expect("a filler");
        for size in [1 << 20, 4096, 1] {
            while std::io::Write::write_all(&mut file, &vec![1; size]).is_ok() {}
        }
        drop(halted);
        file
    };
    let (arrived, filling) = tokio::join!(arriving, fill);
    assert_eq!(arrived.problem(), (507, "storage_full".into()), "full in the middle of a part");
    let path = format!("/v1/envelopes/{}", reconnect_format::id::EnvelopeId(random()));
    let declare = async |server: &crate::stage::Server, owner: &Person| {
        let prefix = HttpBody::from(content.bytes[..131].to_vec());
        server.send("PUT", &path, Some(&owner.token), prefix).await.problem()
    };
    assert_eq!(declare(&server, &owner).await, (507, "storage_full".into()));
    let unlocked = owner.unlock_with_words(&server, &owner.words).await;
    assert_eq!(unlocked.err().map(|answer| answer.problem()), None);
    assert_eq!(owner.open_session(&server, None).await.status, 201);
    let revoke = Body::Revoke { grant_id };
    assert_eq!(owner.submit(&server, revoke, Submission::default()).await.status, 200);
    let received = server.get("/v1/received", Some(&worker.token)).await;
    assert_eq!(String::from_utf8_lossy(&received.body), "{\"grants\":[]}");
    let remove = Body::RemoveDocument { document_id };
    assert_eq!(owner.submit(&server, remove, Submission::default()).await.status, 200);
    server.app.sweep().await.expect("sweeps on a full disk");
    assert_eq!(blobs(&server), vec![content.named.envelope_id.to_string()]);
    drop(filling);
    std::fs::remove_file(&filler).expect("room again");
    server.app.sweep().await.expect("sweeps");
    assert!(server.folder.path().join("ballast").exists(), "laid down again");
    assert_eq!(declare(&server, &owner).await.0, 204);
}
