//! The words that columns have for the domain's closed sets.

use crm::identity::IdentityKind;
use crm::{DeliveryStatus, Direction, Forwarded, InteractionKind, MarketingConsent, Origin};
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

pub(super) const fn consent_key(consent: MarketingConsent) -> &'static str {
    match consent {
        MarketingConsent::Unknown => "unknown",
        MarketingConsent::Granted => "granted",
        MarketingConsent::Withdrawn => "withdrawn",
    }
}

pub(super) fn consent(text: &str) -> Result<MarketingConsent, StoreError> {
    match text {
        "unknown" => Ok(MarketingConsent::Unknown),
        "granted" => Ok(MarketingConsent::Granted),
        "withdrawn" => Ok(MarketingConsent::Withdrawn),
        _ => Err(StoreError::corrupt("contacts.marketing_consent")),
    }
}

pub(super) const fn direction_key(direction: Direction) -> &'static str {
    match direction {
        Direction::Inbound => "inbound",
        Direction::Outbound => "outbound",
    }
}

pub(super) fn direction(text: &str) -> Result<Direction, StoreError> {
    match text {
        "inbound" => Ok(Direction::Inbound),
        "outbound" => Ok(Direction::Outbound),
        _ => Err(StoreError::corrupt("messages.direction")),
    }
}

pub(super) const fn origin_key(origin: Origin) -> &'static str {
    match origin {
        Origin::Live => "live",
        Origin::NativeApp => "native_app",
        Origin::History => "history",
        Origin::Standby => "standby",
    }
}

pub(super) fn origin(text: &str) -> Result<Origin, StoreError> {
    match text {
        "live" => Ok(Origin::Live),
        "native_app" => Ok(Origin::NativeApp),
        "history" => Ok(Origin::History),
        "standby" => Ok(Origin::Standby),
        _ => Err(StoreError::corrupt("messages.origin")),
    }
}

pub(super) const fn forwarded_key(forwarded: Forwarded) -> &'static str {
    match forwarded {
        Forwarded::Once => "once",
        Forwarded::Frequently => "frequently",
    }
}

pub(super) fn forwarded(text: &str) -> Result<Forwarded, StoreError> {
    match text {
        "once" => Ok(Forwarded::Once),
        "frequently" => Ok(Forwarded::Frequently),
        _ => Err(StoreError::corrupt("messages.forwarded")),
    }
}

pub(super) const fn delivery_key(delivery: DeliveryStatus) -> &'static str {
    match delivery {
        DeliveryStatus::Pending => "pending",
        DeliveryStatus::Sent => "sent",
        DeliveryStatus::Failed => "failed",
        DeliveryStatus::Delivered => "delivered",
        DeliveryStatus::Read => "read",
        DeliveryStatus::Played => "played",
    }
}

pub(super) fn delivery(text: &str) -> Result<DeliveryStatus, StoreError> {
    match text {
        "pending" => Ok(DeliveryStatus::Pending),
        "sent" => Ok(DeliveryStatus::Sent),
        "failed" => Ok(DeliveryStatus::Failed),
        "delivered" => Ok(DeliveryStatus::Delivered),
        "read" => Ok(DeliveryStatus::Read),
        "played" => Ok(DeliveryStatus::Played),
        _ => Err(StoreError::corrupt("messages.delivery_status")),
    }
}

pub(super) fn interaction_kind(text: &str) -> Result<InteractionKind, StoreError> {
    InteractionKind::ALL
        .iter()
        .copied()
        .find(|kind| kind.key() == text)
        .ok_or_else(|| StoreError::corrupt("interactions.kind"))
}
