-- A message that Parley sends has no wamid until Meta names it.
ALTER TABLE messages ALTER COLUMN wamid DROP NOT NULL;
ALTER TABLE messages DROP CONSTRAINT messages_origin_check;
ALTER TABLE messages ADD CONSTRAINT messages_origin_check
  CHECK (origin IN ('live', 'native_app', 'history', 'standby', 'api')) NOT VALID;
ALTER TABLE messages VALIDATE CONSTRAINT messages_origin_check;

-- The order in which sends leave. A message's position is also its arrival, so that a list shows what leaves first first.
GRANT USAGE ON SEQUENCE webhook_arrivals TO parley_app;

-- What is sent to Meta: messages, reactions, read receipts, typing indicators. It is its own ledger: a row that is queued or
-- sending is unfinished. Meta is called only between the commits of 'sending' and of what came after it.
CREATE TABLE sends (
  tenant_id       uuid NOT NULL,
  id              uuid NOT NULL,
  account_id      uuid NOT NULL,
  conversation_id uuid NOT NULL,
  kind            text NOT NULL CHECK (kind IN ('message', 'reaction', 'read_receipt', 'typing')),
  -- The message that is sent, or that is reacted to or marked as read.
  message_id      uuid NOT NULL,
  state           text NOT NULL CHECK (state IN ('queued', 'sending', 'accepted', 'failed', 'unknown', 'canceled', 'expired')),
  -- People before programs before bulk.
  priority        smallint NOT NULL,
  position        bigint NOT NULL,
  -- A queued send may leave when it is due. It is not due before send_at, after a refusal, and while it is paused.
  is_due          boolean NOT NULL,
  due_at          timestamptz NOT NULL,
  send_at         timestamptz,
  send_before     timestamptz NOT NULL,
  on_unknown      text NOT NULL CHECK (on_unknown IN ('hold', 'resend', 'fail')),
  cancel_if_customer_writes boolean NOT NULL DEFAULT false,
  -- Allowed within the service window only; a template is allowed always.
  free_form       boolean NOT NULL,
  template        text,
  category        text CHECK (category IN ('service', 'utility', 'authentication', 'marketing')),
  recipient       text NOT NULL,
  -- What was asked for, as the API takes it, and the JSON that Meta gets, without its opaque data.
  content         text NOT NULL,
  body            text NOT NULL,
  client_ref      text,
  sender_kind     text NOT NULL CHECK (sender_kind IN ('user', 'api_key', 'automation')),
  sender_id       uuid,
  traceparent     text,
  -- Calls that were begun, and those of them that Meta refused for now.
  attempts        integer NOT NULL DEFAULT 0,
  refusals        integer NOT NULL DEFAULT 0,
  -- How often it was sent again by itself although it may have been sent.
  resends         integer NOT NULL DEFAULT 0,
  -- Attempts up to this one belong to an earlier try, which a person repeated.
  repeated_after  integer NOT NULL DEFAULT 0,
  started_at      timestamptz,
  -- Which sender called Meta last.
  holder          uuid,
  ended_at        timestamptz,
  may_have_been_sent boolean NOT NULL DEFAULT false,
  error_code      bigint,
  error_class     text,
  error_title     text,
  error_advice    text,
  dismissed_at    timestamptz,
  created_at      timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, account_id) REFERENCES whatsapp_accounts (tenant_id, id),
  FOREIGN KEY (tenant_id, conversation_id) REFERENCES conversations (tenant_id, id),
  FOREIGN KEY (tenant_id, message_id) REFERENCES messages (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX sends_message_idx ON sends (tenant_id, message_id);
CREATE INDEX sends_conversation_idx ON sends (tenant_id, conversation_id, position);
-- What holds back the rest of its conversation.
CREATE INDEX sends_lane_idx ON sends (tenant_id, conversation_id, position) WHERE state IN ('queued', 'sending');
-- In the order in which an account's sends leave.
CREATE INDEX sends_due_idx ON sends (tenant_id, account_id, priority, position) WHERE state = 'queued' AND is_due;
CREATE INDEX sends_later_idx ON sends (tenant_id, account_id, due_at) WHERE state = 'queued' AND NOT is_due;
CREATE INDEX sends_expiry_idx ON sends (account_id, send_before) WHERE state = 'queued';
CREATE INDEX sends_in_flight_idx ON sends (account_id) WHERE state = 'sending';
-- Which accounts have something to send.
CREATE INDEX sends_waiting_idx ON sends (account_id, due_at) WHERE state IN ('queued', 'sending');
CREATE INDEX sends_unknown_idx ON sends (tenant_id, ended_at) WHERE state = 'unknown';
SELECT app.protect_tenant_table('sends', 'SELECT, INSERT, UPDATE, DELETE');
SELECT app.open_to_platform('sends', 'SELECT (tenant_id, account_id, state, is_due, due_at, send_before, ended_at)');

CREATE TABLE send_attempts (
  tenant_id   uuid NOT NULL,
  send_id     uuid NOT NULL,
  number      integer NOT NULL,
  started_at  timestamptz NOT NULL,
  -- Null while Meta is called, and for good if the sender died meanwhile.
  ended_at    timestamptz,
  outcome     text CHECK (outcome IN ('accepted', 'refused', 'not_sent', 'unclear')),
  http_status integer,
  code        bigint,
  title       text,
  trace_id    text,
  wamid       text,
  PRIMARY KEY (tenant_id, send_id, number),
  FOREIGN KEY (tenant_id, send_id) REFERENCES sends (tenant_id, id) ON DELETE CASCADE
);
SELECT app.protect_tenant_table('send_attempts', 'SELECT, INSERT, UPDATE, DELETE');

-- Messages that Meta has accepted, by category. The counts of a day are spread over slots, so that senders rarely wait for each other.
CREATE TABLE usage_sent (
  tenant_id uuid NOT NULL REFERENCES tenants (id),
  day       date NOT NULL,
  category  text NOT NULL CHECK (category IN ('service', 'utility', 'authentication', 'marketing')),
  slot      smallint NOT NULL,
  messages  bigint NOT NULL,
  PRIMARY KEY (tenant_id, day, category, slot)
);
SELECT app.protect_tenant_table('usage_sent', 'SELECT, INSERT, UPDATE');

-- Which sender works a number. A lease that has ended may be taken by any sender.
CREATE TABLE sender_leases (
  tenant_id  uuid NOT NULL,
  account_id uuid NOT NULL,
  holder     uuid NOT NULL,
  ends_at    timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, account_id),
  FOREIGN KEY (tenant_id, account_id) REFERENCES whatsapp_accounts (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX sender_leases_holder_idx ON sender_leases (holder);
-- UPDATE, as locking a row needs it.
SELECT app.protect_tenant_table('sender_leases', 'SELECT, UPDATE');
SELECT app.open_to_platform('sender_leases', 'SELECT, INSERT, UPDATE, DELETE');

-- Why something does not leave: an explicit error of Meta's, until its time, a successful check, or a person ends it.
CREATE TABLE sending_pauses (
  tenant_id  uuid NOT NULL,
  account_id uuid NOT NULL,
  scope      text NOT NULL CHECK (scope IN ('pair', 'recipient', 'conversation', 'template', 'number', 'business_account', 'token')),
  -- What is paused within the account: empty for the scopes number, business_account and token.
  subject    text NOT NULL,
  -- Which of its sends wait.
  sends      text NOT NULL CHECK (sends IN ('all', 'free_form', 'initiated', 'paid', 'utility', 'marketing')),
  error_code bigint,
  class      text NOT NULL,
  reason     text NOT NULL,
  advice     text NOT NULL,
  started_at timestamptz NOT NULL,
  -- Null: until a check or a person ends it.
  until      timestamptz,
  PRIMARY KEY (tenant_id, account_id, scope, subject),
  FOREIGN KEY (tenant_id, account_id) REFERENCES whatsapp_accounts (tenant_id, id) ON DELETE CASCADE
);
SELECT app.protect_tenant_table('sending_pauses', 'SELECT, INSERT, UPDATE, DELETE');
SELECT app.open_to_platform('sending_pauses', 'SELECT (tenant_id, account_id, scope, sends, until, started_at)');
