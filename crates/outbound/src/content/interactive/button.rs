use serde_json::{Value, json};

use crate::content::error::ContentError;
use crate::content::reader::{Node, all_different};

const MAX_BUTTONS: usize = 3;
/// Characters of a reply's id, of its title, and of the text of a button that opens a page.
const MAX_ID: usize = 256;
const MAX_TITLE: usize = 20;
const MAX_DISPLAY_TEXT: usize = 20;

/// A reply that the customer may tap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplyButton {
    /// Returned when it is tapped.
    pub id: String,
    pub title: String,
}

impl ReplyButton {
    /// Reads `{buttons: [{type: reply, reply: {id, title}}]}`.
    pub(super) fn read_all(action: &Node<'_>) -> Result<Vec<Self>, ContentError> {
        let mut fields = action.object()?;
        let list = fields.required("buttons")?;
        fields.end()?;
        let buttons: Vec<Self> = list.items(1..=MAX_BUTTONS)?.iter().map(Self::read).collect::<Result<_, _>>()?;
        let pointer = |member: &'static str| {
            let list = list.pointer().to_owned();
            move |index: usize| format!("{list}/{index}/reply/{member}")
        };
        all_different(buttons.iter().map(|button| &button.id), pointer("id"))?;
        all_different(buttons.iter().map(|button| &button.title), pointer("title"))?;
        Ok(buttons)
    }

    fn read(node: &Node<'_>) -> Result<Self, ContentError> {
        let mut fields = node.object()?;
        fields.required("type")?.is("reply")?;
        let mut reply = fields.required("reply")?.object()?;
        let button = Self { id: reply.required_text("id", MAX_ID)?, title: reply.required_text("title", MAX_TITLE)? };
        reply.end()?;
        fields.end()?;
        Ok(button)
    }

    pub(super) fn to_meta(&self) -> Value {
        json!({"type": "reply", "reply": {"id": self.id, "title": self.title}})
    }
}

/// A button that opens a web page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlButton {
    pub display_text: String,
    pub url: String,
}

impl UrlButton {
    /// Reads `{name: cta_url, parameters: {display_text, url}}`.
    pub(super) fn read(action: &Node<'_>) -> Result<Self, ContentError> {
        let mut fields = action.object()?;
        fields.required("name")?.is("cta_url")?;
        let mut parameters = fields.required("parameters")?.object()?;
        let button = Self {
            display_text: parameters.required_text("display_text", MAX_DISPLAY_TEXT)?,
            url: parameters.required("url")?.url()?,
        };
        parameters.end()?;
        fields.end()?;
        Ok(button)
    }

    pub(super) fn to_meta(&self) -> Value {
        json!({"name": "cta_url", "parameters": {"display_text": self.display_text, "url": self.url}})
    }
}
