//! `/sandbox/clock`: moves the sandbox's time.

use actix_web::HttpResponse;
use actix_web::web::{Bytes, Data};
use serde::Deserialize;
use serde_json::json;

use super::answer::{self, AdminError};
use crate::clock;
use crate::shared::Shared;

/// Both count from the real time, and from where the clock stands.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Move {
    offset_ms: Option<i64>,
    advance_ms: Option<i64>,
}

pub(super) async fn get(shared: Data<Shared>) -> HttpResponse {
    let now = shared.clock.now_ms();
    HttpResponse::Ok().json(json!({"now": clock::text(now), "now_ms": now, "offset_ms": shared.clock.offset_ms()}))
}

pub(super) async fn post(shared: Data<Shared>, body: Bytes) -> Result<HttpResponse, AdminError> {
    let wanted: Move = answer::read(&body)?;
    let offset = wanted.offset_ms.unwrap_or_else(|| shared.clock.offset_ms());
    shared.clock.set_offset_ms(offset.saturating_add(wanted.advance_ms.unwrap_or(0)));
    shared.schedule.wake();
    Ok(get(shared).await)
}
