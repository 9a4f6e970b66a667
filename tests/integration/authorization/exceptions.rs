//! Checks that operations are exempt from.

use std::collections::BTreeSet;

use super::document::Operation;

/// Each line is an operation, a check, and after `#` the reason.
const FILE: &str = include_str!("exceptions.txt");

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Check {
    /// An anonymous request is refused with 401.
    Anonymous,
    /// A tenant header that contradicts the token is refused.
    TenantMismatch,
    /// Another tenant's id in the path is answered like an unknown id.
    ForeignPath,
    /// The same for an id in the query.
    ForeignQuery,
    /// The same for an id in the body.
    ForeignBody,
    /// Another tenant's cursor is refused.
    ForeignCursor,
    /// All permissions except the declared one are refused.
    Without,
    /// The declared permission alone is sufficient.
    Only,
}

impl Check {
    const ALL: [Self; 8] = [
        Self::Anonymous,
        Self::TenantMismatch,
        Self::ForeignPath,
        Self::ForeignQuery,
        Self::ForeignBody,
        Self::ForeignCursor,
        Self::Without,
        Self::Only,
    ];

    pub(super) const fn key(self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::TenantMismatch => "tenant-mismatch",
            Self::ForeignPath => "foreign-path",
            Self::ForeignQuery => "foreign-query",
            Self::ForeignBody => "foreign-body",
            Self::ForeignCursor => "foreign-cursor",
            Self::Without => "without-the-permission",
            Self::Only => "only-the-permission",
        }
    }
}

pub(super) struct Exceptions(BTreeSet<(&'static str, &'static str)>);

impl Exceptions {
    pub(super) fn read() -> Self {
        let lines = FILE.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
        let exception = |line: &'static str| {
            let (what, reason) = line.split_once('#').unwrap_or_default();
            let mut words = what.split_whitespace();
            let (Some(operation), Some(check), None) = (words.next(), words.next(), words.next()) else {
                panic!("authorization/exceptions.txt: {line:?} is not `operation check # reason`");
            };
            assert!(!reason.trim().is_empty(), "authorization/exceptions.txt: {line:?} has no reason");
            assert!(
                Check::ALL.iter().any(|it| it.key() == check),
                "authorization/exceptions.txt: there is no check {check}"
            );
            (operation, check)
        };
        Self(lines.map(exception).collect())
    }

    pub(super) fn covers(&self, operation: &str, check: Check) -> bool {
        self.0.contains(&(operation, check.key()))
    }

    /// Fails on exceptions for operations that do not exist.
    pub(super) fn refuse_unknown(&self, operations: &[Operation]) {
        for (operation, _) in &self.0 {
            assert!(
                operations.iter().any(|it| it.id == *operation),
                "authorization/exceptions.txt: there is no operation {operation}; remove its line"
            );
        }
    }
}
