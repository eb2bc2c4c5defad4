-- Mails to be sent, each written in the transaction of its cause. The content is sealed (it holds one-time links) and
-- emptied once the mail is done.
CREATE TABLE mails (
    id TEXT PRIMARY KEY,
    recipient TEXT NOT NULL,
    -- Set on mails that go to nobody: asking for an address without an account costs the same writes.
    decoy BIGINT,
    content BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    next_try_at BIGINT NOT NULL,
    gives_up_at BIGINT NOT NULL,
    tries BIGINT NOT NULL,
    -- Since when a sender has it in hand.
    claimed_at BIGINT,
    -- When it was handed over, or given up; then `problem` says why.
    done_at BIGINT,
    problem TEXT
);
CREATE INDEX mails_due ON mails (next_try_at) WHERE done_at IS NULL;
CREATE INDEX mails_done ON mails (done_at);

-- What was mailed and can be redeemed once. The slot is what a new request replaces.
CREATE TABLE challenges (
    slot TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    email TEXT NOT NULL,
    -- Nobody's when the address has no account: answers must not tell.
    user_id TEXT REFERENCES users (id) ON DELETE CASCADE,
    token_hash BYTEA NOT NULL,
    code_mac BYTEA,
    code_tries BIGINT NOT NULL,
    browser BYTEA,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    ended_at BIGINT
);
CREATE UNIQUE INDEX challenges_token ON challenges (token_hash);
CREATE INDEX challenges_email ON challenges (email);
CREATE INDEX challenges_user ON challenges (user_id);
CREATE INDEX challenges_browser ON challenges (browser);
CREATE INDEX challenges_expiry ON challenges (expires_at);

-- Browsers and programs that somebody has signed in with.
CREATE TABLE known_browsers (
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    browser BYTEA NOT NULL,
    last_seen_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, browser)
);
CREATE INDEX known_browsers_age ON known_browsers (last_seen_at);

-- Which warnings of a key's end have been written.
CREATE TABLE api_key_warnings (
    key_id TEXT NOT NULL REFERENCES api_keys (id) ON DELETE CASCADE,
    expires_at BIGINT NOT NULL,
    days BIGINT NOT NULL,
    PRIMARY KEY (key_id, expires_at, days)
);

-- Since when a second factor stands behind every first one.
ALTER TABLE users ADD COLUMN second_factor_since BIGINT;
