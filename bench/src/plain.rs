//! The least that a server can do: answers every request on a socket with the same bytes from
//! memory. What it reaches is what loopback and the asking side allow.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Result;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// Serves `body` until the process ends; gives the address.
pub(crate) async fn serve(body: &'static [u8]) -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(converse(stream, body));
        }
    });
    Ok(address)
}

async fn converse(mut stream: TcpStream, body: &[u8]) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
    let mut asked = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let count = stream.read(&mut piece).await?;
        if count == 0 {
            return Ok(());
        }
        asked.extend_from_slice(piece.get(..count).unwrap_or_default());
        if asked.ends_with(b"\r\n\r\n") {
            asked.clear();
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(body).await?;
        }
    }
}
