use kernel::ids::ContactId;

/// Two contacts that are one person: all data of `from` moves to `into`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Merge {
    pub from: ContactId,
    pub into: ContactId,
}
