//! Templates that are to be created or changed, with the rules that Meta applies at once. The rest is Meta's review.

use kernel::ids::MediaId;
use serde_json::{Map, Value, json};

use super::call::MAX_NAME;
use super::language::Language;
use super::model::Template;
use super::status::{ParameterFormat, TemplateCategory};
use super::text::TemplateText;
use crate::content::error::ContentError;
use crate::content::reader::{Fields, Node, all_different, listed};

/// Characters.
const MAX_HEADER: usize = 60;
const MAX_BODY: usize = 1_024;
const MAX_FOOTER: usize = 60;
const MAX_LABEL: usize = 25;
const MAX_BUTTONS: usize = 10;
/// Buttons of one type.
const MAX_OF_TYPE: [(&str, usize); 3] = [("url", 2), ("phone_number", 1), ("copy_code", 1)];
const CARDS: std::ops::RangeInclusive<usize> = 2..=10;

const CATEGORIES: [(&str, TemplateCategory); 3] = [
    ("marketing", TemplateCategory::Marketing),
    ("utility", TemplateCategory::Utility),
    ("authentication", TemplateCategory::Authentication),
];

/// A template to be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTemplate {
    pub name: String,
    pub language: Language,
    pub category: TemplateCategory,
    pub format: ParameterFormat,
    /// As Meta has them; some types have upper-case names there.
    pub components: Value,
}

/// A change of a template: whole components, and a category unless it is approved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateEdit {
    pub components: Value,
    pub category: Option<TemplateCategory>,
}

impl NewTemplate {
    /// Reads `{name, language, category, components, parameter_format?}`.
    ///
    /// # Errors
    ///
    /// If Meta would refuse it at once.
    pub fn parse(value: &Value) -> Result<Self, ContentError> {
        let mut fields = Node::root(value).object()?;
        let name = read_name(&fields.required("name")?)?;
        let language = fields.required("language")?;
        let language = Language::parse(language.string()?)
            .ok_or_else(|| language.invalid("expected a language, such as en_US"))?;
        let category = fields.required("category")?.word(&CATEGORIES)?;
        let given = fields.optional("parameter_format");
        let components = fields.required("components")?;
        let format = match given {
            Some(node) => {
                node.word(&[("positional", ParameterFormat::Positional), ("named", ParameterFormat::Named)])?
            }
            None => used_format(components.value()),
        };
        check_components(&components, category, format)?;
        fields.end()?;
        Ok(Self { name, language, category, format, components: components.value().clone() })
    }

    /// The body of Meta's `POST /{waba}/message_templates`.
    #[must_use]
    pub fn to_meta(&self) -> String {
        json!({
            "name": self.name,
            "language": self.language.as_str(),
            "category": self.category.into_str().to_ascii_uppercase(),
            "parameter_format": self.format.into_str().to_ascii_uppercase(),
            "components": self.components,
        })
        .to_string()
    }
}

impl TemplateEdit {
    /// Reads `{components, category?}` for a template.
    ///
    /// # Errors
    ///
    /// If Meta would refuse it at once.
    pub fn parse(value: &Value, template: &Template) -> Result<Self, ContentError> {
        let mut fields = Node::root(value).object()?;
        let components = fields.required("components")?;
        let changed = fields.optional("category").map(|node| node.word(&CATEGORIES)).transpose()?;
        check_components(&components, changed.unwrap_or(template.category), template.format)?;
        fields.end()?;
        Ok(Self { components: components.value().clone(), category: changed })
    }

    /// The body of Meta's `POST /{template_id}`.
    #[must_use]
    pub fn to_meta(&self) -> String {
        let mut body = Map::from_iter([("components".to_owned(), self.components.clone())]);
        let category = self.category.map(|category| category.into_str().to_ascii_uppercase());
        body.extend(category.map(|category| ("category".to_owned(), json!(category))));
        Value::Object(body).to_string()
    }
}

fn read_name(node: &Node<'_>) -> Result<String, ContentError> {
    let name = node.text(MAX_NAME)?;
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if name.bytes().all(plain) {
        Ok(name)
    } else {
        Err(node.invalid("must consist of lower-case letters a to z, digits and underscores"))
    }
}

/// Named, if a gap has a letter.
fn used_format(components: &Value) -> ParameterFormat {
    let texts = components.as_array().into_iter().flatten().filter_map(|component| component["text"].as_str());
    let mut gaps = texts.flat_map(|text| TemplateText::new(text).gaps().to_vec());
    let named = gaps.any(|gap| gap.contains(|c: char| !c.is_ascii_digit()));
    if named { ParameterFormat::Named } else { ParameterFormat::Positional }
}

fn check_components(node: &Node<'_>, category: TemplateCategory, format: ParameterFormat) -> Result<(), ContentError> {
    let components = node.items(1..=usize::MAX)?;
    let mut kinds = Vec::new();
    for component in &components {
        kinds.push(check_component(component, category, format, true)?);
    }
    all_different(&kinds, |index| format!("{}/{index}/type", node.pointer()))?;
    if kinds.iter().any(|kind| kind == "body") { Ok(()) } else { Err(node.invalid("needs a component of type BODY")) }
}

/// Checks what is common to all templates. Members that are not named here are Meta's to judge.
fn check_component(
    node: &Node<'_>,
    category: TemplateCategory,
    format: ParameterFormat,
    outermost: bool,
) -> Result<String, ContentError> {
    const KINDS: [&str; 7] =
        ["header", "body", "footer", "buttons", "carousel", "limited_time_offer", "call_permission_request"];
    let mut fields = node.object()?;
    let kind = fields.required("type")?;
    let word = kind.string()?.to_ascii_lowercase();
    let known = if outermost { KINDS.as_slice() } else { &["header", "body", "buttons"] };
    if !known.contains(&word.as_str()) {
        let known: Vec<String> = known.iter().map(|kind| kind.to_ascii_uppercase()).collect();
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        return Err(kind.invalid(format!("expected {}", listed(&known))));
    }
    match word.as_str() {
        "header" => check_header(&mut fields, format)?,
        // Meta writes the texts of a code itself.
        "body" | "footer" if category == TemplateCategory::Authentication => {}
        "body" => check_text(&mut fields, "body", MAX_BODY, usize::MAX, format)?,
        "footer" => check_text(&mut fields, "footer", MAX_FOOTER, 0, format)?,
        "buttons" => check_buttons(&fields.required("buttons")?)?,
        "carousel" => {
            for card in fields.required("cards")?.items(CARDS)? {
                for component in card.object()?.required("components")?.items(1..=usize::MAX)? {
                    check_component(&component, category, format, false)?;
                }
            }
        }
        _ => {}
    }
    Ok(word)
}

fn check_header(fields: &mut Fields<'_>, format: ParameterFormat) -> Result<(), ContentError> {
    let kind = fields.required("format")?;
    match kind.string()?.to_ascii_lowercase().as_str() {
        "text" => check_text(fields, "header", MAX_HEADER, 1, format),
        "image" | "video" | "document" => {
            let pointer = fields.pointer_to("example");
            let handle = fields.optional("example").and_then(|node| node.value()["header_handle"][0].as_str());
            let file = fields.optional("example").and_then(|node| example_file(node.value()));
            if handle.is_some() || file.is_some() {
                return Ok(());
            }
            let message = "needs an example: media_id, a file that was uploaded here, or header_handle, one that was uploaded to Meta";
            Err(ContentError::invalid(pointer, message))
        }
        "location" | "product" => Ok(()),
        _ => Err(kind.invalid("expected TEXT, IMAGE, VIDEO, DOCUMENT, LOCATION or PRODUCT")),
    }
}

/// Checks the text of a part, its gaps, and that each gap has an example.
fn check_text(
    fields: &mut Fields<'_>,
    place: &str,
    max: usize,
    max_gaps: usize,
    format: ParameterFormat,
) -> Result<(), ContentError> {
    let node = fields.required("text")?;
    let text = TemplateText::new(&node.text(max)?);
    let gaps = text.gaps();
    if gaps.len() > max_gaps {
        return Err(node.invalid(format!("has {} parameters; at most {max_gaps} are allowed here", gaps.len())));
    }
    check_gaps(&node, gaps, format)?;
    if gaps.is_empty() {
        return Ok(());
    }
    let pointer = fields.pointer_to("example");
    let example = fields.optional("example").map_or(&Value::Null, |node| node.value());
    let (examples, wanted) = match (format, place) {
        (ParameterFormat::Named, _) => {
            let wanted = format!("{place}_text_named_params");
            (example[&wanted].as_array().map_or(0, Vec::len), wanted)
        }
        (_, "body") => (example["body_text"][0].as_array().map_or(0, Vec::len), "body_text".to_owned()),
        _ => (example["header_text"].as_array().map_or(0, Vec::len), "header_text".to_owned()),
    };
    if examples == gaps.len() {
        return Ok(());
    }
    Err(ContentError::invalid(
        pointer,
        format!("needs {wanted} with an example of each of the {} parameters", gaps.len()),
    ))
}

fn check_gaps(node: &Node<'_>, gaps: &[String], format: ParameterFormat) -> Result<(), ContentError> {
    let fits = match format {
        ParameterFormat::Positional => gaps.iter().zip(1..).all(|(gap, number)| *gap == number.to_string()),
        ParameterFormat::Named => gaps.iter().all(|gap| {
            let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
            gap.bytes().all(plain) && gap.starts_with(|c: char| c.is_ascii_lowercase())
        }),
    };
    match (fits, format) {
        (true, _) => Ok(()),
        (false, ParameterFormat::Positional) => Err(node.invalid("parameters must be numbered {{1}}, {{2}} and so on")),
        (false, ParameterFormat::Named) => {
            Err(node.invalid("parameters must have names of lower-case letters, digits and underscores"))
        }
    }
}

fn check_buttons(node: &Node<'_>) -> Result<(), ContentError> {
    let buttons = node.items(1..=MAX_BUTTONS)?;
    let mut kinds = Vec::new();
    for button in &buttons {
        kinds.push(check_button(button)?);
    }
    for (kind, max) in MAX_OF_TYPE {
        let number = kinds.iter().filter(|word| *word == kind).count();
        if number > max {
            let message =
                format!("has {number} buttons of type {}; at most {max} are allowed", kind.to_ascii_uppercase());
            return Err(node.invalid(message));
        }
    }
    // Quick replies among others must stand together.
    let groups = kinds.chunk_by(|a, b| (a == "quick_reply") == (b == "quick_reply")).count();
    if groups > 2 {
        return Err(node.invalid("buttons of type QUICK_REPLY must stand together, before or after all others"));
    }
    Ok(())
}

fn check_button(node: &Node<'_>) -> Result<String, ContentError> {
    let mut fields = node.object()?;
    let kind = fields.required("type")?.string()?.to_ascii_lowercase();
    let label = fields.optional("text");
    match (&label, kind.as_str()) {
        (Some(label), _) => {
            label.text(MAX_LABEL)?;
        }
        (None, "quick_reply" | "url" | "phone_number") => return Err(ContentError::missing(fields.pointer_to("text"))),
        (None, _) => {}
    }
    if kind == "url" {
        let node = fields.required("url")?;
        let url = TemplateText::new(&node.url()?);
        let at_end = url.gaps().first().is_none_or(|gap| url.as_str().ends_with(&format!("{{{{{gap}}}}}")));
        if url.gaps().len() > 1 || !at_end {
            return Err(node.invalid("may have one parameter, at its end"));
        }
        if !url.gaps().is_empty() && fields.optional("example").is_none() {
            return Err(ContentError::missing(fields.pointer_to("example")));
        }
    }
    if kind == "phone_number" {
        fields.required("phone_number")?.text(20)?;
    }
    Ok(kind)
}

/// The file that an example names.
pub(super) fn example_file(example: &Value) -> Option<MediaId> {
    example.get("media_id")?.as_str()?.parse().ok()
}
