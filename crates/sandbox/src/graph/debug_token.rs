//! `GET /debug_token`: what a token may do.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value, json};
use std::collections::BTreeSet;

use super::answer::Reply;
use super::auth;
use super::error::GraphError;
use crate::shared::Shared;
use crate::world::World;

pub(super) async fn get(request: HttpRequest, shared: Data<Shared>) -> HttpResponse {
    let result = auth::token(&request).and_then(|_caller| {
        let input = auth::query(&request, "input_token").ok_or_else(|| GraphError::required("input_token"))?;
        Ok(json!({ "data": describe(&shared.world(), &input, shared.clock.now_ms()) }))
    });
    Reply::result(&shared, result)
}

fn describe(world: &World, token: &str, now: i64) -> Value {
    let Some(number) = world.owner_of(token) else {
        let error = json!({"code": 190, "message": "The access token could not be decrypted"});
        return json!({"is_valid": false, "scopes": [], "error": error});
    };
    let settings = &number.settings;
    let numbers = world.numbers.values().filter(|number| number.settings.tokens.iter().any(|own| own == token));
    let wabas: BTreeSet<&str> = numbers.map(|number| number.settings.waba_id.as_str()).collect();
    let granular: Vec<Value> =
        settings.token_scopes.iter().map(|scope| json!({"scope": scope, "target_ids": wabas})).collect();
    let mut facts = json!({
        "app_id": settings.app_id,
        "type": "SYSTEM_USER",
        "application": "Sandbox",
        "data_access_expires_at": 0,
        "expires_at": settings.token_expires_at,
        "issued_at": now / 1000 - 60,
        "is_valid": true,
        "scopes": settings.token_scopes,
        "granular_scopes": granular,
        "user_id": "800000000000001",
    });
    if let Some(subcode) = number.token_error(now) {
        let error = GraphError::token(Some(subcode));
        facts["is_valid"] = false.into();
        facts["error"] = json!({"code": 190, "subcode": subcode, "message": error.message});
    }
    facts
}
