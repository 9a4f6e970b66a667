//! Keys of identities in statements.

use crm::identity::IdentityKey;
use kernel::StoreError;

use crate::closed_set;
use crate::sql::types;

/// Keys as the arrays of `unnest`: kinds, scopes, values.
pub(super) fn columns<'k>(
    keys: impl IntoIterator<Item = &'k IdentityKey>,
) -> (Vec<&'static str>, Vec<&'k str>, Vec<&'k str>) {
    let mut columns = (Vec::new(), Vec::new(), Vec::new());
    for key in keys {
        columns.0.push(key.kind.into_str());
        columns.1.push(key.scope.as_str());
        columns.2.push(key.value.as_str());
    }
    columns
}

/// The columns of a key.
#[derive(diesel::QueryableByName)]
pub(super) struct KeyColumns {
    #[diesel(sql_type = types::Text)]
    kind: String,
    #[diesel(sql_type = types::Text)]
    scope: String,
    #[diesel(sql_type = types::Text)]
    value: String,
}

impl KeyColumns {
    pub(super) fn into_key(self) -> Result<IdentityKey, StoreError> {
        from_columns(&self.kind, self.scope, self.value)
    }
}

/// The key of a row.
pub(super) fn from_columns(kind: &str, scope: String, value: String) -> Result<IdentityKey, StoreError> {
    Ok(IdentityKey { kind: closed_set::parse(kind, "contact_identities.kind")?, scope, value })
}
