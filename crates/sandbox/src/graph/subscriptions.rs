//! `/{waba_id}/subscribed_apps`: whether an app gets the webhooks of a business account.

use actix_web::web::{Bytes, Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value, json};

use super::answer::Reply;
use super::error::GraphError;
use super::{auth, body};
use crate::shared::Shared;
use crate::world::Waba;

pub(super) async fn get(request: HttpRequest, path: Path<(String, String)>, shared: Data<Shared>) -> HttpResponse {
    let result = auth::token(&request).and_then(|token| {
        let world = shared.world();
        let waba = world.waba_for(&path.1, &token, "get", shared.clock.now_ms())?;
        let app_id = world.owner_of(&token).map(|number| number.settings.app_id.clone());
        let mut app = json!({"whatsapp_business_api_data": {"id": app_id, "link": "", "name": "Sandbox"}});
        if let Some(url) = &waba.override_callback_uri {
            app["override_callback_uri"] = url.as_str().into();
        }
        let apps = if waba.subscribed { vec![app] } else { Vec::new() };
        Ok(json!({ "data": apps }))
    });
    Reply::result(&shared, result)
}

/// Subscribes. Without an override in the body, an earlier override ends.
pub(super) async fn post(
    request: HttpRequest,
    path: Path<(String, String)>,
    body: Bytes,
    shared: Data<Shared>,
) -> HttpResponse {
    let result = body::object(&body).and_then(|body| {
        let url = body.get("override_callback_uri").and_then(Value::as_str).map(str::to_owned);
        change(&request, &path.1, "post", &shared, |waba| {
            waba.subscribed = true;
            waba.override_callback_uri = url;
        })
    });
    Reply::result(&shared, result)
}

pub(super) async fn delete(request: HttpRequest, path: Path<(String, String)>, shared: Data<Shared>) -> HttpResponse {
    let result = change(&request, &path.1, "delete", &shared, |waba| waba.subscribed = false);
    Reply::result(&shared, result)
}

fn change(
    request: &HttpRequest,
    id: &str,
    method: &str,
    shared: &Shared,
    change: impl FnOnce(&mut Waba),
) -> Result<Value, GraphError> {
    let token = auth::token(request)?;
    let mut world = shared.world();
    world.waba_for(id, &token, method, shared.clock.now_ms())?;
    if let Some(waba) = world.wabas.get_mut(id) {
        change(waba);
    }
    Ok(json!({"success": true}))
}
