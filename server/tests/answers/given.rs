//! What is given: structures, invitations, grants, receipts, taking back, closing.

use reconnect_format::{
    api::{
        DocumentOpened, FACES, Faces, FacesOf, GrantOpened, Inside, Joining, Memberships, Received,
        StructureFace, StructureList, Submission, Sync,
    },
    grant::FACE_WRAP_BYTES,
    id::{DocumentId, GrantId},
    receipt::Subject,
    statement::Body,
};

use crate::{
    safe::blobs,
    stage::{Person, Server, Team, random, server, unlock},
};

/// An owner with a document, and a structure with a manager and a worker.
pub(crate) async fn given(server: &Server) -> (Person, DocumentId, Person, Person, Team) {
    let mut owner = Person::arrive(server).await;
    let manager = Person::arrive(server).await;
    let worker = Person::arrive(server).await;
    let mut team = Team::found(server, &manager, "Accueil de jour").await;
    let document_id = DocumentId(random());
    owner.put(server, document_id, 600_000).await;
    let refused = owner.give(server, &team, document_id).await.err().map(|a| a.problem());
    assert_eq!(refused, Some((422, "refused".into())), "not accepted yet");
    let operator =
        reconnect::operator::Operator::open(server.config.clone(), server.app.clock().clone());
    let operator = operator.await.expect("beside the server");
    operator.accept(&team.id.code()).await.expect("accepted");
    operator.close().await;
    team.hire(server, &manager, &worker).await;
    (owner, document_id, manager, worker, team)
}

/// `SQLite`'s files, with its log; nothing where the database is `PostgreSQL`.
fn database_bytes(server: &Server) -> Vec<u8> {
    ["reconnect.sqlite", "reconnect.sqlite-wal"]
        .iter()
        .flat_map(|name| std::fs::read(server.folder.path().join(name)).unwrap_or_default())
        .collect()
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[tokio::test]
async fn what_is_given_is_read_with_receipts_and_what_is_taken_back_is_gone() {
    let server = server().await;
    let (mut owner, document_id, manager, worker, team) = given(&server).await;
    let other = DocumentId(random());
    owner.put(&server, other, 20_000).await;
    let grant_id =
        owner.give(&server, &team, document_id).await.map_err(|a| a.problem()).expect("given");
    let content = owner.put(&server, document_id, 900_000).await;

    let received: Received = server.get("/v1/received", Some(&worker.token)).await.json();
    assert_eq!(received.grants.len(), 1);
    assert_eq!(received.grants[0].owner_sequence, owner.manifest.sequence());
    // Who gave is shown without a receipt, and without the sealed key that follows the sealed words.
    let never = GrantId(random());
    let asked = FacesOf { grant_ids: vec![received.grants[0].grant_id, never] };
    let shown: Faces = server.post("/v1/received/faces", Some(&worker.token), &asked).await.json();
    assert_eq!(shown.faces.len(), 1);
    assert_eq!(shown.faces[0].face.0.len(), FACE_WRAP_BYTES);
    for nobody in [&owner, &Person::arrive(&server).await] {
        let shown = server.post("/v1/received/faces", Some(&nobody.token), &asked).await;
        assert!(shown.json::<Faces>().faces.is_empty());
    }
    let many = FacesOf { grant_ids: vec![never; FACES + 1] };
    let refused = server.post("/v1/received/faces", Some(&worker.token), &many).await;
    assert_eq!(refused.problem(), (400, "bad_request".into()));
    let at = |document_id: DocumentId, what: &str| {
        format!("/v1/received/{grant_id}/documents/{document_id}/{what}")
    };
    let token = Some(&worker.token);
    assert_eq!(server.get(&at(document_id, "content"), token).await.problem().0, 404, "no receipt");
    let list = worker.receipt(&team, (grant_id, &owner), (2, Subject::List));
    let path = format!("/v1/received/{grant_id}/list");
    let opened: GrantOpened = server.post(&path, token, &list).await.json();
    assert_eq!(opened.documents.len(), 1);
    assert!(opened.documents[0].thumbnail_wrap.is_some());
    assert_eq!(server.get(&at(document_id, "thumbnail"), token).await.status, 200);
    let lying = worker.receipt(&team, (grant_id, &owner), (1, Subject::List));
    assert_eq!(server.post(&path, token, &lying).await.problem(), (422, "refused".into()));

    let subject =
        |version: u32, document_id: DocumentId| Subject::Document { document_id, version };
    let stale = worker.receipt(&team, (grant_id, &owner), (2, subject(1, document_id)));
    assert_eq!(server.post(&at(document_id, "open"), token, &stale).await.problem().0, 409);
    let receipt = worker.receipt(&team, (grant_id, &owner), (2, subject(2, document_id)));
    let opened: DocumentOpened =
        server.post(&at(document_id, "open"), token, &receipt).await.json();
    let wrap = opened.content_wrap.0;
    let _: DocumentOpened = server.post(&at(document_id, "open"), token, &receipt).await.json();
    let read = server.get(&at(document_id, "content"), token).await;
    assert!(read.body == content.bytes);
    let unasked = worker.receipt(&team, (grant_id, &owner), (2, subject(1, other)));
    assert_eq!(server.post(&at(other, "open"), token, &unasked).await.problem().0, 404);
    assert_eq!(
        server.get(&at(document_id, "content"), Some(&manager.token)).await.problem().0,
        404
    );

    let sync: Sync = server.get("/v1/sync", Some(&owner.token)).await.json();
    assert_eq!(sync.receipts.iter().map(|r| r.number).collect::<Vec<_>>(), vec![1, 2]);

    let sqlite = database_bytes(&server);
    assert!(sqlite.is_empty() || holds(&sqlite, &wrap), "the search finds what is there");
    let revoked = owner.submit(&server, Body::Revoke { grant_id }, Submission::default()).await;
    assert_eq!(revoked.status, 200);
    server.app.sweep().await.expect("sweeps");
    assert!(!holds(&database_bytes(&server), &wrap), "erased from database and log");
    let gone = server.get(&at(document_id, "content"), token).await;
    let never = server.get(&at(DocumentId(random()), "content"), token).await;
    assert_eq!((gone.problem(), gone.body), (never.problem(), never.body.clone()));
    assert_eq!(server.get(&at(document_id, "thumbnail"), token).await.body, never.body);
    let again = worker.receipt(&team, (grant_id, &owner), (2, Subject::List));
    assert_eq!(server.post(&path, token, &again).await.body, never.body);
    assert_eq!(server.post(&at(document_id, "open"), token, &receipt).await.body, never.body);
    let received: Received = server.get("/v1/received", token).await.json();
    assert!(received.grants.is_empty());
}

#[tokio::test]
async fn a_grant_ends_by_itself_and_later_versions_no_longer_need_its_wraps() {
    let server = server().await;
    let (mut owner, document_id, _, mut worker, team) = given(&server).await;
    owner.give(&server, &team, document_id).await.map_err(|a| a.problem()).expect("given");
    server.pass(6 * 86400 + 1).await;
    server.app.clock().advance(86400);
    assert_eq!(owner.open_session(&server, None).await.status, 201);
    assert_eq!(worker.open_session(&server, None).await.status, 201);
    let received: Received = server.get("/v1/received", Some(&worker.token)).await.json();
    assert!(received.grants.is_empty());
    server.app.sweep().await.expect("sweeps");
    // This device's clock stands still: it still wraps for the grant, and is not refused.
    owner.put(&server, document_id, 20_000).await;
}

#[tokio::test]
async fn a_structure_is_found_joined_and_led_by_its_manager_alone() {
    let server = server().await;
    let (_, _, manager, worker, team) = given(&server).await;
    let list: StructureList = server.get("/v1/structures?search=lyon%203E", None).await.json();
    assert_eq!(list.structures.len(), 1);
    let face: StructureFace = server.get(&format!("/v1/structures/{}", team.id), None).await.json();
    assert_eq!((face.statements.len(), face.acceptance.is_some()), (3, true));
    let memberships: Memberships = server.get("/v1/memberships", Some(&worker.token)).await.json();
    assert!(memberships.memberships[0].confirmed);

    let newcomer = Person::arrive(&server).await;
    let (id, invite) = team.invitation(&manager);
    let invitations = format!("/v1/structures/{}/invitations", team.id);
    let by_worker = server.post(&invitations, Some(&worker.token), &invite).await;
    assert_eq!(by_worker.problem(), (404, "not_found".into()));
    assert_eq!(server.get(&invitations, Some(&worker.token)).await.problem().0, 404);
    assert_eq!(server.post(&invitations, Some(&manager.token), &invite).await.status, 201);
    let join = format!("/v1/invitations/{id}/join");
    let answer = team.answer(id, &newcomer);
    assert_eq!(server.post(&join, Some(&newcomer.token), &answer).await.status, 204);
    assert_eq!(server.post(&join, Some(&newcomer.token), &answer).await.status, 204);
    let late = Person::arrive(&server).await;
    let second = server.post(&join, Some(&late.token), &team.answer(id, &late)).await;
    assert_eq!(second.problem(), (409, "invitation_used".into()));
    let inside = format!("/v1/structures/{}/inside", team.id);
    assert_eq!(server.get(&inside, Some(&newcomer.token)).await.problem().0, 404, "unconfirmed");
    let face = format!("/v1/structures/{}", team.id);
    assert_eq!(server.get(&face, Some(&newcomer.token)).await.status, 200);

    let admission = team.admission(&manager, &newcomer, id);
    let commits = format!("/v1/structures/{}/commits", team.id);
    let by_worker = server.post(&commits, Some(&worker.token), &admission).await;
    assert_eq!(by_worker.problem().0, 422);
    let wrong = team.admission(&manager, &late, id);
    assert_eq!(server.post(&commits, Some(&manager.token), &wrong).await.problem().0, 422);
    assert_eq!(server.post(&commits, Some(&manager.token), &admission).await.status, 204);
    assert_eq!(server.post(&commits, Some(&manager.token), &admission).await.status, 204);
    let raced = team.admission(&manager, &late, id);
    assert_eq!(server.post(&commits, Some(&manager.token), &raced).await.problem().0, 409);
    let seen: Inside = server.get(&inside, Some(&newcomer.token)).await.json();
    let Some(Joining::Admitted(admitted)) = &admission.joining else {
        unreachable!("it admits somebody")
    };
    assert_eq!(seen.welcome.as_ref(), Some(&admitted.welcome));
    assert_eq!((seen.mls_epoch, seen.certificates.len()), (3, 3));

    let (id, invite) = team.invitation(&manager);
    assert_eq!(server.post(&invitations, Some(&manager.token), &invite).await.status, 201);
    server.app.clock().advance(86400 + 1);
    let mut late = late;
    assert_eq!(late.open_session(&server, None).await.status, 201);
    let join = format!("/v1/invitations/{id}/join");
    let ended = server.post(&join, Some(&late.token), &team.answer(id, &late)).await;
    assert_eq!(ended.problem(), (410, "invitation_ended".into()));
}

#[tokio::test]
async fn a_closed_safe_leaves_nothing_and_does_not_open_again() {
    let server = server().await;
    let (mut owner, document_id, _, worker, team) = given(&server).await;
    let grant_id =
        owner.give(&server, &team, document_id).await.map_err(|a| a.problem()).expect("given");
    let list = worker.receipt(&team, (grant_id, &owner), (2, Subject::List));
    let path = format!("/v1/received/{grant_id}/list");
    assert_eq!(server.post(&path, Some(&worker.token), &list).await.status, 200);
    let opening = owner.opening.clone();
    assert_eq!(owner.submit(&server, Body::Close, Submission::default()).await.status, 200);
    assert_eq!(server.get("/v1/sync", Some(&owner.token)).await.status, 401);
    assert_eq!(server.post(&path, Some(&worker.token), &list).await.problem().0, 404);
    server.app.sweep().await.expect("sweeps");
    assert!(blobs(&server).is_empty());
    assert!(unlock(&server, &owner.handle, &owner.words).await.is_err());
    assert_eq!(server.post("/v1/accounts", None, &opening).await.problem().0, 409);
}
