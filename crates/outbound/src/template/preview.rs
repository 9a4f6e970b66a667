use serde_json::Value;

use super::call::Shorthand;
use super::check::{Files, fill};
use super::filled::RenderedPart;
use super::given::Given;
use super::model::Template;
use crate::content::error::ContentError;
use crate::content::reader::Node;

/// What the customer would see of a template, with these `parameters` in their short form. Files and places may be left out.
///
/// # Errors
///
/// If a text is missing or does not fit; the pointer begins with `/parameters`.
pub fn preview(template: &Template, parameters: Option<&Value>) -> Result<RenderedPart, ContentError> {
    const POINTER: &str = "/parameters";
    let shorthand = match parameters {
        Some(value) => Shorthand::read(&Node::at(value, POINTER))?,
        None => Shorthand::default(),
    };
    let layout = template.layout();
    let given = Given::shorthand(&shorthand, template.format, &layout, POINTER)?;
    fill(template, &layout, &given, Files::Optional).map(|filled| filled.rendered)
}
