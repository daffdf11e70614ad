//! The page that a server gives out, compared with the one that its log names.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context as _, Result, ensure};
use axum::{Router, body::Body, extract::Request, http::header, response::Response};
use http_body_util::BodyExt as _;
use hyper_util::rt::TokioIo;
use reconnect_format::api::{Call, Service};
use reconnect_log::VerifierKey;
use reconnect_tests::{process::Setup, wire};
use tokio::net::{TcpListener, TcpStream};

use super::auditor::{Auditor, Ended};

/// Changes what is answered under a path, given the encoding that was asked for.
type Lie = fn(&str, &str, Vec<u8>) -> Vec<u8>;

/// Somebody before the server: where they listen.
async fn before(server: SocketAddr, lie: Lie) -> Result<String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let url = format!("http://{}", listener.local_addr()?);
    let router = Router::new().fallback(move |request: Request| async move {
        Box::pin(pass(server, request, lie)).await.expect("the server answers")
    });
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(url)
}

async fn pass(server: SocketAddr, request: Request, lie: Lie) -> Result<Response> {
    let path = request.uri().path().to_owned();
    let encoding = request.headers().get(header::ACCEPT_ENCODING).cloned();
    let encoding = encoding.as_ref().and_then(|it| it.to_str().ok()).unwrap_or_default().to_owned();
    let stream = TcpStream::connect(server).await?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let (mut head, body) = sender.send_request(request).await?.into_parts();
    let body = lie(&path, &encoding, body.collect().await?.to_bytes().to_vec());
    connection.abort();
    head.headers.remove(header::CONTENT_LENGTH);
    Ok(Response::from_parts(head, Body::from(body)))
}

async fn look(auditor: &Auditor, url: &str, log: &VerifierKey) -> Result<Ended> {
    let (log, state) = (log.to_string(), auditor.place("state"));
    auditor.run(&["page", url, "--log-key", &log, "--state", &state]).await
}

#[tokio::test]
async fn a_page_that_the_log_does_not_name_is_told_from_the_one_that_it_does() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let setup = Setup::on(folder.path()).await?;
    let process = setup.start().await?;
    let call = Call::read("/v1/service").open();
    let service = wire::outside(setup.address, &call, None).await?;
    let log: VerifierKey = serde_json::from_slice::<Service>(&service.body)?.log.parse()?;
    let auditor = Auditor::new().await?;

    let honest = look(&auditor, &format!("http://{}", setup.address), &log).await?;
    ensure!(honest.code == 0 && honest.last()["event"] == "page", "{honest:?}");
    ensure!(honest.last()["number"] == 1, "{honest:?}");
    let files = honest.last()["files"].as_u64().context("no number")?;
    ensure!(files > 100, "{files} files, in three forms each");

    let change: Lie = |path, _, body| {
        if path == "/structure.html" { [b" ".as_slice(), &body].concat() } else { body }
    };
    // Browsers are given a compressed form of what they open: that alone.
    let compressed: Lie = |path, encoding, body| {
        if path == "/" && encoding == "br" { [&body[..], b"!"].concat() } else { body }
    };
    // Another list, for another page.
    let list: Lie = |path, _, body| {
        let first = body.iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        if path.ends_with("/said/release") { body[first..].to_vec() } else { body }
    };
    for (lie, says) in [
        (change, "/structure.html is not structure.html"),
        (compressed, "/ is not index.html.br"),
        (list, "the list of files is not the one that the log names as 1"),
    ] {
        let url = before(setup.address, lie).await?;
        let other = look(&auditor, &url, &log).await?;
        ensure!(other.code == 1 && other.says("other_page", says), "{says}: {other:?}");
    }

    // Started again with the same page: nothing new is named.
    process.stop().await?;
    let _process = setup.start().await?;
    let again = look(&auditor, &format!("http://{}", setup.address), &log).await?;
    ensure!(again.code == 0 && again.last()["number"] == 1, "{again:?}");
    Ok(())
}
