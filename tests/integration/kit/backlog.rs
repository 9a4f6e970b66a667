//! Many unfinished events of a tenant, created in SQL.

use super::database::TestDatabase;
use super::meta::Number;

/// Messages of 100 customers of the number that were received and not processed. Each has its number in its text, after a filling
/// of this many bytes.
pub(crate) async fn insert(database: &TestDatabase, number: &Number, events: u32, filling: u32) {
    insert_of(database, number, 100, events, filling).await;
}

/// The same of so many customers.
pub(crate) async fn insert_of(database: &TestDatabase, number: &Number, customers: u32, events: u32, filling: u32) {
    let Number { phone_number_id, waba_id } = number;
    let statement = format!(
        r#"CREATE TEMPORARY TABLE new AS
           SELECT gen_random_uuid() AS id, a.tenant_id, a.id AS account_id, n
             FROM whatsapp_accounts a, generate_series(1, {events}) AS n WHERE a.phone_number_id = '{phone_number_id}';
         INSERT INTO webhook_events (id, tenant_id, account_id, app_id, kind, dedupe_key, status, received_at)
         SELECT id, tenant_id, account_id, 'deployment', 'message', 'm:{phone_number_id}:wamid.' || n, 'received', now()
           FROM new;
         INSERT INTO webhook_payloads (event_id, tenant_id, body)
         SELECT id, tenant_id, convert_to(
                  '{{"id":"{waba_id}","changes":[{{"field":"messages","value":{{"metadata":{{"phone_number_id":"{phone_number_id}"}},'
                  || '"messages":[{{"id":"wamid.' || n || '","from":"1555' || 1000 + n % {customers} || '","timestamp":"1800000000",'
                  || '"type":"text","text":{{"body":"' || repeat('x', {filling}) || n || '"}}}}]}}}}]}}', 'UTF8')
           FROM new;
         INSERT INTO webhook_outbox (event_id, tenant_id, not_before)
         SELECT id, tenant_id, now() - interval '1 hour' FROM new;
         DROP TABLE new"#
    );
    database.execute(&statement).await;
}
