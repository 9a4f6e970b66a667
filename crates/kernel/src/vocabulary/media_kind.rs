use strum::{EnumString, IntoStaticStr, VariantArray};

/// What a file of a message is, as Meta sorts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum MediaKind {
    Image,
    Video,
    Audio,
    Document,
    Sticker,
}

impl MediaKind {
    pub const ALL: &[Self] = Self::VARIANTS;
}
