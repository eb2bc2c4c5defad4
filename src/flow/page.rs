//! Lists in pages (contract section 1).

use serde::Deserialize;

use crate::error::Error;
use crate::field::{Field, FieldCode, Findings};

const MOST: u32 = 100;
const USUAL: u32 = 20;

/// The part of a list that is asked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PageQuery {
    /// Which page, from 1.
    pub page: Option<String>,
    /// How many on a page.
    pub limit: Option<String>,
    /// By what.
    pub sort_by: Option<String>,
    /// `asc` or `desc`.
    pub sort_order: Option<String>,
}

/// The same, checked.
#[derive(Clone, Copy, Debug)]
pub struct PageOf {
    /// How many at most.
    pub limit: i64,
    /// How many to pass over.
    pub offset: i64,
    /// The ORDER BY, one of those the list knows.
    pub order: &'static str,
}

/// A page of a list, and how long the whole list is.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// What is on the page.
    pub items: Vec<T>,
    /// How many there are in all.
    pub total: i64,
}

/// What a list can be sorted by; the first is the usual one.
#[derive(Clone, Copy, Debug)]
pub struct Orders {
    /// The wire names.
    pub names: &'static [&'static str],
    /// For each of them the order up and down.
    pub columns: &'static [(&'static str, &'static str)],
}

impl PageQuery {
    /// Checks the query against what the list can be sorted by; downwards when not said.
    pub fn check(&self, orders: Orders) -> Result<PageOf, Error> {
        let mut findings = Findings::default();
        let page = number(&mut findings, self.page.as_deref(), Field::Page, 1, 1_000_000);
        let limit = number(&mut findings, self.limit.as_deref(), Field::Limit, USUAL, MOST);
        let by = match self.sort_by.as_deref() {
            None => Some(0),
            Some(name) => orders.names.iter().position(|known| *known == name),
        };
        if by.is_none() {
            findings.add(Field::SortBy, FieldCode::NotOneOf(orders.names));
        }
        let down = match self.sort_order.as_deref().map(str::to_ascii_lowercase).as_deref() {
            None | Some("desc") => true,
            Some("asc") => false,
            Some(_) => {
                findings.add(Field::SortOrder, FieldCode::NotOneOf(&["asc", "desc"]));
                true
            }
        };
        findings.check()?;
        let order = by.and_then(|at| orders.columns.get(at)).map_or("", |(up, fall)| if down { fall } else { up });
        Ok(PageOf { limit: i64::from(limit), offset: i64::from(page - 1) * i64::from(limit), order })
    }
}

fn number(findings: &mut Findings, text: Option<&str>, field: Field, usual: u32, most: u32) -> u32 {
    match text.map(str::parse::<u32>) {
        None => usual,
        Some(Ok(number)) if (1..=most).contains(&number) => number,
        Some(_) => {
            findings.add(field, FieldCode::OutOfRange(1, i64::from(most)));
            usual
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDERS: Orders =
        Orders { names: &["createdAt", "name"], columns: &[("created_at", "created_at DESC"), ("name", "name DESC")] };

    fn query(page: &str, limit: &str) -> PageQuery {
        PageQuery { page: Some(page.to_owned()), limit: Some(limit.to_owned()), ..PageQuery::default() }
    }

    #[test]
    fn pages_begin_at_one() {
        let page = query("3", "50").check(ORDERS).expect("fine");
        assert_eq!((page.limit, page.offset, page.order), (50, 100, "created_at DESC"));
    }

    #[test]
    fn too_much_is_refused_not_cut() {
        for bad in [query("0", "20"), query("1", "101"), query("1", "0"), query("x", "20"), query("-1", "20")] {
            assert!(bad.check(ORDERS).is_err(), "{bad:?}");
        }
        assert!(PageQuery { sort_by: Some("password_hash".to_owned()), ..PageQuery::default() }.check(ORDERS).is_err());
    }
}
