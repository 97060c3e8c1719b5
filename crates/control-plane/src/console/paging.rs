//! Lists that the database filters, sorts and pages.

use console::list::{ListQuery, PAGE, Picked};
use store::{Paged, Sort, Wanted};

/// What the database is asked for. A column that is none is no order.
pub(super) fn wanted<K>(query: &ListQuery, column: fn(&str) -> Option<K>) -> Wanted<K> {
    let (key, backwards) = query.sort();
    let sort = column(key).map(|by| Sort { by, backwards });
    Wanted { text: query.text(), sort, page: query.page(), size: PAGE }
}

/// What the database gave, as rows of a page.
pub(super) fn picked<R, V>(it: Paged<R>, row: impl FnMut(R) -> V) -> Picked<V> {
    let Paged { rows, matching, all, page } = it;
    Picked { rows: rows.into_iter().map(row).collect(), matching, all, page }
}
