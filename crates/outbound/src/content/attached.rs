//! Files in the frozen JSON of a message. Meta's id of a file is known only when the message leaves, so a placeholder stands for it:
//! `"id":"media:<our id>:<kind>"`. A text of a person cannot look like one, as quotes are escaped in it.

use kernel::MediaKind;
use kernel::ids::MediaId;

/// A file of a message, and what Meta takes it for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AttachedFile {
    pub id: MediaId,
    pub kind: MediaKind,
}

const BEFORE: &str = "\"id\":\"";
const PREFIX: &str = "media:";

impl AttachedFile {
    /// What stands for Meta's id of the file.
    #[must_use]
    pub fn placeholder(&self) -> String {
        format!("{PREFIX}{}:{}", self.id, self.kind.into_str())
    }

    fn parse(text: &str) -> Option<Self> {
        let (id, kind) = text.strip_prefix(PREFIX)?.split_once(':')?;
        Some(Self { id: id.parse().ok()?, kind: kind.parse().ok()? })
    }

    /// The files whose placeholders are in the JSON of a message, in their order.
    #[must_use]
    pub fn in_body(body: &str) -> Vec<Self> {
        body.split(BEFORE).skip(1).filter_map(|rest| Self::parse(rest.split_once('"')?.0)).collect()
    }

    /// The JSON with Meta's ids; `None` if one is not known.
    pub fn fill(body: &str, ids: impl Fn(Self) -> Option<String>) -> Option<String> {
        let mut parts = body.split(BEFORE);
        let mut filled = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            filled.push_str(BEFORE);
            match part.split_once('"').and_then(|(id, rest)| Some((Self::parse(id)?, rest))) {
                Some((file, rest)) => {
                    // Meta's ids are numbers; whatever it is, it stays one string of JSON.
                    let id = serde_json::Value::String(ids(file)?).to_string();
                    filled.push_str(id.strip_prefix('"')?);
                    filled.push_str(rest);
                }
                None => filled.push_str(part),
            }
        }
        Some(filled)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::content::Content;
    use crate::{Address, message_json};

    const ID: &str = "0190b5a2-7e2f-7000-8000-000000000000";

    fn file(kind: MediaKind) -> AttachedFile {
        AttachedFile { id: ID.parse().unwrap(), kind }
    }

    fn body(content: &Value) -> String {
        let content = Content::parse(content).unwrap();
        let files = content.files();
        let placeholder = |id| files.iter().find(|file| file.id == id).map(AttachedFile::placeholder);
        message_json(&Address::phone("+15550100002").unwrap(), &content, None, None, &placeholder).unwrap()
    }

    #[test]
    fn placeholders_are_filled_wherever_files_stand() {
        let image = json!({"type": "image", "image": {"media_id": ID, "caption": "a"}});
        let header = json!({"type": "interactive", "interactive": {
            "type": "button", "header": {"type": "video", "video": {"media_id": ID}}, "body": {"text": "Choose"},
            "action": {"buttons": [{"type": "reply", "reply": {"id": "yes", "title": "Yes"}}]},
        }});
        let template = json!({"type": "template", "template": {"name": "a", "language": "en", "components": [
            {"type": "header", "parameters": [{"type": "document", "document": {"media_id": ID, "filename": "a.pdf"}}]},
        ]}});
        for (content, kind) in [(image, MediaKind::Image), (header, MediaKind::Video), (template, MediaKind::Document)]
        {
            let body = body(&content);
            assert_eq!(AttachedFile::in_body(&body), [file(kind)]);
            let filled = AttachedFile::fill(&body, |_| Some("4\"2".to_owned())).unwrap();
            assert!(filled.contains(r#""id":"4\"2""#) && !filled.contains("media:"), "{filled}");
            assert!(serde_json::from_str::<Value>(&filled).is_ok());
            assert_eq!(AttachedFile::fill(&body, |_| None), None);
        }
    }

    #[test]
    fn words_of_people_are_no_placeholders() {
        let text = format!("\"id\":\"media:{ID}:image\"");
        let body = body(&json!({"type": "text", "text": {"body": text}}));
        assert_eq!(AttachedFile::in_body(&body), []);
        assert_eq!(AttachedFile::fill(&body, |_| None), Some(body));
    }
}
