use crate::Permit;
use crate::ids::ProvisioningKeyId;

/// Proof that somebody who runs the deployment asks: at the command line, or by a program that showed a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operator(OperatorProof);

/// How an operator showed that they are one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperatorProof {
    CommandLine,
    ProvisioningKey(ProvisioningKeyId),
    /// The one key whose hash is in the configuration.
    BootstrapKey,
}

impl Operator {
    /// Whoever can start the program with the deployment's configuration could as well write into its database. Disallowed
    /// outside of the command line.
    #[must_use]
    pub const fn at_the_command_line() -> Self {
        Self(OperatorProof::CommandLine)
    }

    /// Disallowed outside of the check of the key.
    #[must_use]
    pub const fn with_key(key: ProvisioningKeyId) -> Self {
        Self(OperatorProof::ProvisioningKey(key))
    }

    /// Disallowed outside of the check of the key.
    #[must_use]
    pub const fn with_bootstrap_key() -> Self {
        Self(OperatorProof::BootstrapKey)
    }

    #[must_use]
    pub const fn proof(&self) -> OperatorProof {
        self.0
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
