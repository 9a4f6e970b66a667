//! `parley demo`: a tenant to try Parley with.

use std::io::{self, Write as _};
use std::sync::Arc;

use audit::RequestOrigin;
use channels::{MetaId, NewAccount};
use config::AuthConfig;
use flows::{AuthService, ConnectAccountError, Database, SignUp, create_signed_up};
use iam::{Email, Password, Slug, TenantName, UserName};
use tokens::SessionClient;
use whatsapp::MetaAppKey;

use super::adapters::{AdapterError, Adapters};
use super::tenant::{FindTenantError, find_tenant};
use super::whatsapp::{WhatsAppError, add_for};

const SLUG: &str = "demo";
const EMAIL: &str = "owner@demo.example";
const PASSWORD: &str = "parley-demo-password";
const PHONE_NUMBER_ID: &str = "106540352242922";
const WABA_ID: &str = "102290129340398";

#[derive(Debug, thiserror::Error)]
pub(crate) enum DemoError {
    #[error(transparent)]
    Auth(AdapterError),
    #[error(transparent)]
    SignUp(#[from] flows::SignUpError),
    #[error(transparent)]
    Tenant(#[from] FindTenantError),
    #[error(transparent)]
    WhatsApp(#[from] WhatsAppError),
    #[error("the demo's own data is invalid: {0}")]
    Data(&'static str),
    #[error(transparent)]
    Output(#[from] io::Error),
}

/// Creates the demo tenant with a connected number, unless they exist.
pub(super) async fn run(
    adapters: &dyn Adapters,
    database: Arc<dyn Database>,
    config: AuthConfig,
) -> Result<(), DemoError> {
    let found = match find_tenant(&*database, SLUG).await {
        Ok(tenant) => tenant,
        Err(FindTenantError::NoSuchTenant(_)) => {
            let auth = adapters.auth_service(Arc::clone(&database), config).await.map_err(DemoError::Auth)?;
            create_tenant(&auth).await?;
            find_tenant(&*database, SLUG).await?
        }
        Err(error) => return Err(error.into()),
    };
    match add_for(&*database, &found, number()?).await {
        // An earlier run connected it.
        Ok(_) | Err(WhatsAppError::Connect(ConnectAccountError::AlreadyConnected)) => {}
        Err(error) => return Err(error.into()),
    }
    writeln!(
        io::stdout(),
        "the demo tenant is ready: tenant {SLUG}, user {EMAIL}, password {PASSWORD}, WhatsApp number {PHONE_NUMBER_ID}"
    )?;
    Ok(())
}

async fn create_tenant(auth: &AuthService) -> Result<(), DemoError> {
    let sign_up_as = SignUp {
        tenant_name: TenantName::parse("Demo").map_err(|_| DemoError::Data("name"))?,
        slug: Some(Slug::parse(SLUG).map_err(|_| DemoError::Data("slug"))?),
        email: Email::parse(EMAIL).map_err(|_| DemoError::Data("email"))?,
        password: Password::for_new(PASSWORD, &[]).map_err(|_| DemoError::Data("password"))?,
        name: UserName::parse("Demo Owner").map_err(|_| DemoError::Data("user name"))?,
        client: SessionClient::default(),
        origin: RequestOrigin::default(),
    };
    create_signed_up(auth, sign_up_as).await?;
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
