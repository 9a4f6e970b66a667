//! Administering the users of a tenant.

mod change;
mod create;
mod list;

pub use change::{ChangeUserError, ChangedUser, UserPatch, change_user, delete_user};
pub use create::{CreateUser, CreateUserError, PreparedUser, create_user, prepare_user};
pub use list::{Member, user, users};
