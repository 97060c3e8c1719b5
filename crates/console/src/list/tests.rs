//! Lists are found in, sorted and cut into pages.

use model::Timestamp;

use super::*;
use crate::Frame;
use crate::ids::{ids, twice};

type Row = (&'static str, u32);

fn columns() -> [Column<Row>; 2] {
    [
        Column::new("name", "Name", |it: &Row| it.0.to_owned()),
        Column::new("size", "Size", |it: &Row| it.1.to_string())
            .sorted(|a, b| a.1.cmp(&b.1))
            .shown(|it, _| html! { b { (it.1) } }),
    ]
}

fn query(q: &str, sort: &str, page: &str) -> ListQuery {
    ListQuery { q: q.into(), sort: sort.into(), page: page.into() }
}

fn names(q: &str, sort: &str, page: &str) -> Vec<&'static str> {
    let rows = vec![("b", 10), ("A", 9), ("c", 100)];
    query(q, sort, page).pick(rows, &columns()).rows.into_iter().map(|it| it.0).collect()
}

#[test]
fn rows_are_sorted_by_what_is_asked_for_and_by_nothing_else() {
    assert_eq!(names("", "", ""), ["b", "A", "c"]);
    assert_eq!(names("", "name", ""), ["A", "b", "c"]);
    assert_eq!(names("", "-name", ""), ["c", "b", "A"]);
    assert_eq!(names("", "size", ""), ["A", "b", "c"], "as numbers");
    assert_eq!(names("", "nonsense", "-7"), ["b", "A", "c"]);
}

#[test]
fn a_text_is_looked_for_in_every_column_in_any_case() {
    assert_eq!(names("a", "", ""), ["A"]);
    assert_eq!(names(" 10 ", "name", ""), ["b", "c"]);
    assert_eq!(names("x", "", ""), Vec::<&str>::new());
}

#[test]
fn a_page_behind_the_last_is_the_last() {
    let rows: Vec<Row> = (0..101).map(|it| ("x", it)).collect();
    let picked = |page: &str| query("", "", page).pick(rows.clone(), &columns());
    assert_eq!(picked("1").rows.len(), PAGE);
    assert_eq!(picked("3").rows, [("x", 100)]);
    assert_eq!(picked("99").page, 3);
    assert_eq!(picked("0").page, 1);
    assert_eq!(query("", "", "9").pick(Vec::new(), &columns()).page, 1);
}

fn shown(query: &ListQuery, rows: Vec<Row>) -> String {
    let columns = columns();
    let list = List {
        id: "rows",
        title: "Rows",
        path: "/console/rows",
        keep: &[("project", "a&b")],
        columns: &columns,
        key: |it| it.0.to_owned(),
        empty: html! { p { "None yet." } },
    };
    let frame = Frame { who: None, csrf: String::new(), now: Timestamp(0) };
    let picked = query.pick(rows, &columns);
    list.show(&picked, query, &frame).into_string().replace("><", ">\n<")
}

#[test]
fn links_keep_what_is_asked_for_and_text_is_text() {
    let rows = vec![("<script>", 1)];
    insta::assert_snapshot!(shown(&query("<s", "-name", ""), rows));
}

#[test]
fn rows_of_one_key_have_an_id_each() {
    let text = shown(&query("", "", ""), vec![("x", 1), ("y", 2), ("x", 3), ("x", 4)]);
    assert_eq!(ids(&text).iter().filter(|it| it.starts_with("rows-")).count(), 4 + 3, "{text}");
    assert_eq!(twice(&text), [""; 0]);
}

#[test]
fn an_empty_list_says_so_and_has_nothing_to_look_for() {
    let text = shown(&query("x", "", ""), Vec::new());
    assert!(text.contains("None yet.") && !text.contains("<form"), "{text}");
}

#[test]
fn there_are_ways_to_the_pages_beside() {
    let rows: Vec<Row> = (0..101).map(|it| ("x", it)).collect();
    let text = shown(&query("", "size", "2"), rows);
    assert!(text.contains("51–100 of 101"), "{text}");
    assert!(text.contains("/console/rows?project=a%26b&amp;sort=size\""), "{text}");
    assert!(text.contains("sort=size&amp;page=3"), "{text}");
}

fn posted(query: &ListQuery, rows: Vec<Row>) -> String {
    let columns = columns();
    let list = List {
        id: "rows",
        title: "Rows",
        path: "/console/review",
        keep: &[("set.a", "\"1\"")],
        columns: &columns,
        key: |it| it.1.to_string(),
        empty: html! { p { "None yet." } },
    };
    let frame = Frame { who: None, csrf: "CSRF".into(), now: Timestamp(0) };
    let picked = query.pick(rows, &columns);
    list.show_posted(&picked, query, &frame).into_string().replace("><", ">\n<")
}

#[test]
fn a_list_behind_a_form_sends_the_form_again() {
    let rows: Vec<Row> = (0..101).map(|it| ("x", it)).collect();
    insta::assert_snapshot!(posted(&query("x", "-size", "2"), rows[..2].to_vec()));
    let text = posted(&query("", "size", "2"), rows);
    let ways = ["value=\"-size\">Size<", "rows.page\" value=\"1\">Previous<", "value=\"3\">Next<"];
    assert!(ways.iter().all(|it| text.contains(it)) && !text.contains("<a "), "{text}");
    let text = posted(&query("none of them", "", ""), vec![("x", 1)]);
    assert!(text.contains("name=\"rows.q\" value=\"\"") && text.contains(">Show all<"), "{text}");
}

#[test]
fn what_a_form_asks_of_a_list_is_its_own_and_the_last_counts() {
    let fields = [
        ("rows.q", "a b"),
        ("rows.sort", "name"),
        ("other.page", "7"),
        ("rows.sort", "-size"),
        ("q", "not this"),
    ];
    let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let asked = ListQuery::posted(&fields, "rows");
    assert_eq!((asked.q.as_str(), asked.sort.as_str(), asked.page()), ("a b", "-size", 1));
    let again = ListQuery::posted(&asked.fields("other"), "other");
    assert_eq!((again.q, again.sort, again.page), (asked.q, asked.sort, asked.page));
    assert_eq!(ListQuery::default().fields("rows"), []);
}
