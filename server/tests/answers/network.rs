//! On a real socket: downloads that are cut, bodies that drip, stopping in good order.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use reconnect_format::{
    api::Submission, envelope::EnvelopeKind, id::DocumentId, receipt::Subject, statement::Body,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
    time::{Instant, timeout},
};

use crate::{
    given::given,
    stage::{Answer, Person, Server, random, server, server_with},
};

struct Listening {
    address: std::net::SocketAddr,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<anyhow::Result<()>>,
}

async fn listen(server: &Server) -> Listening {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (stop, stopped) = oneshot::channel();
    let ended = tokio::spawn(reconnect::serve::serve(listener, server.app.clone(), async {
        drop(stopped.await);
    }));
    Listening { address, stop, ended }
}

async fn ask(listening: &Listening, path: &str, token: Option<&[u8; 32]>) -> TcpStream {
    let mut stream = TcpStream::connect(listening.address).await.expect("connects");
    let bearer = token.map_or(String::new(), |token| {
        format!("Authorization: Bearer {}\r\n", URL_SAFE_NO_PAD.encode(token))
    });
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{bearer}\r\n");
    stream.write_all(request.as_bytes()).await.expect("asks");
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_under_way_is_cut_when_its_grant_is_taken_back() {
    let server = server().await;
    let (mut owner, _, _, worker, team) = given(&server).await;
    let document_id = DocumentId(random());
    let content = owner.put(&server, document_id, 20 << 20).await;
    let grant_id =
        owner.give(&server, &team, document_id).await.map_err(|a| a.problem()).expect("given");
    let subject = Subject::Document { document_id, version: 1 };
    let receipt = worker.receipt(&team, (grant_id, &owner), (2, subject));
    let path = format!("/v1/received/{grant_id}/documents/{document_id}");
    let opened = server.post(&format!("{path}/open"), Some(&worker.token), &receipt).await;
    assert_eq!(opened.status, 200);

    let listening = listen(&server).await;
    let mut stream = ask(&listening, &format!("{path}/content"), Some(&worker.token)).await;
    let mut first = vec![0; 1 << 20];
    stream.read_exact(&mut first).await.expect("the first megabyte");
    let revoked = owner.submit(&server, Body::Revoke { grant_id }, Submission::default()).await;
    assert_eq!(revoked.status, 200);
    let taken_back = Instant::now();
    let mut rest = Vec::new();
    // What the kernel had buffered still comes; then the connection breaks before the end.
    drop(timeout(Duration::from_secs(5), stream.read_to_end(&mut rest)).await.expect("ends"));
    assert!(taken_back.elapsed() < Duration::from_secs(1), "{:?}", taken_back.elapsed());
    assert!(first.len() + rest.len() < content.bytes.len() * 3 / 4, "{}", rest.len());
    drop(listening.stop);
    listening.ended.await.expect("joins").expect("stops");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_is_said_at_once_and_what_is_under_way_ends() {
    let server = server().await;
    let (mut owner, _, _, _, _) = given(&server).await;
    let document_id = DocumentId(random());
    let content = owner.put(&server, document_id, 19 << 20).await;
    let listening = listen(&server).await;
    let path = format!("/v1/documents/{document_id}/content");
    let mut stream = ask(&listening, &path, Some(&owner.token)).await;
    let mut first = vec![0; 1 << 16];
    stream.read_exact(&mut first).await.expect("the beginning");
    let Listening { address, stop, ended } = listening;
    drop(stop);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(server.get("/readyz", None).await.status, 503);
    assert_eq!(server.get("/v1/service", None).await.problem(), (503, "unavailable".into()));
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.expect("the rest");
    assert!(first.len() + rest.len() >= content.bytes.len());
    timeout(Duration::from_secs(5), ended).await.expect("soon").expect("joins").expect("stops");
    assert!(TcpStream::connect(address).await.is_err());
}

/// Begins to send a body that announces `bytes`, and stops after the first of them.
async fn drip(
    listening: &Listening,
    path: &str,
    token: Option<&[u8; 32]>,
    bytes: u64,
) -> TcpStream {
    let mut stream = TcpStream::connect(listening.address).await.expect("connects");
    let bearer = token.map_or(String::new(), |token| {
        format!("Authorization: Bearer {}\r\n", URL_SAFE_NO_PAD.encode(token))
    });
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Content-Length: {bytes}\r\n{bearer}\r\n{{"
    );
    stream.write_all(request.as_bytes()).await.expect("asks");
    stream
}

/// Asks until the server has noticed what others do, and answers with this status. What drips takes
/// a place for a moment, too, until its body is waited for.
async fn until(status: u16, ask: impl AsyncFn() -> Answer) -> Answer {
    let start = Instant::now();
    loop {
        let answer = ask().await;
        if answer.status == status {
            return answer;
        }
        assert!(start.elapsed() < Duration::from_secs(30), "{}", answer.status);
    }
}

/// Lets more come until there is no room for what asks, and gives the refusal. One that comes while
/// what asks has some of the room is refused itself, so that no number of them is enough.
async fn filled(
    held: &mut Vec<TcpStream>,
    comes: impl AsyncFn() -> TcpStream,
    ask: impl AsyncFn() -> Answer,
) -> Answer {
    let start = Instant::now();
    loop {
        held.push(comes().await);
        let answer = ask().await;
        if answer.status == 503 {
            return answer;
        }
        assert!(start.elapsed() < Duration::from_secs(30), "{}", answer.status);
    }
}

/// Signs in, soon.
async fn comes_in(server: &Server, person: &Person) {
    let start = Instant::now();
    while person.unlock_with_words(server, &person.words).await.is_err() {
        assert!(start.elapsed() < Duration::from_secs(30));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_drip_keep_nobody_else_from_being_answered() {
    let mut server = server_with(|config| config.requests = 4).await;
    let person = Person::arrive(&server).await;
    let listening = listen(&server).await;
    server.remote = Some(listening.address);
    let mut dripping = Vec::new();
    for path in ["/v1/accounts", "/v1/sessions", "/v1/words/registration", "/v1/unlock/held"] {
        for _ in 0..5 {
            dripping.push(drip(&listening, path, None, 3_000).await);
        }
        dripping.push(drip(&listening, "/v1/statements", Some(&person.token), 3_000).await);
    }
    for _ in 0..20 {
        assert_eq!(server.get("/livez", None).await.status, 200);
    }
    until(200, async || server.get("/readyz", None).await).await;
    until(200, async || server.get("/v1/sync", Some(&person.token)).await).await;
    let other = Person::prepare(&server).await;
    assert_eq!(server.post("/v1/accounts", None, &other.opening).await.status, 201);
    comes_in(&server, &person).await;
    // They are given up under one deadline, however they drip.
    let start = Instant::now();
    for stream in &mut dripping {
        while start.elapsed() < Duration::from_mins(1) && stream.write_all(b" ").await.is_ok() {
            let mut answer = [0; 12];
            let read = timeout(Duration::from_secs(2), stream.read(&mut answer)).await;
            if let Ok(read) = read {
                assert!(read.is_err() || answer.starts_with(b"HTTP/1.1 503"));
                break;
            }
        }
    }
    assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
    drop(listening.stop);
    listening.ended.await.expect("joins").expect("stops");
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_that_drip_leave_room_for_everything_else() {
    let mut server = server_with(|config| config.requests = 4).await;
    let person = Person::arrive(&server).await;
    let content = person.seal(DocumentId(random()), EnvelopeKind::Content, (1, 19 << 20));
    let path = format!("/v1/envelopes/{}", content.named.envelope_id);
    let prefix = content.bytes[..131].to_vec();
    assert_eq!(server.send("PUT", &path, Some(&person.token), prefix.into()).await.status, 204);
    let listening = listen(&server).await;
    server.remote = Some(listening.address);
    let drip = async || {
        let mut stream = TcpStream::connect(listening.address).await.expect("connects");
        let request = format!(
            "PUT {path}/parts/0 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4194560\r\n\
             Authorization: Bearer {}\r\n\r\n.",
            URL_SAFE_NO_PAD.encode(person.token)
        );
        stream.write_all(request.as_bytes()).await.expect("asks");
        stream
    };
    let part = async || {
        let path = format!("{path}/parts/4");
        server.send("PUT", &path, Some(&person.token), vec![0].into()).await
    };
    let mut dripping = Vec::new();
    let refused = filled(&mut dripping, drip, part).await;
    assert_eq!(refused.problem(), (503, "unavailable".into()));
    assert!(refused.headers.contains_key("retry-after"));
    until(200, async || server.get("/v1/sync", Some(&person.token)).await).await;
    comes_in(&server, &person).await;
    drop(dripping);
    until(400, part).await;
    drop(listening.stop);
    listening.ended.await.expect("joins").expect("stops");
}

#[tokio::test(flavor = "multi_thread")]
async fn large_bodies_wait_for_room_and_small_ones_never_do() {
    let mut server = server().await;
    let person = Person::arrive(&server).await;
    let listening = listen(&server).await;
    server.remote = Some(listening.address);
    let announce = async || drip(&listening, "/v1/statements", Some(&person.token), 8 << 20).await;
    let large = async || {
        let large = vec![b' '; 100_000];
        server.send("POST", "/v1/statements", Some(&person.token), large.into()).await
    };
    let mut announced = Vec::new();
    // 32 fill the room.
    for _ in 0..32 {
        announced.push(announce().await);
    }
    let refused = filled(&mut announced, announce, large).await;
    assert_eq!(refused.problem(), (503, "unavailable".into()));
    assert!(refused.headers.contains_key("retry-after"));
    comes_in(&server, &person).await;
    drop(announced);
    // It is read, and is no statement.
    until(400, large).await;
    drop(listening.stop);
    listening.ended.await.expect("joins").expect("stops");
}
