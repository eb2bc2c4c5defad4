//! Every row of every table, out and in. Which tables and columns there are is asked of the database itself, so that none
//! can be forgotten.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::TryStreamExt as _;
use serde_json::Value;
use sqlx::any::AnyArguments;
use sqlx::query::Query;
use sqlx::{Any, AssertSqlSafe, query};

use super::Store;
use super::db::Row;
use super::row::Columns as _;
use crate::error::Error;

/// Where the migrations that were run are noted.
const MIGRATIONS: &str = "_sqlx_migrations";
/// Tables whose rows mean nothing once the server that wrote them has ended.
const PASSING: [&str; 2] = ["leases", "counts"];

/// How an engine is asked for its tables.
#[derive(Clone, Copy)]
pub struct Catalog {
    /// `table_name`, `column_name` and `kind` of every column.
    pub(super) columns: &'static str,
    /// `table_name` and `refers_to` of every foreign key.
    pub(super) references: &'static str,
}

/// A row by the names of its columns; bytes are in base64.
pub type Fields = serde_json::Map<String, Value>;

#[derive(Clone, Copy)]
enum Kind {
    Text,
    Number,
    Bytes,
}

/// A table as the database has it.
pub struct Table {
    /// What it is called.
    pub name: String,
    columns: Vec<(String, Kind)>,
}

/// All tables that hold what is to be kept.
pub struct Schema {
    /// The last migration that was run.
    pub version: Option<i64>,
    /// Each behind those that it refers to.
    pub tables: Vec<Table>,
}

type Statement<'q> = Query<'q, Any, AnyArguments>;

impl Kind {
    fn of(table: &str, name: &str) -> Result<Self, Error> {
        match name.to_ascii_uppercase().as_str() {
            "TEXT" => Ok(Self::Text),
            "BIGINT" => Ok(Self::Number),
            "BYTEA" => Ok(Self::Bytes),
            _ => Err(Error::internal(format!(
                "the table {table} is none of Latchkey's (it has a column of the type {name}): give it a database of its own"
            ))),
        }
    }

    fn read(self, row: &Row, column: &str) -> Result<Value, Error> {
        Ok(match self {
            Self::Text => row.maybe_text(column)?.into(),
            Self::Number => row.maybe_number(column)?.into(),
            Self::Bytes => row.maybe_bytes(column)?.map(|bytes| STANDARD.encode(bytes)).into(),
        })
    }

    fn bind<'q>(self, statement: Statement<'q>, value: &Value) -> Result<Statement<'q>, Error> {
        let strange = || Error::internal(format!("the value {value} does not fit its column"));
        Ok(match (self, value) {
            (Self::Text, Value::Null) => statement.bind(None::<String>),
            (Self::Text, Value::String(text)) => statement.bind(text.clone()),
            (Self::Number, Value::Null) => statement.bind(None::<i64>),
            (Self::Number, Value::Number(number)) => statement.bind(number.as_i64().ok_or_else(strange)?),
            (Self::Bytes, Value::Null) => statement.bind(None::<Vec<u8>>),
            (Self::Bytes, Value::String(text)) => statement.bind(STANDARD.decode(text).map_err(|_| strange())?),
            _ => return Err(strange()),
        })
    }
}

impl Table {
    fn quoted(&self) -> String {
        format!("\"{}\"", self.name)
    }

    fn column_list(&self) -> String {
        let quoted: Vec<_> = self.columns.iter().map(|(name, _)| format!("\"{name}\"")).collect();
        quoted.join(", ")
    }

    fn fields(&self, row: &Row) -> Result<Fields, Error> {
        self.columns.iter().map(|(name, kind)| Ok((name.clone(), kind.read(row, name)?))).collect()
    }

    fn bind<'q>(&self, statement: Statement<'q>, fields: &Fields) -> Result<Statement<'q>, Error> {
        if fields.len() != self.columns.len() {
            return Err(Error::internal(format!("a row of {} has other columns than the table", self.name)));
        }
        self.columns.iter().try_fold(statement, |statement, (name, kind)| {
            let missing = || Error::internal(format!("a row of {} has no {name}", self.name));
            kind.bind(statement, fields.get(name).ok_or_else(missing)?)
        })
    }

    /// `($1, $2), ($3, $4)` for two rows of two columns.
    fn places(&self, rows: usize) -> String {
        let width = self.columns.len();
        let row = |row: usize| {
            let places: Vec<_> = (1..=width).map(|column| format!("${}", row * width + column)).collect();
            format!("({})", places.join(", "))
        };
        (0..rows).map(row).collect::<Vec<_>>().join(", ")
    }
}

impl Schema {
    /// The table of this name.
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.name == name)
    }
}

impl Store<'_> {
    /// The tables there are.
    pub async fn find_schema(&mut self, catalog: Catalog) -> Result<Schema, Error> {
        let mut columns: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
        for row in query(catalog.columns).fetch_all(&mut *self.connection).await? {
            let column = (row.text("column_name")?, row.text("kind")?);
            columns.entry(row.text("table_name")?).or_default().push(column);
        }
        let version = match columns.remove(MIGRATIONS) {
            Some(_) => self.find_schema_version().await?,
            None => None,
        };
        columns.retain(|table, _| !PASSING.contains(&table.as_str()));
        let references = query(catalog.references).fetch_all(&mut *self.connection).await?;
        let pair = |row: &Row| Ok((row.text("table_name")?, row.text("refers_to")?));
        let references = references.iter().map(pair).collect::<Result<Vec<_>, Error>>()?;
        Ok(Schema { version, tables: in_order(columns, &references)? })
    }

    async fn find_schema_version(&mut self) -> Result<Option<i64>, Error> {
        let row =
            query("SELECT MAX(version) AS version FROM _sqlx_migrations").fetch_one(&mut *self.connection).await?;
        row.maybe_number("version")
    }

    /// Hands on the rows of a table one by one; they are never all in memory.
    pub async fn each_row<E: From<Error>>(
        &mut self,
        table: &Table,
        mut each: impl FnMut(&Fields) -> Result<(), E>,
    ) -> Result<(), E> {
        let statement = format!("SELECT {} FROM {}", table.column_list(), table.quoted());
        let mut rows = query(AssertSqlSafe(statement)).fetch(&mut *self.connection);
        while let Some(row) = rows.try_next().await.map_err(Error::from)? {
            each(&table.fields(&row)?)?;
        }
        Ok(())
    }

    /// Whether a table holds anything.
    pub async fn has_rows(&mut self, table: &Table) -> Result<bool, Error> {
        let statement = format!("SELECT 1 AS found FROM {} LIMIT 1", table.quoted());
        Ok(query(AssertSqlSafe(statement)).fetch_optional(&mut *self.connection).await?.is_some())
    }

    /// How many rows a table holds.
    pub async fn count_rows(&mut self, table: &Table) -> Result<i64, Error> {
        let statement = format!("SELECT CAST(COUNT(*) AS BIGINT) AS total FROM {}", table.quoted());
        query(AssertSqlSafe(statement)).fetch_one(&mut *self.connection).await?.number("total")
    }

    /// Writes rows as they were read.
    pub async fn insert_rows(&mut self, table: &Table, rows: &[Fields]) -> Result<(), Error> {
        if rows.is_empty() {
            return Ok(());
        }
        let (into, columns, places) = (table.quoted(), table.column_list(), table.places(rows.len()));
        let statement = query(AssertSqlSafe(format!("INSERT INTO {into} ({columns}) VALUES {places}")));
        let bound = rows.iter().try_fold(statement, |statement, fields| table.bind(statement, fields))?;
        bound.execute(&mut *self.connection).await?;
        Ok(())
    }
}

/// Puts every table behind those that it refers to.
fn in_order(
    mut columns: BTreeMap<String, Vec<(String, String)>>,
    references: &[(String, String)],
) -> Result<Vec<Table>, Error> {
    let mut tables = Vec::with_capacity(columns.len());
    while !columns.is_empty() {
        let waits =
            |name: &String| references.iter().any(|(from, to)| from == name && to != name && columns.contains_key(to));
        let free = columns.keys().find(|name| !waits(name)).cloned();
        let name = free.ok_or_else(|| Error::internal("tables refer to each other in a circle"))?;
        let kinds = columns.remove(&name).unwrap_or_default();
        let kinds = kinds.into_iter().map(|(column, kind)| Ok((column, Kind::of(&name, &kind)?)));
        tables.push(Table { columns: kinds.collect::<Result<_, Error>>()?, name });
    }
    Ok(tables)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(columns: &[&str], references: &[(&str, &str)]) -> Result<Vec<String>, Error> {
        let columns = columns.iter().map(|name| ((*name).to_owned(), vec![("id".to_owned(), "TEXT".to_owned())]));
        let references: Vec<_> = references.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect();
        Ok(in_order(columns.collect(), &references)?.into_iter().map(|table| table.name).collect())
    }

    #[test]
    fn a_table_stands_behind_those_it_refers_to() {
        let tables = ["a", "b", "c", "d"];
        assert_eq!(names(&tables, &[("a", "c"), ("c", "d"), ("b", "b")]).expect("ordered"), ["b", "d", "c", "a"]);
        assert!(names(&tables, &[("a", "c"), ("c", "a")]).is_err());
    }

    #[test]
    fn a_column_of_an_unknown_kind_is_no_column_to_pass_over() {
        assert!(Kind::of("orders", "timestamp with time zone").is_err());
    }
}
