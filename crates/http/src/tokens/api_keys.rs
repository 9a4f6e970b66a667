//! `/api-keys`: the keys of the tenant's programs.

mod bodies;
pub(crate) mod change;
pub(crate) mod create;
pub(crate) mod read;
pub(crate) mod revoke;
pub(crate) mod rotate;

pub(crate) use bodies::{ApiKeyBody, ApiKeyPermissionBody};

use flows::ChangeApiKeyError;
use kernel::ApiKeysWrite;

use crate::problem::{Code, Problem};
use crate::rbac::authority::authority_problem;

impl From<ChangeApiKeyError> for Problem {
    fn from(error: ChangeApiKeyError) -> Self {
        match error {
            ChangeApiKeyError::Unknown => Self::not_found(),
            ChangeApiKeyError::Ended => Self::new(Code::ApiKeyEnded),
            ChangeApiKeyError::EntropyUnavailable(error) => Self::internal(error),
            ChangeApiKeyError::Authority(error) => authority_problem::<ApiKeysWrite>(error),
        }
    }
}
