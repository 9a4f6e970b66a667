use std::fmt;

/// A password hash as a PHC string: algorithm, parameters, salt and hash in one.
#[derive(Clone)]
pub struct PasswordHash(String);

impl PasswordHash {
    #[must_use]
    pub const fn from_stored(phc: String) -> Self {
        Self(phc)
    }

    #[must_use]
    pub fn as_phc(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(***)")
    }
}

/// The cost of a hash. The defaults are OWASP's first recommendation: about 33 ms of one core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashParameters {
    pub memory_kib: u32,
    pub passes: u32,
    pub lanes: u32,
}

impl Default for HashParameters {
    fn default() -> Self {
        Self { memory_kib: 19_456, passes: 2, lanes: 1 }
    }
}
