use std::io;
use std::net::TcpListener;
use std::num::NonZeroUsize;
use std::sync::Arc;

use actix_web::dev::Server;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpResponse, HttpServer, web};
use kernel::{Clock, SystemClock};
use metrics_exporter_prometheus::PrometheusHandle;

use crate::http::middleware::around;
use crate::http::{Readiness, State, api, probes, standby};

/// How long requests in hand may take when the server stops; the process as a whole has 25 s.
const SHUTDOWN_SECONDS: u64 = 15;

/// The API on a listener. It runs while the answer is awaited, and stops by its handle; signals are left to the caller.
///
/// # Errors
/// When the listener cannot be used.
pub fn bind(listener: TcpListener, state: web::Data<State>, workers: Option<NonZeroUsize>) -> io::Result<Server> {
    let server = HttpServer::new(move || App::new().wrap(from_fn(around)).configure(api(web::Data::clone(&state))));
    let server = match workers {
        Some(workers) => server.workers(workers.get()),
        None => server,
    };
    Ok(server.disable_signals().shutdown_timeout(SHUTDOWN_SECONDS).listen(listener)?.run())
}

/// Health and readiness on a listener, for as long as the API cannot be served; everything else is told to come again.
///
/// # Errors
/// When the listener cannot be used.
pub fn bind_standby(listener: TcpListener, readiness: Arc<dyn Readiness>) -> io::Result<Server> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let server = HttpServer::new(move || {
        let standby = standby(Arc::clone(&readiness), Arc::clone(&clock));
        App::new().wrap(from_fn(around)).configure(standby)
    });
    Ok(server.workers(1).disable_signals().shutdown_timeout(1).listen(listener)?.run())
}

/// Health and readiness on a listener, for a process that does something else than serving the API.
///
/// # Errors
/// When the listener cannot be used.
pub fn bind_probes(listener: TcpListener, readiness: Arc<dyn Readiness>) -> io::Result<Server> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let server = HttpServer::new(move || {
        let probes = probes(Arc::clone(&readiness), Arc::clone(&clock));
        App::new().wrap(from_fn(around)).configure(probes)
    });
    Ok(server.workers(1).disable_signals().shutdown_timeout(1).listen(listener)?.run())
}

/// `/metrics` on a listener of its own, which is not for the public.
///
/// # Errors
/// When the listener cannot be used.
pub fn bind_metrics(listener: TcpListener, metrics: PrometheusHandle) -> io::Result<Server> {
    let metrics = web::Data::new(metrics);
    let clock: web::Data<dyn Clock> = web::Data::from(Arc::new(SystemClock::new()) as Arc<dyn Clock>);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(web::Data::clone(&metrics))
            .app_data(web::Data::clone(&clock))
            .wrap(from_fn(around))
            .service(web::resource("/metrics").route(web::get().to(render)))
    });
    Ok(server.workers(1).disable_signals().shutdown_timeout(1).listen(listener)?.run())
}

/// In Prometheus' text format.
async fn render(metrics: web::Data<PrometheusHandle>) -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(metrics.render())
}

#[cfg(test)]
mod tests {
    use reqwest::{Client, StatusCode};

    use super::*;
    use crate::http::testing::state;
    use crate::telemetry;

    fn listener() -> (TcpListener, String) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        (listener, url)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_standby_says_what_is_missing_and_to_come_again() {
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
    async fn serves_on_a_runtime_of_tokio_until_it_is_stopped() {
        let ((api, url), (metrics, metrics_url)) = (listener(), listener());
        let server = bind(api, state(), NonZeroUsize::new(1)).unwrap();
        let metrics = bind_metrics(metrics, telemetry::init_metrics().unwrap()).unwrap();
        let handles = [server.handle(), metrics.handle()];
        let running = [tokio::spawn(server), tokio::spawn(metrics)];

        let client = Client::new();
        let status = client.get(format!("{url}/healthz")).send().await.unwrap().status();
        assert_eq!(status, StatusCode::OK);
        // Refused while the client still sends: it hears of it all the same.
        let sent = client
            .post(format!("{url}/webhooks/whatsapp"))
            .header("x-hub-signature-256", format!("sha256={}", "0".repeat(64)));
        let status = sent.body(vec![b' '; 5 * 1024 * 1024]).send().await.unwrap().status();
        assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);

        let text = client.get(format!("{metrics_url}/metrics")).send().await.unwrap().text().await.unwrap();
        // How many depends on the other tests: the registry is the process's.
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
