//! The check of a call against its template, before Meta is asked.

use std::collections::{BTreeMap, HashSet};

use super::call::{Filling, TemplateCall};
use super::component::{ButtonType, CallCard, Component, ComponentKind};
use super::filled::{FilledTemplate, RenderedButton, RenderedHeader, RenderedPart};
use super::given::{Given, GivenButton, GivenPart};
use super::layout::{ButtonLayout, HeaderLayout, Layout, Need};
use super::model::Template;
use super::parameter::Parameter;
use super::text::TemplateText;
use crate::content::error::ContentError;

/// Characters of a header, and of an address, with their gaps filled.
const MAX_HEADER: usize = 60;
const MAX_URL: usize = 2_000;
/// Characters of a body with its gaps filled: less where there is more than a body.
const MAX_BODY: usize = 1_024;
const MAX_LONE_BODY: usize = 32_768;
/// Meta refuses a longer run of spaces in a parameter.
const MAX_SPACES: usize = 4;

/// Checks that a call fits its template, and fills it. Whether the template is usable is another question.
///
/// # Errors
///
/// If Meta would refuse the call; the pointer leads to the part of the content.
pub fn check(template: &Template, call: &TemplateCall) -> Result<FilledTemplate, ContentError> {
    let layout = template.layout();
    let given = match &call.filling {
        Filling::Components(components) => {
            Given::components(components, template.format, &layout, "/template/components")?
        }
        Filling::Shorthand(shorthand) => Given::shorthand(shorthand, template.format, &layout, "/template/parameters")?,
    };
    fill(template, &layout, &given, Files::Required)
}

/// Whether a header that is a file or a place may be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Files {
    Required,
    Optional,
}

pub(super) fn fill(
    template: &Template,
    layout: &Layout,
    given: &Given,
    files: Files,
) -> Result<FilledTemplate, ContentError> {
    let (mut components, mut rendered) = fill_part(layout, given, files)?;
    rendered.footer.clone_from(&layout.footer);
    let cards = fill_cards(layout, given, files)?;
    if let Some((component, part)) = cards {
        components.extend(component);
        rendered.cards = part;
    }
    components.extend(check_others(layout, given)?);
    let call = TemplateCall {
        name: template.name.clone(),
        language: template.language.as_str().to_owned(),
        filling: Filling::Components(components),
    };
    Ok(FilledTemplate { call, rendered })
}

/// Header, body and buttons of a template or of a card.
fn fill_part(layout: &Layout, given: &Given, files: Files) -> Result<(Vec<Component>, RenderedPart), ContentError> {
    let mut components = Vec::new();
    let header = fill_header(layout, given, files)?;
    let mut rendered = RenderedPart::default();
    if let Some((parameters, header)) = header {
        components.extend(component(ComponentKind::Header, parameters));
        rendered.header = Some(header);
    }
    let none = TemplateText::default();
    let max = if is_lone_body(layout) { MAX_LONE_BODY } else { MAX_BODY };
    let (parameters, body) = fill_text(layout.body.as_ref().unwrap_or(&none), given, &given.body, "body", max)?;
    components.extend(component(ComponentKind::Body, parameters));
    rendered.body = layout.body.is_some().then_some(body);
    for (index, button) in layout.buttons.iter().enumerate() {
        let position = u16::try_from(index).unwrap_or(u16::MAX);
        let (parameters, button) = fill_button(button, given, position)?;
        if let Some((kind, parameters)) = parameters {
            let button = Some((kind, position));
            components.push(Component { kind: ComponentKind::Button, button, parameters, cards: Vec::new() });
        }
        rendered.buttons.push(button);
    }
    if let Some((_, extra)) = given.buttons.iter().find(|(position, _)| usize::from(**position) >= layout.buttons.len())
    {
        let message = format!("the template has {}, counted from 0", count(layout.buttons.len(), "button"));
        return Err(ContentError::invalid(extra.pointer.clone(), message));
    }
    Ok((components, rendered))
}

fn is_lone_body(layout: &Layout) -> bool {
    layout.header.is_none() && layout.footer.is_none() && layout.buttons.is_empty() && layout.cards.is_empty()
}

/// A component, unless it has nothing to fill.
fn component(kind: ComponentKind, parameters: Vec<Parameter>) -> Option<Component> {
    (!parameters.is_empty()).then_some(Component { kind, button: None, parameters, cards: Vec::new() })
}

fn fill_header(
    layout: &Layout,
    given: &Given,
    files: Files,
) -> Result<Option<(Vec<Parameter>, RenderedHeader)>, ContentError> {
    let part = &given.header;
    let wanted = match &layout.header {
        Some(HeaderLayout::Text(text)) => {
            let (parameters, text) = fill_text(text, given, part, "header", MAX_HEADER)?;
            return Ok(Some((parameters, RenderedHeader::Text(text))));
        }
        Some(HeaderLayout::Media(kind)) => kind.into_str(),
        Some(HeaderLayout::Location) => "location",
        Some(HeaderLayout::Other) => {
            // Meta knows what it needs.
            let parameters = part.parameters.iter().map(|given| given.parameter.clone()).collect();
            return Ok(Some((parameters, RenderedHeader::Other)));
        }
        None => {
            return match part.parameters.first() {
                Some(extra) => Err(ContentError::invalid(extra.pointer.clone(), "the template has no header")),
                None => Ok(None),
            };
        }
    };
    let rendered = |parameter: Option<&Parameter>| match (&layout.header, parameter) {
        (Some(HeaderLayout::Media(kind)), _) => RenderedHeader::Media(*kind),
        (_, Some(Parameter::Location(location))) => RenderedHeader::Location(Some(location.clone())),
        _ => RenderedHeader::Location(None),
    };
    match part.parameters.as_slice() {
        [] if files == Files::Optional => Ok(Some((Vec::new(), rendered(None)))),
        [] => {
            let message = format!("the header needs one parameter: {wanted}");
            Err(ContentError::invalid(part.pointer.clone(), message))
        }
        [only] if only.parameter.kind() == wanted => {
            Ok(Some((vec![only.parameter.clone()], rendered(Some(&only.parameter)))))
        }
        [only] => Err(ContentError::invalid(only.pointer.clone(), format!("the header of this template is: {wanted}"))),
        [_, extra, ..] => Err(ContentError::invalid(extra.pointer.clone(), "the header takes one parameter")),
    }
}

/// The parameters of a text in the order of its gaps, and the text with its gaps filled.
fn fill_text(
    text: &TemplateText,
    given: &Given,
    part: &GivenPart,
    what: &str,
    max: usize,
) -> Result<(Vec<Parameter>, String), ContentError> {
    let mut values = BTreeMap::new();
    let mut seen = HashSet::new();
    for parameter in &part.parameters {
        let pointer = || parameter.pointer.clone();
        if !text.gaps().contains(&parameter.gap) {
            let message = format!("the {what} of this template has {}", count(text.gaps().len(), "parameter"));
            return Err(ContentError::invalid(pointer(), message));
        }
        if !seen.insert(&parameter.gap) {
            return Err(ContentError::invalid(pointer(), "this parameter is given twice"));
        }
        let shown = parameter.parameter.shown().ok_or_else(|| ContentError::invalid(pointer(), "expected a text"))?;
        check_words(shown).map_err(|message| ContentError::invalid(pointer(), message))?;
        values.insert(parameter.gap.clone(), shown.to_owned());
    }
    let find = |gap: &String| {
        let found = part.parameters.iter().find(|parameter| parameter.gap == *gap);
        found.map(|found| found.parameter.clone()).ok_or_else(|| given.missing(part, what, gap))
    };
    let parameters = text.gaps().iter().map(find).collect::<Result<_, _>>()?;
    let rendered = text.render(&values);
    let length = rendered.chars().count();
    if length > max && !values.is_empty() {
        let message = format!("the filled {what} has {length} characters; at most {max} are allowed");
        return Err(ContentError::invalid(part.pointer.clone(), message));
    }
    Ok((parameters, rendered))
}

/// What Meta refuses in a parameter.
fn check_words(words: &str) -> Result<(), String> {
    if words.contains(['\n', '\r', '\t']) {
        return Err("must not have line breaks or tabs".to_owned());
    }
    if words.contains(&" ".repeat(MAX_SPACES + 1)) {
        return Err(format!("must not have more than {MAX_SPACES} spaces in a row"));
    }
    Ok(())
}

type ButtonParameters = Option<(ButtonType, Vec<Parameter>)>;

fn fill_button(
    button: &ButtonLayout,
    given: &Given,
    position: u16,
) -> Result<(ButtonParameters, RenderedButton), ContentError> {
    let rendered = |url: Option<String>| RenderedButton { kind: button.kind, text: button.text.clone(), url };
    let static_url = || button.url.as_ref().map(|url| url.as_str().to_owned());
    let Some(found) = given.buttons.get(&position) else {
        return match button.need() {
            Need::Required if given.is_shorthand => {
                Err(ContentError::missing(format!("{}/{position}", given.buttons_pointer)))
            }
            Need::Required => {
                let message = format!("the button at position {position} needs a parameter");
                Err(ContentError::invalid(given.buttons_pointer.clone(), message))
            }
            Need::None | Need::Optional => Ok((None, rendered(static_url()))),
        };
    };
    let pointer = || found.pointer.clone();
    let Some(kind) = button.kind.or(found.kind) else { return Ok((None, rendered(None))) };
    if found.kind.is_some_and(|given| given != kind) {
        let message = format!("the button at this position is of type {}", kind.into_str());
        return Err(ContentError::invalid(format!("{}/sub_type", pointer()), message));
    }
    if button.need() == Need::None {
        return Err(ContentError::invalid(pointer(), "this button takes no parameter"));
    }
    let parameter = only_parameter(found, button.need())?;
    let url = match (kind, parameter) {
        (ButtonType::Url, Some(Parameter::Text { text, .. })) => {
            let url = button.address(text);
            if url.as_ref().is_some_and(|url| url.chars().count() > MAX_URL || url.contains(char::is_whitespace)) {
                let message = format!("the filled address must have no spaces and at most {MAX_URL} characters");
                return Err(ContentError::invalid(found.part.pointer.clone(), message));
            }
            url
        }
        (ButtonType::Url, _) => return Err(wrong_parameter(found, "text")),
        (ButtonType::CopyCode, Some(Parameter::CouponCode(_))) => static_url(),
        (ButtonType::CopyCode, _) => return Err(wrong_parameter(found, "coupon_code")),
        (ButtonType::QuickReply, Some(parameter)) if !matches!(parameter, Parameter::Payload(_)) => {
            return Err(wrong_parameter(found, "payload"));
        }
        _ => static_url(),
    };
    let parameters = found.part.parameters.iter().map(|given| given.parameter.clone()).collect();
    Ok((Some((kind, parameters)), rendered(url)))
}

fn only_parameter(found: &GivenButton, need: Need) -> Result<Option<&Parameter>, ContentError> {
    match found.part.parameters.as_slice() {
        [] if need == Need::Required => {
            Err(ContentError::invalid(found.part.pointer.clone(), "the button needs one parameter"))
        }
        [] => Ok(None),
        [only] => Ok(Some(&only.parameter)),
        [_, extra, ..] => Err(ContentError::invalid(extra.pointer.clone(), "a button takes one parameter")),
    }
}

fn wrong_parameter(found: &GivenButton, wanted: &str) -> ContentError {
    let parameter = found.part.parameters.first();
    let pointer = parameter.map_or(&found.part.pointer, |parameter| &parameter.pointer);
    ContentError::invalid(pointer.clone(), format!("the button takes a parameter of type {wanted}"))
}

type FilledCards = (Option<Component>, Vec<RenderedPart>);

fn fill_cards(layout: &Layout, given: &Given, files: Files) -> Result<Option<FilledCards>, ContentError> {
    let Some(cards) = &given.cards else {
        return if layout.cards.is_empty() {
            Ok(None)
        } else if files == Files::Optional {
            Ok(Some((None, Vec::new())))
        } else {
            Err(ContentError::invalid(given.pointer.clone(), "this template needs a component of type carousel"))
        };
    };
    if cards.cards.len() != layout.cards.len() {
        let message = format!("the template has {}", count(layout.cards.len(), "card"));
        return Err(ContentError::invalid(cards.pointer.clone(), message));
    }
    let mut filled = Vec::new();
    let mut rendered = Vec::new();
    for (layout, given) in layout.cards.iter().zip(&cards.cards) {
        if let Some((pointer, _)) = given.others.first() {
            return Err(ContentError::invalid(pointer.clone(), "a card has no such component"));
        }
        let (components, part) = fill_part(layout, given, files)?;
        filled.push(CallCard { components });
        rendered.push(part);
    }
    let component = Component { kind: ComponentKind::Carousel, button: None, parameters: Vec::new(), cards: filled };
    Ok(Some((Some(component), rendered)))
}

/// Offers and orders. What an order needs only Meta knows.
fn check_others(layout: &Layout, given: &Given) -> Result<Vec<Component>, ContentError> {
    let offer = given.others.iter().find(|(_, component)| component.kind == ComponentKind::LimitedTimeOffer);
    match offer {
        Some((pointer, _)) if !layout.offer_ends => {
            Err(ContentError::invalid(pointer.clone(), "the template has no offer that ends"))
        }
        Some((pointer, component))
            if !matches!(component.parameters.as_slice(), [Parameter::LimitedTimeOffer { .. }]) =>
        {
            let message = "the offer needs one parameter of type limited_time_offer";
            Err(ContentError::invalid(format!("{pointer}/parameters"), message))
        }
        None if layout.offer_ends => Err(ContentError::invalid(
            given.pointer.clone(),
            "this template needs a component of type limited_time_offer",
        )),
        _ => Ok(given.others.iter().map(|(_, component)| component.clone()).collect()),
    }
}

/// `no buttons`, `1 button`, `2 buttons`.
fn count(number: usize, what: &str) -> String {
    match number {
        0 => format!("no {what}s"),
        1 => format!("1 {what}"),
        _ => format!("{number} {what}s"),
    }
}
