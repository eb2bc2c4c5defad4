//! Long lists, shown in parts.

use super::button::{LinkButton, Weight};
use crate::request;
use crate::routes::Page;
use latchkey::flow::page::PageQuery;
use leptos::prelude::*;

/// Which part of a list the query of the page asks for.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    number: u32,
    size: u32,
}

impl Part {
    /// What is asked for, `size` entries at a time.
    pub fn asked(size: u32) -> Self {
        Self::numbered(&request::query("page").unwrap_or_default(), size)
    }

    fn numbered(text: &str, size: u32) -> Self {
        Self { number: text.parse().unwrap_or(1).clamp(1, 1_000_000), size }
    }

    /// The number, from 1, as it stands in addresses.
    pub fn number(self) -> String {
        self.number.to_string()
    }

    /// The same for the core.
    pub fn query(self) -> PageQuery {
        PageQuery { page: Some(self.number()), limit: Some(self.size.to_string()), ..PageQuery::default() }
    }

    /// How many parts `total` entries make.
    fn of(self, total: i64) -> u32 {
        u32::try_from(total).unwrap_or(0).div_ceil(self.size)
    }
}

/// Where the list goes on, when it is longer than one part.
#[component]
pub fn Pager(
    /// The page that shows the list.
    page: Page,
    /// What else stands in its query.
    #[prop(optional)]
    query: Vec<(&'static str, String)>,
    /// Which part is shown.
    part: Part,
    /// How many entries there are in all.
    total: i64,
) -> impl IntoView {
    let (number, pages) = (part.number, part.of(total));
    let to = move |other: u32| {
        let other = other.to_string();
        let rest = query.iter().map(|(name, value)| (*name, Some(value.as_str()).filter(|value| !value.is_empty())));
        page.with_known(&rest.chain([("page", Some(other.as_str()))]).collect::<Vec<_>>())
    };
    (pages > 1).then(|| {
        view! {
            <nav class="card-section" aria-label="Pages of this list">
                <div class="row">
                    {(number > 1).then(|| view! { <LinkButton href=to(number - 1) label="Previous" weight=Weight::Quiet/> })}
                    <span class="soft">{format!("Page {number} of {pages}")}</span>
                    {(number < pages).then(|| view! { <LinkButton href=to(number + 1) label="Next" weight=Weight::Quiet/> })}
                </div>
            </nav>
        }
    })
}

#[cfg(test)]
mod tests {
    use super::Part;

    #[test]
    fn a_list_has_as_many_parts_as_it_needs() {
        for (total, parts) in [(0, 0), (1, 1), (50, 1), (51, 2), (100, 2), (101, 3)] {
            assert_eq!(Part::numbered("1", 50).of(total), parts, "{total}");
        }
    }

    #[test]
    fn what_is_no_number_is_the_first_part() {
        for (text, number) in [("", 1), ("0", 1), ("-3", 1), ("x", 1), ("7", 7), ("2000000", 1_000_000)] {
            assert_eq!(Part::numbered(text, 50).number, number, "{text}");
        }
    }
}
