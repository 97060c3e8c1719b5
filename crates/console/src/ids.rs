//! The `id`s of a page, by which what is fetched again finds its place, and the rows of its lists.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Those in it, in order.
pub(crate) fn ids(html: &str) -> Vec<&str> {
    html.split(" id=\"").skip(1).filter_map(|it| it.split('"').next()).collect()
}

/// Those that are in it once more, and those that none may be.
pub(crate) fn twice(html: &str) -> Vec<&str> {
    let mut seen = BTreeSet::new();
    let is_valid = |it: &str| !it.is_empty() && !it.contains(char::is_whitespace);
    ids(html).into_iter().filter(|it| !seen.insert(*it) || !is_valid(it)).collect()
}

/// What names each row of the list of that `id`, as people read it.
pub(crate) fn rows(html: &str, list: &str) -> Vec<String> {
    let list = html.split_once(&format!("<section class=\"list\" id=\"{list}\"")).unwrap().1;
    let list = list.split("</section>").next().unwrap();
    let text = |cell: &str| {
        let cell = cell.split("</th>").next().unwrap();
        cell.split('<').map(|it| it.rsplit('>').next().unwrap()).collect()
    };
    list.split("<th scope=\"row\">").skip(1).map(text).collect()
}

/// The pages that the tests render, as their snapshots have them.
fn snapshots(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            snapshots(&path, found);
        } else if path.extension().is_some_and(|it| it == "snap") {
            found.push((path.display().to_string(), fs::read_to_string(&path).unwrap()));
        }
    }
}

#[test]
fn no_page_has_an_id_twice() {
    let mut found = Vec::new();
    snapshots(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    assert!(found.iter().filter(|(_, page)| !ids(page).is_empty()).count() >= 10, "{found:?}");
    // A field in each of its states is no page.
    found.retain(|(name, _)| !name.contains("__forms__"));
    for (name, page) in found {
        assert_eq!(twice(&page), [""; 0], "{name}");
    }
}

#[test]
fn what_is_there_twice_is_found() {
    let html = r#"<p id="a"></p><p class="b" id="b"></p><p id="a"></p><p id="c d"></p>"#;
    assert_eq!(twice(html), ["a", "c d"]);
}
