//! Files of ours as examples of a new template: `"example": {"media_id": ...}` of a header, which Meta takes as an upload.

use kernel::ids::MediaId;
use serde_json::{Value, json};

use super::draft::{NewTemplate, example_file};

impl NewTemplate {
    /// The files that are examples of headers, each once.
    #[must_use]
    pub fn example_files(&self) -> Vec<MediaId> {
        let mut found = Vec::new();
        visit(&mut self.components.clone(), &mut |example| {
            let id = example_file(example).filter(|id| !found.contains(id));
            found.extend(id);
        });
        found
    }

    /// The template with Meta's handles of these files.
    #[must_use]
    pub fn with_handles(mut self, handle: impl Fn(MediaId) -> Option<String>) -> Self {
        visit(&mut self.components, &mut |example| {
            if let Some(handle) = example_file(example).and_then(&handle) {
                *example = json!({"header_handle": [handle]});
            }
        });
        self
    }
}

/// Shows the examples of all components, also of cards.
fn visit(components: &mut Value, see: &mut impl FnMut(&mut Value)) {
    match components {
        Value::Object(members) => {
            for (name, member) in members {
                if name == "example" {
                    see(member);
                } else {
                    visit(member, see);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| visit(item, see)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0190b5a2-7e2f-7000-8000-000000000000";

    fn template(example: &Value) -> Result<NewTemplate, crate::ContentError> {
        NewTemplate::parse(&json!({"name": "a", "language": "en", "category": "utility", "components": [
            {"type": "HEADER", "format": "IMAGE", "example": example}, {"type": "BODY", "text": "Hello"},
        ]}))
    }

    #[test]
    fn file_becomes_a_handle() {
        let new = template(&json!({ "media_id": ID })).unwrap();
        assert_eq!(new.example_files(), [ID.parse().unwrap()]);
        let meta = new.with_handles(|_| Some("4:abc".to_owned())).to_meta();
        assert!(meta.contains(r#""example":{"header_handle":["4:abc"]}"#) && !meta.contains("media_id"), "{meta}");
    }

    #[test]
    fn example_of_meta_stays_as_it_is() {
        let new = template(&json!({"header_handle": ["4:own"]})).unwrap();
        assert!(new.example_files().is_empty());
        assert!(new.with_handles(|_| None).to_meta().contains("4:own"));
    }

    #[test]
    fn example_without_a_file_is_refused() {
        for example in [json!({}), json!({"media_id": "no id"}), json!({"media_id": 7})] {
            assert_eq!(template(&example).unwrap_err().pointer, "/components/0/example", "{example}");
        }
    }
}
