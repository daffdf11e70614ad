//! Somebody between a server and its object store, who does what object stores and networks do on bad days: errors
//! before and after a request took effect, requests that take effect late, answers that end early, silence.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, Result};
use axum::{
    body::Body,
    http::{Method, Request, Response, StatusCode, header},
};
use futures_util::stream;
use http_body_util::BodyExt as _;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng as _, SeedableRng as _};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

/// How it behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// It passes everything on.
    Honest,
    /// So many of a hundred requests go wrong.
    Hostile(u64),
    /// Each object takes so many milliseconds to be written.
    Slow(u64),
    /// It answers nobody.
    Away,
}

/// What happens to one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    /// Refused with this status, and nothing happened.
    Refused(u16),
    /// It happened, and the answer says that it did not.
    DoneAndDenied,
    /// It happened, and the connection is cut before the answer.
    DoneAndCut,
    /// The connection is cut, and it happens later.
    CutAndDoneLater(u64),
    /// The answer ends in its middle.
    EndsEarly,
    /// The answer is shorter, and says so as if that were all.
    Shortened,
}

/// One of them.
pub struct Hostile {
    state: Arc<State>,
    address: SocketAddr,
    _serving: JoinSet<()>,
}

struct State {
    store: SocketAddr,
    mood: Mutex<(Mood, ChaCha8Rng)>,
    faults: [AtomicUsize; 6],
}

impl Hostile {
    /// Stands before the object store at `http://…`.
    pub async fn before(endpoint: &str, seed: u64) -> Result<Self> {
        let store = endpoint.strip_prefix("http://").context("no address")?.parse()?;
        let mood = Mutex::new((Mood::Honest, ChaCha8Rng::seed_from_u64(seed)));
        let state = Arc::new(State { store, mood, faults: Default::default() });
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let mut serving = JoinSet::new();
        serving.spawn(accept(listener, Arc::clone(&state)));
        Ok(Self { state, address, _serving: serving })
    }

    /// Its own address.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on it behaves so.
    pub fn set(&self, mood: Mood) {
        self.state.mood.lock().unwrap_or_else(PoisonError::into_inner).0 = mood;
    }

    /// How often it did each of what it does.
    pub fn counts(&self) -> [(&'static str, usize); 6] {
        let names =
            ["refused", "done and denied", "done and cut", "done late", "ended early", "shortened"];
        let mut counts = names.map(|name| (name, 0));
        for (count, fault) in counts.iter_mut().zip(&self.state.faults) {
            count.1 = fault.load(Ordering::SeqCst);
        }
        counts
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let state = Arc::clone(&state);
        connections.spawn(async move {
            let service = service_fn(move |request| answer(request, Arc::clone(&state)));
            // However it ends: that is what it is here for.
            drop(http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
        });
        while connections.try_join_next().is_some() {}
    }
}

impl State {
    fn mood(&self) -> Mood {
        self.mood.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    fn draw(&self, method: &Method) -> Fault {
        let mut mood = self.mood.lock().unwrap_or_else(PoisonError::into_inner);
        let (Mood::Hostile(of_hundred), rng) = &mut *mood else { return Fault::None };
        let dice = rng.next_u64();
        if dice % 100 >= *of_hundred {
            return Fault::None;
        }
        let reads = *method == Method::GET || *method == Method::HEAD;
        let fault = match (dice >> 32) % 5 {
            0 => Fault::Refused(if dice & 1 << 20 == 0 { 500 } else { 503 }),
            1 if reads => Fault::EndsEarly,
            2 if reads => Fault::Shortened,
            1 => Fault::DoneAndDenied,
            2 => Fault::CutAndDoneLater((dice >> 40) % 3000),
            _ => Fault::DoneAndCut,
        };
        let number = match fault {
            Fault::None => return fault,
            Fault::Refused(_) => 0,
            Fault::DoneAndDenied => 1,
            Fault::DoneAndCut => 2,
            Fault::CutAndDoneLater(_) => 3,
            Fault::EndsEarly => 4,
            Fault::Shortened => 5,
        };
        self.faults[number].fetch_add(1, Ordering::SeqCst);
        fault
    }
}

async fn answer(request: Request<Incoming>, state: Arc<State>) -> io::Result<Response<Body>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let request = || {
        let mut request = Request::new(Body::from(body.clone()));
        *request.method_mut() = head.method.clone();
        *request.uri_mut() = head.uri.clone();
        *request.headers_mut() = head.headers.clone();
        request
    };
    let cut = || io::Error::from(io::ErrorKind::ConnectionReset);
    match state.mood() {
        Mood::Away => return Err(cut()),
        Mood::Slow(millis) if head.method == Method::PUT => {
            tokio::time::sleep(Duration::from_millis(millis)).await;
        }
        _ => {}
    }
    let fault = state.draw(&head.method);
    match fault {
        Fault::Refused(status) => return Ok(refusal(status)),
        Fault::CutAndDoneLater(millis) => {
            let late = request();
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(millis)).await;
                drop(forward(late, state.store).await);
            });
            return Err(cut());
        }
        _ => {}
    }
    let (mut head, body) = forward(request(), state.store).await?;
    match fault {
        Fault::DoneAndDenied => Ok(refusal(500)),
        Fault::DoneAndCut => Err(cut()),
        Fault::EndsEarly if body.len() > 1 => {
            let half = body.slice(..body.len() / 2);
            let pieces = stream::iter([Ok(half), Err(cut())]);
            Ok(Response::from_parts(head, Body::from_stream(pieces)))
        }
        Fault::Shortened if body.len() > 1 => {
            let half = body.slice(..body.len() / 2);
            head.headers.insert(header::CONTENT_LENGTH, half.len().into());
            Ok(Response::from_parts(head, Body::from(half)))
        }
        _ => Ok(Response::from_parts(head, Body::from(body))),
    }
}

fn refusal(status: u16) -> Response<Body> {
    let code = if status == 503 { "SlowDown" } else { "InternalError" };
    let said = format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code></Error>");
    let mut response = Response::new(Body::from(said));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
    response
}

/// Over a connection of its own.
async fn forward(
    request: Request<Body>,
    store: SocketAddr,
) -> io::Result<(axum::http::response::Parts, axum::body::Bytes)> {
    let stream = TcpStream::connect(store).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(io::Error::other)?;
    let mut driver = JoinSet::new();
    driver.spawn(async move { drop(connection.await) });
    let answer = sender.send_request(request).await.map_err(io::Error::other)?;
    let (head, body) = answer.into_parts();
    Ok((head, body.collect().await.map_err(io::Error::other)?.to_bytes()))
}
