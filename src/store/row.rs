//! From columns to domain types, and from what people search for to patterns.

use sqlx::Row as _;

use super::db::Row;
use crate::clock::Timestamp;
use crate::error::Error;

/// Reads columns; a value that does not fit its type is a fault of ours.
pub(super) trait Columns {
    fn text(&self, column: &str) -> Result<String, Error>;
    fn maybe_text(&self, column: &str) -> Result<Option<String>, Error>;
    fn number(&self, column: &str) -> Result<i64, Error>;
    fn maybe_number(&self, column: &str) -> Result<Option<i64>, Error>;
    fn bytes(&self, column: &str) -> Result<Vec<u8>, Error>;
    fn maybe_bytes(&self, column: &str) -> Result<Option<Vec<u8>>, Error>;

    fn at(&self, column: &str) -> Result<Timestamp, Error> {
        self.number(column).map(Timestamp::from_millis)
    }

    fn maybe_at(&self, column: &str) -> Result<Option<Timestamp>, Error> {
        Ok(self.maybe_number(column)?.map(Timestamp::from_millis))
    }

    /// A text that one of our types reads.
    fn parsed<T: std::str::FromStr>(&self, column: &str) -> Result<T, Error> {
        self.known(column, |text| text.parse().ok())
    }

    fn maybe_parsed<T: std::str::FromStr>(&self, column: &str) -> Result<Option<T>, Error> {
        let Some(text) = self.maybe_text(column)? else { return Ok(None) };
        text.parse().map(Some).map_err(|_| strange(column))
    }

    fn known<T>(&self, column: &str, read: impl FnOnce(&str) -> Option<T>) -> Result<T, Error> {
        read(&self.text(column)?).ok_or_else(|| strange(column))
    }
}

/// A LIKE pattern for names that hold `text`, whatever characters it has.
pub(super) fn containing(text: &str) -> String {
    let mut pattern = String::from("%");
    for letter in text.to_lowercase().chars() {
        if matches!(letter, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}

fn strange(column: &str) -> Error {
    Error::internal(format!("the stored value of {column} cannot be read"))
}

impl Columns for Row {
    fn text(&self, column: &str) -> Result<String, Error> {
        Ok(self.try_get(column)?)
    }

    fn maybe_text(&self, column: &str) -> Result<Option<String>, Error> {
        Ok(self.try_get(column)?)
    }

    fn number(&self, column: &str) -> Result<i64, Error> {
        Ok(self.try_get(column)?)
    }

    fn maybe_number(&self, column: &str) -> Result<Option<i64>, Error> {
        Ok(self.try_get(column)?)
    }

    fn bytes(&self, column: &str) -> Result<Vec<u8>, Error> {
        Ok(self.try_get(column)?)
    }

    fn maybe_bytes(&self, column: &str) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.try_get(column)?)
    }
}
