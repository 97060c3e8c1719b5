//! What people do with a page: they find things by what is written on them.

use fantoccini::Locator;
use fantoccini::elements::Element;

use super::browser::Browser;

impl Browser {
    /// The field with this label.
    pub(crate) async fn field(&self, label: &str) -> Element {
        let label = quoted(label);
        let labels = format!("//label[normalize-space()={label}]");
        let path = format!(
            "//*[@id={labels}/@for] | {labels}//input | {labels}//select | {labels}//textarea \
             | //*[@aria-label={label}]"
        );
        self.one(&path, "field labelled", &label).await
    }

    /// The button on which this is written.
    pub(crate) async fn button(&self, text: &str) -> Element {
        let text = quoted(text);
        let path =
            format!("//button[normalize-space()={text}] | //summary[normalize-space()={text}]");
        self.one(&path, "button", &text).await
    }

    /// The link on which this is written.
    pub(crate) async fn link(&self, text: &str) -> Element {
        let text = quoted(text);
        self.one(&format!("//a[@href][normalize-space()={text}]"), "link", &text).await
    }

    /// Writes into the field with this label, instead of what is in it.
    pub(crate) async fn fill(&self, label: &str, text: &str) {
        let field = self.field(label).await;
        field.clear().await.expect("the field can be emptied");
        field.send_keys(text).await.expect("the field can be written into");
    }

    /// Clicks on the button on which this is written.
    pub(crate) async fn press(&self, text: &str) {
        self.button(text).await.click().await.expect("the button can be clicked on");
    }

    /// Clicks on the link on which this is written.
    pub(crate) async fn follow(&self, text: &str) {
        self.link(text).await.click().await.expect("the link can be clicked on");
    }

    /// Clicks on the link on which a text is written that begins so.
    pub(crate) async fn follow_starting(&self, text: &str) {
        let text = quoted(text);
        let path = format!("//a[@href][starts-with(normalize-space(), {text})]");
        let link = self.one(&path, "link that begins with", &text).await;
        link.click().await.expect("the link can be clicked on");
    }

    /// Looks an option up by a part of its name, on the form of the service's options, and adds it with
    /// a value.
    pub(crate) async fn add_option(&self, key: &str, part: &str, value: &str) {
        self.fill("Part of a name or description", part).await;
        let found = format!("return document.querySelector('[aria-label=\"Add {key}\"]') !== null");
        self.wait_for_script(&format!("the button that adds {key}"), &found).await;
        self.field(&format!("Add {key}")).await.click().await.unwrap();
        let label = format!("{key} new");
        self.wait_for_text(&label).await;
        self.fill(&label, value).await;
    }

    /// The one that is shown: a page may have another, hidden, for a narrower screen.
    async fn one(&self, path: &str, what: &str, name: &str) -> Element {
        let found = self.client.find_all(Locator::XPath(path)).await.expect("the path is sound");
        let mut shown = Vec::new();
        for element in found {
            if element.is_displayed().await.expect("the page stays") {
                shown.push(element);
            }
        }
        let count = shown.len();
        match (shown.pop(), count) {
            (Some(element), 1) => element,
            _ => panic!("{count} shown, not one: {what} {name}"),
        }
    }
}

/// As a literal of `XPath`, which knows no escapes.
fn quoted(text: &str) -> String {
    let quote = if text.contains('"') { '\'' } else { '"' };
    assert!(!text.contains(quote), "no way to write {text:?} in XPath 1.0 but concat()");
    format!("{quote}{text}{quote}")
}
