use crate::Permit;
use crate::ids::ProvisioningKeyId;

/// Proof that somebody who runs the deployment asks: at the command line, or by a program that showed a provisioning key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operator {
    key: Option<ProvisioningKeyId>,
}

impl Operator {
    /// Whoever can start the program with the deployment's configuration could as well write into its database. Disallowed
    /// outside of the command line.
    #[must_use]
    pub const fn at_the_command_line() -> Self {
        Self { key: None }
    }

    /// Disallowed outside of the check of the key.
    #[must_use]
    pub const fn with_key(key: ProvisioningKeyId) -> Self {
        Self { key: Some(key) }
    }

    /// The key that was shown; none at the command line.
    #[must_use]
    pub const fn key(&self) -> Option<ProvisioningKeyId> {
        self.key
    }
}

/// Who may: a user who holds the permission `P`, or an operator.
#[derive(Debug)]
pub enum By<P> {
    User(Permit<P>),
    Operator(Operator),
}

impl<P> From<Permit<P>> for By<P> {
    fn from(permit: Permit<P>) -> Self {
        Self::User(permit)
    }
}

impl<P> From<Operator> for By<P> {
    fn from(operator: Operator) -> Self {
        Self::Operator(operator)
    }
}
