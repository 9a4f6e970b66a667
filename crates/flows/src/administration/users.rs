//! Administering the users of a tenant.

mod change;
mod create;
mod list;

use audit::AuditRepo;
use iam::UserRepo;
use rbac::MembershipRepo;
use tokens::SessionRepo;

use super::AuthorityTx;

pub use change::{ChangeUserError, UserPatch, change_user, delete_user};
pub use create::{CreateUser, CreateUserError, CreateUserTx, PreparedUser, create_user, prepare_user};
pub use list::{Member, user, users};

/// What reading users needs.
pub trait MemberTx: UserRepo + MembershipRepo {}

impl<T: UserRepo + MembershipRepo + ?Sized> MemberTx for T {}

/// What changing and deleting users needs.
pub trait ChangeUserTx: AuthorityTx + SessionRepo + AuditRepo {}

impl<T: AuthorityTx + SessionRepo + AuditRepo + ?Sized> ChangeUserTx for T {}
