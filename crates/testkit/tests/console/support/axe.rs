//! Accessibility: what axe has against a page.

use std::fmt::Write as _;
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::{Value, json};

use super::browser::Browser;
use super::environment::required;
use super::look::Look;

/// Runs in the page, which has axe by then. Gives only what is broken.
const RUN: &str = "
    const done = arguments[arguments.length - 1];
    axe.run(document, { resultTypes: ['violations'] }).then(
        result => done(result.violations),
        error => done([{ id: 'axe itself', impact: 'critical', help: String(error), nodes: [] }]),
    );
";

/// Gives each `id` that is in the page more than once.
const TWICE: &str = "
    const ids = [...document.querySelectorAll('[id]')].map(it => it.id);
    return ids.filter((it, index) => ids.indexOf(it) !== index);
";

/// Whether the entry of the page is seen among those of its service, if it is one of them.
const HERE: &str = "
    const it = document.querySelector('.service-nav [aria-current]')?.getBoundingClientRect();
    return !it || (it.left >= 0 && it.right <= innerWidth);
";
/// How long a page may take to fit on another screen.
const PATIENCE: Duration = Duration::from_secs(10);

impl Browser {
    /// Fails if axe finds anything serious or critical. The message has rule, target and help.
    pub(crate) async fn assert_accessible(&self) {
        let findings = self.findings().await;
        assert!(findings.is_empty(), "axe at {}:\n{findings}", self.url().await);
    }

    /// Looks at the page on each screen in each theme: takes `NAME-SCREEN-THEME.png`, has axe look,
    /// and fails if the page is wider than the screen. Fails also if two things in the page have one
    /// `id`.
    pub(crate) async fn inspect(&self, name: &str) {
        let twice = self.script(TWICE, vec![]).await;
        assert_eq!(twice, json!([]), "ids that are there twice at {}", self.url().await);
        for look in Look::ALL {
            self.look(look).await;
            self.wait_until("the page's entry in the navigation", PATIENCE, async || {
                let place = self.script(HERE, vec![]).await;
                if place == true { Ok(()) } else { Err(place.to_string()) }
            })
            .await;
            self.screenshot(&format!("{name}-{look}")).await;
            let findings = self.findings().await;
            assert!(findings.is_empty(), "axe at {} ({look}):\n{findings}", self.url().await);
            let widths = "return [document.documentElement.scrollWidth, window.innerWidth]";
            let widths = self.script(widths, vec![]).await;
            assert!(
                widths[0].as_f64() <= widths[1].as_f64(),
                "{look}: the page is {} wide, the screen {}",
                widths[0],
                widths[1]
            );
        }
    }

    /// What is serious or critical, three lines each; empty if nothing is.
    pub(crate) async fn findings(&self) -> String {
        // As an expression: its `var` would be local to the script that WebDriver makes of it.
        let has_it = self.script("return typeof window.axe === 'object'", vec![]).await;
        if has_it != true {
            self.script(axe(), vec![]).await;
        }
        let found = self.client.execute_async(RUN, vec![]).await;
        let found = found.unwrap_or_else(|error| panic!("axe does not run: {error}"));
        let violations = found.as_array().unwrap_or_else(|| panic!("axe says {found}"));
        violations
            .iter()
            .filter(|it| is_serious(it))
            .fold(String::new(), |text, it| text + &tell(it))
    }
}

fn axe() -> &'static str {
    static AXE: OnceLock<String> = OnceLock::new();
    AXE.get_or_init(|| {
        let path = required("TIDEGATE_TEST_AXE");
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
    })
}

fn is_serious(violation: &Value) -> bool {
    matches!(violation["impact"].as_str(), Some("serious" | "critical"))
}

/// Rule and impact, what it means, and each place with what is wrong there.
fn tell(violation: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().replace('\n', " ");
    let mut told = format!("{} ({})", text(&violation["id"]), text(&violation["impact"]));
    let _ = writeln!(told, ": {}, {}", text(&violation["help"]), text(&violation["helpUrl"]));
    for node in violation["nodes"].as_array().into_iter().flatten() {
        let _ = writeln!(told, "    {}\n        {}", node["target"], text(&node["failureSummary"]));
    }
    told
}
