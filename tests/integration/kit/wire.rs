//! The line between a client and a server, which may lose what the server says.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// Carries everything both ways, until it is told to lose what comes from the server.
#[derive(Clone, Debug)]
pub(crate) struct Wire {
    pub(crate) address: SocketAddr,
    loses: Arc<AtomicBool>,
    lost: Arc<AtomicUsize>,
}

impl Wire {
    /// A line to the server; clients connect to its address.
    pub(crate) async fn to(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().unwrap();
        let wire = Self { address, loses: Arc::default(), lost: Arc::default() };
        let carrier = wire.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = TcpStream::connect(&server).await.expect("it is there").into_split();
                tokio::spawn(carry(from_client, to_server));
                tokio::spawn(carrier.clone().carry_or_lose(from_server, to_client));
            }
        });
        wire
    }

    /// From now on, or from now on no more.
    pub(crate) fn lose(&self, loses: bool) {
        self.loses.store(loses, Ordering::SeqCst);
    }

    /// How many bytes were lost so far.
    pub(crate) fn lost(&self) -> usize {
        self.lost.load(Ordering::SeqCst)
    }

    async fn carry_or_lose(self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
        let mut bytes = [0; 4096];
        while let Ok(count @ 1..) = from.read(&mut bytes).await {
            if self.loses.load(Ordering::SeqCst) {
                self.lost.fetch_add(count, Ordering::SeqCst);
            } else if to.write_all(&bytes[..count]).await.is_err() {
                return;
            }
        }
    }
}

async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
    let _ = copy(&mut from, &mut to).await;
}
