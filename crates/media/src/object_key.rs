use std::fmt;

use kernel::ids::TenantId;

use crate::Sha256;

/// Which of the objects of a file it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ObjectPart {
    /// The file.
    Whole,
    /// A small picture of it. It can be made again, and is deleted with the file.
    Thumbnail,
}

/// The name of an object in the store: `tenant/sha256`, with `.thumbnail` for a thumbnail. The hash is that of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectKey {
    pub tenant: TenantId,
    pub sha256: Sha256,
    pub part: ObjectPart,
}

const THUMBNAIL: &str = ".thumbnail";

impl ObjectKey {
    #[must_use]
    pub const fn whole(tenant: TenantId, sha256: Sha256) -> Self {
        Self { tenant, sha256, part: ObjectPart::Whole }
    }

    #[must_use]
    pub const fn thumbnail(tenant: TenantId, sha256: Sha256) -> Self {
        Self { tenant, sha256, part: ObjectPart::Thumbnail }
    }

    /// What all keys of a tenant begin with.
    #[must_use]
    pub fn prefix(tenant: TenantId) -> String {
        format!("{tenant}/")
    }

    /// `None` if the text is no key: the store may hold other things.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (tenant, name) = text.split_once('/')?;
        let (hash, part) = match name.strip_suffix(THUMBNAIL) {
            Some(hash) => (hash, ObjectPart::Thumbnail),
            None => (name, ObjectPart::Whole),
        };
        let key = Self { tenant: tenant.parse().ok()?, sha256: Sha256::parse(hash).ok()?, part };
        (key.to_string() == text).then_some(key)
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.tenant, self.sha256)?;
        match self.part {
            ObjectPart::Whole => Ok(()),
            ObjectPart::Thumbnail => f.write_str(THUMBNAIL),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_is_read_back() {
        for key in
            [ObjectKey::whole(TenantId::NIL, Sha256::of(b"a")), ObjectKey::thumbnail(TenantId::NIL, Sha256::of(b"b"))]
        {
            assert_eq!(ObjectKey::parse(&key.to_string()), Some(key));
            assert!(key.to_string().starts_with(&ObjectKey::prefix(TenantId::NIL)));
        }
    }

    #[test]
    fn other_names_are_no_keys() {
        let key = ObjectKey::whole(TenantId::NIL, Sha256::of(b"a")).to_string();
        for text in ["", "/", "a/b", &key.to_uppercase(), &format!("{key}.part"), &format!("x/{key}")] {
            assert_eq!(ObjectKey::parse(text), None, "{text}");
        }
    }
}
