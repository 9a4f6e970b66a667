//! `/auth`: sign-up, registration, login, the caller; `/users` and `/tenant`: the tenant's users and settings.

pub(crate) mod auth_attempt;
pub(crate) mod bodies;
pub(crate) mod change_password;
pub(crate) mod log_in;
pub(crate) mod me;
pub(crate) mod new_password;
pub(crate) mod register;
pub(crate) mod sign_up;
pub(crate) mod tenant;
pub(crate) mod users;
