//! Encrypted connections to RabbitMQ. A proxy speaks TLS in front of it and demands a client certificate.

use url::Url;

use crate::check::check;
use crate::kit::certificates::{Authority, PemFile};
use crate::kit::deployment::Deployment;
use crate::kit::services::services;
use crate::kit::tls_proxy;

#[tokio::test(flavor = "multi_thread")]
async fn broker_demands_certificate_and_parley_shows_it() {
    let deployment = Deployment::new().await;
    let (brokers, clients) = (Authority::new(), Authority::new());
    let mut url = Url::parse(&services().await.amqp_url).unwrap();
    let server = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap_or(5672));
    let address = tls_proxy::start(server, &brokers.issue("127.0.0.1"), &clients).await;
    url.set_scheme("amqps").unwrap();
    url.set_host(Some("127.0.0.1")).unwrap();
    url.set_port(Some(address.port())).unwrap();

    let identity = clients.issue("parley.example");
    let stranger = brokers.issue("parley.example");
    let files = [&identity, &stranger].map(|of| (PemFile::new(&of.certificate), PemFile::new(&of.private_key)));
    let [(certificate, private_key), (other_certificate, other_key)] = &files;
    let found = async |authority: &str, certificate: &str, key: &str| {
        let settings = [
            ("PARLEY_AMQP_URL", url.as_str()),
            ("PARLEY_AMQP_CA_FILE", authority),
            ("PARLEY_AMQP_CERTIFICATE_FILE", certificate),
            ("PARLEY_AMQP_KEY_FILE", key),
        ];
        check(&deployment, &settings).await.into_iter().find(|line| line.starts_with("broker")).unwrap()
    };
    let accepted = found(brokers.path(), certificate.path(), private_key.path()).await;
    assert!(accepted.ends_with("  ok"), "{accepted}");
    let unknown_broker = found("", certificate.path(), private_key.path()).await;
    assert!(unknown_broker.contains("certificate verify failed"), "{unknown_broker}");
    for (certificate, key) in [("", ""), (other_certificate.path(), other_key.path())] {
        let refused = found(brokers.path(), certificate, key).await;
        assert!(refused.contains("wrong: connecting with amqp.url failed"), "{refused}");
    }
    deployment.database.drop().await;
}
