//! Which pages a service has.

use maud::{Markup, html};
use model::Role;

use crate::ROOT;

/// The end of the address of a service's rollouts.
pub const ROLLOUTS: &str = "rollouts";
/// The end of the address where one is started.
pub const START_ROLLOUT: &str = "rollouts/start";

/// The end of the address of a rollout.
pub fn rollout(id: &str) -> String {
    format!("{ROLLOUTS}/{id}")
}

/// A page of a service, in its navigation.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The end of its address, behind the service's: empty for the overview.
    pub path: &'static str,
    /// How it is called.
    pub title: &'static str,
    /// Who may see it: for others it is not there.
    pub need: Role,
}

/// Every page of a service, in the order of the navigation. Only what exists.
pub const SERVICE_PAGES: &[Entry] = &[
    Entry { path: "", title: "Overview", need: Role::ReadOnly },
    Entry { path: "topics", title: "Topics", need: Role::ReadOnly },
    Entry { path: "users", title: "Service users", need: Role::ReadOnly },
    Entry { path: "acls", title: "ACLs", need: Role::ReadOnly },
    Entry { path: "quotas", title: "Quotas", need: Role::ReadOnly },
    Entry { path: "settings", title: "Service settings", need: Role::ReadOnly },
    Entry { path: "oidc", title: "OIDC", need: Role::ReadOnly },
    Entry { path: "authorization", title: "Authorization", need: Role::ReadOnly },
    Entry { path: ROLLOUTS, title: "Rollouts", need: Role::ReadOnly },
    Entry { path: "events", title: "Events", need: Role::ReadOnly },
];

/// Which service a page is about, and which of its pages it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceAt {
    /// The project.
    pub project: String,
    /// The service.
    pub service: String,
    /// What the caller may do there.
    pub role: Role,
    /// The [`Entry::path`] of the page.
    pub here: &'static str,
}

impl ServiceAt {
    /// The address of one of the service's pages.
    pub fn href(&self, path: &str) -> String {
        service_href(&self.project, &self.service, path)
    }

    pub(crate) fn nav(&self) -> Markup {
        html! {
            nav.service-nav aria-label="Service" {
                ul {
                    @for entry in SERVICE_PAGES.iter().filter(|it| self.role >= it.need) {
                        li {
                            a href=(self.href(entry.path)) aria-current=[
                                (entry.path == self.here).then_some("page")
                            ] { (entry.title) }
                        }
                    }
                }
            }
        }
    }
}

/// The address of a page of a service. Names of projects and services need no escapes.
pub fn service_href(project: &str, service: &str, path: &str) -> String {
    let slash = if path.is_empty() { "" } else { "/" };
    format!("{ROOT}/project/{project}/service/{service}{slash}{path}")
}
