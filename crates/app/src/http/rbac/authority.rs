use flows::AuthorityError;
use kernel::Grant;

use crate::http::auth::insufficient_scope;
use crate::http::problem::{Code, Problem};

/// What is answered to who asked with the permission `P`.
pub(crate) fn authority_problem<P: Grant>(error: AuthorityError) -> Problem {
    match error {
        AuthorityError::Lost => insufficient_scope(P::PERMISSION.key()),
        AuthorityError::OutranksYou(_) => Problem::new(Code::OutranksYou),
        AuthorityError::CannotGrant(_) => Problem::new(Code::CannotGrant),
        AuthorityError::LastOwner => Problem::new(Code::LastOwner),
        AuthorityError::Store(error) => error.into(),
    }
}
