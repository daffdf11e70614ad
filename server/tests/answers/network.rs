//! On a real socket: downloads that are cut, stopping in good order.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use reconnect_format::{api::Submission, id::DocumentId, receipt::Subject, statement::Body};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
    time::{Instant, timeout},
};

use crate::{
    given::given,
    stage::{Server, random, server},
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
