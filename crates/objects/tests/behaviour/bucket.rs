use std::net::SocketAddr;

use bytes::Bytes;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use media::{ObjectStore as _, ObjectStoreError};
use objects::Objects;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::contract;

const KEY: &str = "key-of-the-test";
const SECRET: &str = "secret-of-the-test";

/// An S3 server with one bucket, whose files are in a folder.
struct Server {
    folder: TempDir,
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Server {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("bucket")).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = serve(&folder, listener);
        Self { folder, address, task }
    }

    fn stop(&self) {
        self.task.abort();
    }

    async fn start_again(&mut self) {
        self.task = serve(&self.folder, TcpListener::bind(self.address).await.unwrap());
    }

    fn store(&self, secret: &str, more: &str) -> Objects {
        let url = format!("s3://bucket/media?endpoint=http://{}&allow_http=true&region=eu-1{more}", self.address);
        let environment = [("AWS_ACCESS_KEY_ID", KEY), ("AWS_SECRET_ACCESS_KEY", secret)];
        let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Objects::open(&url.parse().unwrap(), &environment).unwrap()
    }
}

/// Aborted, it closes its connections as well.
fn serve(folder: &TempDir, listener: TcpListener) -> JoinHandle<()> {
    let mut service = S3ServiceBuilder::new(s3s_fs::FileSystem::new(folder.path()).unwrap());
    service.set_auth(SimpleAuth::from_single(KEY, SECRET));
    let service = service.build();
    tokio::spawn(async move {
        let mut connections = tokio::task::JoinSet::new();
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            let service = service.clone();
            connections.spawn(async move {
                let server = auto::Builder::new(TokioExecutor::new());
                // A client may hang up at any time.
                let _closed = server.serve_connection(TokioIo::new(socket), service).await;
            });
        }
    })
}

#[tokio::test]
async fn bucket_keeps_the_contract() {
    let server = Server::start().await;
    contract::objects_are_read_back(&server.store(SECRET, "")).await;
    let server = Server::start().await;
    contract::unfinished_objects_are_invisible(&server.store(SECRET, "")).await;
    let server = Server::start().await;
    contract::objects_are_listed_in_order(&server.store(SECRET, "")).await;
}

#[tokio::test]
async fn bucket_that_is_away_and_comes_back_loses_nothing() {
    let mut server = Server::start().await;
    let store = server.store(SECRET, "");
    let (key, bytes) = (contract::key(1, b"a"), Bytes::from_static(b"a"));
    contract::write(&store, &key, &bytes).await;
    server.stop();
    let away = |error| matches!(error, ObjectStoreError::Unavailable(_));
    assert!(store.probe().await.is_err_and(away));
    assert!(store.read(&key, None).await.is_err_and(away));
    let mut begun = store.begin(key.tenant, None).await.unwrap();
    begun.write(bytes.clone()).await.unwrap();
    assert!(begun.finish(&contract::key(1, b"b")).await.is_err_and(away));
    server.start_again().await;
    store.probe().await.unwrap();
    assert_eq!(contract::all(store.read(&key, None).await.unwrap().unwrap()).await, b"a");
    assert_eq!(store.info(&contract::key(1, b"b")).await.unwrap(), None);
}

#[tokio::test]
async fn wrong_credentials_are_refused_without_the_secret() {
    let server = Server::start().await;
    let refused = server.store("another-secret", "").probe().await.unwrap_err();
    assert!(matches!(refused, ObjectStoreError::Refused(_)), "{refused}");
    for text in ["another-secret", KEY, "://"] {
        assert!(!refused.to_string().contains(text), "{refused}");
    }
}

#[tokio::test]
async fn bucket_signs_addresses_where_that_is_wanted() {
    let server = Server::start().await;
    let (key, bytes) = (contract::key(1, b"a"), Bytes::from_static(b"a"));
    let store = server.store(SECRET, "&signed_addresses=true");
    contract::write(&store, &key, &bytes).await;
    assert_eq!(contract::address(&server.store(SECRET, ""), &key).await, None);
    let address = contract::address(&store, &key).await.unwrap();
    let answer = reqwest::get(&address).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "image/png");
    assert_eq!(answer.headers()["content-disposition"], "attachment; filename=\"a.png\"");
    assert_eq!(answer.bytes().await.unwrap(), bytes);
    let changed = address.replace("attachment", "inline");
    assert_eq!(reqwest::get(&changed).await.unwrap().status(), 403);
}
