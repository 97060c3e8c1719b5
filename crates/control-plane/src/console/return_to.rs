//! Where somebody goes after signing in.

use console::ROOT;
use url::Url;

/// Longer ones are forgotten.
const LONGEST: usize = 2000;

/// `text` as a path below the console, normalised; the console's first page if it is anything else,
/// such as another site's address.
pub(crate) fn return_to(text: &str) -> String {
    below_console(text).unwrap_or_else(|| ROOT.to_owned())
}

/// The same; `None` if it is anything else.
pub(crate) fn below_console(text: &str) -> Option<String> {
    if text.len() > LONGEST || !text.starts_with('/') || text.contains(['\\', '\0']) {
        return None;
    }
    // As browsers read it: `//host`, dots and control characters mean what they mean to them.
    let base = Url::parse("http://console.invalid").ok()?;
    let url = base.join(text).ok()?;
    let path = url.path();
    let is_below = path == ROOT || path.strip_prefix(ROOT).is_some_and(|it| it.starts_with('/'));
    if url.origin() != base.origin() || !is_below || path.contains("//") {
        return None;
    }
    let query = url.query().map(|it| format!("?{it}")).unwrap_or_default();
    Some(format!("{path}{query}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leads_out_of_the_console() {
        for (text, expected) in [
            ("/console", Some("/console")),
            ("/console?q=a%20b&page=2", Some("/console?q=a%20b&page=2")),
            ("/console/project/a/service/b#x", Some("/console/project/a/service/b")),
            ("/console/a/../b", Some("/console/b")),
            ("", None),
            ("console", None),
            ("/", None),
            ("/v1/me", None),
            ("/consoles", None),
            ("//evil.example/console", None),
            ("///evil.example/console", None),
            ("/\\evil.example/console", None),
            ("/\t/evil.example/console", None),
            ("/console/../v1/me", None),
            ("/console/%2e%2e/v1/me", None),
            ("/console/..//evil.example", None),
            ("https://evil.example/console", None),
            ("javascript:alert(1)", None),
        ] {
            assert_eq!(below_console(text).as_deref(), expected, "{text:?}");
        }
        assert_eq!(return_to("//evil.example"), "/console");
    }
}
