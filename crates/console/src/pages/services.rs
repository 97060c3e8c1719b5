//! Every service that somebody may see.

use maud::{Markup, html};
use model::Timestamp;

use crate::list::{Column, List, ListQuery};
use crate::nav::service_href;
use crate::times::time;
use crate::words::{Tone, badge, empty, state};
use crate::{Frame, Page, ROOT};

/// What the page shows.
#[derive(Clone, Debug)]
pub struct View {
    /// The services, by project and name.
    pub services: Vec<Row>,
    /// The projects that the caller may see, by name.
    pub projects: Vec<String>,
    /// The project that is looked at; `None` for all.
    pub project: Option<String>,
    /// What is asked of the list.
    pub query: ListQuery,
}

/// A service.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its project.
    pub project: String,
    /// Its name.
    pub name: String,
    /// Its state, as the API spells it.
    pub state: &'static str,
    /// Its plan.
    pub plan: String,
    /// How many nodes it has.
    pub nodes: usize,
    /// How many things Kafka refuses of what it shall have.
    pub refusals: usize,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

const COLUMNS: [Column<Row>; 6] = [
    Column::new("name", "Service", |it: &Row| it.name.clone()).shown(|it, _| {
        html! { a href=(service_href(&it.project, &it.name, "")) { (it.name) } }
    }),
    Column::new("project", "Project", |it: &Row| it.project.clone()),
    Column::new("state", "State", |it: &Row| it.state.to_owned()).shown(|it, _| {
        html! {
            (state(it.state))
            @if it.refusals > 0 {
                " " (badge(Tone::Bad, &format!("{} refused by Kafka", it.refusals)))
            }
        }
    }),
    Column::new("plan", "Plan", |it: &Row| it.plan.clone()),
    Column::new("nodes", "Nodes", |it: &Row| it.nodes.to_string())
        .sorted(|a, b| a.nodes.cmp(&b.nodes)),
    Column::new("changed", "Changed", |it: &Row| it.updated_at.to_string())
        .shown(|it, frame| time(it.updated_at, frame.now)),
];

/// The page.
pub fn page(frame: &Frame, view: &View) -> Page {
    let picked = view.query.pick(view.services.clone(), &COLUMNS);
    let keep: Vec<(&str, &str)> =
        view.project.as_deref().map(|it| ("project", it)).into_iter().collect();
    let list = List {
        id: "services",
        title: "Services",
        path: ROOT,
        keep: &keep,
        columns: &COLUMNS,
        key: |it| format!("{}/{}", it.project, it.name),
        empty: nothing(view),
    };
    Page::new(
        "Services",
        html! {
            @if view.projects.len() > 1 { (projects(view)) }
            (list.show(&picked, &view.query, frame))
        },
    )
}

fn projects(view: &View) -> Markup {
    let current = |it: Option<&str>| (view.project.as_deref() == it).then_some("page");
    html! {
        nav.projects aria-label="Projects" {
            ul {
                li { a href=(ROOT) aria-current=[current(None)] { "All projects" } }
                @for it in &view.projects {
                    li {
                        a href={ (ROOT) "?project=" (it) } aria-current=[current(Some(it.as_str()))] { (it) }
                    }
                }
            }
        }
    }
}

/// Why there is nothing, and what to do next.
fn nothing(view: &View) -> Markup {
    if view.projects.is_empty() {
        return empty(
            "You have no role in any project.",
            &html! {
                p { "Ask whoever runs this installation for one. They make a project with "
                    code { "tidegate-control-plane project create NAME" } "." }
            },
        );
    }
    let project = view.project.as_ref().or(view.projects.first()).map_or("PROJECT", String::as_str);
    empty(
        "There is no service yet.",
        &html! {
            p { "Make one with avn, or with Aiven's Terraform provider:" }
            pre tabindex="0" { code {
                "avn service create my-kafka --service-type kafka --plan business-4 --project " (project)
            } }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, state: &'static str, refusals: usize) -> Row {
        Row {
            project: "dev".into(),
            name: name.into(),
            state,
            plan: "business-4".into(),
            nodes: 3,
            refusals,
            updated_at: Timestamp(1_795_291_200_000),
        }
    }

    fn shown(view: &View) -> String {
        let now = Timestamp(1_795_291_260_000);
        let frame = Frame { who: Some("ann".into()), csrf: "CSRF".into(), now };
        page(&frame, view).body.into_string().replace("><", ">\n<")
    }

    #[test]
    fn services_have_their_state_and_what_kafka_refuses() {
        let services = vec![row("my-kafka", "RUNNING", 0), row("other", "REBUILDING", 2)];
        let projects = vec!["dev".into(), "shop".into()];
        let view = View { services, projects, project: None, query: ListQuery::default() };
        insta::assert_snapshot!(shown(&view));
    }

    #[test]
    fn without_a_service_or_a_role_it_says_what_to_do() {
        let query = ListQuery::default;
        let view = View { services: vec![], projects: vec![], project: None, query: query() };
        assert!(shown(&view).contains("You have no role in any project."));
        let projects = vec!["shop".into()];
        let view = View { services: vec![], projects, project: None, query: query() };
        let text = shown(&view);
        assert!(text.contains("avn service create my-kafka"), "{text}");
        assert!(text.contains("--project shop"), "{text}");
    }
}
