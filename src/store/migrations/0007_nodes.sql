-- Several nodes: counts that all of them share, and leases on work that one of them does.
CREATE TABLE counts (
    name BYTEA NOT NULL PRIMARY KEY,
    began_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    used BIGINT NOT NULL
);
CREATE INDEX counts_ends_at ON counts (ends_at);

CREATE TABLE leases (
    name TEXT NOT NULL PRIMARY KEY,
    holder TEXT NOT NULL,
    until BIGINT NOT NULL
);
