//! `/auth`: sign-up, registration, login, the caller; `/users` and `/tenant`: the tenant's users and settings.

pub(crate) mod auth_attempt;
pub(crate) mod bodies;
pub(crate) mod login;
pub(crate) mod me;
pub(crate) mod new_password;
pub(crate) mod password;
pub(crate) mod register;
pub(crate) mod signup;
pub(crate) mod tenant;
pub(crate) mod users;
