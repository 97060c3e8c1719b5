//! Before something is taken away: what it is, who would lose access, and the button that does it.

use maud::{Markup, html};

use crate::list::{ListQuery, Place};
use crate::losses::Losses;
use crate::nav::ServiceAt;
use crate::words::{Tone, notice};
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
    pub losses: Option<Lost>,
    /// Where the form is sent.
    pub action: String,
    /// What goes along with it.
    pub kept: Vec<(&'static str, String)>,
    /// What its button says.
    pub button: &'static str,
    /// Where one goes without doing it.
    pub back: String,
}

/// Who would lose access, what is asked of their list, and where that is.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "see there")]
pub struct Lost {
    pub losses: Losses,
    pub query: ListQuery,
    pub place: Place,
}

/// The page.
pub fn page(frame: &Frame, view: &View) -> Page {
    let body = html! {
        @for it in &view.means { p { (it) } }
        @if let Some(it) = &view.losses { (lost(it, frame)) }
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

/// Who would lose what, or that nobody would.
fn lost(it: &Lost, frame: &Frame) -> Markup {
    let Lost { losses, query, place } = it;
    let nobody = "Nobody who was seen in the last 14 days would lose access.";
    let n = losses.all.len();
    let uses = if n == 1 { "1 use" } else { &format!("{n} uses") };
    html! {
        section {
            h2 { "Who would lose access" }
            @if n == 0 { (notice(Tone::Good, nobody)) }
            @else { (notice(Tone::Bad, &format!("{uses} of the last 14 days would be refused."))) }
            (losses.show(query, place, frame))
        }
    }
}

#[cfg(test)]
mod tests {
    use model::{Role, Timestamp};

    use super::*;
    use crate::losses::{Loss, Proposal};

    fn shown(all: Vec<Loss>) -> String {
        let fields = vec![("principal".to_owned(), "User:\"x".to_owned())];
        let place = Place::behind("/console/deny".into(), fields);
        let losses = Losses { all, truncated: true };
        let (project, service) = ("dev".into(), "my-kafka".into());
        let view = View {
            at: ServiceAt { project, service, role: Role::Developer, here: "users" },
            title: "Delete alice".into(),
            means: vec!["It is gone.".into()],
            losses: Some(Lost { losses, query: ListQuery::default(), place }),
            action: "/console/x".into(),
            kept: vec![("id", "acl1".into())],
            button: "Delete",
            back: "/console".into(),
        };
        let now = Timestamp(1_795_291_260_000);
        let frame = Frame { who: Some("ann".into()), csrf: "CSRF".into(), now };
        page(&frame, &view).body.into_string().replace("><", ">\n<")
    }

    #[test]
    fn what_is_lost_is_said_before_it_is_done() {
        let lost = |principal: Option<&str>, certain| Loss {
            principal: principal.map(Into::into),
            what: "Read Topic orders".into(),
            seen_at: "broker".into(),
            last: Timestamp(1_795_291_200_000),
            certain,
            reason: "No entry <allows> it".into(),
            acls: principal.map(gives_back).into_iter().collect(),
        };
        insta::assert_snapshot!(shown(vec![lost(Some("alice"), true), lost(None, false)]));
        let none = shown(Vec::new());
        assert!(none.contains("Nobody who was seen") && none.contains("may be more"), "{none}");
    }

    fn gives_back(name: &str) -> Proposal {
        Proposal {
            path: "acl",
            entry: "{}".into(),
            text: format!("read on orders for {name}"),
            command: Some(format!("avn {name}")),
            add_at: None,
        }
    }
}
