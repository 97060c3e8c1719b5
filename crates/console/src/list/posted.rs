//! Lists on pages that a form has led to. The whole list is a form that sends the same again, with
//! what is asked of the list in fields that have its `id` before their names.

use maud::{Markup, html};

use super::{LONGEST, List, ListQuery, Picked, Way};
use crate::{Frame, forms};

/// The names of the fields, behind the list's `id` and a dot.
const Q: &str = "q";
const SORT: &str = "sort";
const PAGE: &str = "page";

fn named(id: &str, name: &str) -> String {
    format!("{id}.{name}")
}

impl ListQuery {
    /// What the fields of a form ask of the list of that `id`. The last of a name counts: a button
    /// comes after what was there before.
    pub fn posted(fields: &[(String, String)], id: &str) -> Self {
        let field = |name: &str| {
            let wanted = named(id, name);
            let found = fields.iter().rev().find(|(it, _)| *it == wanted);
            found.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        Self { q: field(Q), sort: field(SORT), page: field(PAGE) }
    }

    /// The fields that ask the same again of the list of that `id`.
    pub fn fields(&self, id: &str) -> Vec<(String, String)> {
        [(Q, self.text()), (SORT, self.sort.clone()), (PAGE, self.page.clone())]
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (named(id, name), value))
            .collect()
    }
}

impl<R> List<'_, R> {
    /// The same list on a page that the form at [`List::path`] has led to. What it was sent is in
    /// [`List::keep`]; no cell may have a form in it.
    pub fn show_posted(&self, picked: &Picked<R>, query: &ListQuery, frame: &Frame) -> Markup {
        let target = format!("#{}", self.found());
        let q = format!("{}-q", self.id);
        html! {
            section.list id=(self.id) {
                @if picked.all == 0 { (self.empty) } @else {
                    form method="post" action={ (self.path) "#" (self.id) } hx-post=(self.path)
                        hx-trigger={ "submit, input changed delay:300ms from:#" (q) }
                        hx-target=(target) hx-select=(target) hx-swap="outerHTML" {
                        (forms::csrf(&frame.csrf))
                        div.search role="search" {
                            label for=(q) { "Filter " (self.title.to_lowercase()) }
                            input id=(q) type="search" name=(named(self.id, Q)) value=(query.text())
                                autocomplete="off" spellcheck="false" maxlength=(LONGEST);
                            button { "Filter" }
                        }
                        div id=(self.found()) {
                            @if !query.sort.is_empty() {
                                input type="hidden" name=(named(self.id, SORT)) value=(query.sort);
                            }
                            (self.table(Way::Post, picked, query, frame))
                            (self.pager(Way::Post, picked, query))
                        }
                        @for (name, value) in self.keep {
                            input type="hidden" name=(name) value=(value);
                        }
                    }
                }
            }
        }
    }

    /// A button for another order, or else for another page of this one.
    pub(super) fn button(
        &self,
        query: &ListQuery,
        (sort, page): (&str, usize),
        text: &str,
    ) -> Markup {
        let (name, value) =
            if sort == query.sort { (PAGE, page.to_string()) } else { (SORT, sort.to_owned()) };
        html! { button.link name=(named(self.id, name)) value=(value) { (text) } }
    }

    /// Takes the text back. The field that it is in is swapped as well.
    pub(super) fn show_all(&self) -> Markup {
        let all = format!("#{}", self.id);
        html! {
            button.link name=(named(self.id, Q)) value="" hx-post=(self.path) hx-trigger="click"
                hx-target=(all) hx-select=(all) { "Show all" }
        }
    }
}
