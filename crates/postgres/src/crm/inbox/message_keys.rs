use crm::inbox::MessageKey;
use uuid::Uuid;

/// Keys as the arrays of `unnest`: accounts and wamids.
pub(super) fn columns(keys: &[MessageKey]) -> (Vec<Uuid>, Vec<&str>) {
    keys.iter().map(|(account, wamid)| (account.as_uuid(), wamid.as_str())).unzip()
}
