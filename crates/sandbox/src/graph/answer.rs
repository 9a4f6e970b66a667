//! How a request is answered, and how faults spoil an answer.

use std::cell::RefCell;
use std::convert::Infallible;
use std::os::fd::OwnedFd;
use std::time::Duration;

use actix_web::body::{BodySize, MessageBody};
use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use serde_json::{Value, json};

use super::error::GraphError;
use crate::shared::Shared;
use crate::world::fault::FaultKind;

/// The socket of a connection, for faults that reset it.
#[derive(Debug)]
pub(crate) struct Connection(pub(crate) RefCell<Option<OwnedFd>>);

/// An answer before faults.
#[derive(Debug)]
pub(super) struct Reply {
    http_status: u16,
    body: String,
    trace: String,
    retry_after: Option<u64>,
    regain_minutes: Option<u64>,
}

impl Reply {
    pub(super) fn ok(shared: &Shared, body: &Value) -> Self {
        Self::of(shared.world().ids.trace(), body.to_string())
    }

    /// What a handler answered.
    pub(super) fn of_answer(shared: &Shared, http_status: u16, body: String) -> Self {
        Self { http_status, ..Self::of(shared.world().ids.trace(), body) }
    }

    pub(super) fn of(trace: String, body: String) -> Self {
        Self { http_status: 200, body, trace, retry_after: None, regain_minutes: None }
    }

    pub(super) fn refused(shared: &Shared, error: &GraphError) -> Self {
        Self::error(shared.world().ids.trace(), error)
    }

    pub(super) fn error(trace: String, error: &GraphError) -> Self {
        Self {
            http_status: error.http_status,
            body: error.body(&trace).to_string(),
            retry_after: error.retry_after,
            regain_minutes: error.regain_minutes,
            trace,
        }
    }

    pub(super) fn result(shared: &Shared, result: Result<Value, GraphError>) -> HttpResponse {
        match result {
            Ok(body) => Self::ok(shared, &body),
            Err(error) => Self::refused(shared, &error),
        }
        .response()
    }

    pub(super) fn response(self) -> HttpResponse {
        let mut builder = self.builder(self.http_status);
        builder.body(self.body)
    }

    fn builder(&self, http_status: u16) -> HttpResponseBuilder {
        let mut builder = HttpResponse::build(StatusCode::from_u16(http_status).unwrap_or(StatusCode::BAD_REQUEST));
        builder.insert_header((CONTENT_TYPE, "application/json; charset=UTF-8"));
        builder.insert_header(("facebook-api-version", "v25.0"));
        builder.insert_header(("x-fb-trace-id", self.trace.as_str()));
        builder.insert_header(("x-fb-request-id", self.trace.as_str()));
        if let Some(seconds) = self.retry_after {
            builder.insert_header(("Retry-After", seconds.to_string()));
        }
        if let Some(minutes) = self.regain_minutes {
            let usage = json!({"0": [{
                "type": "whatsapp", "call_count": 100, "total_cputime": 25, "total_time": 25,
                "estimated_time_to_regain_access": minutes,
            }]});
            builder.insert_header(("x-business-use-case-usage", usage.to_string()));
        }
        builder
    }

    /// The answer as the fault lets it through.
    pub(super) async fn spoiled(self, fault: Option<FaultKind>, request: &HttpRequest) -> HttpResponse {
        let Some(fault) = fault else { return self.response() };
        match fault {
            FaultKind::HangAfterAccept { seconds } | FaultKind::HangBeforeAccept { seconds } => {
                // When the client hangs up, the wait is dropped.
                tokio::time::sleep(Duration::from_secs(seconds.unwrap_or(3600))).await;
                reset(request)
            }
            FaultKind::ResetAfterAccept {} | FaultKind::ResetBeforeAccept {} => reset(request),
            FaultKind::BadGatewayAfterAccept {} | FaultKind::BadGateway {} => HttpResponse::BadGateway()
                .content_type("text/html; charset=utf-8")
                .body("<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"),
            FaultKind::ServerErrorAfterAccept { code } | FaultKind::ServerError { code } => {
                let error = GraphError { http_status: 500, ..GraphError::of(code.unwrap_or(131_000)) };
                Self::error(self.trace, &error).response()
            }
            FaultKind::Garbage {} => {
                let mut builder = self.builder(200);
                builder.body("{\"messaging_product\":\"whatsapp\",\"contacts\":[{\"input\"\u{0}<!doctype")
            }
            FaultKind::SlowBody { seconds } => self.slow(seconds.unwrap_or(60)),
            FaultKind::SlowAnswer { milliseconds } => {
                tokio::time::sleep(Duration::from_millis(milliseconds)).await;
                self.response()
            }
            FaultKind::Created {} => {
                let mut builder = self.builder(201);
                builder.body(self.body)
            }
            FaultKind::ExtraFields {} => {
                let mut body: Value = serde_json::from_str(&self.body).unwrap_or_default();
                body["debug_info"] = json!({"shard": 7, "notes": [null, true]});
                for list in ["contacts", "messages"] {
                    for entry in body[list].as_array_mut().into_iter().flatten() {
                        entry["unexpected"] = json!({"nested": []});
                    }
                }
                let mut builder = self.builder(200);
                builder.body(body.to_string())
            }
            FaultKind::HeldForQuality {} => {
                let body = self.body.replace("\"accepted\"", "\"held_for_quality_assessment\"");
                let mut builder = self.builder(200);
                builder.body(body)
            }
            FaultKind::Throttle { code, retry_after, regain_minutes } => {
                let code = code.unwrap_or(4);
                let error = GraphError { http_status: 429, retry_after, regain_minutes, ..GraphError::of(code) };
                Self::error(self.trace, &error).response()
            }
            FaultKind::Error { code, subcode, http_status, message, details } => {
                let mut error = if code == 190 { GraphError::token(subcode) } else { GraphError::of(code) };
                error.subcode = subcode.or(error.subcode);
                error.http_status = http_status.unwrap_or(error.http_status);
                error.message = message.unwrap_or(error.message);
                error.details = details.or(error.details);
                Self::error(self.trace, &error).response()
            }
            // Faults of statuses leave the answer alone.
            _ => self.response(),
        }
    }

    /// The body comes byte by byte, over this many seconds.
    fn slow(self, seconds: u64) -> HttpResponse {
        let mut builder = self.builder(200);
        let body = Bytes::from(self.body);
        let length = body.len();
        let pause = Duration::from_secs(seconds) / u32::try_from(length.max(1)).unwrap_or(u32::MAX);
        let bytes = futures_util::stream::unfold((body, 0), move |(body, sent)| async move {
            if sent >= body.len() {
                return None;
            }
            tokio::time::sleep(pause).await;
            Some((Ok::<_, Infallible>(body.slice(sent..=sent)), (body, sent + 1)))
        });
        builder.no_chunking(u64::try_from(length).unwrap_or(u64::MAX)).streaming(bytes)
    }
}

/// Resets the connection: the client gets no byte of an answer.
fn reset(request: &HttpRequest) -> HttpResponse {
    if let Some(socket) = request.conn_data::<Connection>().and_then(|connection| connection.0.borrow_mut().take()) {
        // With this, closing sends a reset. The server closes when the body fails, before it has written the head.
        let _set = rustix::net::sockopt::set_socket_linger(&socket, Some(Duration::ZERO));
    }
    HttpResponse::Ok().body(Broken)
}

/// A body that fails at once.
struct Broken;

impl MessageBody for Broken {
    type Error = std::io::Error;

    fn size(&self) -> BodySize {
        BodySize::Sized(1)
    }

    fn poll_next(
        self: std::pin::Pin<&mut Self>,
        _context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Bytes, Self::Error>>> {
        std::task::Poll::Ready(Some(Err(std::io::ErrorKind::ConnectionReset.into())))
    }
}
