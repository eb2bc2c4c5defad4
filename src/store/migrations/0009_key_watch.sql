-- Keys that were used, or refused, while their use was watched.
CREATE TABLE api_key_watch (
    key_id TEXT PRIMARY KEY REFERENCES api_keys (id) ON DELETE CASCADE,
    -- The first use that was seen; NULL while it was only refused.
    since BIGINT,
    -- Calls in the busiest of the hours before this one.
    usual_hour BIGINT,
    usual BIGINT,
    -- The last hour that was told of as a burst.
    burst_hour BIGINT,
    -- When its owner was last mailed.
    mailed_at BIGINT
);

-- Networks and programs that a key was used from and by; networks that used it after its end.
CREATE TABLE api_key_seen (
    key_id TEXT NOT NULL REFERENCES api_keys (id) ON DELETE CASCADE,
    -- What it would be told of as.
    signal TEXT NOT NULL,
    what TEXT NOT NULL,
    last_at BIGINT NOT NULL,
    PRIMARY KEY (key_id, signal, what)
);

-- What was unusual.
CREATE TABLE api_key_flags (
    key_id TEXT NOT NULL REFERENCES api_keys (id) ON DELETE CASCADE,
    signal TEXT NOT NULL,
    detail TEXT NOT NULL,
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    calls BIGINT NOT NULL,
    -- When somebody said that it was expected.
    dismissed_at BIGINT,
    PRIMARY KEY (key_id, signal, detail)
);
CREATE INDEX api_key_flags_dismissed ON api_key_flags (dismissed_at);

-- Since when a secret opens nothing and is as unknown as any other to whoever presents it. It is kept for a while to notice
-- that somebody does.
ALTER TABLE api_key_secrets ADD COLUMN dropped_at BIGINT;
