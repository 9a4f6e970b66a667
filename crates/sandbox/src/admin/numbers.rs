//! `/sandbox/numbers` and `/sandbox/wabas`.

use actix_web::HttpResponse;
use actix_web::web::{Bytes, Data, Path};
use serde_json::{Map, Value};

use super::answer::{self, AdminError};
use crate::shared::Shared;
use crate::world::Waba;
use crate::world::number::{Number, NumberSettings};

pub(super) async fn list(shared: Data<Shared>) -> HttpResponse {
    let world = shared.world();
    HttpResponse::Ok().json(world.numbers.values().map(Number::view).collect::<Vec<_>>())
}

pub(super) async fn get(shared: Data<Shared>, id: Path<String>) -> Result<HttpResponse, AdminError> {
    let world = shared.world();
    let number = world.numbers.get(&*id).ok_or_else(|| answer::not_found("no such number"))?;
    Ok(HttpResponse::Ok().json(number.view()))
}

/// Adds a number or a list of them, or replaces those that are there.
pub(super) async fn put(shared: Data<Shared>, body: Bytes) -> Result<HttpResponse, AdminError> {
    if body.trim_ascii_start().starts_with(b"[") {
        Ok(HttpResponse::Ok().json(put_all(&shared, answer::read(&body)?)))
    } else {
        Ok(HttpResponse::Ok().json(put_all(&shared, vec![answer::read(&body)?]).pop()))
    }
}

fn put_all(shared: &Shared, settings: Vec<NumberSettings>) -> Vec<Value> {
    let mut world = shared.world();
    let mut views = Vec::new();
    for settings in settings {
        let id = settings.phone_number_id.clone();
        world.put_number(settings);
        views.extend(world.numbers.get(&id).map(Number::view));
    }
    views
}

pub(super) async fn patch(shared: Data<Shared>, id: Path<String>, body: Bytes) -> Result<HttpResponse, AdminError> {
    answer::read::<Map<String, Value>>(&body).and_then(|change| {
        let mut world = shared.world();
        let number = world.numbers.get_mut(&*id).ok_or_else(|| answer::not_found("no such number"))?;
        number.patch(&change).map_err(|error| answer::bad_request(&error))?;
        let (view, waba) = (number.view(), number.settings.waba_id.clone());
        world.wabas.entry(waba).or_default();
        Ok(HttpResponse::Ok().json(view))
    })
}

pub(super) async fn delete(shared: Data<Shared>, id: Path<String>) -> Result<HttpResponse, AdminError> {
    let removed = shared.world().numbers.remove(&*id);
    removed.map(|_| HttpResponse::NoContent().finish()).ok_or_else(|| answer::not_found("no such number"))
}

pub(super) async fn wabas(shared: Data<Shared>) -> HttpResponse {
    HttpResponse::Ok().json(&shared.world().wabas)
}

pub(super) async fn patch_waba(
    shared: Data<Shared>,
    id: Path<String>,
    body: Bytes,
) -> Result<HttpResponse, AdminError> {
    answer::read::<Map<String, Value>>(&body).and_then(|change| {
        let mut world = shared.world();
        let waba = world.wabas.get_mut(&*id).ok_or_else(|| answer::not_found("no such business account"))?;
        let mut merged = serde_json::to_value(&*waba).unwrap_or_default();
        for (key, value) in change {
            merged[key] = value;
        }
        let changed: Waba = serde_json::from_value(merged).map_err(|error| answer::bad_request(&error.to_string()))?;
        *waba = changed;
        Ok(HttpResponse::Ok().json(&*waba))
    })
}
