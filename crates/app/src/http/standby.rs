use std::io;
use std::net::TcpListener;
use std::sync::Arc;

use actix_web::dev::Server;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpServer, web};

use super::auth::Public;
use super::middleware::around;
use super::operations::health::health;
use super::operations::readiness::{ReadyBody, answer};
use super::operations::Readiness;
use super::problem::{Code, Problem};

/// Answers on a listener while the server cannot work yet: alive, what is missing, and 503 to everything else, so that Meta
/// sends again what comes in meanwhile.
///
/// # Errors
/// When the listener cannot be used.
pub(crate) fn bind_standby(listener: TcpListener, readiness: Arc<dyn Readiness>) -> io::Result<Server> {
    let readiness = web::Data::from(readiness);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(web::Data::clone(&readiness))
            .wrap(from_fn(around))
            .route("/healthz", web::get().to(health))
            .route("/readyz", web::get().to(ready))
            .default_service(web::to(not_yet))
    });
    Ok(server.workers(1).disable_signals().shutdown_timeout(1).listen(listener)?.run())
}

async fn ready(_public: Public, readiness: web::Data<dyn Readiness>) -> Result<web::Json<ReadyBody>, Problem> {
    answer(readiness.check().await)
}

async fn not_yet(_public: Public) -> Result<actix_web::HttpResponse, Problem> {
    Err(Problem::unavailable(Code::TemporarilyUnavailable))
}
