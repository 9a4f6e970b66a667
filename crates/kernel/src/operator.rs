use crate::Permit;
use crate::ids::ProvisioningKeyId;
use crate::permission::Grant;

/// Proof that the caller operates the deployment: at the command line, or with a provisioning key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operator(OperatorProof);

/// How an operator was authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperatorProof {
    CommandLine,
    ProvisioningKey(ProvisioningKeyId),
    /// The key whose hash is in the configuration.
    BootstrapKey,
}

impl Operator {
    /// A caller who can start the program with the deployment's configuration can also write to its database. A disallowed
    /// method outside the command line.
    #[must_use]
    pub const fn from_command_line() -> Self {
        Self(OperatorProof::CommandLine)
    }

    /// A disallowed method outside the check of the key.
    #[must_use]
    pub const fn from_provisioning_key(key: ProvisioningKeyId) -> Self {
        Self(OperatorProof::ProvisioningKey(key))
    }

    /// A disallowed method outside the check of the key.
    #[must_use]
    pub const fn from_bootstrap_key() -> Self {
        Self(OperatorProof::BootstrapKey)
    }

    #[must_use]
    pub const fn proof(&self) -> OperatorProof {
        self.0
    }
}

/// Proof that the caller may act: a user or an API key with the permission `P`, or an operator.
#[derive(Debug)]
pub enum Authorization<P: Grant> {
    User(Permit<P>),
    Operator(Operator),
}

impl<P: Grant> From<Permit<P>> for Authorization<P> {
    fn from(permit: Permit<P>) -> Self {
        Self::User(permit)
    }
}

impl<P: Grant> From<Operator> for Authorization<P> {
    fn from(operator: Operator) -> Self {
        Self::Operator(operator)
    }
}
