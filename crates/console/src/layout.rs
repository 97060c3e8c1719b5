//! What is around every page.

use maud::{DOCTYPE, Markup, html};
use model::Timestamp;

use crate::assets::{Asset, CONSOLE, HTMX, HTMX_SSE, ICON, KEEP, LIVE, MORPH};
use crate::nav::ServiceAt;
use crate::pages::rollout::Banner;
use crate::{ROOT, forms, live};

/// How htmx works here: by no script or style of its own in the page, and it shows what is refused.
const HTMX_CONFIG: &str = r#"{"includeIndicatorStyles":false,"allowEval":false,"selfRequestsOnly":true,"allowScriptTags":false,"historyCacheSize":0,"refreshOnHistoryMiss":true,"responseHandling":[{"code":"204","swap":false},{"code":"[23]..","swap":true},{"code":"[45]..","swap":true,"error":true}]}"#;

/// Who looks at a page, and when.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Their name; `None` for somebody who has not signed in.
    pub who: Option<String>,
    /// What each of their forms has to carry. Empty for somebody who has not signed in.
    pub csrf: String,
    /// The moment that times are relative to.
    pub now: Timestamp,
}

/// A link on the way to a page.
#[derive(Clone, Debug)]
pub struct Crumb {
    /// How it is called.
    pub title: String,
    /// Where it leads.
    pub href: String,
}

/// A page, without what is around it.
#[derive(Clone, Debug)]
pub struct Page {
    /// What it is about, in a few words. Its heading and its title.
    pub title: String,
    /// The way to it, without itself.
    pub crumbs: Vec<Crumb>,
    /// The service that it is about.
    pub service: Option<ServiceAt>,
    /// What is in it.
    pub body: Markup,
    /// The rollout of the service that is under way, above the page.
    pub banner: Option<Banner>,
    /// The address that tells of changes of what it shows, see [`crate::live`].
    pub live: Option<String>,
}

impl Page {
    /// A page about no service.
    pub fn new(title: impl Into<String>, body: Markup) -> Self {
        Self {
            title: title.into(),
            crumbs: Vec::new(),
            service: None,
            body,
            banner: None,
            live: None,
        }
    }

    /// A page of a service. `title` is how its entry in the navigation is called.
    pub fn of_service(at: ServiceAt, title: &str, body: Markup) -> Self {
        let crumbs = vec![
            Crumb { title: "Services".to_owned(), href: ROOT.to_owned() },
            Crumb { title: at.project.clone(), href: format!("{ROOT}?project={}", at.project) },
        ];
        let title = format!("{}: {title}", at.service);
        Self { title, crumbs, service: Some(at), body, banner: None, live: None }
    }

    /// The same, whose lists and [regions](crate::live::region) follow what `live` tells of.
    #[must_use]
    pub fn following(self, live: String) -> Self {
        Self { live: Some(live), ..self }
    }

    /// What htmx gets: all that is in `main`, from which it takes what it asked for.
    pub fn fragment(&self) -> String {
        html! {
            title { (self.title) " · Tidegate" }
            (self.body)
        }
        .into_string()
    }

    /// The whole page.
    pub fn whole(&self, frame: &Frame) -> String {
        html! {
            (DOCTYPE)
            html lang="en" {
                (head(&self.title))
                body hx-ext="sse, morph" {
                    a.skip href="#main" { "Skip to content" }
                    (self.top(frame))
                    @if let Some(service) = &self.service { (service.nav()) }
                    @if let Some(banner) = &self.banner { (banner.show()) }
                    div #notices aria-live="polite" {}
                    main #main tabindex="-1" sse-connect=[&self.live] {
                        h1 { (self.title) }
                        (self.body)
                        @if self.live.is_some() { (live::follow()) }
                    }
                }
            }
        }
        .into_string()
    }

    fn top(&self, frame: &Frame) -> Markup {
        html! {
            header.top {
                a.brand href=(ROOT) {
                    img src=(Asset::href(ICON)) alt="" width="22" height="22";
                    "Tidegate"
                }
                @if !self.crumbs.is_empty() {
                    nav.crumbs aria-label="Breadcrumb" {
                        ol { @for it in &self.crumbs { li { a href=(it.href) { (it.title) } } } }
                    }
                }
                @if let Some(who) = &frame.who {
                    div.who {
                        a href={ (ROOT) "/sessions" } { (who) }
                        form method="post" action={ (ROOT) "/sign-out" } {
                            (forms::csrf(&frame.csrf))
                            button.quiet { "Sign out" }
                        }
                    }
                }
            }
        }
    }
}

fn head(title: &str) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            meta name="htmx-config" content=(HTMX_CONFIG);
            title { (title) " · Tidegate" }
            link rel="icon" href=(Asset::href(ICON)) type="image/svg+xml";
            link rel="stylesheet" href=(Asset::href(CONSOLE));
            script src=(Asset::href(HTMX)) defer {}
            script src=(Asset::href(HTMX_SSE)) defer {}
            script src=(Asset::href(MORPH)) defer {}
            script src=(Asset::href(KEEP)) defer {}
            script src=(Asset::href(LIVE)) defer {}
        }
    }
}
