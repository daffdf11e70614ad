//! The log: what is acknowledged comes into it, once, whatever is cut off in between.

use ed25519_dalek::{Signer as _, SigningKey};
use reconnect::App;
use reconnect_format::api::{HandIn, LogAnswer, Service, Submission};
use reconnect_format::{
    id::{Base64, StructureId},
    log::{account_index, mark_value, structure_index, structure_value},
    statement::Body,
};
use reconnect_log::{
    KeyKind, Lookup, Newest, Note, Policy, Question, Replay, VerifierKey, Witnessed,
    tile::{TilePath, decode_entries},
};

use crate::stage::{Person, Server, Team, random, server, server_with};

async fn policy(server: &Server, witnesses: Vec<VerifierKey>, required: usize) -> Policy {
    let service: Service = server.get("/v1/service", None).await.json();
    let log = service.log.parse().expect("a verifier key");
    Policy::new(log, witnesses, required).expect("a policy")
}

async fn look_up(server: &Server, index: [u8; 32], policy: &Policy) -> Witnessed {
    let index_text = String::from(Base64(index.to_vec()));
    let answer: LogAnswer =
        server.get(&format!("/v1/log/lookup?index={index_text}"), None).await.json();
    let question =
        Question { policy, index, beside: &[], kept: None, now: server.app.clock().now() };
    let lookup = Lookup::decode(&answer.lookup.0).expect("a look-up");
    lookup.verify(&question).expect("believed")
}

async fn checkpoint(server: &Server) -> Note {
    let text = server.get("/v1/log/checkpoint", None).await.body;
    Note::parse(str::from_utf8(&text).expect("text")).expect("a note")
}

/// Everything that is published, as an auditor reads it.
async fn replayed(server: &Server) -> Replay {
    let size = checkpoint(server).await.claim().size;
    let mut replay = Replay::default();
    for tile in TilePath::entries(0, size) {
        let bytes = server.get(&format!("/v1/log/tile/{tile}"), None).await.body;
        for leaf in decode_entries(&bytes).expect("leaves") {
            let heads = server.get(&format!("/v1/log/heads/{}", replay.size()), None).await;
            let heads = if heads.status == 200 { heads.body } else { Vec::new() };
            replay.take(leaf, &heads).expect("an honest log");
        }
    }
    assert_eq!(replay.root(), checkpoint(server).await.claim().root);
    replay
}

#[tokio::test]
async fn a_safe_and_a_structure_stand_in_the_log_after_the_next_batch() {
    let server = server().await;
    let policy = policy(&server, Vec::new(), 0).await;
    let mut person = Person::arrive(&server).await;
    let index = person.log_index();
    assert_eq!(look_up(&server, index, &policy).await.newest(), None, "sent, not safe");
    server.app.publish().await.expect("published");
    let opened = look_up(&server, index, &policy).await;
    let opened = opened.newest().map(|it| (it.sequence, it.value.to_vec()));
    assert_eq!(opened, Some((5, person.opening.log_value.0.clone())));
    let compared =
        Body::CompareStructure { structure_id: StructureId(random()), sequence: 1, head: random() };
    assert_eq!(person.submit(&server, compared, Submission::default()).await.status, 200);
    let team = Team::found(&server, &person, "Accueil").await;
    server.app.publish().await.expect("published");
    let found = look_up(&server, structure_index(team.id), &policy).await;
    let head = team.heads.last().expect("a head");
    let newest = Newest { sequence: 2, value: structure_value(2, head) };
    assert_eq!(found.newest(), Some(newest));
    let size = checkpoint(&server).await.claim().size;
    server.app.publish().await.expect("published");
    assert_eq!(checkpoint(&server).await.claim().size, size, "nothing waits, nothing grows");
    assert!(replayed(&server).await.ends_with_map());
}

#[tokio::test]
async fn nobody_takes_a_place_in_the_log_that_somebody_has() {
    let server = server().await;
    let policy = policy(&server, Vec::new(), 0).await;
    let person = Person::arrive(&server).await;
    let mark = random::<32>();
    for nonce in [person.opening.log_nonce.clone(), Base64(mark.to_vec())] {
        // Who knows of what a place comes, and who knows the mark of another's device.
        let mut thief = Person::prepare(&server).await;
        thief.opening.log_nonce = nonce;
        assert_eq!(server.post("/v1/accounts", None, &thief.opening).await.status, 201);
        assert_eq!(thief.open_session(&server, None).await.status, 201);
        let retired = Body::RetireDevice { device_id: thief.device_id };
        let submission = Submission { mark: Base64(mark.to_vec()), ..Submission::default() };
        assert_eq!(thief.submit(&server, retired, submission).await.status, 200);
        server.app.publish().await.expect("published");
        let found = look_up(&server, thief.log_index(), &policy).await;
        assert_eq!(found.newest().map(|it| it.sequence), Some(6));
    }
    let found = look_up(&server, person.log_index(), &policy).await;
    let value = found.newest().map(|it| it.value.to_vec());
    assert_eq!(value, Some(person.opening.log_value.0.clone()));
    let marked = look_up(&server, account_index(person.id(), &mark), &policy).await;
    assert_eq!(marked.newest(), None);
}

#[tokio::test]
async fn witnesses_are_waited_for_and_what_they_have_not_seen_is_not_shown() {
    let witness = SigningKey::from_bytes(&random());
    let key = VerifierKey::new("w", KeyKind::Cosigner, witness.verifying_key().to_bytes());
    let key = key.expect("a key");
    let listed = key.clone();
    let server = server_with(move |config| {
        config.log.witnesses = vec![listed];
        config.log.required = 1;
    })
    .await;
    let policy = policy(&server, vec![key.clone()], 1).await;
    let person = Person::arrive(&server).await;
    server.app.publish().await.expect("waits");
    let first = checkpoint(&server).await;
    assert_eq!(first.claim().size, 1, "the first checkpoint stands until it is cosigned");
    let hand_in = async |note: &Note, by: &SigningKey| {
        let mut note = note.clone();
        let line =
            note.cosign(&key, server.app.clock().now(), |message| by.sign(message).to_bytes());
        note.put(&key, line);
        server.post("/v1/log/cosignatures", None, &HandIn { note: note.to_string() }).await
    };
    let stranger = SigningKey::from_bytes(&random());
    assert_eq!(hand_in(&first, &stranger).await.status, 422);
    assert_eq!(hand_in(&first, &witness).await.status, 204);
    assert_eq!(hand_in(&first, &witness).await.status, 204, "once, said twice");
    server.app.publish().await.expect("goes on");
    let second = checkpoint(&server).await;
    assert!(second.claim().size > 1);
    let index = person.log_index();
    let shown = look_up(&server, index, &policy).await;
    assert_eq!((shown.checkpoint().size, shown.newest()), (1, None), "the witnessed one");
    assert_eq!(hand_in(&second, &witness).await.status, 204);
    assert!(look_up(&server, index, &policy).await.newest().is_some());
    assert_eq!(hand_in(&first, &witness).await.status, 409, "too late");
    server.app.clock().advance(601);
    server.app.publish().await.expect("signed again");
    let own = policy_log(&server).await.as_kind(KeyKind::Cosigner);
    assert_eq!(checkpoint(&server).await.verify(&own), Ok(Some(server.app.clock().now())));
}

async fn policy_log(server: &Server) -> VerifierKey {
    let service: Service = server.get("/v1/service", None).await.json();
    service.log.parse().expect("a verifier key")
}

/// Ends a server, changes its folder, and opens it again.
async fn reopened(server: Server, change: impl FnOnce(&std::path::Path)) -> anyhow::Result<App> {
    let Server { app, router, folder, config, .. } = server;
    let clock = app.clock().clone();
    app.close().await;
    drop((app, router));
    change(folder.path());
    let app = App::open(config, clock).await?;
    // The folder goes with the test; what is open stays readable until then.
    drop(folder);
    Ok(app)
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for file in std::fs::read_dir(from).expect("there") {
        let file = file.expect("a file");
        std::fs::copy(file.path(), to.join(file.file_name())).expect("copied");
    }
}

#[tokio::test]
async fn a_retired_device_is_marked_behind_the_head_and_looked_up_beside_it() {
    let server = server().await;
    let policy = policy(&server, Vec::new(), 0).await;
    let mut person = Person::arrive(&server).await;
    let mark = random::<32>();
    let (index, marked) = (person.log_index(), account_index(person.id(), &mark));
    let retired = Body::RetireDevice { device_id: person.device_id };
    let submission = Submission { mark: Base64(mark.to_vec()), ..Submission::default() };
    assert_eq!(person.submit(&server, retired, submission).await.status, 200);
    server.app.publish().await.expect("published");
    let text = |indices: &[[u8; 32]]| String::from(Base64(indices.concat()));
    let asked = |beside: String| format!("/v1/log/lookup?index={}&beside={beside}", text(&[index]));
    let beside = [marked, random()];
    let answer: LogAnswer = server.get(&asked(text(&beside)), None).await.json();
    let now = server.app.clock().now();
    let question = Question { policy: &policy, index, beside: &beside, kept: None, now };
    let lookup = Lookup::decode(&answer.lookup.0).expect("a look-up");
    let found = lookup.verify(&question).expect("believed");
    assert_eq!(found.newest().map(|it| it.sequence), Some(6));
    let value = mark_value(&mark);
    assert_eq!(found.beside(), [Some(Newest { sequence: 5, value }), None]);
    replayed(&server).await;
    // No more than is promised, and whole ones.
    let most = [random(); 32];
    assert_eq!(server.get(&asked(text(&most)), None).await.status, 200);
    for bad in [text(&[random(); 33]), text(&beside).split_off(2), "-".to_owned()] {
        assert_eq!(server.get(&asked(bad), None).await.problem(), (400, "bad_request".into()));
    }
}

#[tokio::test]
async fn a_log_from_an_older_copy_is_refused_before_it_can_fork() {
    let server = server().await;
    let older = tempfile::tempdir().expect("a folder");
    copy(&server.folder.path().join("log"), older.path());
    Person::arrive(&server).await;
    server.app.publish().await.expect("published");
    let error = reopened(server, |data| copy(older.path(), &data.join("log"))).await;
    let error = error.err().expect("refused").to_string();
    assert!(error.contains("older copy"), "{error}");
}

#[tokio::test]
async fn another_folder_s_log_and_damaged_leaves_are_refused() {
    for (file, at) in [("leaves", 40), ("leaves", 5), ("checkpoint", 30)] {
        let server = server().await;
        Person::arrive(&server).await;
        server.app.publish().await.expect("published");
        let damaged = reopened(server, |data| {
            let path = data.join("log").join(file);
            let mut bytes = std::fs::read(&path).expect("there");
            bytes[at] ^= 1;
            std::fs::write(path, bytes).expect("written");
        });
        let error = damaged.await.err().expect("refused").to_string();
        assert!(error.contains("log"), "{error}");
    }
}

#[tokio::test]
async fn what_a_crash_left_behind_the_last_checkpoint_is_written_over() {
    let server = server().await;
    let person = Person::arrive(&server).await;
    let before = checkpoint(&server).await;
    let log = server.folder.path().join("log");
    for file in ["leaves", "heads"] {
        let mut bytes = std::fs::read(log.join(file)).expect("there");
        // Part of a batch whose checkpoint was never published.
        bytes.extend([0, 67, 0, 1, 1, 9, 9, 9]);
        std::fs::write(log.join(file), bytes).expect("written");
    }
    let server = server.restart().await;
    assert!(checkpoint(&server).await.claim().size > before.claim().size, "it waited, and is in");
    let policy = policy(&server, Vec::new(), 0).await;
    let found = look_up(&server, person.log_index(), &policy).await;
    assert!(found.newest().is_some());
    replayed(&server).await;
}
