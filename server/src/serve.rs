//! The server on the network: hyper with a timeout for headers, a deadline for progress in both
//! directions, a cap on connections ([`crate::guest`]), and an orderly stop.

use std::{
    convert::Infallible,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use axum::{
    Router,
    body::Body,
    response::{IntoResponse as _, Response},
};
use hyper::{Request, body::Incoming, header, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use reconnect_format::api::Code;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
    time::{Duration, Instant, Sleep},
};
use tower::ServiceExt as _;

use crate::{
    App, app,
    error::Error,
    guest::{Asked, Guest, Guests},
    log,
    metrics::{self, Traffic},
    page, scrub, supervisor, sweep,
};

/// Headers must have come by then; an idle connection is closed then too.
const HEADERS: Duration = Duration::from_secs(30);
/// A connection on which nothing can be written for this long is closed.
const STALLED: Duration = Duration::from_mins(1);
/// Connections of those who watch over the server.
const WATCHERS: usize = 16;
/// How long requests under way have after a signal to stop.
const STOPPING: Duration = Duration::from_secs(30);

/// Serves until `stop` says so, then lets what is under way end.
pub async fn serve(
    listener: TcpListener,
    app: App,
    stop: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    // LOG-18: before anybody is answered.
    log::announce(&app).await.map_err(|error| anyhow::anyhow!("the log cannot go on: {error}"))?;
    app.publish().await?;
    let sweeping = tokio::spawn(sweep::forever(app.clone()));
    let logging = tokio::spawn(log::forever(app.clone()));
    let scrubbing = tokio::spawn(scrub::forever(app.clone()));
    let router = app::router(app.clone());
    let guests = Guests::new(usize::try_from(app.settings().connections)?);
    app.metrics.watch(&guests);
    let traffic = app.metrics.traffic.clone();
    let (stopping, stopped) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut stop = std::pin::pin!(stop);
    let mut deadline: Option<Instant> = None;
    let living = tokio::spawn(supervisor::live());
    supervisor::ready();
    loop {
        tokio::select! {
            biased;
            () = &mut stop, if deadline.is_none() => {
                tracing::info!(connections = connections.len(), "stopping");
                app.stop();
                supervisor::stopping();
                stopping.send_replace(true);
                deadline = Some(Instant::now() + STOPPING);
            }
            () = wait_until(deadline), if deadline.is_some() => break,
            Some(_) = connections.join_next() => {
                if deadline.is_some() && connections.is_empty() {
                    break;
                }
            }
            accepted = accept(&listener) => {
                if let Some(stream) = accepted
                    && let Some(guest) = guests.enter()
                {
                    let stream = Impatient::new(stream, traffic.clone());
                    connections.spawn(converse(stream, guest, router.clone(), stopped.clone()));
                }
            }
        }
        if deadline.is_some() && connections.is_empty() {
            break;
        }
    }
    connections.shutdown().await;
    sweeping.abort();
    logging.abort();
    scrubbing.abort();
    living.abort();
    app.close().await;
    tracing::info!("stopped");
    Ok(())
}

/// Gives figures to who watches over the server, for as long as it runs: `RECONNECT_METRICS`.
pub async fn show_metrics(listener: TcpListener, app: App) {
    let router = metrics::router(app);
    let guests = Guests::new(WATCHERS);
    // Nobody says so: it ends with the program.
    let (_stopping, stopped) = watch::channel(false);
    loop {
        if let Some(stream) = accept(&listener).await
            && let Some(guest) = guests.enter()
        {
            let stream = Impatient::new(stream, Traffic::default());
            tokio::spawn(converse(stream, guest, router.clone(), stopped.clone()));
        }
    }
}

async fn wait_until(deadline: Option<Instant>) {
    if let Some(deadline) = deadline {
        tokio::time::sleep_until(deadline).await;
    }
}

/// The next connection.
async fn accept(listener: &TcpListener) -> Option<TcpStream> {
    match listener.accept().await {
        Ok((stream, _)) => Some(stream),
        Err(error) => {
            // Too many open files, or a connection that ended at once: others may still come.
            tracing::warn!(%error, "a connection could not be accepted");
            tokio::time::sleep(Duration::from_millis(50)).await;
            None
        }
    }
}

/// Speaks HTTP/1.1 on one connection until either side is done, or it has to make place.
async fn converse(
    stream: Impatient,
    guest: Arc<Guest>,
    router: Router,
    mut stopped: watch::Receiver<bool>,
) {
    let asked = Arc::clone(&guest);
    let service = service_fn(move |request| answer(request, Arc::clone(&asked), router.clone()));
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        .max_headers(64)
        .max_buf_size(64 * 1024)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = guest.put_out() => {
            tracing::debug!("a connection made place");
            return;
        }
        () = said(&mut stopped) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Answers one request; on a connection that there is no place for, by saying so.
async fn answer(
    request: Request<Incoming>,
    guest: Arc<Guest>,
    router: Router,
) -> Result<Response, Infallible> {
    let asked = Asked::on(&guest);
    let response = if guest.is_beyond() && !app::is_watch(request.uri().path()) {
        let mut busy = Error::Wait(Code::Unavailable, 1).into_response();
        page::harden(busy.headers_mut());
        let close = header::HeaderValue::from_static("close");
        busy.headers_mut().insert(header::CONNECTION, close);
        busy
    } else {
        router.oneshot(request.map(Body::new)).await?
    };
    Ok(response.map(|body| asked.through(body)))
}

async fn said(stopped: &mut watch::Receiver<bool>) {
    drop(stopped.wait_for(|stopped| *stopped).await);
}

/// A connection that gives up when the other side takes nothing for a while.
struct Impatient {
    stream: TcpStream,
    stalled: Pin<Box<Sleep>>,
    waiting: bool,
    traffic: Traffic,
}

impl Impatient {
    fn new(stream: TcpStream, traffic: Traffic) -> Self {
        drop(stream.set_nodelay(true));
        Self { stream, stalled: Box::pin(tokio::time::sleep(STALLED)), waiting: false, traffic }
    }

    fn count(&self, written: &Poll<io::Result<usize>>) {
        if let Poll::Ready(Ok(bytes)) = written {
            self.traffic.sent.inc_by(*bytes as u64);
        }
    }

    /// Passes on what was written, or an error when nothing was for too long.
    fn patient<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.waiting = false;
            return written;
        }
        if !self.waiting {
            self.waiting = true;
            self.stalled.as_mut().reset(Instant::now() + STALLED);
        }
        ready!(self.stalled.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Impatient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        self.traffic.received.inc_by((buffer.filled().len() - before) as u64);
        read
    }
}

impl AsyncWrite for Impatient {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.count(&written);
        self.patient(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, pieces);
        self.count(&written);
        self.patient(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.patient(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
