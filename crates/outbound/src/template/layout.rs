use std::collections::BTreeMap;

use serde_json::Value;

use super::component::ButtonType;
use super::text::TemplateText;
use kernel::MediaKind;

/// What a template consists of, read from Meta's components. What this version does not know is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    pub header: Option<HeaderLayout>,
    pub body: Option<TemplateText>,
    pub footer: Option<String>,
    pub buttons: Vec<ButtonLayout>,
    /// Of a carousel; without footers and cards of their own.
    pub cards: Vec<Self>,
    /// An offer whose end is shown and must be given.
    pub offer_ends: bool,
    /// Values that Meta was shown for review, by place and name.
    examples: BTreeMap<(&'static str, String), String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeaderLayout {
    Text(TemplateText),
    Media(MediaKind),
    Location,
    /// A product, or what this version does not know: it takes no parameter here.
    Other,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ButtonLayout {
    /// `None` for a type that this version does not know.
    pub kind: Option<ButtonType>,
    pub text: String,
    /// With a gap at its end, if it is dynamic.
    pub url: Option<TemplateText>,
    pub example: Option<String>,
}

/// Whether a button takes a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    None,
    Optional,
    Required,
}

impl Layout {
    #[must_use]
    pub fn read(components: &Value) -> Self {
        Self::read_part(components, true)
    }

    fn read_part(components: &Value, outermost: bool) -> Self {
        let mut layout = Self::default();
        for component in components.as_array().into_iter().flatten() {
            let text = || component["text"].as_str().map(TemplateText::new);
            match word(component, "type").as_str() {
                "header" => layout.read_header(component),
                "body" => {
                    layout.body = text();
                    layout.read_examples("body", component, &component["example"]["body_text"][0]);
                }
                "footer" => layout.footer = component["text"].as_str().map(str::to_owned),
                "buttons" => layout.buttons = items(&component["buttons"]).map(ButtonLayout::read).collect(),
                "carousel" if outermost => {
                    layout.cards =
                        items(&component["cards"]).map(|card| Self::read_part(&card["components"], false)).collect();
                }
                "limited_time_offer" => {
                    layout.offer_ends = component["limited_time_offer"]["has_expiration"] == true;
                }
                _ => {}
            }
        }
        layout
    }

    fn read_header(&mut self, component: &Value) {
        self.header = Some(match word(component, "format").as_str() {
            "text" | "" => {
                self.read_examples("header", component, &component["example"]["header_text"]);
                HeaderLayout::Text(TemplateText::new(component["text"].as_str().unwrap_or_default()))
            }
            "location" => HeaderLayout::Location,
            kind => match kind.parse() {
                Ok(kind @ (MediaKind::Image | MediaKind::Video | MediaKind::Document)) => HeaderLayout::Media(kind),
                _ => HeaderLayout::Other,
            },
        });
    }

    fn read_examples(&mut self, place: &'static str, component: &Value, positional: &Value) {
        for (index, value) in items(positional).enumerate() {
            if let Some(value) = value.as_str() {
                self.examples.insert((place, (index + 1).to_string()), value.to_owned());
            }
        }
        for named in items(&component["example"][format!("{place}_text_named_params")]) {
            if let (Some(name), Some(value)) = (named["param_name"].as_str(), named["example"].as_str()) {
                self.examples.insert((place, name.to_owned()), value.to_owned());
            }
        }
    }

    #[must_use]
    pub fn example(&self, place: &'static str, name: &str) -> Option<&String> {
        self.examples.get(&(place, name.to_owned()))
    }
}

impl ButtonLayout {
    fn read(button: &Value) -> Self {
        let kind = match word(button, "type").as_str() {
            // The copy button of a code is sent as an address.
            "otp" => Some(ButtonType::Url),
            kind => kind.parse().ok(),
        };
        let example = match &button["example"] {
            Value::String(example) => Some(example.clone()),
            examples => examples[0].as_str().map(str::to_owned),
        };
        let url = button["url"].as_str().or_else(|| button["otp_type"].is_string().then_some("{{1}}"));
        Self {
            kind,
            text: button["text"].as_str().unwrap_or_default().to_owned(),
            url: url.map(TemplateText::new),
            example,
        }
    }

    #[must_use]
    pub fn need(&self) -> Need {
        match self.kind {
            Some(ButtonType::Url) if self.url.as_ref().is_some_and(|url| !url.gaps().is_empty()) => Need::Required,
            Some(ButtonType::CopyCode | ButtonType::Mpm | ButtonType::OrderDetails) => Need::Required,
            Some(ButtonType::Url | ButtonType::PhoneNumber) => Need::None,
            _ => Need::Optional,
        }
    }
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// A keyword in lower case; Meta writes them in both.
fn word(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_ascii_lowercase()
}
