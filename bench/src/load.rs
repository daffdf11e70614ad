//! A small load: connections that ask one after the other until the time is over.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Result, ensure};
use http_body_util::{BodyExt as _, Empty};
use hyper::{Request, body::Bytes, client::conn::http1::handshake, header};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, task::JoinSet};

use crate::figures::now;

/// What is asked, by how many, for how long.
#[derive(Clone)]
pub(crate) struct Load {
    /// Of whom; a load never leaves this machine.
    pub(crate) server: SocketAddr,
    /// Path and query.
    pub(crate) path: String,
    /// The session's token.
    pub(crate) token: Option<String>,
    /// At one time.
    pub(crate) connections: usize,
    /// Until when.
    pub(crate) time: Duration,
}

/// What came back.
pub(crate) struct Outcome {
    /// Answers a second.
    pub(crate) per_second: f64,
    /// Bytes a second.
    pub(crate) bytes_per_second: f64,
    /// Bytes of one answer's body, in the mean.
    pub(crate) bytes_each: usize,
    /// Half of the answers took longer.
    pub(crate) median: Duration,
    /// One in a hundred took longer.
    pub(crate) slowest_percent: Duration,
}

impl Load {
    /// Asks. Any answer but 200 is an error.
    pub(crate) async fn run(&self) -> Result<Outcome> {
        ensure!(self.server.ip().is_loopback(), "a load stays on this machine");
        let start = now();
        let mut asking = JoinSet::new();
        for _ in 0..self.connections {
            asking.spawn(self.clone().ask());
        }
        let mut times = Vec::new();
        let mut bytes = 0;
        while let Some(asked) = asking.join_next().await {
            let (theirs, theirs_bytes) = asked??;
            times.extend(theirs);
            bytes += theirs_bytes;
        }
        let seconds = start.elapsed().as_secs_f64();
        times.sort_unstable();
        let place = |hundredth: usize| times.get(times.len() * hundredth / 100).copied();
        let bytes_each = bytes / times.len().max(1);
        #[expect(clippy::cast_precision_loss, reason = "a figure of three digits is shown")]
        let (answers, bytes) = (times.len() as f64, bytes as f64);
        Ok(Outcome {
            per_second: answers / seconds,
            bytes_per_second: bytes / seconds,
            bytes_each,
            median: place(50).unwrap_or_default(),
            slowest_percent: place(99).unwrap_or_default(),
        })
    }

    async fn ask(self) -> Result<(Vec<Duration>, usize)> {
        let stream = TcpStream::connect(self.server).await?;
        stream.set_nodelay(true)?;
        let (mut sender, connection) = handshake(TokioIo::new(stream)).await?;
        let connection = tokio::spawn(connection);
        let (mut times, mut bytes) = (Vec::new(), 0);
        let start = now();
        while start.elapsed() < self.time {
            let asked = now();
            let mut request =
                Request::get(&self.path).header(header::HOST, self.server.to_string());
            if let Some(token) = &self.token {
                request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
            }
            sender.ready().await?;
            let response = sender.send_request(request.body(Empty::<Bytes>::new())?).await?;
            ensure!(response.status() == 200, "{} answered {}", self.path, response.status());
            let mut body = response.into_body();
            while let Some(frame) = body.frame().await {
                bytes += frame?.data_ref().map_or(0, Bytes::len);
            }
            times.push(asked.elapsed());
        }
        connection.abort();
        Ok((times, bytes))
    }
}
