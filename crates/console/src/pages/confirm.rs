//! Before something is taken away: what it is, who would lose access, and the button that does it.

use maud::{Markup, html};
use model::Timestamp;

use crate::nav::ServiceAt;
use crate::times::time;
use crate::words::{Tone, badge, notice};
use crate::{Frame, Page, forms};

/// What the page shows.
#[derive(Clone, Debug)]
pub struct View {
    /// The service.
    pub at: ServiceAt,
    /// What is to be done.
    pub title: String,
    /// What that means, a paragraph each.
    pub means: Vec<String>,
    /// Who would lose access; `None` if that is not what it is about.
    pub losses: Option<Losses>,
    /// Where the form is sent.
    pub action: String,
    /// What goes along with it.
    pub kept: Vec<(&'static str, String)>,
    /// What its button says.
    pub button: &'static str,
    /// Where one goes without doing it.
    pub back: String,
}

/// Who would lose access, of those who were seen in the last 14 days.
#[derive(Clone, Debug, Default)]
pub struct Losses {
    /// What is lost, latest first; not all of it, if there is much.
    pub rows: Vec<Loss>,
    /// How much there is.
    pub total: usize,
    /// Whether more was seen than is kept.
    pub truncated: bool,
}

/// Something that a principal would be refused.
#[derive(Clone, Debug)]
pub struct Loss {
    /// Who; `None` for callers without credentials.
    pub principal: Option<String>,
    /// What it did: operations and the resource.
    pub did: String,
    /// When it did so last.
    pub last: Option<Timestamp>,
    /// Whether it is refused however it comes.
    pub certain: bool,
    /// Why it would be refused.
    pub reason: String,
    /// What would give it back, as commands or entries.
    pub gives_back: Vec<String>,
}

/// The page.
pub fn page(frame: &Frame, view: &View) -> Page {
    let body = html! {
        @for it in &view.means { p { (it) } }
        @if let Some(it) = &view.losses { (it.show(frame)) }
        form method="post" action=(view.action) {
            (forms::csrf(&frame.csrf))
            @for (name, value) in &view.kept { input type="hidden" name=(name) value=(value); }
            p.actions {
                button.danger { (view.button) } " "
                a href=(view.back) { "Leave it as it is" }
            }
        }
    };
    Page::of_service(view.at.clone(), &view.title, body)
}

impl Losses {
    /// Who would lose what, or that nobody would.
    pub fn show(&self, frame: &Frame) -> Markup {
        let nobody = "Nobody who was seen in the last 14 days would lose access.";
        html! {
            section {
                h2 { "Who would lose access" }
                @if self.truncated {
                    (notice(Tone::Busy, "More was seen than is kept: there may be more losses."))
                }
                @if self.rows.is_empty() { (notice(Tone::Good, nobody)) } @else {
                    (notice(Tone::Bad, &self.count()))
                    div.scroll tabindex="0" role="region" aria-label="Losses" {
                        table {
                            caption.hidden { "Who would lose access" }
                            thead { tr {
                                @for it in ["Principal", "What it did", "Last", "Why", "What gives it back"] {
                                    th scope="col" { (it) }
                                }
                            } }
                            tbody { @for it in &self.rows { (it.show(frame)) } }
                        }
                    }
                }
            }
        }
    }

    fn count(&self) -> String {
        let (shown, total) = (self.rows.len(), self.total);
        let more =
            if total > shown { format!(" Shown are the latest {shown}.") } else { String::new() };
        let uses = if total == 1 { "1 use" } else { &format!("{total} uses") };
        format!("{uses} of the last 14 days would be refused.{more}")
    }
}

impl Loss {
    fn show(&self, frame: &Frame) -> Markup {
        html! {
            tr {
                th scope="row" {
                    (self.principal.as_deref().unwrap_or("callers without credentials")) " "
                    @if self.certain { (badge(Tone::Bad, "certain")) } @else { (badge(Tone::Busy, "perhaps")) }
                }
                td data-title="What it did" { (self.did) }
                td data-title="Last" {
                    @match self.last { Some(at) => (time(at, frame.now)), None => "not known" }
                }
                td data-title="Why" { (self.reason) }
                td data-title="What gives it back" {
                    @for it in &self.gives_back { div { code { (it) } } }
                    @if self.gives_back.is_empty() { span.none { "nothing" } }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use model::Role;

    use super::*;

    #[test]
    fn what_is_lost_is_said_before_it_is_done() {
        let lost = |principal: Option<&str>, certain| Loss {
            principal: principal.map(Into::into),
            did: "Read of Topic 'orders'".into(),
            last: Some(Timestamp(1_795_291_200_000)),
            certain,
            reason: "No entry <allows> it".into(),
            gives_back: principal.map(|it| format!("avn {it}")).into_iter().collect(),
        };
        let losses = Losses {
            rows: vec![lost(Some("alice"), true), lost(None, false)],
            total: 3,
            truncated: true,
        };
        let (project, service) = ("dev".into(), "my-kafka".into());
        let view = View {
            at: ServiceAt { project, service, role: Role::Developer, here: "users" },
            title: "Delete alice".into(),
            means: vec!["It is gone.".into()],
            losses: Some(losses),
            action: "/console/x".into(),
            kept: vec![("id", "acl1".into())],
            button: "Delete",
            back: "/console".into(),
        };
        let now = Timestamp(1_795_291_260_000);
        let frame = Frame { who: Some("ann".into()), csrf: "CSRF".into(), now };
        let shown = page(&frame, &view).body.into_string().replace("><", ">\n<");
        insta::assert_snapshot!(shown);
        let none = Losses::default().show(&frame).into_string();
        assert!(none.contains("Nobody who was seen"), "{none}");
    }
}
