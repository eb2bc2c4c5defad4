-- The authenticator that stands behind every first factor of a person. `users.second_factor_since` says whether one does.
CREATE TABLE totp_factors (
    user_id TEXT PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    -- Sealed.
    secret BYTEA NOT NULL,
    -- The newest time step a code was accepted for: neither it nor an older one is accepted again.
    last_step BIGINT NOT NULL,
    -- Wrong codes since `failures_since`; too many lock the factor.
    failures BIGINT NOT NULL,
    failures_since BIGINT NOT NULL,
    locked_until BIGINT,
    codes_made_at BIGINT NOT NULL
);

-- An authenticator that has yet to be proven. The secret is sealed, together with the backup codes that belong to it.
CREATE TABLE totp_setups (
    user_id TEXT PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    content BYTEA NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX totp_setups_expiry ON totp_setups (expires_at);

CREATE TABLE backup_codes (
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- A keyed hash.
    mac BYTEA NOT NULL,
    used_at BIGINT,
    PRIMARY KEY (user_id, mac)
);

-- People who have proven a first factor and have yet to prove the second.
CREATE TABLE half_sign_ins (
    token_hash BYTEA PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    organization_id TEXT REFERENCES organizations (id) ON DELETE CASCADE,
    amr TEXT NOT NULL,
    kept BIGINT NOT NULL,
    tries BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX half_sign_ins_user ON half_sign_ins (user_id);
CREATE INDEX half_sign_ins_expiry ON half_sign_ins (expires_at);

-- Browsers and clients that a second factor was proven on, and that are not asked for it again for a while.
CREATE TABLE trusted_devices (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    token_hash BYTEA NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    -- What the client said of itself beside its user agent.
    browser_info TEXT,
    user_agent TEXT NOT NULL,
    address TEXT NOT NULL,
    location TEXT,
    -- The hash of what the client calls itself by; a new device with the same one takes the place of the old.
    fingerprint BYTEA,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX trusted_devices_token ON trusted_devices (token_hash);
CREATE INDEX trusted_devices_user ON trusted_devices (user_id, created_at);
CREATE INDEX trusted_devices_expiry ON trusted_devices (expires_at);

-- When a second factor was last proven in a session, and with what.
ALTER TABLE sessions ADD COLUMN second_factor_at BIGINT;
ALTER TABLE sessions ADD COLUMN second_factor TEXT;
-- Those that act in an organization end when their person leaves it, and lose it when it goes.
CREATE INDEX sessions_organization ON sessions (organization_id);

-- From when on members must have a second factor.
ALTER TABLE organizations ADD COLUMN two_factor_required_from BIGINT;
-- How many days a device may be trusted, when it is not the usual number; none at all when 0.
ALTER TABLE organizations ADD COLUMN trusted_device_days BIGINT;
