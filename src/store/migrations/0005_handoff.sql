-- Tickets with which somebody who is signed in goes on elsewhere: each works once, at one site, while its session lives.
CREATE TABLE handoffs (
    ticket_hash BYTEA PRIMARY KEY,
    session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    -- The site that may redeem it.
    origin TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX handoffs_session ON handoffs (session_id);
CREATE INDEX handoffs_expiry ON handoffs (expires_at);

-- 1 when the session came by a handoff: the pages of such a session keep tokens for scripts, those of others never do.
ALTER TABLE sessions ADD COLUMN handed_off BIGINT NOT NULL DEFAULT 0;

-- When the person proved who they are in the session that is handed on, and its last instant; NULL for any other sign-in.
ALTER TABLE half_sign_ins ADD COLUMN source_authenticated_at BIGINT;
ALTER TABLE half_sign_ins ADD COLUMN source_expires_at BIGINT;
