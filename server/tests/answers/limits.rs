//! Limits: what one safe may hold, and that nobody uses up what another needs.

use axum::body::Body as HttpBody;
use reconnect_format::{
    Label,
    api::{GrantWraps, OpenSession, Session, Submission, UseHeld},
    grant::OWNER_WRAP_BYTES,
    id::{Base64, HeldId},
    lock::{Held, LockAccess},
    statement::Body,
};

use crate::stage::{NOW, Person, Server, lock, random, server, server_with, sign};

fn sheet(person: &Person) -> UseHeld {
    let held_use = person.use_sheet();
    UseHeld { held_use: Base64(sign(held_use, &person.sheet).encode()) }
}

/// Uses up what all people together may do in this moment.
async fn use_up(server: &Server) {
    let nobody = serde_json::json!({ "handle": "nobody-here-7", "request": "" });
    for _ in 0..100 {
        if server.post("/v1/words/registration", None, &nobody).await.status == 429 {
            return;
        }
    }
    unreachable!("the rate has no end");
}

#[tokio::test]
async fn strangers_close_neither_sheets_nor_new_devices() {
    let server = server_with(|config| config.unlocks_per_second = 1).await;
    let mut person = Person::arrive(&server).await;
    use_up(&server).await;
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
    let mut answers = Vec::new();
    // More than two seconds' worth, however slow this machine is.
    for number in 0..5 {
        use_up(&server).await;
        let handle = format!("some-name-{number}").into_bytes();
        let (body, mut material) = lock(person.id(), LockAccess::Words { handle, record_hash });
        material.record = Some(record.clone());
        let submission = Submission { lock: Some(material), ..Submission::default() };
        answers.push(person.submit(&server, body, submission).await.problem());
    }
    assert!(answers.contains(&(429, "too_many_requests".into())), "{answers:?}");
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
