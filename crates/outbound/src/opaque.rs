use kernel::ids::{AccountId, SendId, TenantId};
use kernel::seal::{KeyRing, PurposeKeys};
use uuid::Uuid;

/// Identifies an attempt to send in the statuses that Meta reports of it: the text of `biz_opaque_callback_data`.
///
/// Each app that is subscribed to the business account reads it, so it has no personal data, and a MAC: a status that another
/// app, or another tenant's, makes up settles nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AttemptRef {
    pub send: SendId,
    /// Counts the attempts of the send, from 1.
    pub attempt: i32,
}

/// Writes and checks the texts, with keys that are derived from all key-encryption keys: texts outlive a rotation.
#[derive(Debug)]
pub struct AttemptRefs {
    keys: PurposeKeys,
}

const PURPOSE: &str = "outbound attempt reference";
const VERSION: &str = "p1";

impl AttemptRefs {
    #[must_use]
    pub fn new(ring: &KeyRing) -> Self {
        Self { keys: ring.purpose_keys(PURPOSE) }
    }

    /// The text for an attempt; `None` without a key.
    #[must_use]
    pub fn text(&self, tenant: TenantId, account: AccountId, attempt: AttemptRef) -> Option<String> {
        let mac = self.macs(tenant, account, attempt).next()?;
        Some(format!("{VERSION}.{}.{}.{mac}", attempt.send.as_uuid().simple(), attempt.attempt))
    }

    /// The attempt that a text names, if it was made for this tenant and account.
    #[must_use]
    pub fn read(&self, text: &str, tenant: TenantId, account: AccountId) -> Option<AttemptRef> {
        let mut parts = text.split('.');
        let (version, send, attempt, mac) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        if version != VERSION || parts.next().is_some() || send.len() != 32 {
            return None;
        }
        let send = SendId::from_uuid(Uuid::try_parse(send).ok()?);
        let read = AttemptRef { send, attempt: attempt.parse().ok()? };
        self.macs(tenant, account, read).any(|expected| expected == mac).then_some(read)
    }

    /// The first 64 bits: enough, as each guess costs a signed webhook delivery.
    fn macs(&self, tenant: TenantId, account: AccountId, it: AttemptRef) -> impl Iterator<Item = String> {
        let data = format!("{tenant}|{account}|{}|{}", it.send, it.attempt);
        let macs: Vec<String> = self
            .keys
            .tags(data.as_bytes())
            .map(|tag| format!("{:016x}", u64::from_be_bytes(tag.bytes.first_chunk().copied().unwrap_or_default())))
            .collect();
        macs.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refs(keys: &[(&str, u8)]) -> AttemptRefs {
        let keys = keys.iter().map(|(id, byte)| ((*id).to_owned(), vec![*byte; 32].into()));
        AttemptRefs::new(&KeyRing::new(keys).unwrap())
    }

    #[test]
    fn text_is_read_back_for_its_tenant_and_account_only() {
        let (tenant, account) = (TenantId::from_uuid(Uuid::from_u128(1)), AccountId::from_uuid(Uuid::from_u128(2)));
        let attempt = AttemptRef { send: SendId::from_uuid(Uuid::from_u128(3)), attempt: 2 };
        let old = refs(&[("a", 1)]);
        let text = old.text(tenant, account, attempt).unwrap();
        assert!(text.len() < 80, "{text}");
        assert_eq!(old.read(&text, tenant, account), Some(attempt));
        assert_eq!(refs(&[("b", 2), ("a", 1)]).read(&text, tenant, account), Some(attempt));
        assert_eq!(refs(&[("b", 2)]).read(&text, tenant, account), None);
        assert_eq!(old.read(&text, TenantId::from_uuid(Uuid::from_u128(9)), account), None);
        assert_eq!(old.read(&text, tenant, AccountId::from_uuid(Uuid::from_u128(9))), None);
        let forged = text.replace(".2.", ".3.");
        assert_eq!(old.read(&forged, tenant, account), None);
        for text in ["", "p1", "p1.x.1.y", "order 17", &format!("{text}.")] {
            assert_eq!(old.read(text, tenant, account), None, "{text}");
        }
    }
}
