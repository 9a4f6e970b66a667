use std::net::IpAddr;

use kernel::ids::{ProvisioningKeyId, UserId};
use kernel::{By, Grant, Operator, OperatorProof};

/// Who did something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    User(UserId),
    /// An operator's program.
    ProvisioningKey(ProvisioningKeyId),
    /// An operator's program, with the key whose hash is in the configuration.
    BootstrapKey,
    /// An operator at the command line.
    CommandLine,
    /// The deployment itself, because it was time.
    System,
    /// Somebody who did not say, or could not prove, who they are.
    Anonymous,
}

impl Actor {
    /// The name in the API and the database.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::User(_) => "user",
            Self::ProvisioningKey(_) => "provisioning_key",
            Self::BootstrapKey => "bootstrap_key",
            Self::CommandLine => "command_line",
            Self::System => "system",
            Self::Anonymous => "anonymous",
        }
    }

    #[must_use]
    pub fn id(&self) -> Option<String> {
        match self {
            Self::User(user) => Some(user.to_string()),
            Self::ProvisioningKey(key) => Some(key.to_string()),
            Self::BootstrapKey | Self::CommandLine | Self::System | Self::Anonymous => None,
        }
    }
}

impl From<Operator> for Actor {
    fn from(operator: Operator) -> Self {
        match operator.proof() {
            OperatorProof::CommandLine => Self::CommandLine,
            OperatorProof::ProvisioningKey(key) => Self::ProvisioningKey(key),
            OperatorProof::BootstrapKey => Self::BootstrapKey,
        }
    }
}

impl<P: Grant> From<&By<P>> for Actor {
    fn from(by: &By<P>) -> Self {
        match by {
            By::User(permit) => Self::User(permit.user()),
            By::Operator(operator) => (*operator).into(),
        }
    }
}

/// Where a request came from. Nothing at the command line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    pub address: Option<IpAddr>,
    pub request_id: Option<String>,
}
