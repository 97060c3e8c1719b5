//! HTTP requests by route, method and status. Whatever was not asked for yet has no line.

use std::sync::OnceLock;

use prometheus::{Histogram, IntCounter};
use web::{Exchange, Meter};

use super::Metrics;

/// What is neither a route of ours nor a method or status that we expect.
const OTHER: &str = "other";
const METHODS: [&str; 5] = ["GET", "POST", "DELETE", "PUT", "OPTIONS"];
const STATUSES: [(u16, &str); 20] = [
    (200, "200"),
    (204, "204"),
    (304, "304"),
    (400, "400"),
    (401, "401"),
    (403, "403"),
    (404, "404"),
    (405, "405"),
    (406, "406"),
    (408, "408"),
    (409, "409"),
    (412, "412"),
    (413, "413"),
    (415, "415"),
    (422, "422"),
    (429, "429"),
    (499, "499"),
    (500, "500"),
    (501, "501"),
    (503, "503"),
];

/// Counts the requests of one router.
pub(crate) struct HttpMeter {
    metrics: Metrics,
    /// Each with its template, and at the end one for what is no route.
    routes: Vec<Route>,
}

struct Route {
    template: String,
    /// One for each of [`METHODS`], and one for the others.
    operations: [Operation; METHODS.len() + 1],
}

/// The counters of a route and method, found in the registry when first needed.
#[derive(Default)]
struct Operation {
    duration: OnceLock<Histogram>,
    /// One for each of [`STATUSES`], and one for the others.
    requests: [OnceLock<IntCounter>; STATUSES.len() + 1],
}

impl Route {
    fn new(template: &str) -> Self {
        Self { template: template.to_owned(), operations: Default::default() }
    }
}

impl Metrics {
    /// A meter for a router with these routes.
    pub(crate) fn http<'a>(&self, templates: impl IntoIterator<Item = &'a str>) -> HttpMeter {
        let templates = templates.into_iter().chain([OTHER]);
        HttpMeter { metrics: self.clone(), routes: templates.map(Route::new).collect() }
    }
}

impl HttpMeter {
    fn operation(&self, template: &str, method: usize) -> Option<&Operation> {
        let known = self.routes.iter().find(|it| it.template == template);
        known.or(self.routes.last())?.operations.get(method)
    }
}

impl Meter for HttpMeter {
    fn began(&self) {
        self.metrics.0.in_flight.inc();
    }

    fn ended(&self, exchange: &Exchange<'_>) {
        self.metrics.0.in_flight.dec();
        let route = exchange.route.map_or(OTHER, template);
        let method = METHODS.iter().position(|it| *it == exchange.method);
        let status = STATUSES.iter().position(|it| it.0 == exchange.status);
        let method_name = method.map_or(OTHER, |it| METHODS[it]);
        let status_name = status.map_or(OTHER, |it| STATUSES[it].1);
        let Some(operation) = self.operation(route, method.unwrap_or(METHODS.len())) else {
            return;
        };
        let Some(requests) = operation.requests.get(status.unwrap_or(STATUSES.len())) else {
            return;
        };
        let inner = &self.metrics.0;
        let labels = [method_name, route, status_name];
        requests.get_or_init(|| inner.requests.with_label_values(&labels)).inc();
        let duration = || inner.durations.with_label_values(&labels[..2]);
        operation.duration.get_or_init(duration).observe(exchange.duration.as_secs_f64());
    }
}

/// Both forms of a route are one.
fn template(route: &str) -> &str {
    route.strip_suffix('/').filter(|it| !it.is_empty()).unwrap_or(route)
}
