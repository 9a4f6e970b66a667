use crate::Actor;
use crate::ids::{ApiKeyId, ProvisioningKeyId, UserId};
use crate::operator::{Authorization, Operator, OperatorProof};
use crate::permission::Grant;

/// Who acts, as audit records and histories name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Principal {
    User(UserId),
    /// A program of the tenant's.
    ApiKey(ApiKeyId),
    /// An operator's program.
    ProvisioningKey(ProvisioningKeyId),
    /// An operator's program, with the key whose hash is in the configuration.
    BootstrapKey,
    /// An operator at the command line.
    CommandLine,
    /// The deployment itself: a scheduled task.
    System,
    /// A caller without valid credentials.
    Anonymous,
}

impl Principal {
    /// The name in the API and the database.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::User(_) => "user",
            Self::ApiKey(_) => "api_key",
            Self::ProvisioningKey(_) => "provisioning_key",
            Self::BootstrapKey => "bootstrap_key",
            Self::CommandLine => "command_line",
            Self::System => "system",
            Self::Anonymous => "anonymous",
        }
    }

    /// The id of the user or the key; `None` for the others.
    #[must_use]
    pub fn id(&self) -> Option<String> {
        match self {
            Self::User(user) => Some(user.to_string()),
            Self::ApiKey(key) => Some(key.to_string()),
            Self::ProvisioningKey(key) => Some(key.to_string()),
            Self::BootstrapKey | Self::CommandLine | Self::System | Self::Anonymous => None,
        }
    }
}

impl From<Actor> for Principal {
    fn from(actor: Actor) -> Self {
        match actor {
            Actor::User(user) => Self::User(user),
            Actor::ApiKey(key) => Self::ApiKey(key),
        }
    }
}

impl From<Operator> for Principal {
    fn from(operator: Operator) -> Self {
        match operator.proof() {
            OperatorProof::CommandLine => Self::CommandLine,
            OperatorProof::ProvisioningKey(key) => Self::ProvisioningKey(key),
            OperatorProof::BootstrapKey => Self::BootstrapKey,
        }
    }
}

impl<P: Grant> From<&Authorization<P>> for Principal {
    fn from(authorization: &Authorization<P>) -> Self {
        match authorization {
            Authorization::User(permit) => permit.actor().into(),
            Authorization::Operator(operator) => (*operator).into(),
        }
    }
}
