//! The demo tenant: what somebody who tries Parley for the first time logs in to.

use std::io::{self, Write as _};
use std::sync::Arc;

use audit::Origin;
use flows::{ConnectAccountError, Identity, SignUp, SigningKeys, sign_up};
use iam::{Email, Password, PasswordHasher, Slug, TenantName, Throttle, UserName};
use inbound::{MetaAppKey, MetaId, NewAccount};
use kernel::{Clock, Entropy, SystemClock, SystemEntropy};
use postgres::Postgres;
use tokens::Client;

use super::CliError;
use super::whatsapp::{AccountsError, add_for, find_tenant};
use crate::config::{DatabaseConfig, IdentityConfig};
use crate::wiring::{OpenError, postgres};

const SLUG: &str = "demo";
const EMAIL: &str = "owner@demo.example";
const PASSWORD: &str = "parley-demo-password";
const PHONE_NUMBER_ID: &str = "106540352242922";
const WABA_ID: &str = "102290129340398";

#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    SignUp(#[from] flows::SignUpError),
    #[error(transparent)]
    Accounts(#[from] AccountsError),
    #[error("the demo's own data is not valid: {0}")]
    Data(&'static str),
}

/// Makes the demo tenant with a connected number, unless they are there.
pub(super) async fn run(database: DatabaseConfig, identity: IdentityConfig) -> Result<(), CliError> {
    let database = postgres(&database)?;
    match find_tenant(&database, SLUG).await {
        Ok(_) => {}
        Err(AccountsError::NoSuchTenant(_)) => make_tenant(&database, identity).await?,
        Err(error) => return Err(DemoError::from(error).into()),
    }
    let tenant = find_tenant(&database, SLUG).await.map_err(DemoError::from)?;
    match add_for(&database, &tenant, number()?).await {
        // A second run finds it there.
        Ok(_) | Err(AccountsError::Connect(ConnectAccountError::AlreadyConnected)) => {}
        Err(error) => return Err(DemoError::from(error).into()),
    }
    writeln!(
        io::stdout(),
        "the demo tenant is there: tenant {SLUG}, user {EMAIL}, password {PASSWORD}, WhatsApp number {PHONE_NUMBER_ID}"
    )
    .map_err(CliError::Output)
}

async fn make_tenant(database: &Postgres, config: IdentityConfig) -> Result<(), DemoError> {
    let (clock, entropy) = (Arc::new(SystemClock::new()), Arc::new(SystemEntropy::new()));
    let (ring, rotation) = (Arc::new(config.keys.ring), config.signing.rotation);
    let keys = SigningKeys::open(database, ring, rotation, &*entropy, &*clock).await.map_err(OpenError::from)?;
    let identity = Identity {
        database: Arc::new(database.clone()),
        hasher: PasswordHasher::new(config.passwords, &*entropy).map_err(OpenError::from)?,
        throttle: Throttle::new(&config.keys.first),
        clock: clock as Arc<dyn Clock>,
        entropy: entropy as Arc<dyn Entropy>,
        keys: Arc::new(keys),
        policy: config.tokens,
        sessions: config.sessions,
    };
    let sign_up_as = SignUp {
        tenant_name: TenantName::parse("Demo").map_err(|_| DemoError::Data("name"))?,
        slug: Some(Slug::parse(SLUG).map_err(|_| DemoError::Data("slug"))?),
        email: Email::parse(EMAIL).map_err(|_| DemoError::Data("email"))?,
        password: Password::choose(PASSWORD, &[]).map_err(|_| DemoError::Data("password"))?,
        name: UserName::parse("Demo Owner").map_err(|_| DemoError::Data("user name"))?,
        client: Client::default(),
        origin: Origin::default(),
    };
    sign_up(&identity, sign_up_as).await?;
    Ok(())
}

fn number() -> Result<NewAccount, DemoError> {
    let id = |text| MetaId::parse(text).map_err(|_| DemoError::Data("number"));
    Ok(NewAccount {
        app: MetaAppKey::deployment(),
        phone_number_id: id(PHONE_NUMBER_ID)?,
        waba_id: id(WABA_ID)?,
        display_phone_number: Some("+1 555 010 0000".to_owned()),
        name: Some("Demo number".to_owned()),
    })
}
