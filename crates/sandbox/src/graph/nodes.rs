//! Numbers and business accounts: what `GET` tells of them and what `POST` changes.

use actix_web::web::{Bytes, Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value, json};

use super::answer::Reply;
use super::error::GraphError;
use super::{auth, body, media, paging, templates};
use crate::shared::Shared;
use crate::world::World;
use crate::world::number::{Number, NumberSettings};

const NUMBER_FIELDS: &str =
    "verified_name,code_verification_status,display_phone_number,quality_rating,platform_type,throughput,id";
const WABA_FIELDS: &str = "id,name,timezone_id,message_template_namespace";

pub(super) async fn get(request: HttpRequest, path: Path<(String, String)>, shared: Data<Shared>) -> HttpResponse {
    let result = auth::token(&request).and_then(|token| {
        let (id, now, mut world) = (&path.1, shared.clock.now_ms(), shared.world());
        if let Some(description) = media::describe(&mut world, &request, id, &token, now) {
            return description;
        }
        let fields = auth::query(&request, "fields");
        if world.numbers.contains_key(id) {
            let number = world.number_for(id, &token, "get", now)?;
            return Ok(pick(&number_facts(&world, number), fields.as_deref().unwrap_or(NUMBER_FIELDS)));
        }
        if let Some(template) = world.templates.get(id) {
            world.waba_for(&template.waba_id, &token, "get", now)?;
            let view = template.view();
            return Ok(fields.map_or_else(|| view.clone(), |fields| pick(&view, &fields)));
        }
        world.waba_for(id, &token, "get", now)?;
        Ok(pick(&waba_facts(&world, id), fields.as_deref().unwrap_or(WABA_FIELDS)))
    });
    Reply::result(&shared, result)
}

/// Changes a number's PIN or webhook, or a template.
pub(super) async fn post(
    request: HttpRequest,
    path: Path<(String, String)>,
    body: Bytes,
    shared: Data<Shared>,
) -> HttpResponse {
    let result = auth::token(&request).and_then(|token| {
        let (id, now, mut world) = (&path.1, shared.clock.now_ms(), shared.world());
        let body = body::object(&body)?;
        if let Some(template) = world.templates.get(id) {
            let waba = template.waba_id.clone();
            world.waba_for(&waba, &token, "post", now)?;
            return templates::edit(&mut world, id, &body);
        }
        world.number_for(id, &token, "post", now)?;
        let number = world.numbers.get_mut(id).ok_or_else(|| GraphError::no_object("post", id))?;
        if let Some(pin) = body.get("pin").and_then(Value::as_str) {
            number.settings.pin = Some(checked_pin(pin)?.to_owned());
        }
        if let Some(webhook) = body.get("webhook_configuration") {
            let url = webhook["override_callback_uri"].as_str().unwrap_or_default();
            number.settings.webhook_url = (!url.is_empty()).then(|| url.to_owned());
        }
        Ok(json!({"success": true}))
    });
    Reply::result(&shared, result)
}

/// `POST /{phone_number_id}/register`
pub(super) async fn register(
    request: HttpRequest,
    path: Path<(String, String)>,
    body: Bytes,
    shared: Data<Shared>,
) -> HttpResponse {
    let result = auth::token(&request).and_then(|token| {
        let (id, now, mut world) = (&path.1, shared.clock.now_ms(), shared.world());
        world.number_for(id, &token, "post", now)?;
        let body = body::object(&body)?;
        let pin = checked_pin(body.get("pin").and_then(Value::as_str).unwrap_or_default())?;
        let number = world.numbers.get_mut(id).ok_or_else(|| GraphError::no_object("post", id))?;
        match &number.settings.pin {
            Some(known) if known != pin => return Err(GraphError::of(133_005)),
            Some(_) => {}
            None => number.settings.pin = Some(pin.to_owned()),
        }
        number.settings.registered = true;
        Ok(json!({"success": true}))
    });
    Reply::result(&shared, result)
}

/// `GET /{waba_id}/phone_numbers`
pub(super) async fn phone_numbers(
    request: HttpRequest,
    path: Path<(String, String)>,
    shared: Data<Shared>,
) -> HttpResponse {
    let result = auth::token(&request).and_then(|token| {
        let (id, now, world) = (&path.1, shared.clock.now_ms(), shared.world());
        world.waba_for(id, &token, "get", now)?;
        let fields = auth::query(&request, "fields").unwrap_or_else(|| NUMBER_FIELDS.to_owned());
        let numbers = world.numbers.values().filter(|number| number.settings.waba_id == *id);
        let items: Vec<Value> = numbers.map(|number| pick(&number_facts(&world, number), &fields)).collect();
        paging::page(&request, items)
    });
    Reply::result(&shared, result)
}

fn checked_pin(pin: &str) -> Result<&str, GraphError> {
    if pin.len() == 6 && pin.bytes().all(|byte| byte.is_ascii_digit()) {
        Ok(pin)
    } else {
        Err(GraphError::parameter("Param pin must be a number of 6 digits."))
    }
}

fn number_facts(world: &World, number: &Number) -> Value {
    let settings = &number.settings;
    let url = settings.webhook_url.as_ref().or(world.webhook_url.as_ref());
    json!({
        "id": settings.phone_number_id,
        "display_phone_number": settings.display_phone_number,
        "verified_name": settings.verified_name,
        "quality_rating": settings.quality_rating,
        "name_status": settings.name_status,
        "status": settings.status,
        "code_verification_status": "VERIFIED",
        "platform_type": if settings.registered { "CLOUD_API" } else { "NOT_APPLICABLE" },
        "account_mode": "LIVE",
        "is_official_business_account": false,
        "is_on_biz_app": settings.is_on_biz_app,
        "is_pin_enabled": settings.pin.is_some(),
        "messaging_limit_tier": "TIER_UNLIMITED",
        "whatsapp_business_manager_messaging_limit": "TIER_UNLIMITED",
        "throughput": {"level": if settings.throughput >= 1000 { "HIGH" } else { "STANDARD" }},
        "webhook_configuration": {"application": url},
        "health_status": health(world, settings),
    })
}

fn waba_facts(world: &World, id: &str) -> Value {
    let waba = world.wabas.get(id).cloned().unwrap_or_default();
    let number = world.numbers.values().find(|number| number.settings.waba_id == id);
    json!({
        "id": id,
        "name": waba.name,
        "timezone_id": "1",
        "currency": "USD",
        "country": "US",
        "account_review_status": "APPROVED",
        "business_verification_status": "verified",
        "message_template_namespace": "sandbox",
        "status": "ACTIVE",
        "health_status": number.map(|number| health(world, &number.settings)),
    })
}

/// `BLOCKED` anywhere blocks the whole.
fn health(world: &World, settings: &NumberSettings) -> Value {
    let waba = world.wabas.get(&settings.waba_id).map_or("AVAILABLE", |waba| waba.can_send_message.as_str());
    let number = settings.can_send_message.as_str();
    let whole = ["BLOCKED", "LIMITED"].into_iter().find(|state| [waba, number].contains(state)).unwrap_or("AVAILABLE");
    json!({"can_send_message": whole, "entities": [
        {"entity_type": "PHONE_NUMBER", "id": settings.phone_number_id, "can_send_message": number},
        {"entity_type": "WABA", "id": settings.waba_id, "can_send_message": waba},
        {"entity_type": "BUSINESS", "id": "700000000000001", "can_send_message": "AVAILABLE"},
        {"entity_type": "APP", "id": settings.app_id, "can_send_message": "AVAILABLE"},
    ]})
}

/// The fields that are asked for, and the id. Fields that are not known are left out, with what stands in braces after them.
fn pick(facts: &Value, fields: &str) -> Value {
    let mut picked = json!({});
    let mut depth = 0_u32;
    let top_level = fields.split(|c| {
        match c {
            '{' | '(' => depth += 1,
            '}' | ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    });
    for field in top_level.chain(["id"]) {
        let name = field.split(['{', '(', '.']).next().unwrap_or_default().trim();
        if let Some(value) = facts.get(name).filter(|value| !value.is_null()) {
            picked[name] = value.clone();
        }
    }
    picked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_wanted_fields_are_told() {
        let facts = json!({"id": "1", "a": 1, "b": {"c": 2}, "d": null});
        assert_eq!(pick(&facts, "a"), json!({"a": 1, "id": "1"}));
        assert_eq!(pick(&facts, "b{c,x},d,e"), json!({"b": {"c": 2}, "id": "1"}));
    }
}
