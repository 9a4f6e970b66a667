use crm::identity::IdentityKind;
use kernel::StoreError;

pub(super) const fn kind_key(kind: IdentityKind) -> &'static str {
    match kind {
        IdentityKind::Bsuid => "bsuid",
        IdentityKind::ParentBsuid => "parent_bsuid",
        IdentityKind::Phone => "phone",
        IdentityKind::Username => "username",
    }
}

pub(super) fn identity_kind(text: &str) -> Result<IdentityKind, StoreError> {
    match text {
        "bsuid" => Ok(IdentityKind::Bsuid),
        "parent_bsuid" => Ok(IdentityKind::ParentBsuid),
        "phone" => Ok(IdentityKind::Phone),
        "username" => Ok(IdentityKind::Username),
        _ => Err(StoreError::corrupt("contact_identities.kind")),
    }
}
