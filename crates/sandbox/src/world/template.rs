//! Message templates of business accounts.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::graph::error::GraphError;

#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Template {
    #[serde(default)]
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) waba_id: String,
    pub(crate) name: String,
    pub(crate) language: String,
    #[serde(default = "utility")]
    pub(crate) category: String,
    #[serde(default = "approved")]
    pub(crate) status: String,
    #[serde(default = "positional")]
    pub(crate) parameter_format: String,
    #[serde(default)]
    pub(crate) components: Vec<Value>,
    #[serde(default = "unknown")]
    pub(crate) quality: String,
    #[serde(default)]
    pub(crate) rejected_reason: Option<String>,
    #[serde(default)]
    pub(crate) previous_category: Option<String>,
    #[serde(default)]
    pub(crate) message_send_ttl_seconds: Option<i64>,
}

fn utility() -> String {
    "UTILITY".to_owned()
}
fn approved() -> String {
    "APPROVED".to_owned()
}
fn positional() -> String {
    "POSITIONAL".to_owned()
}
fn unknown() -> String {
    "UNKNOWN".to_owned()
}

impl Template {
    /// The component of a type: `HEADER`, `BODY`, `FOOTER` or `BUTTONS`.
    pub(crate) fn component(&self, kind: &str) -> Option<&Value> {
        self.components
            .iter()
            .find(|component| component["type"].as_str().is_some_and(|given| given.eq_ignore_ascii_case(kind)))
    }

    /// The texts of its quick replies.
    pub(crate) fn quick_replies(&self) -> Vec<String> {
        let buttons = self.component("BUTTONS").and_then(|component| component["buttons"].as_array());
        let replies = buttons.into_iter().flatten().filter(|button| button["type"] == "QUICK_REPLY");
        replies.filter_map(|button| button["text"].as_str().map(str::to_owned)).collect()
    }

    pub(crate) fn view(&self) -> Value {
        let mut view = json!({
            "name": self.name, "language": self.language, "status": self.status, "category": self.category,
            "parameter_format": self.parameter_format, "components": self.components, "id": self.id,
            "quality_score": {"score": self.quality}, "rejected_reason": self.rejected_reason.as_deref().unwrap_or("NONE"),
        });
        if let Some(previous) = &self.previous_category {
            view["previous_category"] = previous.as_str().into();
        }
        if let Some(ttl) = self.message_send_ttl_seconds {
            view["message_send_ttl_seconds"] = ttl.into();
        }
        view
    }

    /// Checks what the creation or the change of a template says.
    pub(crate) fn check(&self) -> Result<(), GraphError> {
        let has_name = (1..=512).contains(&self.name.len())
            && self.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        if !has_name {
            return Err(refused(2_388_040, "Name is not valid", "Use lower-case letters, digits and _, up to 512"));
        }
        if !["UTILITY", "MARKETING", "AUTHENTICATION"].contains(&self.category.as_str()) {
            return Err(GraphError::parameter("Param category must be one of {UTILITY, MARKETING, AUTHENTICATION}."));
        }
        let Some(body) = self.component("BODY") else {
            return Err(refused(2_388_047, "Body is missing", "A template needs a component of type BODY"));
        };
        let text = body["text"].as_str().unwrap_or_default();
        if self.category != "AUTHENTICATION" {
            length("BODY", text, 1, 1024)?;
            let has_example = !placeholders(text).is_empty() && body.get("example").is_none();
            if has_example {
                return Err(refused(2_388_043, "Example is missing", "A body with placeholders needs an example"));
            }
        }
        for (kind, max) in [("HEADER", 60), ("FOOTER", 60)] {
            if let Some(text) = self.component(kind).and_then(|component| component["text"].as_str()) {
                length(kind, text, 1, max)?;
            }
        }
        let buttons = self.component("BUTTONS").and_then(|component| component["buttons"].as_array());
        for (index, button) in buttons.into_iter().flatten().enumerate() {
            if index >= 10 {
                return Err(refused(2_388_299, "Too many buttons", "A template has up to 10 buttons"));
            }
            length("BUTTON", button["text"].as_str().unwrap_or("x"), 1, 25)?;
        }
        Ok(())
    }
}

fn length(kind: &str, text: &str, min: usize, max: usize) -> Result<(), GraphError> {
    if (min..=max).contains(&text.chars().count()) {
        Ok(())
    } else {
        let advice = format!("{kind} has {min} to {max} characters");
        Err(refused(2_388_040, "Character limit exceeded", &advice))
    }
}

/// An error with a subcode of its own and words for people, as calls about templates have.
pub(crate) fn refused(subcode: i64, title: &str, text: &str) -> GraphError {
    GraphError {
        message: "Invalid parameter".to_owned(),
        subcode: Some(subcode),
        for_people: Some(Box::new((title.to_owned(), text.to_owned()))),
        ..GraphError::of(100)
    }
}

/// The names between `{{` and `}}`, each once, in their order.
pub(crate) fn placeholders(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for part in text.split("{{").skip(1) {
        if let Some((name, _)) = part.split_once("}}") {
            let name = name.trim();
            if !found.contains(&name) {
                found.push(name);
            }
        }
    }
    found
}

/// Templates by business account.
#[derive(Debug, Default)]
pub(crate) struct Templates {
    list: Vec<Template>,
}

impl Templates {
    pub(crate) fn add(&mut self, template: Template) {
        self.list.retain(|known| known.id != template.id);
        self.list.push(template);
    }

    pub(crate) fn of_waba<'a>(&'a self, waba: &'a str) -> impl Iterator<Item = &'a Template> {
        self.list.iter().filter(move |template| template.waba_id == waba)
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Template> {
        self.list.iter().find(|template| template.id == id)
    }

    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut Template> {
        self.list.iter_mut().find(|template| template.id == id)
    }

    pub(crate) fn find(&self, waba: &str, name: &str, language: &str) -> Option<&Template> {
        self.list
            .iter()
            .find(|template| template.waba_id == waba && template.name == name && template.language == language)
    }

    /// Removes those that match, and answers them.
    pub(crate) fn remove(&mut self, matches: impl Fn(&Template) -> bool) -> Vec<Template> {
        self.list.extract_if(.., |template| matches(template)).collect()
    }

    pub(crate) fn clear(&mut self) {
        self.list.clear();
    }
}

/// Templates that new business accounts of a demo have.
pub(crate) fn samples() -> [Template; 2] {
    let sample = |name: &str, language: &str, components: Value| Template {
        id: String::new(),
        waba_id: String::new(),
        name: name.to_owned(),
        language: language.to_owned(),
        category: utility(),
        status: approved(),
        parameter_format: positional(),
        components: components.as_array().cloned().unwrap_or_default(),
        quality: "GREEN".to_owned(),
        rejected_reason: None,
        previous_category: None,
        message_send_ttl_seconds: None,
    };
    let hello = json!([
        {"type": "HEADER", "format": "TEXT", "text": "Hello World"},
        {"type": "BODY", "text": "Welcome and congratulations!! This message demonstrates your ability to send a template."},
        {"type": "FOOTER", "text": "WhatsApp Business Platform sample message"},
    ]);
    let order = json!([
        {"type": "BODY", "text": "Hello {{1}}, your order {{2}} is on its way.", "example": {"body_text": [["Ada", "A-100"]]}},
        {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Thank you"}, {"type": "QUICK_REPLY", "text": "I have a question"}]},
    ]);
    [sample("hello_world", "en_US", hello), sample("order_update", "en_US", order)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_found_once() {
        assert_eq!(placeholders("Hi {{1}}, {{ 2 }} and {{1}}"), ["1", "2"]);
        assert_eq!(placeholders("Hi {{name}} {{"), ["name"]);
        assert!(placeholders("Hi").is_empty());
    }

    #[test]
    fn samples_are_valid() {
        for sample in samples() {
            assert_eq!(sample.check(), Ok(()), "{}", sample.name);
        }
    }

    #[test]
    fn wrong_template_is_refused_with_words_for_people() {
        let [good, _] = samples();
        let wrong = [
            Template { name: "Not Valid".to_owned(), ..good.clone() },
            Template { components: Vec::new(), ..good.clone() },
            Template { components: vec![json!({"type": "BODY", "text": "x".repeat(1025)})], ..good.clone() },
            Template { components: vec![json!({"type": "BODY", "text": "Hi {{1}}"})], ..good },
        ];
        for template in wrong {
            assert!(template.check().unwrap_err().for_people.is_some());
        }
    }
}
