use std::any::Any;
use std::io;
use std::net::TcpListener;
use std::num::NonZeroUsize;
use std::sync::Arc;

use actix_web::dev::Server;
use actix_web::middleware::{Condition, from_fn};
use actix_web::rt::net::TcpStream;
use actix_web::{App, HttpResponse, HttpServer, web};
use kernel::{Clock, SystemClock};
use metrics_exporter_prometheus::PrometheusHandle;
use rustix::net::sockopt::set_tcp_user_timeout;

use crate::limits::admit;
use crate::middleware::{answer_conditionally, cors, wrap_request};
use crate::operations::{Audience, page};
use crate::readiness::Readiness;
use crate::routes::{api, probes, standby};
use crate::state::State;

/// How long running requests may take after a stop; the process as a whole has 25 s.
const SHUTDOWN_SECONDS: u64 = 15;
/// How long a client may leave what was sent unread or unacknowledged.
const MAX_UNREAD_MILLISECONDS: u32 = 30_000;

/// How the API is served.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// Threads that serve requests; `None`: one per core.
    pub workers: Option<NonZeroUsize>,
    /// Connections that are open at once; more wait until one is closed.
    pub max_connections: NonZeroUsize,
    /// Origins whose pages may call the API from a browser, such as `https://crm.example.com`.
    pub cors_origins: Vec<String>,
}

/// Serves an audience of the API on a listener. The server runs while it is polled and stops by its handle; the caller handles
/// signals.
///
/// # Errors
/// [`io::Error`] when the listener cannot be used.
pub fn bind(
    listener: TcpListener,
    state: web::Data<State>,
    audience: Audience,
    options: &ServerOptions,
) -> io::Result<Server> {
    let origins = options.cors_origins.clone();
    let server = HttpServer::new(move || {
        App::new()
            .wrap(from_fn(answer_conditionally))
            .wrap(from_fn(admit))
            .wrap(Condition::new(!origins.is_empty(), cors(&origins)))
            .wrap(from_fn(wrap_request))
            .configure(api(web::Data::clone(&state), audience))
    });
    let workers = options.workers.or_else(|| std::thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get);
    let server = server
        .workers(workers)
        .max_connections(options.max_connections.get().div_ceil(workers))
        .on_connect(|connection, _| end_if_not_read(connection));
    Ok(server.disable_signals().shutdown_timeout(SHUTDOWN_SECONDS).listen(listener)?.run())
}

/// Closes a connection whose client reads nothing of a response for a while. The framework has no such limit.
fn end_if_not_read(connection: &dyn Any) {
    if let Some(stream) = connection.downcast_ref::<TcpStream>() {
        // It fails only where the option does not exist.
        let _ = set_tcp_user_timeout(stream, MAX_UNREAD_MILLISECONDS);
    }
}

/// Serves health and readiness while the API is not available; every other request gets 503.
///
/// # Errors
/// [`io::Error`] when the listener cannot be used.
pub fn bind_standby(listener: TcpListener, readiness: Arc<dyn Readiness>) -> io::Result<Server> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let server = HttpServer::new(move || {
        let standby = standby(Arc::clone(&readiness), Arc::clone(&clock));
        App::new().wrap(from_fn(wrap_request)).configure(standby)
    });
    Ok(server.workers(1).disable_signals().shutdown_timeout(1).listen(listener)?.run())
}

/// Serves health and readiness of a process that does not serve the API.
///
/// # Errors
/// [`io::Error`] when the listener cannot be used.
pub fn bind_probes(listener: TcpListener, readiness: Arc<dyn Readiness>) -> io::Result<Server> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let server = HttpServer::new(move || {
        let probes = probes(Arc::clone(&readiness), Arc::clone(&clock));
        App::new().wrap(from_fn(wrap_request)).configure(probes)
    });
    Ok(server.workers(1).disable_signals().shutdown_timeout(1).listen(listener)?.run())
}

/// Serves `/metrics` on a separate listener, which must not be public.
///
/// # Errors
/// [`io::Error`] when the listener cannot be used.
pub fn bind_metrics(listener: TcpListener, metrics: PrometheusHandle) -> io::Result<Server> {
    let metrics = web::Data::new(metrics);
    let clock: web::Data<dyn Clock> = web::Data::from(Arc::new(SystemClock::new()) as Arc<dyn Clock>);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(web::Data::clone(&metrics))
            .app_data(web::Data::clone(&clock))
            .wrap(from_fn(wrap_request))
            .service(page("/metrics", render))
    });
    Ok(server.workers(1).disable_signals().shutdown_timeout(1).listen(listener)?.run())
}

/// Renders Prometheus' text format.
async fn render(metrics: web::Data<PrometheusHandle>) -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(metrics.render())
}

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};
    use reqwest::{Client, StatusCode};

    use super::*;
    use crate::testing::state;

    fn listener() -> (TcpListener, String) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        (listener, url)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn standby_reports_checks_and_answers_503() {
        let (listener, url) = listener();
        let server = bind_standby(listener, Arc::clone(&state().readiness)).unwrap();
        let (handle, running) = (server.handle(), tokio::spawn(server));
        let client = Client::new();
        let ask = async |path: &str| {
            let response = client.get(format!("{url}{path}")).send().await.unwrap();
            (response.status().as_u16(), response.text().await.unwrap())
        };
        assert_eq!(ask("/healthz").await.0, 200);
        let (status, body) = ask("/readyz").await;
        assert!(status == 503 && body.contains("cannot be reached"), "{body}");
        let (status, body) = ask("/webhooks/whatsapp").await;
        assert!(status == 503 && body.contains("temporarily_unavailable"), "{body}");
        handle.stop(false).await;
        running.await.unwrap().unwrap();
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn servers_run_on_tokio_until_stopped() {
        let ((api, url), (metrics, metrics_url)) = (listener(), listener());
        let options = ServerOptions {
            workers: NonZeroUsize::new(1),
            max_connections: NonZeroUsize::MAX,
            cors_origins: Vec::new(),
        };
        let server = bind(api, state(), Audience::Everyone, &options).unwrap();
        let seconds = Matcher::Suffix("_seconds".to_owned());
        let recorder = PrometheusBuilder::new().set_buckets_for_metric(seconds, &[0.1, 1.0]).unwrap();
        let metrics = bind_metrics(metrics, recorder.install_recorder().unwrap()).unwrap();
        let handles = [server.handle(), metrics.handle()];
        let running = [tokio::spawn(server), tokio::spawn(metrics)];

        let client = Client::new();
        let status = client.get(format!("{url}/healthz")).send().await.unwrap().status();
        assert_eq!(status, StatusCode::OK);
        // Refused while the client still sends; the response arrives nevertheless.
        let sent = client
            .post(format!("{url}/webhooks/whatsapp"))
            .header("x-hub-signature-256", format!("sha256={}", "0".repeat(64)));
        let status = sent.body(vec![b' '; 5 * 1024 * 1024]).send().await.unwrap().status();
        assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);

        let text = client.get(format!("{metrics_url}/metrics")).send().await.unwrap().text().await.unwrap();
        // The count depends on the other tests: the recorder is global.
        let series = r#"parley_http_requests_total{route="/healthz",method="GET",status="200"}"#;
        assert!(text.contains(series), "{text}");
        assert!(text.contains("parley_http_request_duration_seconds_bucket"), "{text}");

        for (handle, running) in handles.into_iter().zip(running) {
            handle.stop(true).await;
            running.await.unwrap().unwrap();
        }
        assert!(client.get(format!("{url}/healthz")).send().await.is_err());
    }
}
