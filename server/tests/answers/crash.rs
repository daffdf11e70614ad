//! A server that is killed again and again: what it acknowledged is there.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use axum::body::Body as HttpBody;
use reconnect_format::{api::Submission, envelope::EnvelopeKind, id::DocumentId, statement::Body};

use crate::stage::{Content, Person, Server, parts, random, server, small};

/// Lives of the server.
const LIVES: u32 = 8;

struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

async fn start(data: &Path, server: &mut Server) -> Process {
    let port = std::net::TcpListener::bind(("127.0.0.1", 0))
        .and_then(|listener| listener.local_addr())
        .expect("a port");
    let process = Process(
        Command::new(env!("CARGO_BIN_EXE_reconnect"))
            .args(["serve", "--listen", &port.to_string(), "--reserve-bytes", "1048576"])
            .arg("--data")
            .arg(data)
            .stderr(Stdio::null())
            .spawn()
            .expect("starts"),
    );
    server.remote = Some(port);
    for _ in 0..500 {
        if server.get("/readyz", None).await.status == 200 {
            return process;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    unreachable!("the server did not start");
}

/// Puts a document; whether every step was acknowledged.
async fn put(person: &mut Person, server: &Server) -> Option<(DocumentId, Content)> {
    let document_id = DocumentId(random());
    let content = person.seal(document_id, EnvelopeKind::Content, (1, 4_500_000));
    let card = person.seal(document_id, EnvelopeKind::Card, (1, 1 << 20));
    let path = format!("/v1/envelopes/{}", content.named.envelope_id);
    let token = Some(&person.token);
    let prefix = HttpBody::from(content.bytes[..131].to_vec());
    if server.send("PUT", &path, token, prefix).await.status != 204 {
        return None;
    }
    for (index, part) in parts(&content).enumerate() {
        let path = format!("{path}/parts/{index}");
        if server.send("PUT", &path, token, part.to_vec().into()).await.status != 204 {
            return None;
        }
    }
    let submission = Submission {
        wraps: person.wraps(document_id, &[&content.named, &card.named]),
        envelopes: vec![small(&card)],
        ..Submission::default()
    };
    let body = Body::PutVersion {
        document_id,
        content: content.named.clone(),
        card: card.named.clone(),
        thumbnail: None,
    };
    let answer = person.submit(server, body, submission).await;
    (answer.status == 200).then_some((document_id, content))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_being_killed() {
    let mut server = server().await;
    let data = tempfile::tempdir().expect("a folder");
    let mut process = start(data.path(), &mut server).await;
    let mut acknowledged = Vec::new();
    for life in 0..LIVES {
        // A statement that was written and not acknowledged would end a person's chain here: each
        // life has its own.
        let mut person = Person::arrive(&server).await;
        let pid = process.0.id();
        let delay = Duration::from_millis(50 + 97 * u64::from(life));
        let killer = tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            drop(Command::new("kill").args(["-9", &pid.to_string()]).status());
        });
        while let Some(kept) = put(&mut person, &server).await {
            acknowledged.push((person.token, kept));
        }
        killer.await.expect("killed");
        drop(process);
        process = start(data.path(), &mut server).await;
    }
    assert!(!acknowledged.is_empty());
    for (token, (document_id, content)) in &acknowledged {
        let path = format!("/v1/documents/{document_id}/content");
        let answer = server.get(&path, Some(token)).await;
        assert!(answer.body == content.bytes, "{document_id} {}", answer.status);
    }
    drop(process);
}
