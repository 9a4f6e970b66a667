//! A TCP proxy that can drop the server's responses.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// Forwards both directions, until it is told to drop what the server sends.
#[derive(Clone, Debug)]
pub(crate) struct LossyProxy {
    pub(crate) address: SocketAddr,
    dropping: Arc<AtomicBool>,
    dropped: Arc<AtomicUsize>,
}

impl LossyProxy {
    /// Starts a proxy to the server; clients connect to its address.
    pub(crate) async fn to(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().unwrap();
        let proxy = Self { address, dropping: Arc::default(), dropped: Arc::default() };
        let forwarder = proxy.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) =
                    TcpStream::connect(&server).await.expect("the server accepts connections").into_split();
                tokio::spawn(forward(from_client, to_server));
                tokio::spawn(forwarder.clone().forward_or_drop(from_server, to_client));
            }
        });
        proxy
    }

    /// Starts or stops dropping.
    pub(crate) fn drop_responses(&self, dropping: bool) {
        self.dropping.store(dropping, Ordering::SeqCst);
    }

    /// The number of dropped bytes.
    pub(crate) fn dropped_bytes(&self) -> usize {
        self.dropped.load(Ordering::SeqCst)
    }

    async fn forward_or_drop(self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
        let mut bytes = [0; 4096];
        while let Ok(count @ 1..) = from.read(&mut bytes).await {
            if self.dropping.load(Ordering::SeqCst) {
                self.dropped.fetch_add(count, Ordering::SeqCst);
            } else if to.write_all(&bytes[..count]).await.is_err() {
                return;
            }
        }
    }
}

async fn forward(mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
    let _ = copy(&mut from, &mut to).await;
}
