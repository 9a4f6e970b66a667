use strum::{EnumString, IntoStaticStr, VariantArray};

use super::header::HeaderRule;

/// Characters of the body of a list.
const MAX_LIST_BODY: usize = 4_096;
/// Characters of another body.
const MAX_BODY: usize = 1_024;

/// The kinds of interactive messages that can be sent. Their texts are Meta's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum InteractiveKind {
    /// Up to three replies.
    Button,
    /// A menu.
    List,
    /// One button that opens a web page.
    CtaUrl,
    /// A form.
    Flow,
    Product,
    ProductList,
    CatalogMessage,
    /// Asks for the customer's location.
    LocationRequestMessage,
    /// Cards that are swiped.
    Carousel,
}

impl InteractiveKind {
    pub(super) fn words() -> Vec<(&'static str, Self)> {
        Self::VARIANTS.iter().map(|kind| (kind.into_str(), *kind)).collect()
    }

    pub(super) const fn header(self) -> HeaderRule {
        match self {
            Self::Button | Self::CtaUrl | Self::Flow => HeaderRule::Any,
            Self::List => HeaderRule::Text { required: false },
            Self::ProductList => HeaderRule::Text { required: true },
            Self::Product | Self::CatalogMessage | Self::LocationRequestMessage | Self::Carousel => HeaderRule::None,
        }
    }

    pub(super) const fn max_body(self) -> usize {
        if matches!(self, Self::List) { MAX_LIST_BODY } else { MAX_BODY }
    }

    pub(super) const fn needs_body(self) -> bool {
        !matches!(self, Self::Product)
    }

    pub(super) const fn has_footer(self) -> bool {
        !matches!(self, Self::LocationRequestMessage | Self::Carousel)
    }
}
