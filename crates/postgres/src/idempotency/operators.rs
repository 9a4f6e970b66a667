//! Stored responses to operators' requests, read and written in the transaction of the affected tenant.

use chrono::{DateTime, Utc};
use diesel::OptionalExtension;
use diesel_async::RunQueryDsl;
use flows::{KeyedRequest, StoredResponse};
use kernel::StoreError;
use kernel::seal::Tag;

use super::Row;
use crate::error::OrStoreError;
use crate::sql::{Prepared, sql, types};
use crate::transaction::{Tenant, Tx};

const FIND: &str = "SELECT * FROM app.find_operator_response($1, $2, $3, $4)";

const STORE: &str = "SELECT app.store_operator_response($1, $2, $3, $4, $5, $6, $7, $8)";

impl Tx<Tenant> {
    pub(super) async fn find_operator_response(
        &mut self,
        operator: &str,
        request: &KeyedRequest,
        since: DateTime<Utc>,
    ) -> Result<Option<(Tag, StoredResponse)>, StoreError> {
        let statement = Prepared(
            sql(FIND)
                .bind::<types::Text, _>(operator)
                .bind::<types::Text, _>(&request.route)
                .bind::<types::Text, _>(request.key.as_str())
                .bind::<types::Timestamptz, _>(since),
        );
        let row: Option<Row> = statement.get_result(self.connection()).await.optional().or_store_error()?;
        row.map(Row::into_response).transpose()
    }

    pub(super) async fn store_operator_response(
        &mut self,
        operator: &str,
        request: &KeyedRequest,
        fingerprint: &Tag,
        response: &StoredResponse,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let statement = sql(STORE)
            .bind::<types::Text, _>(operator)
            .bind::<types::Text, _>(&request.route)
            .bind::<types::Text, _>(request.key.as_str())
            .bind::<types::Binary, _>(fingerprint.bytes.as_slice())
            .bind::<types::Text, _>(&fingerprint.key_id)
            .bind::<types::Integer, _>(i32::from(response.status))
            .bind::<types::Text, _>(&response.body)
            .bind::<types::Timestamptz, _>(now);
        self.execute(statement).await?;
        Ok(())
    }
}
