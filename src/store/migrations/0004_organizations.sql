-- Invitations by mail. Each has one good link at a time: sending it again, or showing its link, kills the one before.
CREATE TABLE invitations (
    id TEXT PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    email TEXT NOT NULL,
    role TEXT NOT NULL,
    invited_by TEXT NOT NULL,
    inviter_name TEXT NOT NULL,
    token_hash BYTEA NOT NULL,
    -- 1 when the good link was shown rather than mailed: opening it proves nothing about the address.
    shown BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    sent_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    accepted_at BIGINT,
    withdrawn_at BIGINT
);
CREATE UNIQUE INDEX invitations_token ON invitations (token_hash);
CREATE INDEX invitations_organization ON invitations (organization_id, created_at);
-- One open invitation for an address and organization.
CREATE UNIQUE INDEX invitations_open ON invitations (organization_id, email)
    WHERE accepted_at IS NULL AND withdrawn_at IS NULL;

-- Codes with which people join while they sign up.
CREATE TABLE invitation_codes (
    id TEXT PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    -- A keyed hash to find it by, and the code itself, sealed, for those who may hand it out.
    mac BYTEA NOT NULL,
    code BYTEA NOT NULL,
    role TEXT NOT NULL,
    max_uses BIGINT NOT NULL,
    uses BIGINT NOT NULL,
    email_domain TEXT,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT
);
CREATE UNIQUE INDEX invitation_codes_mac ON invitation_codes (mac);
CREATE INDEX invitation_codes_organization ON invitation_codes (organization_id, created_at);

-- 1 for a place that is suspended until its person's address is confirmed: it came with a code for a domain.
ALTER TABLE memberships ADD COLUMN awaits_address BIGINT NOT NULL DEFAULT 0;

-- What an organization lets people sign in with, words divided by spaces; everything when NULL.
ALTER TABLE organizations ADD COLUMN sign_in_methods TEXT;
-- How long its access tokens live, when that is less than the installation says.
ALTER TABLE organizations ADD COLUMN access_token_seconds BIGINT;
-- 1 when nobody joins by a code.
ALTER TABLE organizations ADD COLUMN invitation_only BIGINT NOT NULL DEFAULT 0;
