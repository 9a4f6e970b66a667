//! The tables that Diesel's query builder works with; the migrations are the source.

diesel::table! {
    __diesel_schema_migrations (version) {
        version -> Text,
    }
}

diesel::table! {
    tenants (id) {
        id -> Uuid,
        slug -> Text,
        name -> Text,
        status -> Text,
        self_registration -> Text,
        weight -> SmallInt,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    users (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        email -> Text,
        email_norm -> Text,
        name -> Text,
        password_hash -> Text,
        status -> Text,
        self_registered -> Bool,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    login_tallies (key) {
        key -> Bytea,
        failures -> Array<Timestamptz>,
        pending -> Array<Timestamptz>,
        blocks -> Int4,
        blocked_until -> Nullable<Timestamptz>,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    roles (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        key -> Text,
        name -> Text,
        system -> Bool,
        version -> Int8,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    role_permissions (tenant_id, role_id, permission) {
        tenant_id -> Uuid,
        role_id -> Uuid,
        permission -> Text,
    }
}

diesel::table! {
    memberships (tenant_id, user_id, role_id) {
        tenant_id -> Uuid,
        user_id -> Uuid,
        role_id -> Uuid,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    sessions (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        user_id -> Uuid,
        address -> Nullable<Text>,
        user_agent -> Nullable<Text>,
        created_at -> Timestamptz,
        last_seen_at -> Timestamptz,
        idle_expires_at -> Timestamptz,
        expires_at -> Timestamptz,
        revoked_at -> Nullable<Timestamptz>,
        unconfirmed -> Nullable<Uuid>,
    }
}

diesel::table! {
    refresh_tokens (tenant_id, token_hash) {
        tenant_id -> Uuid,
        token_hash -> Bytea,
        session_id -> Uuid,
        created_at -> Timestamptz,
        used_at -> Nullable<Timestamptz>,
        answered_at -> Nullable<Timestamptz>,
        used_by -> Nullable<Bytea>,
    }
}

diesel::table! {
    signing_keys (kid) {
        kid -> Text,
        state -> Text,
        public_x -> Text,
        private_sealed -> Bytea,
        sealed_with -> Text,
        created_at -> Timestamptz,
        since -> Timestamptz,
    }
}

diesel::table! {
    whatsapp_accounts (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        app_id -> Text,
        phone_number_id -> Text,
        waba_id -> Text,
        display_phone_number -> Nullable<Text>,
        name -> Nullable<Text>,
        status -> Text,
        disconnected_by -> Nullable<Text>,
        health -> Jsonb,
        last_delivery_at -> Nullable<Timestamptz>,
        last_delivery_kind -> Nullable<Text>,
        throughput -> SmallInt,
        send_read_receipts -> Bool,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    account_credentials (tenant_id, account_id) {
        tenant_id -> Uuid,
        account_id -> Uuid,
        access_token_sealed -> Nullable<Bytea>,
        access_token_sealed_with -> Nullable<Text>,
        access_token_set_at -> Nullable<Timestamptz>,
        two_step_pin_sealed -> Nullable<Bytea>,
        two_step_pin_sealed_with -> Nullable<Text>,
        token_expires_at -> Nullable<Timestamptz>,
        token_refusal -> Nullable<Text>,
        registered -> Nullable<Bool>,
        last_check -> Nullable<Jsonb>,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    meta_apps (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        key -> Text,
        app_id -> Text,
        name -> Nullable<Text>,
        app_secret_sealed -> Bytea,
        app_secret_sealed_with -> Text,
        previous_app_secret_sealed -> Nullable<Bytea>,
        previous_app_secret_sealed_with -> Nullable<Text>,
        previous_app_secret_ends_at -> Nullable<Timestamptz>,
        verify_token_sealed -> Bytea,
        verify_token_sealed_with -> Text,
        handshake_succeeded_at -> Nullable<Timestamptz>,
        handshake_failed_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    webhook_events (id) {
        id -> Uuid,
        tenant_id -> Nullable<Uuid>,
        account_id -> Nullable<Uuid>,
        app_id -> Text,
        kind -> Text,
        status -> Text,
        attempts -> Integer,
        replay_seq -> Integer,
        received_at -> Timestamptz,
        processed_at -> Nullable<Timestamptz>,
        next_attempt_at -> Nullable<Timestamptz>,
        error_class -> Nullable<Text>,
        last_error -> Nullable<Text>,
    }
}

diesel::table! {
    webhook_payloads (event_id) {
        event_id -> Uuid,
        tenant_id -> Nullable<Uuid>,
        body -> Bytea,
    }
}

diesel::table! {
    webhook_attempts (event_id, replay_seq, attempt) {
        event_id -> Uuid,
        tenant_id -> Uuid,
        replay_seq -> Integer,
        attempt -> Integer,
        failed_at -> Timestamptz,
        error_class -> Text,
        error -> Text,
    }
}

diesel::table! {
    api_keys (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        name -> Text,
        permissions -> Array<Text>,
        networks -> Array<Text>,
        secret_hash -> Bytea,
        previous_hash -> Nullable<Bytea>,
        previous_valid_until -> Nullable<Timestamptz>,
        created_by -> Nullable<Uuid>,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
        revoked_at -> Nullable<Timestamptz>,
        last_used_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    provisioning_keys (id) {
        id -> Uuid,
        key_hash -> Bytea,
        name -> Text,
        scopes -> Array<Text>,
        created_at -> Timestamptz,
        expires_at -> Nullable<Timestamptz>,
        revoked_at -> Nullable<Timestamptz>,
        last_used_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    plans (code) {
        code -> Text,
        name -> Text,
        currency -> Text,
        monthly_price_minor -> Int8,
        included_messages -> Int8,
        message_price_minor -> Int8,
        available -> Bool,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    subscriptions (tenant_id) {
        tenant_id -> Uuid,
        plan_code -> Text,
        plan_name -> Text,
        currency -> Text,
        monthly_price_minor -> Int8,
        included_messages -> Int8,
        message_price_minor -> Int8,
        next_plan_code -> Nullable<Text>,
        cancel_at_period_end -> Bool,
        status -> Text,
        anchor -> Date,
        period_start -> Date,
        period_end -> Date,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    invoices (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        number -> Int8,
        plan_code -> Text,
        period_start -> Date,
        period_end -> Date,
        currency -> Text,
        total_minor -> Int8,
        status -> Text,
        closed_at -> Timestamptz,
        due_at -> Timestamptz,
        paid_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    invoice_lines (tenant_id, invoice_id, position) {
        tenant_id -> Uuid,
        invoice_id -> Uuid,
        position -> Int4,
        description -> Text,
        quantity -> Int8,
        unit_price_minor -> Int8,
        amount_minor -> Int8,
    }
}

diesel::table! {
    contacts (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        display_name -> Text,
        name_source -> Text,
        attributes -> Jsonb,
        language -> Nullable<Text>,
        marketing_consent -> Text,
        marketing_consent_at -> Nullable<Timestamptz>,
        needs_review -> Bool,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        removed_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    contact_identities (tenant_id, kind, scope, value, contact_id) {
        tenant_id -> Uuid,
        kind -> Text,
        scope -> Text,
        value -> Text,
        contact_id -> Uuid,
        current -> Bool,
        since -> Timestamptz,
    }
}

diesel::table! {
    contact_merges (tenant_id, contact_id) {
        tenant_id -> Uuid,
        contact_id -> Uuid,
        into_id -> Uuid,
    }
}

diesel::table! {
    conversations (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        account_id -> Uuid,
        contact_id -> Uuid,
        status -> Text,
        imported -> Bool,
        assignee_id -> Nullable<Uuid>,
        unread_count -> Int4,
        last_message_at -> Timestamptz,
        activity_at -> Nullable<Timestamptz>,
        arrival -> Int8,
        last_message_preview -> Text,
        service_window_ends_at -> Nullable<Timestamptz>,
        read_only -> Bool,
        version -> Int8,
    }
}

diesel::table! {
    messages (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        conversation_id -> Nullable<Uuid>,
        account_id -> Uuid,
        contact_id -> Uuid,
        wamid -> Nullable<Text>,
        direction -> Text,
        origin -> Text,
        kind -> Text,
        text -> Text,
        parts -> Nullable<Text>,
        media_id -> Nullable<Text>,
        media_mime_type -> Nullable<Text>,
        media_sha256 -> Nullable<Text>,
        media_caption -> Nullable<Text>,
        media_filename -> Nullable<Text>,
        reply_to_wamid -> Nullable<Text>,
        forwarded -> Nullable<Text>,
        referral -> Nullable<Text>,
        payload -> Text,
        delivery_status -> Nullable<Text>,
        edited_at -> Nullable<Timestamptz>,
        revoked_at -> Nullable<Timestamptz>,
        provider_timestamp -> Timestamptz,
        arrival -> Int8,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    message_updates (tenant_id, account_id, wamid, kind, key) {
        tenant_id -> Uuid,
        account_id -> Uuid,
        wamid -> Text,
        kind -> Text,
        key -> Text,
        value -> Nullable<Text>,
        contact_id -> Nullable<Uuid>,
        payload -> Nullable<Text>,
        occurred_at -> Timestamptz,
    }
}

diesel::table! {
    interactions (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        contact_id -> Uuid,
        kind -> Text,
        text -> Text,
        actor_id -> Nullable<Uuid>,
        api_key_id -> Nullable<Uuid>,
        message_id -> Nullable<Uuid>,
        source -> Nullable<Text>,
        account_id -> Nullable<Uuid>,
        wamid -> Nullable<Text>,
        occurred_at -> Timestamptz,
        arrival -> Int8,
    }
}

diesel::allow_tables_to_appear_in_same_query!(memberships, role_permissions, roles, users);
diesel::allow_tables_to_appear_in_same_query!(conversations, contacts);

diesel::table! {
    idempotency_keys (tenant_id, user_id, route, key) {
        tenant_id -> Uuid,
        user_id -> Uuid,
        route -> Text,
        key -> Text,
        fingerprint -> Bytea,
        fingerprint_key -> Text,
        status -> Integer,
        body -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    templates (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        waba_id -> Text,
        meta_id -> Text,
        name -> Text,
        language -> Text,
        category -> Text,
        status -> Text,
        quality -> Text,
        rejection_reason -> Nullable<Text>,
        format -> Text,
        components -> Text,
        edited_at -> Array<Timestamptz>,
        event_at -> Nullable<Timestamptz>,
        synced_at -> Timestamptz,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    jobs (tenant_id, kind, subject) {
        tenant_id -> Uuid,
        id -> Uuid,
        kind -> Text,
        subject -> Text,
        state -> Text,
        due_at -> Timestamptz,
        attempts -> Integer,
        starts -> Integer,
        error_class -> Nullable<Text>,
        last_error -> Nullable<Text>,
        created_at -> Timestamptz,
    }
}
