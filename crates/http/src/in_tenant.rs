//! Runs use cases in a transaction of the caller's tenant.

use actix_web::web;
use flows::{TenantTx, settle};
use kernel::{Grant, Page, PageRequest, Permit, TenantScope};
use serde::Serialize;

use crate::auth::Allow;
use crate::cursor::{ListId, ListKind};
use crate::extract::PageQuery;
use crate::page::PageBody;
use crate::problem::Problem;
use crate::state::State;

impl State {
    /// Runs a use case in a transaction of the caller's tenant: commits on `Ok`, rolls back on `Err`.
    ///
    /// # Errors
    /// The error of the use case, or of the transaction.
    pub(crate) async fn in_tenant<P, T, E>(
        &self,
        allow: Allow<P>,
        use_case: impl AsyncFnOnce(Permit<P>, &mut dyn TenantTx) -> Result<T, E>,
    ) -> Result<T, Problem>
    where
        P: Grant,
        E: Into<Problem>,
    {
        let permit = allow.permit();
        let mut tx = self.database.tenant(permit.scope()).await?;
        let outcome = use_case(permit, &mut *tx).await.map_err(E::into);
        settle(tx, outcome).await
    }

    /// As [`in_tenant`](Self::in_tenant), for a use case that requires no permission.
    ///
    /// # Errors
    /// The error of the use case, or of the transaction.
    pub(crate) async fn in_scope<T, E>(
        &self,
        scope: &TenantScope,
        use_case: impl AsyncFnOnce(&mut dyn TenantTx) -> Result<T, E>,
    ) -> Result<T, Problem>
    where
        E: Into<Problem>,
    {
        self.database.in_tenant(scope, async |tx| use_case(tx).await.map_err(E::into)).await
    }

    /// Reads a page of a list of the caller's tenant.
    ///
    /// # Errors
    /// `invalid_cursor`, or as [`in_tenant`](Self::in_tenant).
    pub(crate) async fn list<P, Item, Body, E>(
        &self,
        allow: Allow<P>,
        kind: ListKind,
        page: &PageQuery,
        use_case: impl AsyncFnOnce(Permit<P>, &mut dyn TenantTx, &PageRequest) -> Result<Page<Item>, E>,
    ) -> Result<web::Json<PageBody<Body>>, Problem>
    where
        P: Grant,
        Body: From<Item> + Serialize,
        E: Into<Problem>,
    {
        let list = ListId { kind, tenant: allow.scope().tenant() };
        let request = page.request(&self.cursor_key, list)?;
        let found = self.in_tenant(allow, async |permit, tx| use_case(permit, tx, &request).await).await?;
        Ok(web::Json(PageBody::from_page(found, &self.cursor_key, list)))
    }

    /// Reads a page of a list of the operators; `read` begins the transaction.
    ///
    /// # Errors
    /// `invalid_cursor`, or the error of `read`.
    pub(crate) async fn list_for_operator<Item, Body, E>(
        &self,
        kind: ListKind,
        page: &PageQuery,
        read: impl AsyncFnOnce(&PageRequest) -> Result<Page<Item>, E>,
    ) -> Result<web::Json<PageBody<Body>>, Problem>
    where
        Body: From<Item> + Serialize,
        E: Into<Problem>,
    {
        let list = ListId::for_operators(kind);
        let found = read(&page.request(&self.cursor_key, list)?).await.map_err(E::into)?;
        Ok(web::Json(PageBody::from_page(found, &self.cursor_key, list)))
    }
}
