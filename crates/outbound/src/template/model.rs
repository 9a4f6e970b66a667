use chrono::{DateTime, Utc};
use serde_json::Value;
use thiserror::Error;

use super::language::Language;
use super::layout::{HeaderLayout, Layout, Need};
use super::status::{ParameterFormat, TemplateCategory, TemplateQuality, TemplateStatus};
use super::text::TemplateText;

/// A message that Meta has reviewed, in one language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// Meta's id of the template in this language.
    pub meta_id: String,
    pub name: String,
    pub language: Language,
    pub category: TemplateCategory,
    pub status: TemplateStatus,
    pub quality: TemplateQuality,
    /// Meta's word, such as `INVALID_FORMAT`.
    pub rejection_reason: Option<String>,
    pub format: ParameterFormat,
    /// As Meta has them.
    pub components: Value,
}

/// An entry of Meta's list that cannot be read as a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the template has no {0}")]
pub struct UnreadableTemplate(&'static str);

/// A gap that a call of a template fills.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateParameter {
    /// `header`, `body`, `buttons`, or the same of a card: `cards/0/body`.
    pub place: String,
    /// The number or name of a gap, the kind of a file, `location`, or the position of a button.
    pub name: String,
    /// What Meta was shown for review.
    pub example: Option<String>,
}

/// What an event of Meta's tells of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplateChange {
    Status(TemplateStatus, Option<String>),
    Quality(TemplateQuality),
    Category(TemplateCategory),
    /// Components have changed; what they are now must be asked for.
    Components,
}

/// A list of Meta's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListedTemplates {
    pub templates: Vec<Template>,
    /// Entries that cannot be read.
    pub unreadable: usize,
}

impl ListedTemplates {
    #[must_use]
    pub fn of_meta(entries: &[Value]) -> Self {
        let templates: Vec<Template> = entries.iter().filter_map(|entry| Template::from_meta(entry).ok()).collect();
        Self { unreadable: entries.len() - templates.len(), templates }
    }
}

/// Meta's word for no reason.
const NO_REASON: &str = "NONE";

impl Template {
    /// Reads an entry of Meta's list of templates.
    ///
    /// # Errors
    ///
    /// If it has no id, name, language or components.
    pub fn from_meta(entry: &Value) -> Result<Self, UnreadableTemplate> {
        let text = |name: &str| entry[name].as_str().filter(|text| !text.is_empty());
        // A string in lists, a number in webhooks.
        let number = entry["id"].as_u64().map(|id| id.to_string());
        let reason = text("rejected_reason").filter(|reason| *reason != NO_REASON);
        Ok(Self {
            meta_id: text("id").map(str::to_owned).or(number).ok_or(UnreadableTemplate("id"))?,
            name: text("name").ok_or(UnreadableTemplate("name"))?.to_owned(),
            language: text("language").and_then(Language::parse).ok_or(UnreadableTemplate("language"))?,
            category: TemplateCategory::of_meta(text("category").unwrap_or_default()),
            status: TemplateStatus::of_meta(text("status").unwrap_or_default()),
            quality: TemplateQuality::of_meta(entry["quality_score"]["score"].as_str().unwrap_or_default()),
            rejection_reason: reason.map(str::to_owned),
            format: text("parameter_format")
                .map(str::to_ascii_lowercase)
                .and_then(|word| word.parse().ok())
                .unwrap_or_default(),
            components: entry
                .get("components")
                .filter(|list| list.is_array())
                .cloned()
                .ok_or(UnreadableTemplate("components"))?,
        })
    }

    #[must_use]
    pub fn layout(&self) -> Layout {
        Layout::read(&self.components)
    }

    /// What a call has to fill, or may.
    #[must_use]
    pub fn parameters(&self) -> Vec<TemplateParameter> {
        let layout = self.layout();
        let mut parameters = parameters_of(&layout, "");
        for (index, card) in layout.cards.iter().enumerate() {
            parameters.extend(parameters_of(card, &format!("cards/{index}/")));
        }
        parameters
    }
}

fn parameters_of(layout: &Layout, prefix: &str) -> Vec<TemplateParameter> {
    let parameter = |place: &str, name: &str, example: Option<&String>| TemplateParameter {
        place: format!("{prefix}{place}"),
        name: name.to_owned(),
        example: example.cloned(),
    };
    let mut parameters = Vec::new();
    match &layout.header {
        Some(HeaderLayout::Text(text)) => {
            let gaps = text.gaps().iter();
            parameters.extend(gaps.map(|gap| parameter("header", gap, layout.example("header", gap))));
        }
        // The example is an address at Meta that cannot be sent.
        Some(HeaderLayout::Media(kind)) => parameters.push(parameter("header", kind.into_str(), None)),
        Some(HeaderLayout::Location) => parameters.push(parameter("header", "location", None)),
        Some(HeaderLayout::Other) | None => {}
    }
    let gaps = layout.body.iter().flat_map(TemplateText::gaps);
    parameters.extend(gaps.map(|gap| parameter("body", gap, layout.example("body", gap))));
    for (index, button) in layout.buttons.iter().enumerate() {
        if button.need() == Need::Required {
            parameters.push(parameter("buttons", &index.to_string(), button.example.as_ref()));
        }
    }
    parameters
}

/// Edits of an approved template that Meta allows in 30 days, and in one.
pub const MAX_EDITS: usize = 10;
const EDIT_PERIOD: chrono::TimeDelta = chrono::TimeDelta::days(30);
const EDIT_PAUSE: chrono::TimeDelta = chrono::TimeDelta::days(1);

/// Why Meta would refuse an edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NotEditable {
    #[error("only templates that are approved, rejected or paused can be edited")]
    Status,
    #[error("the category of an approved template cannot be changed")]
    Category,
    #[error("an approved template can be edited once in 24 hours")]
    EditedToday,
    #[error("an approved template can be edited 10 times in 30 days")]
    EditedTooOften,
}

impl Template {
    /// Checks Meta's rules of edits, as far as the earlier edits are known.
    ///
    /// # Errors
    ///
    /// If Meta would refuse it.
    pub fn check_edit(
        &self,
        category: Option<TemplateCategory>,
        earlier: &[DateTime<Utc>],
        now: DateTime<Utc>,
    ) -> Result<(), NotEditable> {
        if !self.status.is_editable() {
            return Err(NotEditable::Status);
        }
        if self.status != TemplateStatus::Approved {
            return Ok(());
        }
        let since = |period| earlier.iter().filter(|at| **at > now - period).count();
        if category.is_some_and(|category| category != self.category) {
            Err(NotEditable::Category)
        } else if since(EDIT_PERIOD) >= MAX_EDITS {
            Err(NotEditable::EditedTooOften)
        } else if since(EDIT_PAUSE) > 0 {
            Err(NotEditable::EditedToday)
        } else {
            Ok(())
        }
    }
}
