-- What somebody may sign in with in place of their address, in lower case.
ALTER TABLE users ADD COLUMN username TEXT;
CREATE UNIQUE INDEX users_username ON users (username);
