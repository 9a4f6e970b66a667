//! Templates: messages that Meta has approved in advance, with gaps that are filled when they are sent.

mod call;
mod component;
mod parameter;

pub use call::{Filling, HeaderFilling, Shorthand, TemplateCall};
pub use component::{ButtonType, CallCard, Component, ComponentKind};
pub use parameter::Parameter;
