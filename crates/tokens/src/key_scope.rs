use std::fmt;
use std::str::FromStr;

/// What a provisioning key may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyScope {
    TenantsRead,
    TenantsWrite,
    KeysRotate,
    AuditRead,
    EventsRead,
    ChannelsRead,
    ChannelsWrite,
}

impl KeyScope {
    pub const ALL: [Self; 7] = [
        Self::TenantsRead,
        Self::TenantsWrite,
        Self::KeysRotate,
        Self::AuditRead,
        Self::EventsRead,
        Self::ChannelsRead,
        Self::ChannelsWrite,
    ];

    /// The name in the API, the database and the scopes of the OpenAPI document.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::TenantsRead => "tenants:read",
            Self::TenantsWrite => "tenants:write",
            Self::KeysRotate => "keys:rotate",
            Self::AuditRead => "audit:read",
            Self::EventsRead => "events:read",
            Self::ChannelsRead => "channels:read",
            Self::ChannelsWrite => "channels:write",
        }
    }
}

impl fmt::Display for KeyScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}

/// The text is not the name of a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such scope")]
pub struct UnknownScope;

impl FromStr for KeyScope {
    type Err = UnknownScope;

    fn from_str(key: &str) -> Result<Self, UnknownScope> {
        Self::ALL.into_iter().find(|scope| scope.key() == key).ok_or(UnknownScope)
    }
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

    scopes!(TenantsRead, TenantsWrite, KeysRotate, AuditRead, EventsRead, ChannelsRead, ChannelsWrite);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scope_names_parse_back() {
        for scope in KeyScope::ALL {
            assert_eq!(scope.key().parse(), Ok(scope));
        }
        assert_eq!("tenants".parse::<KeyScope>(), Err(UnknownScope));
    }
}
