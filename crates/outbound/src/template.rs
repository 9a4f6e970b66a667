//! Templates: messages that Meta has approved in advance, with gaps that are filled when they are sent.

mod call;
mod check;
mod component;
mod draft;
mod examples;
mod filled;
mod given;
mod language;
mod layout;
mod model;
mod parameter;
mod preview;
mod status;
#[cfg(test)]
mod tests;
mod text;

pub use call::{Filling, HeaderFilling, Shorthand, TemplateCall};
pub use check::check;
pub use component::{ButtonType, CallCard, Component, ComponentKind};
pub use draft::{NewTemplate, TemplateEdit};
pub use filled::{FilledTemplate, RenderedButton, RenderedHeader, RenderedPart};
pub use language::Language;
pub use layout::{ButtonLayout, HeaderLayout, Layout, Need};
pub use model::{
    ListedTemplates, MAX_EDITS, NotEditable, Template, TemplateChange, TemplateParameter, UnreadableTemplate,
};
pub use parameter::Parameter;
pub use preview::preview;
pub use status::{ParameterFormat, TemplateCategory, TemplateQuality, TemplateStatus};
pub use text::TemplateText;
