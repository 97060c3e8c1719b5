//! A page that is one form: what is asked for, and what is wrong with what was given.

use maud::{Markup, html};

use crate::nav::ServiceAt;
use crate::words::{Tone, notice};
use crate::{Frame, Page, forms};

/// How something is given.
#[derive(Clone, Debug)]
pub enum Input {
    /// A line of text; for a number too, so that a wrong one is kept and explained.
    Line,
    /// One of these.
    Choice(Vec<&'static str>),
    /// Lines of text.
    Lines,
}

/// Something that is asked for.
#[derive(Clone, Debug)]
pub struct Question {
    /// Its name in the form, and its `id` in the page: the API's own, so that errors name it.
    pub name: &'static str,
    /// How it is called.
    pub label: &'static str,
    /// How it is given.
    pub input: Input,
    /// What is in it.
    pub value: String,
    /// What to know before it is filled in.
    pub help: String,
    /// Whether it has to be filled in.
    pub required: bool,
}

/// Why a form was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The question that it is about; `None` for all of them.
    pub about: Option<&'static str>,
    /// In words.
    pub text: String,
}

/// A form, without what is around it.
#[derive(Clone, Debug)]
pub struct Form {
    /// Where it is sent.
    pub action: String,
    /// Where one goes without sending it.
    pub back: String,
    /// What it asks.
    pub questions: Vec<Question>,
    /// What goes along unseen.
    pub kept: Vec<(&'static str, String)>,
    /// What its button says.
    pub button: &'static str,
    /// Why it was refused.
    pub refusal: Option<Refusal>,
}

/// What the page shows.
#[derive(Clone, Debug)]
pub struct View {
    /// The service.
    pub at: ServiceAt,
    /// What it is about.
    pub title: String,
    /// What to know before; empty for nothing.
    pub intro: &'static str,
    /// The form.
    pub form: Form,
}

impl Question {
    /// A line that may be left empty.
    pub fn line(name: &'static str, label: &'static str, help: impl Into<String>) -> Self {
        let (value, help) = (String::new(), help.into());
        Self { name, label, input: Input::Line, value, help, required: false }
    }

    /// A line or a choice with that in it.
    #[must_use]
    pub fn with(self, value: impl Into<String>) -> Self {
        Self { value: value.into(), ..self }
    }

    /// It has to be filled in.
    #[must_use]
    pub fn required(self) -> Self {
        Self { required: true, ..self }
    }

    /// One of these, instead of a line.
    #[must_use]
    pub fn of(self, words: impl IntoIterator<Item = &'static str>) -> Self {
        Self { input: Input::Choice(words.into_iter().collect()), ..self }
    }

    fn show(&self, refusal: Option<&Refusal>) -> Markup {
        let error = refusal.filter(|it| it.about == Some(self.name)).map(|it| it.text.as_str());
        let (name, label, help, value) = (self.name, self.label, &self.help, self.value.as_str());
        let (help_id, error_id) = (format!("{name}-help"), format!("{name}-error"));
        let told = [(!help.is_empty()).then_some(&help_id), error.map(|_| &error_id)];
        let told: Vec<&str> = told.into_iter().flatten().map(String::as_str).collect();
        let told = (!told.is_empty()).then(|| told.join(" "));
        let invalid = error.map(|_| "true");
        let field = match &self.input {
            Input::Line => {
                let (kind, required) = ("text", self.required);
                return forms::Field { name, label, kind, value, help, error, required }.show();
            }
            Input::Choice(words) => html! {
                select #(name) name=(name) aria-describedby=[told] aria-invalid=[invalid] {
                    @for it in words { option value=(it) selected[*it == value] {
                        (if it.is_empty() { "as the service has it" } else { it })
                    } }
                }
            },
            Input::Lines => html! {
                textarea #(name) name=(name) rows="4" spellcheck="false" aria-describedby=[told]
                    aria-invalid=[invalid] { (value) }
            },
        };
        html! {
            div.field {
                label for=(name) { (label) }
                (field)
                @if !help.is_empty() { p.help id=(help_id) { (help) } }
                @if let Some(text) = error { p.error id=(error_id) { (text) } }
            }
        }
    }
}

impl Refusal {
    /// Finds the question that an error of the API is about, by the name that it says: `Invalid
    /// 'partitions': ..` or `invalid topic name 'a/b': ..`. What names nothing is about `else_about`.
    pub fn of(text: String, questions: &[Question], else_about: Option<&'static str>) -> Self {
        let lower = text.to_lowercase();
        let rest = lower.strip_prefix("invalid ").unwrap_or_default();
        let named = |name: &str| {
            let quoted = rest.strip_prefix('\'').and_then(|it| it.split_once('\''));
            match quoted {
                Some((key, _)) => key.replace('-', "_") == name,
                None => rest.starts_with(&name.replace('_', " ")),
            }
        };
        let option = rest.starts_with("input for config").then_some("config");
        let found = questions.iter().map(|it| it.name);
        let about = found.clone().find(|it| named(it) || Some(*it) == option);
        let about = about.or(else_about.filter(|it| found.clone().any(|name| name == *it)));
        Self { about, text }
    }
}

impl Form {
    /// The form, with what is wrong with it.
    pub fn show(&self, frame: &Frame) -> Markup {
        let refusal = self.refusal.as_ref();
        html! {
            @if let Some(it) = refusal.filter(|it| it.about.is_none()) {
                (notice(Tone::Bad, &it.text))
            }
            @if let Some(it) = refusal.and_then(|it| it.about) {
                div.notice.bad role="alert" {
                    "Nothing was done yet: " a href={ "#" (it) } { "one answer is to be mended" } "."
                }
            }
            form method="post" action=(self.action) {
                (forms::csrf(&frame.csrf))
                @for (name, value) in &self.kept { input type="hidden" name=(name) value=(value); }
                @for it in &self.questions { (it.show(refusal)) }
                p.actions {
                    button { (self.button) } " "
                    a href=(self.back) { "Cancel" }
                }
            }
        }
    }
}

/// The page.
pub fn page(frame: &Frame, view: &View) -> Page {
    let body = html! {
        @if !view.intro.is_empty() { p { (view.intro) } }
        (view.form.show(frame))
    };
    Page::of_service(view.at.clone(), &view.title, body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_at_the_question_that_it_names() {
        let names = ["topic_name", "client_id", "partitions", "username", "topic", "config"];
        let questions = names.map(|it| Question::line(it, it, ""));
        for (text, about) in [
            ("invalid topic name 'a/b': 1-249", Some("topic_name")),
            ("Invalid 'partitions': 0 is not", Some("partitions")),
            ("Invalid 'client-id' '': it must", Some("client_id")),
            ("invalid username pattern 'ä': 1-64", Some("username")),
            ("Invalid input for config 'x': no", Some("config")),
            ("Invalid 'replication': 1 is less", None),
            ("Topic already exists", None),
        ] {
            assert_eq!(Refusal::of(text.into(), &questions, None).about, about, "{text}");
        }
        let refusal = Refusal::of("Topic already exists".into(), &questions, Some("topic_name"));
        assert_eq!(refusal.about, Some("topic_name"));
    }

    #[test]
    fn what_was_given_is_kept_and_what_is_wrong_is_told() {
        let question = Question::line("operation", "Operation", "What").of(["Read", "Write"]);
        let about = Some("operation");
        let refusal = Refusal { about, text: "Kafka <knows>".into() };
        let shown = question.with("Write").show(Some(&refusal)).into_string();
        insta::assert_snapshot!(shown.replace("><", ">\n<"));
    }
}
