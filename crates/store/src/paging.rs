//! Lists that the database filters, sorts and cuts into pages.

/// Which rows of a list are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted<K> {
    /// A text that some column of a row has to have, in any case. Every character of it is itself.
    /// Empty: any row.
    pub text: String,
    /// What rows are sorted by; `None`: the list's own order, which also decides among equals.
    pub sort: Option<Sort<K>>,
    /// The page, from 1. One behind the last is the last.
    pub page: usize,
    /// Rows on a page, at least 1.
    pub size: usize,
}

/// What rows are sorted by: their texts without case, by code points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort<K> {
    /// The column.
    pub by: K,
    /// Whether the last comes first. Among equals the order stays the same.
    pub backwards: bool,
}

/// The rows of one page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paged<R> {
    /// Those on the page.
    pub rows: Vec<R>,
    /// How many match.
    pub matching: usize,
    /// How many there are.
    pub all: usize,
    /// Which page this is, from 1.
    pub page: usize,
}

/// Where a page is among the rows that match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    pub(crate) page: usize,
    pub(crate) limit: i64,
    pub(crate) offset: i64,
}

impl<K> Wanted<K> {
    /// The text to look for in the cells of a row, put together with line breaks between them. None
    /// of them has one, so a text that has is in none.
    pub(crate) fn text(&self) -> String {
        postgres_text(&self.text).replace('\n', "\u{1}")
    }

    pub(crate) fn backwards(&self) -> bool {
        self.sort.as_ref().is_some_and(|it| it.backwards)
    }

    /// The page among so many rows.
    pub(crate) fn cut(&self, matching: usize) -> Cut {
        let size = self.size.max(1);
        let page = self.page.clamp(1, matching.div_ceil(size).max(1));
        let number = |it: usize| i64::try_from(it).unwrap_or(i64::MAX);
        Cut { page, limit: number(size), offset: number((page - 1) * size) }
    }
}

/// A text to look for as Postgres can take it: it knows no NUL, and no row has one. Nor has any row
/// what stands for it then.
pub(crate) fn postgres_text(text: &str) -> String {
    text.replace('\0', "\u{1}")
}

/// A count of Postgres, which is never negative.
pub(crate) fn count(it: i64) -> usize {
    usize::try_from(it).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_behind_the_last_is_the_last() {
        let cut = |page, matching| {
            let wanted = Wanted { text: String::new(), sort: None::<Sort<()>>, page, size: 50 };
            let cut = wanted.cut(matching);
            (cut.page, cut.offset)
        };
        for (page, matching, wanted) in [
            (1, 0, (1, 0)),
            (9, 0, (1, 0)),
            (0, 101, (1, 0)),
            (2, 100, (2, 50)),
            (3, 100, (2, 50)),
            (3, 101, (3, 100)),
            (usize::MAX, 101, (3, 100)),
        ] {
            assert_eq!(cut(page, matching), wanted, "{page} of {matching}");
        }
    }
}
