use flows::AuthorityError;
use kernel::Grant;

use crate::auth::insufficient_scope;
use crate::problem::{Code, Problem};

/// The problem for a caller that used the permission `P`.
pub(crate) fn authority_problem<P: Grant>(error: AuthorityError) -> Problem {
    match error {
        AuthorityError::PermissionLost => insufficient_scope(P::PERMISSION.key()),
        AuthorityError::TargetHoldsMore(_) => Problem::new(Code::OutranksYou),
        AuthorityError::PermissionNotHeld(_) => Problem::new(Code::CannotGrant),
        AuthorityError::LastOwner => Problem::new(Code::LastOwner),
        AuthorityError::Store(error) => error.into(),
    }
}
