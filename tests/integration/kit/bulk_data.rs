//! Tenants with as much data as busy tenants have, created in SQL, with the benchmark's statements.

use super::app::TestTenant;
use super::database::TestDatabase;

const DROP_INDEXES: &str = include_str!("../../../crates/bench/src/bulk_data/drop_indexes.sql");
const CREATE_INDEXES: &str = include_str!("../../../crates/bench/src/bulk_data/create_indexes.sql");
const TENANTS: &str = include_str!("../../../crates/bench/src/bulk_data/tenants.sql");
const ROWS: &str = include_str!("../../../crates/bench/src/bulk_data/rows.sql");

/// The amount of a tenant's data.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub(crate) contacts: u32,
    pub(crate) messages: u32,
}

impl TestDatabase {
    /// Fills a tenant and this many others with data, and updates the planner's statistics.
    pub(crate) async fn fill_tenants(&self, tenant: &TestTenant, size: Size, others: u32, size_of_others: Size) {
        self.execute(DROP_INDEXES).await;
        self.insert_rows(&format!("ARRAY['{}'::uuid]", tenant.id), size).await;
        self.execute(&TENANTS.replace("$N", &others.to_string())).await;
        self.insert_rows("ARRAY(SELECT id FROM tenants WHERE slug LIKE 'bulk-%')", size_of_others).await;
        self.execute(CREATE_INDEXES).await;
        // One statement each, since `VACUUM` cannot run in a transaction.
        for table in ["contacts", "contact_identities", "conversations", "messages", "interactions"] {
            self.execute(&format!("VACUUM ANALYZE {table}")).await;
        }
    }

    async fn insert_rows(&self, tenants: &str, Size { contacts, messages }: Size) {
        let rows = ROWS.replace("$T", tenants).replace("$C", &contacts.to_string());
        self.execute(&rows.replace("$M", &messages.to_string())).await;
    }
}
