//! Limits: what one safe may hold, and that nobody uses up what another needs.

use axum::body::Body as HttpBody;
use futures_util::FutureExt as _;
use reconnect_format::{
    Label, PublicKey,
    api::{GrantWraps, OpenSession, Session, Submission, UseHeld},
    grant::OWNER_WRAP_BYTES,
    id::{Base64, HeldId},
    lock::{Held, LockAccess},
    statement::Body,
};

use crate::stage::{Answer, NOW, Person, Server, lock, random, server, server_with, sign};

fn sheet(person: &Person) -> UseHeld {
    let held_use = person.use_sheet();
    UseHeld { held_use: Base64(sign(held_use, &person.sheet).encode()) }
}

/// Strangers who use up what all people together may do in this moment, and wait for more as long as they are held.
fn crowd(server: &Server) -> Vec<impl Future<Output = Answer>> {
    let mut waiting = Vec::new();
    for _ in 0..100 {
        let mut asked = Box::pin(async {
            let nobody = serde_json::json!({ "handle": "nobody-here-7", "request": "" });
            server.post("/v1/words/registration", None, &nobody).await
        });
        match (&mut asked).now_or_never() {
            Some(answer) if answer.status == 429 => return waiting,
            Some(_) => {}
            None => waiting.push(asked),
        }
    }
    unreachable!("there is room for everybody");
}

#[tokio::test]
async fn strangers_close_neither_sheets_nor_new_devices() {
    let server = server_with(|config| config.unlocks_per_second = 1).await;
    let mut person = Person::arrive(&server).await;
    let _waiting = crowd(&server);
    assert_eq!(server.post("/v1/unlock/held", None, &sheet(&person)).await.status, 200);
    let added = person.new_device();
    assert_eq!(person.open_session(&server, Some(added)).await.status, 201);
}

#[tokio::test]
async fn whether_a_handle_is_taken_is_asked_no_faster_than_safes_are_opened() {
    let server = server_with(|config| config.unlocks_per_second = 1).await;
    let mut person = Person::arrive(&server).await;
    let record = person.opening.locks[0].record.clone().expect("words");
    let record_hash = Label::LockRecordHash.hash(&record.0);
    let _waiting = crowd(&server);
    let handle = b"some-name-7".to_vec();
    let (body, mut material) = lock(person.id(), LockAccess::Words { handle, record_hash });
    material.record = Some(record);
    let submission = Submission { lock: Some(material), ..Submission::default() };
    let answer = person.submit(&server, body, submission).await.problem();
    assert_eq!(answer, (429, "too_many_requests".into()));
}

#[tokio::test]
async fn a_safe_has_a_hundred_locks_and_says_so() {
    let server = server().await;
    let mut person = Person::arrive(&server).await;
    let mut last = None;
    for count in 3..=101 {
        let held = Held { held_id: HeldId(random()), signing: person.manifest.keys().signing };
        let access = LockAccess::Sheet(held);
        let (body, material) = lock(person.id(), access);
        let Body::SetLock { lock_id, .. } = body else { unreachable!() };
        let submission = Submission { lock: Some(material), ..Submission::default() };
        let answer = person.submit(&server, body, submission).await;
        if count <= 100 {
            assert_eq!(answer.status, 200, "{count}");
            last = Some(lock_id);
        } else {
            assert_eq!(answer.problem(), (413, "too_many_things".into()));
            let problem: serde_json::Value = serde_json::from_slice(&answer.body).expect("JSON");
            assert_eq!(problem["limit_count"], 100);
        }
    }
    let retire = Body::RetireLock { lock_id: last.expect("a lock") };
    assert_eq!(person.submit(&server, retire, Submission::default()).await.status, 200);
}

#[tokio::test]
async fn what_a_statement_has_no_use_for_is_refused() {
    let server = server().await;
    let mut person = Person::arrive(&server).await;
    let document_id = reconnect_format::id::DocumentId(random());
    person.put(&server, document_id, 20_000).await;
    let (card, submission) = person.new_card(document_id);
    let body = Body::PutCard { document_id, card };
    let wraps = GrantWraps {
        owner_wrap: Base64(vec![7; OWNER_WRAP_BYTES]),
        recipient_wrap: Base64::default(),
    };
    let with = Submission { grant: Some(wraps), ..submission.clone() };
    assert_eq!(person.submit(&server, body.clone(), with).await.problem().0, 422);
    assert_eq!(person.submit(&server, body, submission).await.status, 200);
}

#[tokio::test]
async fn a_session_that_is_opened_again_ends_when_it_did() {
    let server = server().await;
    let person = Person::arrive(&server).await;
    let again = OpenSession {
        opening: person.opening(person.token),
        statement: None,
        log_value: Base64::default(),
        continued: None,
    };
    server.app.clock().advance(3600);
    let session: Session = server.post("/v1/sessions", None, &again).await.json();
    assert_eq!(session.expires_at, NOW + 12 * 3600);
}

#[tokio::test]
async fn every_answer_asks_browsers_to_stay_with_tls() {
    let server = server().await;
    for path in ["/v1/service", "/nothing"] {
        let answer = server.send("GET", path, None, HttpBody::empty()).await;
        assert!(answer.headers.contains_key("strict-transport-security"));
    }
}

#[tokio::test]
async fn what_is_held_finds_locks_of_one_key() {
    let server = server().await;
    let (mut owner, mut other) = (Person::arrive(&server).await, Person::arrive(&server).await);
    let (held_id, mine) = (owner.held_id, PublicKey(owner.sheet.verifying_key().to_bytes()));
    let theirs = other.manifest.keys().signing;
    // Whoever has an open device, or a safe of their own, and saw the id of a sheet.
    for (signing, refused) in [(theirs, true), (mine, false)] {
        let (body, material) = lock(owner.id(), LockAccess::Sheet(Held { held_id, signing }));
        let submission = Submission { lock: Some(material), ..Submission::default() };
        let answer = owner.submit(&server, body, submission).await;
        assert_eq!(answer.status == 422, refused, "{:?}", answer.problem());
    }
    for signing in [theirs, mine] {
        let (body, material) = lock(other.id(), LockAccess::Sheet(Held { held_id, signing }));
        let submission = Submission { lock: Some(material), ..Submission::default() };
        assert_eq!(other.submit(&server, body, submission).await.status, 422);
    }
    assert_eq!(server.post("/v1/unlock/held", None, &sheet(&owner)).await.status, 200);
}
