//! A proxy before several servers, as a deployment has one: each connection goes to the next of them, or to
//! another one where that does not answer.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use anyhow::Result;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

/// One of them; it ends with this value.
pub struct Proxy {
    /// Where it listens.
    pub address: SocketAddr,
    _serving: JoinSet<()>,
}

impl Proxy {
    /// Stands before these.
    pub async fn before(servers: Vec<SocketAddr>) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let servers: Arc<[SocketAddr]> = servers.into();
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            let mut turn = 0;
            while let Ok((stream, _)) = listener.accept().await {
                turn += 1;
                connections.spawn(pass(stream, Arc::clone(&servers), turn));
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(Self { address, _serving: serving })
    }
}

async fn pass(mut stream: TcpStream, servers: Arc<[SocketAddr]>, turn: usize) {
    for next in 0..servers.len() {
        if let Ok(mut server) = TcpStream::connect(servers[(turn + next) % servers.len()]).await {
            // However it ends: both sides are closed then.
            drop(copy_bidirectional(&mut stream, &mut server).await);
            return;
        }
    }
}
