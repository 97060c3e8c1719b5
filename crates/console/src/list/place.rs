//! Where a list is that different pages show.

use maud::Markup;

use super::{List, ListQuery, Picked, Way};
use crate::Frame;

/// The page that a list is in, and how it is asked for again.
#[derive(Clone, Debug)]
pub struct Place {
    path: String,
    keep: Vec<(String, String)>,
    way: Way,
}

impl Place {
    /// A page with an address, and parameters in it that stay as they are.
    pub fn at(path: String, keep: Vec<(String, String)>) -> Self {
        Self { path, keep, way: Way::Get }
    }

    /// A page that a form with these fields has led to, sent there.
    pub fn behind(path: String, fields: Vec<(String, String)>) -> Self {
        Self { path, keep: fields, way: Way::Post }
    }

    /// The same with further fields or parameters.
    #[must_use]
    pub fn with(mut self, more: Vec<(String, String)>) -> Self {
        self.keep.extend(more);
        self
    }

    /// The page's address.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// For [`List::keep`].
    pub fn keep(&self) -> Vec<(&str, &str)> {
        self.keep.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }
}

impl<R> List<'_, R> {
    /// The list, as it is asked for there.
    pub fn show_in(
        &self,
        place: &Place,
        picked: &Picked<R>,
        query: &ListQuery,
        frame: &Frame,
    ) -> Markup {
        match place.way {
            Way::Get => self.show(picked, query, frame),
            Way::Post => self.show_posted(picked, query, frame),
        }
    }
}
