//! Clocks that are wrong: nothing that lives ends by one, and nothing that ended comes back.

use reconnect_format::{
    api::{Received, Submission},
    envelope::EnvelopeKind,
    id::DocumentId,
    statement::Body,
};

use crate::{
    given::given,
    safe::blobs,
    stage::{random, server, unlock},
};

const YEAR: u64 = 365 * 86_400;

#[tokio::test]
async fn one_look_at_a_clock_that_is_years_ahead_ends_nothing() {
    let server = server().await;
    let (mut owner, document_id, _, worker, team) = given(&server).await;
    owner.give(&server, &team, document_id).await.map_err(|a| a.problem()).expect("given");
    let arriving = owner.seal(DocumentId(random()), EnvelopeKind::Content, (1, 20_000));
    owner.upload(&server, &arriving).await;
    let before = blobs(&server).len();
    server.app.clock().advance(5 * YEAR);
    server.app.sweep().await.expect("sweeps");
    let server = server.restart().await;
    // Set right again: adding wraps.
    server.app.clock().advance(0_u64.wrapping_sub(5 * YEAR));
    server.app.sweep().await.expect("sweeps");
    assert_eq!(blobs(&server).len(), before, "what is being uploaded");
    let received: Received = server.get("/v1/received", Some(&worker.token)).await.json();
    assert_eq!(received.grants.len(), 1);
    assert_eq!(server.get("/v1/sync", Some(&owner.token)).await.status, 200);
}

#[tokio::test]
async fn what_ended_stays_ended_when_the_clock_is_set_back() {
    let server = server().await;
    let (mut owner, document_id, _, mut worker, team) = given(&server).await;
    owner.give(&server, &team, document_id).await.map_err(|a| a.problem()).expect("given");
    let token = owner.token;
    server.pass(7 * 86_400).await;
    for _ in 0..30 {
        drop(unlock(&server, "nobody-here-8", b"wrong").await);
    }
    server.app.clock().advance(0_u64.wrapping_sub(7 * 86_400));
    assert_eq!(server.get("/v1/sync", Some(&token)).await.status, 401, "a session");
    assert_eq!(worker.open_session(&server, None).await.status, 201);
    let received: Received = server.get("/v1/received", Some(&worker.token)).await.json();
    assert!(received.grants.is_empty(), "a grant");
    // Nobody waits for a week until tries are forgotten.
    let answer = unlock(&server, "nobody-here-8", b"wrong").await.expect_err("wrong");
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn a_sweep_with_rows_that_are_over_removes_what_was_deleted_too() {
    let server = server().await;
    let (mut owner, _, manager, _, team) = given(&server).await;
    let (_, invite) = team.invitation(&manager);
    let path = format!("/v1/structures/{}/invitations", team.id);
    assert_eq!(server.post(&path, Some(&manager.token), &invite).await.status, 201);
    // An invitation that nobody answered goes a week after its end.
    server.pass(8 * 86_400 - 60).await;
    let before = blobs(&server);
    assert_eq!(owner.open_session(&server, None).await.status, 201);
    let document_id = DocumentId(random());
    owner.put(&server, document_id, 20_000).await;
    let remove = Body::RemoveDocument { document_id };
    assert_eq!(owner.submit(&server, remove, Submission::default()).await.status, 200);
    assert_eq!(blobs(&server).len(), before.len() + 1);
    server.app.clock().advance(60);
    server.app.sweep().await.expect("sweeps");
    assert_eq!(blobs(&server), before);
}
