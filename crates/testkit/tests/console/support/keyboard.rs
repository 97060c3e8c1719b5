//! Going through a page without a mouse.

use fantoccini::actions::{InputSource as _, KeyAction, KeyActions};
use fantoccini::key::Key;

use super::browser::Browser;

/// How often Tab is pressed before it is clear that a thing cannot be reached.
const MOST_TABS: usize = 200;

/// Names what has the focus, as a screen reader would, by kind and label; nothing if the page itself
/// has it. And whether it has an outline, by which the focus is seen.
const FOCUSED: &str = "
    const it = document.activeElement;
    if (!it || it === document.body || it === document.documentElement) return null;
    const labels = it.labels ? [...it.labels].map(l => l.innerText) : [];
    const name = it.getAttribute('aria-label') || labels.join(' ') || it.innerText || it.title || '';
    const style = getComputedStyle(it);
    const seen = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0;
    return [it.tagName.toLowerCase() + ' ' + name.replace(/\\s+/g, ' ').trim(), seen];
";

impl Browser {
    /// Presses a key.
    pub(crate) async fn key(&self, key: Key) {
        self.keys(&[char::from(key)]).await;
    }

    /// Types a text into whatever has the focus.
    pub(crate) async fn type_text(&self, text: &str) {
        self.keys(&text.chars().collect::<Vec<_>>()).await;
    }

    /// Presses Tab until `name` (`button Sign in`, `input User name`, `a Services`) has the focus.
    /// Fails if it cannot be reached, or if something on the way has a focus that is not seen.
    pub(crate) async fn tab_to(&self, name: &str) {
        self.tab_until(name, |it| it == name).await;
    }

    /// The same with how the name begins.
    pub(crate) async fn tab_to_starting(&self, name: &str) {
        self.tab_until(name, |it| it.starts_with(name)).await;
    }

    async fn tab_until(&self, name: &str, arrived: impl Fn(&str) -> bool) {
        let mut passed = Vec::new();
        for _ in 0..MOST_TABS {
            self.key(Key::Tab).await;
            let Some(focused) = self.focused().await else { continue };
            if arrived(&focused) {
                return;
            }
            passed.push(focused);
        }
        passed.dedup();
        panic!("Tab never reaches {name:?}, but:\n{}", passed.join("\n"));
    }

    /// What has the focus: kind and label. Fails if it is not seen that it has.
    pub(crate) async fn focused(&self) -> Option<String> {
        let focused = self.script(FOCUSED, vec![]).await;
        let name = focused[0].as_str()?;
        assert!(focused[1] == true, "{name}: its focus has no outline");
        Some(name.to_owned())
    }

    async fn keys(&self, keys: &[char]) {
        let mut actions = KeyActions::new("keyboard".to_owned());
        for &value in keys {
            actions = actions.then(KeyAction::Down { value }).then(KeyAction::Up { value });
        }
        self.client.perform_actions(actions).await.expect("the keyboard works");
    }
}
