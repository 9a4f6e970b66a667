//! `/sandbox/templates`: what reviewers and Meta's quality rules do to templates.

use actix_web::HttpResponse;
use actix_web::web::{Bytes, Data, Path, Query};
use serde::Deserialize;
use serde_json::json;

use super::answer::{self, AdminError};
use crate::shared::Shared;
use crate::world::settle::{Outgoing, template_facts};
use crate::world::template::Template;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OfWaba {
    waba_id: String,
}

pub(super) async fn list(shared: Data<Shared>, wanted: Query<OfWaba>) -> HttpResponse {
    let world = shared.world();
    HttpResponse::Ok().json(world.templates.of_waba(&wanted.waba_id).collect::<Vec<_>>())
}

/// Adds a template as it is given, without review and without a webhook. It replaces the one with its name and language.
pub(super) async fn put(shared: Data<Shared>, body: Bytes) -> Result<HttpResponse, AdminError> {
    answer::read::<Template>(&body).and_then(|mut template| {
        let mut world = shared.world();
        if !world.wabas.contains_key(&template.waba_id) {
            return Err(answer::bad_request("waba_id is not the id of a business account with a number"));
        }
        if template.id.is_empty() {
            let known = world.templates.find(&template.waba_id, &template.name, &template.language);
            template.id = known.map(|known| known.id.clone()).unwrap_or_default();
        }
        if template.id.is_empty() {
            template.id = world.ids.numeric();
        }
        world.templates.add(template.clone());
        Ok(HttpResponse::Ok().json(template))
    })
}

pub(super) async fn samples(shared: Data<Shared>, waba: Path<String>) -> HttpResponse {
    let mut world = shared.world();
    world.add_sample_templates(&waba);
    HttpResponse::Ok().json(world.templates.of_waba(&waba).collect::<Vec<_>>())
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    status: Option<String>,
    reason: Option<String>,
    quality: Option<String>,
    category: Option<String>,
    components: Option<Vec<serde_json::Value>>,
    /// False changes the template without a webhook.
    webhook: Option<bool>,
}

/// Changes a template; each change is told by its webhook.
pub(super) async fn patch(shared: Data<Shared>, id: Path<String>, body: Bytes) -> Result<HttpResponse, AdminError> {
    answer::read::<Change>(&body).and_then(|change| {
        let mut world = shared.world();
        let mut template = world.templates.get(&id).cloned().ok_or_else(|| answer::not_found("no such template"))?;
        let mut outgoing: Vec<Option<Outgoing>> = Vec::new();
        if let Some(quality) = change.quality {
            let mut value = template_facts(&template);
            value["previous_quality_score"] = std::mem::replace(&mut template.quality, quality).into();
            value["new_quality_score"] = template.quality.as_str().into();
            outgoing.push(world.account_change(&template.waba_id, "message_template_quality_update", value));
        }
        if let Some(category) = change.category {
            let previous = std::mem::replace(&mut template.category, category);
            let mut value = template_facts(&template);
            value["previous_category"] = previous.as_str().into();
            value["new_category"] = template.category.as_str().into();
            template.previous_category = Some(previous);
            outgoing.push(world.account_change(&template.waba_id, "template_category_update", value));
        }
        if let Some(components) = change.components {
            template.components = components;
            let mut value = template_facts(&template);
            let body = template.component("BODY").map(|body| body["text"].clone());
            value["message_template_element"] = json!(body);
            outgoing.push(world.account_change(&template.waba_id, "message_template_components_update", value));
        }
        world.templates.add(template);
        if let Some(status) = change.status {
            outgoing.push(world.change_template_status(&id, &status, change.reason.as_deref()));
        }
        let answer = HttpResponse::Ok().json(world.templates.get(&id));
        drop(world);
        if change.webhook != Some(false) {
            outgoing.into_iter().flatten().for_each(|outgoing| shared.tell(outgoing));
        }
        Ok(answer)
    })
}
