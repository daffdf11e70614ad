//! Receipts: each opening has one of its own, and it counts only while its reader may read.

use axum::body::Body as HttpBody;
use reconnect_format::{
    api::{GiveReceipt, GrantOpened, Sync},
    id::{DocumentId, GrantId},
    receipt::Subject,
};

use crate::{
    given::given,
    stage::{Person, Server, Team, random, server},
};

/// An owner who gave a document, and the worker who may read it.
async fn shared(server: &Server) -> (Person, DocumentId, Person, Team, GrantId) {
    let (mut owner, document_id, _, worker, team) = given(server).await;
    let grant_id =
        owner.give(server, &team, document_id).await.map_err(|a| a.problem()).expect("given");
    (owner, document_id, worker, team, grant_id)
}

async fn receipts(server: &Server, owner: &Person) -> Sync {
    server.get("/v1/sync", Some(&owner.token)).await.json()
}

#[tokio::test]
async fn a_receipt_is_answered_for_an_hour_and_then_another_is_needed() {
    let server = server().await;
    let (owner, document_id, worker, team, grant_id) = shared(&server).await;
    let list = worker.receipt(&team, (grant_id, &owner), (2, Subject::List));
    let subject = Subject::Document { document_id, version: 1 };
    let open = worker.receipt(&team, (grant_id, &owner), (2, subject));
    let asked = [
        (format!("/v1/received/{grant_id}/list"), list),
        (format!("/v1/received/{grant_id}/documents/{document_id}/open"), open),
    ];
    for (path, receipt) in &asked {
        assert_eq!(server.post(path, Some(&worker.token), receipt).await.status, 200);
        assert_eq!(server.post(path, Some(&worker.token), receipt).await.status, 200);
    }
    let stored = receipts(&server, &owner).await.receipts;
    assert_eq!(stored.len(), 2, "the same receipt again is the same opening");
    assert!(stored.iter().all(|stored| stored.received_at == crate::stage::NOW));
    server.app.clock().advance(3600);
    for (path, receipt) in &asked {
        let late = server.post(path, Some(&worker.token), receipt).await;
        assert_eq!(late.problem(), (422, "refused".into()), "{path}");
    }
    assert_eq!(receipts(&server, &owner).await.receipts.len(), 2);
}

#[tokio::test]
async fn a_receipt_of_before_the_clock_was_set_back_lets_nothing_be_fetched() {
    let server = server().await;
    let (owner, document_id, worker, team, grant_id) = shared(&server).await;
    let subject = Subject::Document { document_id, version: 1 };
    let open = worker.receipt(&team, (grant_id, &owner), (2, subject));
    let document = format!("/v1/received/{grant_id}/documents/{document_id}");
    let opened = server.post(&format!("{document}/open"), Some(&worker.token), &open).await;
    assert_eq!(opened.status, 200);
    let content = format!("{document}/content");
    assert_eq!(server.get(&content, Some(&worker.token)).await.status, 200);
    server.app.clock().advance(0_u64.wrapping_sub(86_400));
    assert_eq!(server.get(&content, Some(&worker.token)).await.status, 404);
    // Or every look until the clock comes there again would be missing in the trace.
    let open = worker.receipt(&team, (grant_id, &owner), (2, subject));
    let opened = server.post(&format!("{document}/open"), Some(&worker.token), &open).await;
    assert_eq!(opened.status, 200);
    assert_eq!(server.get(&content, Some(&worker.token)).await.status, 200);
    assert_eq!(receipts(&server, &owner).await.receipts.len(), 2);
}

#[tokio::test]
async fn two_receipts_that_would_count_as_one_are_refused() {
    let server = server().await;
    let (owner, document_id, worker, team, grant_id) = shared(&server).await;
    let nonce = random();
    let receipt = |subject| worker.receipt_with(&team, (grant_id, &owner), (2, subject), nonce);
    let first: GiveReceipt = receipt(Subject::List);
    let path = format!("/v1/received/{grant_id}/list");
    let opened: GrantOpened = server.post(&path, Some(&worker.token), &first).await.json();
    assert_eq!(opened.documents.len(), 1);
    let second = receipt(Subject::Document { document_id, version: 1 });
    let path = format!("/v1/received/{grant_id}/documents/{document_id}/open");
    let refused = server.post(&path, Some(&worker.token), &second).await;
    assert_eq!(refused.problem(), (422, "refused".into()));
    assert_eq!(receipts(&server, &owner).await.receipts.len(), 1);
}

#[tokio::test]
async fn a_request_that_waited_while_its_session_ended_is_given_nothing() {
    let server = server().await;
    let (owner, _, worker, team, grant_id) = shared(&server).await;
    let receipt = worker.receipt(&team, (grant_id, &owner), (2, Subject::List));
    let json = serde_json::to_vec(&receipt).expect("JSON");
    let (body, mut halted) = crate::safe::halting(&json);
    let path = format!("/v1/received/{grant_id}/list");
    let waiting = server.send("POST", &path, Some(&worker.token), body);
    let signing_out = async {
        halted.reached().await;
        let ended =
            server.send("DELETE", "/v1/sessions", Some(&worker.token), HttpBody::empty()).await;
        assert_eq!(ended.status, 204);
        drop(halted);
    };
    let (waited, ()) = tokio::join!(waiting, signing_out);
    assert_eq!(waited.problem(), (404, "not_found".into()));
    assert!(receipts(&server, &owner).await.receipts.is_empty());
}
