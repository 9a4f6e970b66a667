//! Tenants with as much data as busy tenants have, created in SQL. The tests use the same statements.

use crate::error::Result;
use crate::sql;
use crate::world::{Tenant, World};

const DROP_INDEXES: &str = include_str!("bulk_data/drop_indexes.sql");
const CREATE_INDEXES: &str = include_str!("bulk_data/create_indexes.sql");
const TENANTS: &str = include_str!("bulk_data/tenants.sql");
const ROWS: &str = include_str!("bulk_data/rows.sql");

/// The amount of a tenant's data.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub(crate) contacts: u32,
    pub(crate) messages: u32,
}

/// Fills tenants with data, and this many other tenants that it creates.
pub(crate) async fn fill(world: &World, tenants: &[Tenant], size: Size, others: usize, size_of_others: Size) -> Result {
    world.sql.batch_execute(DROP_INDEXES).await?;
    // A transaction for each, so that the write-ahead log of all of them need not be kept at once.
    for tenant in tenants {
        insert_rows(world, &format!("ARRAY['{}'::uuid]", tenant.id), size).await?;
    }
    if others > 0 {
        world.sql.batch_execute(&TENANTS.replace("$N", &others.to_string())).await?;
        insert_rows(world, "ARRAY(SELECT id FROM tenants WHERE slug LIKE 'bulk-%')", size_of_others).await?;
    }
    world.sql.batch_execute(CREATE_INDEXES).await?;
    sql::settle(&world.sql).await
}

async fn insert_rows(world: &World, tenants: &str, Size { contacts, messages }: Size) -> Result {
    let rows = ROWS.replace("$T", tenants).replace("$C", &contacts.to_string()).replace("$M", &messages.to_string());
    world.sql.batch_execute(&rows).await?;
    Ok(())
}
