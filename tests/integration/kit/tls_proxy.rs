//! A server that speaks TLS in front of one that does not.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::certificates::{Authority, Identity};

/// Starts the proxy; it accepts clients with a certificate of the authority only.
pub(crate) async fn start(server: String, identity: &Identity, clients: &Authority) -> SocketAddr {
    let acceptor = TlsAcceptor::from(Arc::new(config(identity, clients)));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(forward(client, acceptor.clone(), server.clone()));
        }
    });
    address
}

fn config(identity: &Identity, clients: &Authority) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut authorities = RootCertStore::empty();
    authorities.add(clients.der()).unwrap();
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(authorities), Arc::clone(&provider)).build().unwrap();
    let certificate = CertificateDer::from_pem_slice(identity.certificate.as_bytes()).unwrap();
    let private_key = PrivateKeyDer::from_pem_slice(identity.private_key.as_bytes()).unwrap();
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![certificate], private_key)
        .unwrap()
}

async fn forward(client: TcpStream, acceptor: TlsAcceptor, server: String) {
    // A client without a certificate is refused here.
    let Ok(mut client) = acceptor.accept(client).await else { return };
    let mut server = TcpStream::connect(server).await.expect("the server accepts connections");
    let _ = copy_bidirectional(&mut client, &mut server).await;
}
