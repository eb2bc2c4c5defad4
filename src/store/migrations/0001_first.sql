-- One text for SQLite and PostgreSQL: TEXT, BIGINT, and bytes. Instants are milliseconds since 1970; flags are nullable
-- instants. BYTEA has no affinity of its own in SQLite, which therefore keeps the bytes as they come.

CREATE TABLE facts (
    name TEXT PRIMARY KEY,
    value BYTEA NOT NULL
);

CREATE TABLE users (
    id TEXT PRIMARY KEY,
    email TEXT NOT NULL,
    name TEXT NOT NULL,
    first_name TEXT,
    last_name TEXT,
    avatar_url TEXT,
    password_hash TEXT,
    email_verified_at BIGINT,
    disabled_at BIGINT,
    landlord_since BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX users_email ON users (email);

CREATE TABLE organizations (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    slug TEXT NOT NULL,
    contact_email TEXT,
    suspended_at BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX organizations_slug ON organizations (slug);

CREATE TABLE memberships (
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role TEXT NOT NULL,
    suspended_at BIGINT,
    joined_at BIGINT NOT NULL,
    PRIMARY KEY (organization_id, user_id)
);
CREATE INDEX memberships_user ON memberships (user_id, joined_at);

CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    organization_id TEXT REFERENCES organizations (id) ON DELETE SET NULL,
    cookie_hash BYTEA,
    amr TEXT NOT NULL,
    authenticated_at BIGINT NOT NULL,
    address TEXT NOT NULL,
    user_agent TEXT NOT NULL,
    kept BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    ended_at BIGINT,
    ended_by TEXT
);
CREATE UNIQUE INDEX sessions_cookie ON sessions (cookie_hash);
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_expiry ON sessions (expires_at);

CREATE TABLE refresh_tokens (
    hash BYTEA PRIMARY KEY,
    session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    used_at BIGINT,
    successor BYTEA
);
CREATE INDEX refresh_tokens_session ON refresh_tokens (session_id);

-- Access tokens that were exchanged for a newer one before their time: dead, but for a repeat of the exchange.
CREATE TABLE exchanged_tokens (
    jti TEXT PRIMARY KEY,
    session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    exchanged_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    successor BYTEA
);
CREATE INDEX exchanged_tokens_expiry ON exchanged_tokens (expires_at);

CREATE TABLE signing_keys (
    kid TEXT PRIMARY KEY,
    algorithm TEXT NOT NULL,
    private BYTEA NOT NULL,
    signs_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE api_keys (
    id TEXT PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    -- The person it belongs to, or, for a key of the organization, who is responsible for it.
    user_id TEXT NOT NULL REFERENCES users (id),
    owner TEXT NOT NULL,
    created_by TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    mode TEXT NOT NULL,
    scopes TEXT NOT NULL,
    -- Further organizations: empty, "all", or ids separated by spaces.
    span TEXT NOT NULL,
    public_id TEXT NOT NULL,
    last_four TEXT NOT NULL,
    rate_limit BIGINT NOT NULL,
    rate_limit_window BIGINT NOT NULL,
    rate_limit_per_minute BIGINT,
    rate_limit_per_day BIGINT,
    allowed_ips TEXT NOT NULL,
    allowed_domains TEXT NOT NULL,
    expires_at BIGINT,
    overlap_ends_at BIGINT,
    inactive_at BIGINT,
    revoked_at BIGINT,
    revoked_by TEXT,
    revoked_reason TEXT,
    last_used_at BIGINT,
    last_used_ip TEXT,
    last_used_by TEXT,
    usage_count BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX api_keys_organization ON api_keys (organization_id, created_at);
CREATE INDEX api_keys_user ON api_keys (user_id);

-- The secrets a key has: the present one, and for a while the one before.
CREATE TABLE api_key_secrets (
    public_id TEXT PRIMARY KEY,
    key_id TEXT NOT NULL REFERENCES api_keys (id) ON DELETE CASCADE,
    mac BYTEA NOT NULL,
    ends_at BIGINT,
    created_at BIGINT NOT NULL
);
CREATE INDEX api_key_secrets_key ON api_key_secrets (key_id);

-- Counted in memory, written once a minute: one row per key, hour and endpoint.
CREATE TABLE api_key_hours (
    key_id TEXT NOT NULL REFERENCES api_keys (id) ON DELETE CASCADE,
    hour BIGINT NOT NULL,
    endpoint TEXT NOT NULL,
    calls BIGINT NOT NULL,
    errors BIGINT NOT NULL,
    PRIMARY KEY (key_id, hour, endpoint)
);
CREATE INDEX api_key_hours_age ON api_key_hours (hour);

CREATE TABLE api_key_calls (
    id TEXT PRIMARY KEY,
    key_id TEXT NOT NULL REFERENCES api_keys (id) ON DELETE CASCADE,
    at BIGINT NOT NULL,
    endpoint TEXT NOT NULL,
    status BIGINT NOT NULL,
    address TEXT NOT NULL,
    user_agent TEXT NOT NULL
);
CREATE INDEX api_key_calls_key ON api_key_calls (key_id, id);
CREATE INDEX api_key_calls_age ON api_key_calls (at);

-- The one-time link of the first start.
CREATE TABLE setup_links (
    hash BYTEA PRIMARY KEY,
    created_at BIGINT NOT NULL
);

-- The audit log: append-only, one hash chain per organization and one ("platform") beside them.
CREATE TABLE audit_chains (
    chain TEXT PRIMARY KEY,
    length BIGINT NOT NULL,
    head BYTEA NOT NULL
);

CREATE TABLE audit_events (
    id TEXT PRIMARY KEY,
    chain TEXT NOT NULL,
    position BIGINT NOT NULL,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    address TEXT NOT NULL,
    user_agent TEXT NOT NULL,
    request_id TEXT NOT NULL,
    detail TEXT NOT NULL,
    hash BYTEA NOT NULL
);
CREATE UNIQUE INDEX audit_events_chain ON audit_events (chain, position);
