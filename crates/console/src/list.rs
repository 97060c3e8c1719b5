//! Tables that are sorted, filtered and paged on the server. What is shown is in the address: `q`,
//! `sort` and `page`, so that it can be kept, sent and gone back to. A page that a form has led to has
//! no such address: its lists send the form again, with the same as further fields.
//!
//! On a page that follows changes ([`crate::live`]), each list with an address is a part of it.

mod place;
mod posted;

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use maud::{Markup, html};
use serde::Deserialize;
use url::form_urlencoded::Serializer;

pub use self::place::Place;

/// Rows on a page.
pub const PAGE: usize = 50;
/// Longer texts to look for are cut.
const LONGEST: usize = 200;

/// What is asked of a list, as the address has it. Nonsense is the first page of everything.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ListQuery {
    /// A text that some cell of a row has to have, in any case.
    pub q: String,
    /// The [`Column::key`] to sort by, after a `-` the other way around.
    pub sort: String,
    /// The page, from 1.
    pub page: String,
}

/// A column of a table.
pub struct Column<R> {
    /// Its name in the address. Empty: the rows cannot be sorted by it.
    pub key: &'static str,
    /// Its heading.
    pub title: &'static str,
    /// What is in it, as text: looked through, and sorted by unless there is an order.
    pub text: fn(&R) -> String,
    /// How it is shown, if not as that text.
    pub cell: Option<fn(&R, &crate::Frame) -> Markup>,
    /// How rows are sorted by it, if not by the text.
    pub order: Option<fn(&R, &R) -> Ordering>,
}

/// What a list is about, and where it is.
pub struct List<'a, R> {
    /// Its `id` in the page, unique there.
    pub id: &'a str,
    /// What it lists, for a caption that is read out: `Services`.
    pub title: &'a str,
    /// The address of the page that it is in.
    pub path: &'a str,
    /// Parameters in the address that are not the list's and stay as they are.
    pub keep: &'a [(&'a str, &'a str)],
    /// Its columns. The first one names the row.
    pub columns: &'a [Column<R>],
    /// What a row has that no other one has, as long as it is there: its name, its id.
    pub key: fn(&R) -> String,
    /// What stands there if there are no rows at all.
    pub empty: Markup,
}

/// The rows of one page. A list that is paged in the database makes it itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picked<R> {
    /// Those on the page.
    pub rows: Vec<R>,
    /// How many match.
    pub matching: usize,
    /// How many there are.
    pub all: usize,
    /// Which page this is, from 1.
    pub page: usize,
}

impl<R> std::fmt::Debug for Column<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Column").field("key", &self.key).finish_non_exhaustive()
    }
}

impl<R> std::fmt::Debug for List<'_, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("List").field("id", &self.id).finish_non_exhaustive()
    }
}

/// How another order or page is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// By an address.
    Get,
    /// By a form, which is sent again.
    Post,
}

impl<R> Column<R> {
    /// A column of text that rows can be sorted by.
    pub const fn new(key: &'static str, title: &'static str, text: fn(&R) -> String) -> Self {
        Self { key, title, text, cell: None, order: None }
    }

    /// The same, shown otherwise.
    #[must_use]
    pub const fn shown(self, cell: fn(&R, &crate::Frame) -> Markup) -> Self {
        Self { cell: Some(cell), ..self }
    }

    /// The same, sorted otherwise.
    #[must_use]
    pub const fn sorted(self, order: fn(&R, &R) -> Ordering) -> Self {
        Self { order: Some(order), ..self }
    }

    fn compare(&self, a: &R, b: &R) -> Ordering {
        match self.order {
            Some(order) => order(a, b),
            None => (self.text)(a).to_lowercase().cmp(&(self.text)(b).to_lowercase()),
        }
    }
}

impl ListQuery {
    /// The page that is asked for, from 1.
    pub fn page(&self) -> usize {
        self.page.parse().ok().filter(|it| *it > 0).unwrap_or(1)
    }

    /// The text that is looked for.
    pub fn text(&self) -> String {
        self.q.trim().chars().take(LONGEST).collect()
    }

    /// The [`Column::key`] to sort by, and whether the other way around.
    pub fn sort(&self) -> (&str, bool) {
        self.sort.strip_prefix('-').map_or((self.sort.as_str(), false), |it| (it, true))
    }

    /// The address at which a list is asked for that, beside what it keeps.
    pub fn href(&self, path: &str, keep: &[(&str, &str)]) -> String {
        let mut parameters = Serializer::new(String::new());
        parameters.extend_pairs(keep);
        if !self.text().is_empty() {
            parameters.append_pair("q", &self.text());
        }
        if !self.sort.is_empty() {
            parameters.append_pair("sort", &self.sort);
        }
        if self.page() > 1 {
            parameters.append_pair("page", &self.page().to_string());
        }
        let parameters = parameters.finish();
        if parameters.is_empty() {
            return path.to_owned();
        }
        format!("{path}?{parameters}")
    }

    /// Picks from all rows those of the page. The order that rows come in is kept among equals, and
    /// a page behind the last is the last.
    pub fn pick<R>(&self, mut rows: Vec<R>, columns: &[Column<R>]) -> Picked<R> {
        let all = rows.len();
        let wanted = self.text().to_lowercase();
        if !wanted.is_empty() {
            let has =
                |row: &R| columns.iter().any(|it| (it.text)(row).to_lowercase().contains(&wanted));
            rows.retain(has);
        }
        let (key, backwards) = self.sort();
        if let Some(column) = columns.iter().find(|it| !it.key.is_empty() && it.key == key) {
            rows.sort_by(|a, b| {
                let order = column.compare(a, b);
                if backwards { order.reverse() } else { order }
            });
        }
        let matching = rows.len();
        let page = self.page().min(pages(matching));
        let rows = rows.into_iter().skip((page - 1) * PAGE).take(PAGE).collect();
        Picked { rows, matching, all, page }
    }
}

/// A text as a part of an `id`.
fn named(text: &str) -> String {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// How many pages so many rows are; at least one.
fn pages(rows: usize) -> usize {
    rows.div_ceil(PAGE).max(1)
}

impl<R> List<'_, R> {
    /// The list: what to look for, the table, and the way to other pages.
    pub fn show(&self, picked: &Picked<R>, query: &ListQuery, frame: &crate::Frame) -> Markup {
        let target = format!("#{}", self.found());
        html! {
            section.list id=(self.id) hx-target=(target) hx-select=(target) hx-swap="morph:outerHTML"
                hx-push-url="true" hx-sync="this:replace" {
                @if picked.all > 0 { (self.search(query)) }
                // Only this is swapped: what somebody is typing stays as it is.
                // With the first row comes what to look for it by.
                @let part = if picked.all == 0 { self.id } else { &self.found() };
                div id=(self.found()) data-part=(part) {
                    @for (name, value) in query.fields(self.id) {
                        input type="hidden" data-asked name=(name) value=(value);
                    }
                    @if picked.all == 0 { (self.empty) } @else {
                        @if !query.sort.is_empty() {
                            input type="hidden" name="sort" value=(query.sort) form=(self.form());
                        }
                        (self.table(Way::Get, picked, query, frame))
                        (self.pager(Way::Get, picked, query))
                    }
                }
            }
        }
    }

    /// The `id` of what is swapped.
    fn found(&self) -> String {
        format!("{}-found", self.id)
    }

    /// The `id` of the form to filter with.
    fn form(&self) -> String {
        format!("{}-form", self.id)
    }

    /// The address of the list with another order or page.
    fn href(&self, query: &ListQuery, sort: &str, page: usize) -> String {
        let (q, page) = (query.q.clone(), page.to_string());
        ListQuery { q, sort: sort.to_owned(), page }.href(self.path, self.keep)
    }

    fn search(&self, query: &ListQuery) -> Markup {
        let id = format!("{}-q", self.id);
        html! {
            form.search #(self.form()) method="get" action=(self.path) role="search"
                hx-get=(self.path) hx-trigger={ "submit, input changed delay:300ms from:#" (id) } {
                label for=(id) { "Filter " (self.title.to_lowercase()) }
                input id=(id) type="search" name="q" value=(query.text()) autocomplete="off"
                    spellcheck="false" maxlength=(LONGEST);
                @for (name, value) in self.keep {
                    input type="hidden" name=(name) value=(value);
                }
                button { "Filter" }
            }
        }
    }

    /// A link, or a button that is as good as one.
    fn way(&self, way: Way, query: &ListQuery, (sort, page): (&str, usize), text: &str) -> Markup {
        if way == Way::Post {
            return self.button(query, (sort, page), text);
        }
        let href = self.href(query, sort, page);
        html! { a href=(href) hx-get=(href) { (text) } }
    }

    fn table(
        &self,
        way: Way,
        picked: &Picked<R>,
        query: &ListQuery,
        frame: &crate::Frame,
    ) -> Markup {
        html! {
            div.scroll tabindex="0" role="region" aria-label=(self.title) {
                table {
                    caption.hidden { (self.title) }
                    thead { tr { @for it in self.columns { (self.heading(way, it, query)) } } }
                    tbody {
                        @for (row, id) in picked.rows.iter().zip(self.ids(&picked.rows)) {
                            (self.row(row, &id, frame))
                        }
                        @if picked.rows.is_empty() {
                            tr { td colspan=(self.columns.len()) {
                                "Nothing has “" (query.text()) "” in it. "
                                @if way == Way::Get { a href=(self.path) { "Show all" } }
                                @else { (self.show_all()) }
                            } }
                        }
                    }
                }
            }
        }
    }

    fn heading(&self, way: Way, column: &Column<R>, query: &ListQuery) -> Markup {
        let (key, backwards) = query.sort();
        let is_by = !column.key.is_empty() && key == column.key;
        let sorted = is_by.then_some(if backwards { "descending" } else { "ascending" });
        let next = if is_by && !backwards { format!("-{key}") } else { column.key.to_owned() };
        html! {
            th scope="col" aria-sort=[sorted] {
                @if column.key.is_empty() { (column.title) }
                @else { (self.way(way, query, (&next, 1), column.title)) }
            }
        }
    }

    /// The `id` of each row. Should rows have one key, their order tells them apart.
    fn ids(&self, rows: &[R]) -> Vec<String> {
        let mut seen = BTreeMap::new();
        let id = |row| {
            let id = format!("{}-{}", self.id, named(&(self.key)(row)));
            let times = seen.entry(id.clone()).and_modify(|it| *it += 1).or_insert(1);
            if *times == 1 { id } else { format!("{id}-{times}") }
        };
        rows.iter().map(id).collect()
    }

    fn row(&self, row: &R, id: &str, frame: &crate::Frame) -> Markup {
        let show = |it: &Column<R>| match it.cell {
            Some(cell) => cell(row, frame),
            None => html! { ((it.text)(row)) },
        };
        html! {
            // By its id it is known again, wherever it stands then.
            tr id=(id) {
                @for (index, it) in self.columns.iter().enumerate() {
                    @if index == 0 { th scope="row" { (show(it)) } }
                    @else { td data-title=(it.title) { (show(it)) } }
                }
            }
        }
    }

    fn pager(&self, way: Way, picked: &Picked<R>, query: &ListQuery) -> Markup {
        let (page, last) = (picked.page, pages(picked.matching));
        let first_row = (page - 1) * PAGE + 1;
        let link = |page: usize, text: &str| self.way(way, query, (&query.sort, page), text);
        html! {
            div.pager {
                p role="status" {
                    @if picked.rows.is_empty() { "0 of " (picked.all) }
                    @else {
                        (first_row) "–" (first_row + picked.rows.len() - 1) " of " (picked.matching)
                        @if picked.matching != picked.all { " (" (picked.all) " in all)" }
                    }
                }
                @if last > 1 {
                    nav aria-label={ "Pages of " (self.title.to_lowercase()) } {
                        @if page > 1 { (link(page - 1, "Previous")) }
                        span { "Page " (page) " of " (last) }
                        @if page < last { (link(page + 1, "Next")) }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
