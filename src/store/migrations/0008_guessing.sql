-- Wrong passwords in a row, by a keyed hash of the address, whether or not it has an account, and by lane.
CREATE TABLE guesses (
    address BYTEA NOT NULL,
    -- strangers, known_browsers
    lane TEXT NOT NULL,
    failures BIGINT NOT NULL,
    last_failed_at BIGINT NOT NULL,
    -- When the owner was last mailed about it.
    told_at BIGINT,
    PRIMARY KEY (address, lane)
);
CREATE INDEX guesses_age ON guesses (last_failed_at);
