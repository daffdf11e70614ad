//! Calls on their way: into a router of this process, or over TCP to a server outside it.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context as _, Result};
use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request, header},
};
use http_body_util::BodyExt as _;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use reconnect_format::api::{Call, CallBody, Code, Problem};
use tokio::{net::TcpStream, task::JoinSet};
use tower::ServiceExt as _;

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Header fields.
    pub headers: HeaderMap,
    /// Everything after them.
    pub body: Vec<u8>,
}

impl Answer {
    /// The code of a refusal.
    pub fn code(&self) -> Option<Code> {
        serde_json::from_slice::<Problem>(&self.body).ok().map(|problem| problem.code)
    }

    /// A header field's text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// Sends into a router, with all its layers.
pub async fn inside(router: &Router, call: &Call, token: Option<&str>) -> Result<Answer> {
    inside_of(router, call, token, None).await
}

/// The same, for a range of what is there.
pub async fn inside_of(
    router: &Router,
    call: &Call,
    token: Option<&str>,
    range: Option<&str>,
) -> Result<Answer> {
    let request = request("localhost", call, token, range)?;
    let response = router.clone().oneshot(request).await?;
    let (head, body) = response.into_parts();
    let body = body.collect().await?.to_bytes().to_vec();
    Ok(Answer { status: head.status.as_u16(), headers: head.headers, body })
}

/// Sends over a connection of its own: what came back was really acknowledged.
pub async fn outside(server: SocketAddr, call: &Call, token: Option<&str>) -> Result<Answer> {
    Connection::to(server).await?.send(call, token).await
}

/// The same to a server that ends and comes again: until there is an answer, for half a minute.
pub async fn in_the_end(server: SocketAddr, call: &Call, token: Option<&str>) -> Result<Answer> {
    const TRIES: u32 = 1500;
    let mut tries = 0;
    loop {
        match outside(server, call, token).await {
            Err(_) if tries < TRIES => tries += 1,
            answer => return answer,
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A connection that is used again and again.
pub struct Connection {
    host: String,
    sender: SendRequest<Body>,
    /// What drives it, and ends with it.
    _driver: JoinSet<()>,
}

impl Connection {
    /// Opens one.
    pub async fn to(server: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(server).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        let mut driver = JoinSet::new();
        driver.spawn(async move { drop(connection.await) });
        Ok(Self { host: server.to_string(), sender, _driver: driver })
    }

    /// Sends one call, and waits for its answer.
    pub async fn send(&mut self, call: &Call, token: Option<&str>) -> Result<Answer> {
        self.send_of(call, token, None).await
    }

    /// The same, for a range of what is there.
    pub async fn send_of(
        &mut self,
        call: &Call,
        token: Option<&str>,
        range: Option<&str>,
    ) -> Result<Answer> {
        let request = request(&self.host, call, token, range)?;
        self.sender.ready().await?;
        let (head, body) = self.sender.send_request(request).await?.into_parts();
        let body = body.collect().await?.to_bytes().to_vec();
        Ok(Answer { status: head.status.as_u16(), headers: head.headers, body })
    }
}

/// A call as it goes over the wire.
pub fn request(
    host: &str,
    call: &Call,
    token: Option<&str>,
    range: Option<&str>,
) -> Result<Request<Body>> {
    let mut request =
        Request::builder().method(call.method).uri(&call.path).header(header::HOST, host);
    if let Some(range) = range {
        request = request.header(header::RANGE, range);
    }
    if let Some(token) = token.filter(|_| call.authorized) {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    let (kind, body) = match &call.body {
        CallBody::Empty => (None, Body::empty()),
        CallBody::Json(text) => (Some("application/json"), Body::from(text.clone())),
        CallBody::Bytes(bytes) => (Some("application/octet-stream"), Body::from(bytes.clone())),
    };
    if let Some(kind) = kind {
        request = request.header(header::CONTENT_TYPE, kind);
    }
    request.body(body).context("the call is no request")
}
