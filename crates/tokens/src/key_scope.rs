use kernel::quoted;
use strum::{Display, EnumString, IntoStaticStr, VariantArray};

/// What a provisioning key may be used for.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Display, EnumString, IntoStaticStr, VariantArray,
)]
#[strum(const_into_str, parse_err_ty = UnknownScope, parse_err_fn = unknown_scope)]
pub enum KeyScope {
    #[strum(serialize = "tenants:read")]
    TenantsRead,
    #[strum(serialize = "tenants:write")]
    TenantsWrite,
    #[strum(serialize = "keys:rotate")]
    KeysRotate,
    #[strum(serialize = "audit:read")]
    AuditRead,
    #[strum(serialize = "events:read")]
    EventsRead,
    #[strum(serialize = "channels:read")]
    ChannelsRead,
    #[strum(serialize = "channels:write")]
    ChannelsWrite,
    #[strum(serialize = "billing:write")]
    BillingWrite,
}

impl KeyScope {
    pub const ALL: &'static [Self] = Self::VARIANTS;
}

/// The text is not the name of a scope.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such scope: {}", quoted(.0))]
pub struct UnknownScope(String);

fn unknown_scope(text: &str) -> UnknownScope {
    UnknownScope(text.to_owned())
}

/// A scope as a type, for signatures.
pub trait ScopeGrant: 'static {
    const SCOPE: KeyScope;
}

/// The scopes as types.
pub mod scope {
    use super::{KeyScope, ScopeGrant};

    macro_rules! scopes {
        ($($name:ident),+ $(,)?) => {$(
            #[doc = concat!("[`KeyScope::", stringify!($name), "`] as a type.")]
            #[derive(Clone, Copy, Debug)]
            pub struct $name;

            impl ScopeGrant for $name {
                const SCOPE: KeyScope = KeyScope::$name;
            }
        )+};
    }

    scopes!(TenantsRead, TenantsWrite, KeysRotate, AuditRead, EventsRead, ChannelsRead, ChannelsWrite, BillingWrite);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scope_names_parse_back() {
        for scope in KeyScope::ALL {
            assert_eq!(scope.into_str().parse(), Ok(*scope));
        }
        let error = "tenants".parse::<KeyScope>().unwrap_err();
        assert_eq!(error.to_string(), r#"no such scope: "tenants""#);
    }
}
