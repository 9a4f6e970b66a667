use strum::{IntoStaticStr, VariantArray};

/// Why a key is refused. For metrics only: callers get one answer for all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr, VariantArray, thiserror::Error)]
#[strum(serialize_all = "snake_case", const_into_str)]
#[error("the key is not accepted")]
pub enum ApiKeyRefusal {
    /// It does not have the form of a key, or its checksum is wrong.
    Malformed,
    Unknown,
    WrongSecret,
    Revoked,
    Expired,
    OutsideNetworks,
    TenantSuspended,
}
