//! The two forms of a call, made one: what is given for each part of a template, and where it stands.

use std::collections::BTreeMap;

use super::call::{HeaderFilling, Shorthand};
use super::component::{ButtonType, Component, ComponentKind};
use super::layout::{ButtonLayout, HeaderLayout, Layout};
use super::parameter::Parameter;
use super::status::ParameterFormat;
use super::text::TemplateText;
use crate::content::error::ContentError;
use crate::content::media::MediaRef;
use kernel::MediaKind;

/// What fills a template, or a card of it.
#[derive(Debug)]
pub(super) struct Given {
    /// Where the components or the parameters stand.
    pub(super) pointer: String,
    pub(super) header: GivenPart,
    pub(super) body: GivenPart,
    pub(super) buttons: BTreeMap<u16, GivenButton>,
    /// Where buttons stand.
    pub(super) buttons_pointer: String,
    /// `None` without a carousel.
    pub(super) cards: Option<GivenCards>,
    /// Offers and orders.
    pub(super) others: Vec<(String, Component)>,
    pub(super) is_shorthand: bool,
}

#[derive(Debug)]
pub(super) struct GivenCards {
    pub(super) pointer: String,
    pub(super) cards: Vec<Given>,
}

#[derive(Debug)]
pub(super) struct GivenButton {
    pub(super) pointer: String,
    /// `None` in the short form: what the template says.
    pub(super) kind: Option<ButtonType>,
    pub(super) part: GivenPart,
}

/// The parameters of one part.
#[derive(Debug, Default)]
pub(super) struct GivenPart {
    pub(super) pointer: String,
    pub(super) parameters: Vec<GivenParameter>,
}

#[derive(Debug)]
pub(super) struct GivenParameter {
    pub(super) pointer: String,
    /// The gap that it fills.
    pub(super) gap: String,
    pub(super) parameter: Parameter,
}

impl Given {
    /// From components as Meta has them. The error is of a component that is given twice.
    pub(super) fn components(
        components: &[Component],
        format: ParameterFormat,
        layout: &Layout,
        pointer: &str,
    ) -> Result<Self, ContentError> {
        let mut given = Self::empty(pointer, false);
        let mut seen = (false, false);
        for (index, component) in components.iter().enumerate() {
            let pointer = format!("{pointer}/{index}");
            let twice = || ContentError::invalid(pointer.clone(), "is given twice");
            let texts =
                |text: Option<&[String]>| GivenPart::components(component, format, text.unwrap_or_default(), &pointer);
            match (component.kind, component.button) {
                (ComponentKind::Header, _) => {
                    let gaps = layout.header.as_ref().and_then(HeaderLayout::gaps);
                    if std::mem::replace(&mut seen.0, true) {
                        return Err(twice());
                    }
                    given.header = texts(gaps)?;
                }
                (ComponentKind::Body, _) => {
                    if std::mem::replace(&mut seen.1, true) {
                        return Err(twice());
                    }
                    given.body = texts(layout.body.as_ref().map(TemplateText::gaps))?;
                }
                (ComponentKind::Button, Some((kind, position))) => {
                    let part = GivenPart::components(component, ParameterFormat::Positional, &[], &pointer)?;
                    let button = GivenButton { pointer: pointer.clone(), kind: Some(kind), part };
                    if given.buttons.insert(position, button).is_some() {
                        return Err(twice());
                    }
                }
                (ComponentKind::Carousel, _) => {
                    if given.cards.is_some() {
                        return Err(twice());
                    }
                    given.cards = Some(GivenCards::components(component, format, layout, &pointer)?);
                }
                _ => given.others.push((pointer, component.clone())),
            }
        }
        Ok(given)
    }

    fn empty(pointer: &str, is_shorthand: bool) -> Self {
        let part = |name: &str| {
            let pointer = if is_shorthand { format!("{pointer}/{name}") } else { pointer.to_owned() };
            GivenPart { pointer, parameters: Vec::new() }
        };
        Self {
            pointer: pointer.to_owned(),
            header: part("header"),
            body: part("body"),
            buttons: BTreeMap::new(),
            buttons_pointer: part("buttons").pointer,
            cards: None,
            others: Vec::new(),
            is_shorthand,
        }
    }

    /// From the short form. The error is of a value that the template has no place for.
    pub(super) fn shorthand(
        shorthand: &Shorthand,
        format: ParameterFormat,
        layout: &Layout,
        pointer: &str,
    ) -> Result<Self, ContentError> {
        let mut given = Self::empty(pointer, true);
        if let Some(header) = &shorthand.header {
            given.header.fill_header(header, format, layout)?;
        }
        given.body.fill_texts(&shorthand.body, format);
        for (position, value) in &shorthand.buttons {
            let pointer = format!("{}/{position}", given.buttons_pointer);
            let parameter = match layout.buttons.get(usize::from(*position)).and_then(|button| button.kind) {
                Some(ButtonType::QuickReply) => Parameter::Payload(value.clone()),
                Some(ButtonType::CopyCode) => Parameter::CouponCode(value.clone()),
                Some(ButtonType::Url | ButtonType::PhoneNumber) | None => {
                    Parameter::Text { name: None, text: value.clone() }
                }
                Some(_) => return Err(ContentError::invalid(pointer, "this button needs components, not parameters")),
            };
            let parameter = GivenParameter { pointer: pointer.clone(), gap: String::new(), parameter };
            let part = GivenPart { pointer: pointer.clone(), parameters: vec![parameter] };
            given.buttons.insert(*position, GivenButton { pointer, kind: None, part });
        }
        Ok(given)
    }

    /// Where a parameter of a part is missing.
    pub(super) fn missing(&self, part: &GivenPart, what: &str, gap: &str) -> ContentError {
        if self.is_shorthand {
            return ContentError::missing(format!("{}/{gap}", part.pointer));
        }
        ContentError::invalid(part.pointer.clone(), format!("the {what} needs the parameter {gap}"))
    }
}

impl GivenCards {
    fn components(
        component: &Component,
        format: ParameterFormat,
        layout: &Layout,
        pointer: &str,
    ) -> Result<Self, ContentError> {
        let none = Layout::default();
        let cards = component.cards.iter().enumerate().map(|(index, card)| {
            let layout = layout.cards.get(index).unwrap_or(&none);
            Given::components(&card.components, format, layout, &format!("{pointer}/cards/{index}/components"))
        });
        Ok(Self { pointer: format!("{pointer}/cards"), cards: cards.collect::<Result<_, _>>()? })
    }
}

impl GivenPart {
    /// Of positional parameters the place says which gap they fill; named ones say it.
    fn components(
        component: &Component,
        format: ParameterFormat,
        gaps: &[String],
        pointer: &str,
    ) -> Result<Self, ContentError> {
        let pointer = format!("{pointer}/parameters");
        let mut parameters = Vec::new();
        for (index, parameter) in component.parameters.iter().enumerate() {
            let pointer = format!("{pointer}/{index}");
            let by_place = || gaps.get(index).cloned().unwrap_or_else(|| (index + 1).to_string());
            let gap = match (format, parameter.name(), parameter.is_text()) {
                (ParameterFormat::Named, Some(name), true) => name.clone(),
                (ParameterFormat::Named, None, true) => {
                    return Err(ContentError::missing(format!("{pointer}/parameter_name")));
                }
                (ParameterFormat::Positional, Some(_), true) => {
                    let message = "the template has numbered parameters, without names";
                    return Err(ContentError::invalid(format!("{pointer}/parameter_name"), message));
                }
                _ => by_place(),
            };
            parameters.push(GivenParameter { pointer, gap, parameter: parameter.clone() });
        }
        Ok(Self { pointer, parameters })
    }

    fn fill_texts(&mut self, texts: &BTreeMap<String, String>, format: ParameterFormat) {
        self.parameters.extend(texts.iter().map(|(gap, text)| GivenParameter {
            pointer: format!("{}/{gap}", self.pointer),
            gap: gap.clone(),
            parameter: Parameter::Text {
                name: (format == ParameterFormat::Named).then(|| gap.clone()),
                text: text.clone(),
            },
        }));
    }

    fn fill_header(
        &mut self,
        header: &HeaderFilling,
        format: ParameterFormat,
        layout: &Layout,
    ) -> Result<(), ContentError> {
        let parameter = match header {
            HeaderFilling::Texts(texts) => {
                self.fill_texts(texts, format);
                return Ok(());
            }
            HeaderFilling::Location(location) => Parameter::Location(location.clone()),
            HeaderFilling::Media(media) => {
                // If the template wants no file, the kind does not matter.
                let kind = if let Some(HeaderLayout::Media(kind)) = layout.header { kind } else { MediaKind::Image };
                self.media(kind, media)?
            }
        };
        self.parameters.push(GivenParameter { pointer: self.pointer.clone(), gap: "1".to_owned(), parameter });
        Ok(())
    }

    fn media(&self, kind: MediaKind, media: &MediaRef) -> Result<Parameter, ContentError> {
        if kind != MediaKind::Document && media.filename.is_some() {
            return Err(ContentError::unknown(format!("{}/filename", self.pointer)));
        }
        Ok(Parameter::Media(kind, media.clone()))
    }
}

impl HeaderLayout {
    fn gaps(&self) -> Option<&[String]> {
        match self {
            Self::Text(text) => Some(text.gaps()),
            Self::Media(_) | Self::Location | Self::Other => None,
        }
    }
}

impl ButtonLayout {
    /// What fills the gap of a dynamic address.
    pub(super) fn address(&self, end: &str) -> Option<String> {
        let url = self.url.as_ref()?;
        let values = url.gaps().iter().map(|gap| (gap.clone(), end.to_owned())).collect();
        Some(url.render(&values))
    }
}
