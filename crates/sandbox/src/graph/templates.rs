//! `/{waba_id}/message_templates` and `/{template_id}`.

use actix_web::web::{Bytes, Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Map, Value, json};

use super::answer::Reply;
use super::error::GraphError;
use super::{auth, body, paging};
use crate::shared::Shared;
use crate::webhooks::schedule::Event;
use crate::world::World;
use crate::world::template::{Template, refused};

/// Lists templates, filtered as the query says.
pub(super) async fn list(request: HttpRequest, path: Path<(String, String)>, shared: Data<Shared>) -> HttpResponse {
    let result = auth::token(&request).and_then(|token| {
        let world = shared.world();
        world.waba_for(&path.1, &token, "get", shared.clock.now_ms())?;
        let wanted = |name: &str| auth::query(&request, name).filter(|text| !text.is_empty());
        let (name, content, status) = (wanted("name"), wanted("name_or_content"), wanted("status"));
        let (category, language) = (wanted("category"), wanted("language"));
        let is = |wanted: &Option<String>, value: &str| {
            wanted.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(value))
        };
        let matching = world.templates.of_waba(&path.1).filter(|template| {
            is(&status, &template.status)
                && is(&category, &template.category)
                && is(&language, &template.language)
                // Meta finds names that contain the text.
                && name.as_deref().is_none_or(|name| template.name.contains(name))
                && content.as_deref().is_none_or(|text| {
                    template.name.contains(text) || Value::from(template.components.clone()).to_string().contains(text)
                })
        });
        paging::page(&request, matching.map(Template::view).collect())
    });
    Reply::result(&shared, result)
}

/// Creates a template. It waits for review, which approves it.
pub(super) async fn create(
    request: HttpRequest,
    path: Path<(String, String)>,
    body: Bytes,
    shared: Data<Shared>,
) -> HttpResponse {
    let result = auth::token(&request).and_then(|token| {
        let now = shared.clock.now_ms();
        let mut world = shared.world();
        let review_after = world.waba_for(&path.1, &token, "post", now)?.template_review_after_ms;
        let mut template: Template = serde_json::from_value(Value::Object(body::object(&body)?))
            .map_err(|error| GraphError::parameter(format!("Invalid parameter: {error}")))?;
        template.check()?;
        check_example(&world, &template)?;
        if world.templates.find(&path.1, &template.name, &template.language).is_some() {
            let text = "There is already content in this language for this template.";
            return Err(refused(2_388_024, "Content in this language already exists", text));
        }
        template.id = world.ids.numeric();
        template.waba_id.clone_from(&path.1);
        "PENDING".clone_into(&mut template.status);
        "UNKNOWN".clone_into(&mut template.quality);
        let answer = json!({"id": template.id, "status": "PENDING", "category": template.category});
        let template_id = template.id.clone();
        world.templates.add(template);
        drop(world);
        if let Some(after) = review_after {
            shared.schedule.add([(now + after, Event::TemplateReviewed { template_id })]);
        }
        Ok(answer)
    });
    Reply::result(&shared, result)
}

/// A header with media needs the handle of a file that was uploaded in parts.
fn check_example(world: &World, template: &Template) -> Result<(), GraphError> {
    let Some(header) = template.component("HEADER") else { return Ok(()) };
    let format = header["format"].as_str().unwrap_or("TEXT").to_ascii_uppercase();
    if !matches!(format.as_str(), "IMAGE" | "VIDEO" | "DOCUMENT") {
        return Ok(());
    }
    let handle = header["example"]["header_handle"][0].as_str().unwrap_or_default();
    let fits = world.media.handles.get(handle).is_some_and(|mime_type| match format.as_str() {
        "IMAGE" => mime_type.starts_with("image/"),
        "VIDEO" => mime_type.starts_with("video/"),
        _ => mime_type == "application/pdf",
    });
    if fits {
        return Ok(());
    }
    Err(refused(2_388_273, "Invalid example of the header", "The header needs the handle of an uploaded file."))
}

/// Deletes all languages of a name, or with `hsm_id` one.
pub(super) async fn delete(request: HttpRequest, path: Path<(String, String)>, shared: Data<Shared>) -> HttpResponse {
    let result = auth::token(&request).and_then(|token| {
        let mut world = shared.world();
        world.waba_for(&path.1, &token, "delete", shared.clock.now_ms())?;
        let name = auth::query(&request, "name").ok_or_else(|| GraphError::required("name"))?;
        let id = auth::query(&request, "hsm_id");
        let matches = |template: &Template| {
            template.waba_id == path.1 && template.name == name && id.as_ref().is_none_or(|id| *id == template.id)
        };
        if world.templates.of_waba(&path.1).any(|template| matches(template) && template.status == "DISABLED") {
            return Err(refused(2_388_094, "Template cannot be deleted", "Disabled templates cannot be deleted."));
        }
        let deleted = world.templates.remove(matches);
        if deleted.is_empty() {
            return Err(refused(2_593_002, "Message template not found", "The message template was not found."));
        }
        Ok(json!({"success": true}))
    });
    Reply::result(&shared, result)
}

/// Lifts the pause that pacing set.
pub(super) async fn unpause(request: HttpRequest, path: Path<(String, String)>, shared: Data<Shared>) -> HttpResponse {
    let result = auth::token(&request).and_then(|token| {
        let mut world = shared.world();
        let now = shared.clock.now_ms();
        let waba = world.templates.get(&path.1).map(|template| template.waba_id.clone());
        let waba = waba.ok_or_else(|| world.unknown_object(&path.1, &token, "post", now))?;
        world.waba_for(&waba, &token, "post", now)?;
        let outgoing = world.change_template_status(&path.1, "APPROVED", None);
        drop(world);
        if let Some(outgoing) = outgoing {
            shared.tell(outgoing);
        }
        Ok(json!({"success": true}))
    });
    Reply::result(&shared, result)
}

/// Replaces whole components, or the category. The template is reviewed again.
pub(super) fn edit(world: &mut World, id: &str, change: &Map<String, Value>) -> Result<Value, GraphError> {
    let template = world.templates.get_mut(id).ok_or_else(|| GraphError::no_object("post", id))?;
    if !["APPROVED", "REJECTED", "PAUSED"].contains(&template.status.as_str()) {
        let text = "Only templates that are approved, rejected or paused can be edited.";
        return Err(refused(2_388_025, "Template cannot be edited", text));
    }
    let mut edited = template.clone();
    if let Some(components) = change.get("components").and_then(Value::as_array) {
        edited.components.clone_from(components);
    }
    if let Some(category) = change.get("category").and_then(Value::as_str) {
        if template.status == "APPROVED" && category != template.category {
            let text = "The category of an approved template cannot be changed.";
            return Err(refused(2_388_025, "Category cannot be changed", text));
        }
        category.clone_into(&mut edited.category);
    }
    if let Some(ttl) = change.get("message_send_ttl_seconds").and_then(Value::as_i64) {
        edited.message_send_ttl_seconds = Some(ttl);
    }
    edited.check()?;
    "PENDING".clone_into(&mut edited.status);
    *template = edited;
    Ok(json!({"success": true}))
}
