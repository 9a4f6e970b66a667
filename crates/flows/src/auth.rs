//! Logging in and staying logged in: credentials, sessions, access tokens and the keys that sign them.

mod authenticate;
mod change_password;
mod find_tenant;
mod log_fields;
mod log_in;
mod ports;
mod rate_limit;
mod refresh;
mod register;
mod rotate_signing_keys;
mod service;
mod session_start_state;
mod sessions;
mod sign_up;
mod signing_keys;
mod signing_keys_error;

pub use authenticate::{AuthenticateError, authenticate, authenticate_verified, verify_token};
pub use change_password::{ChangePassword, ChangePasswordError, change_password};
pub use log_in::{LogIn, LogInError, log_in};
pub use ports::{EndSessionTx, RefreshTx, RegisterTx, SignUpTx, SigningKeyTx, UserSessionTx};
pub use rate_limit::{RateLimited, TooManyAccounts};
pub use refresh::{Refresh, RefreshError, refresh};
pub use register::{Register, RegisterError, register};
pub use rotate_signing_keys::{
    AdvancedKeys, RotateError, SigningKeyChange, advance_signing_keys, reseal_signing_keys, revoke_signing_key,
    rotate_signing_keys,
};
pub use service::{AuthService, AuthServiceError, LoggedIn};
pub use session_start_state::{SessionLifetime, StartSessionState};
pub use sessions::{LogOut, end_session, log_out, sessions};
pub use sign_up::{SignUp, SignUpError, create_signed_up, sign_up};
pub use signing_keys::SigningKeys;
pub use signing_keys_error::SigningKeysError;
