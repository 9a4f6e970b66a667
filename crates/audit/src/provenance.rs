use strum::{EnumString, IntoStaticStr, VariantArray};

/// What the sealer found out about who wrote a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum Provenance {
    /// The application wrote it: its MAC matched.
    Signed,
    /// It has no MAC: a version of the application that made none wrote it, before or during an upgrade.
    Unsigned,
    /// The application did not write it, or it was changed before it was sealed.
    Forged,
}

impl Provenance {
    pub const ALL: &'static [Self] = Self::VARIANTS;
}
