//! The service of the stack: created once, then waited for.

use std::net::TcpStream;
use std::time::Duration;

use anyhow::Context as _;

use crate::addresses::bootstrap;
use crate::api::{Api, SERVICE, summary};
use crate::http::Request;
use crate::node_processes::{self, NodeProcess};
use crate::process::Started;
use crate::progress::Part;
use crate::stack::Stack;
use crate::stack::programs::REST_PROXY;

/// How long a proxy may take to end: it answers first what it was asked, for 35 s at most.
const DRAIN: Duration = Duration::from_secs(45);

impl Stack<'_> {
    pub(super) fn wait_for_service(&self, api: &Api<'_>) -> anyhow::Result<()> {
        let part = Part::new(SERVICE);
        let last = part.until(Duration::from_mins(10), || {
            self.check_alive("orchestrator")?;
            let service = api.service()?;
            let line = summary(&service);
            if service["state"] != "RUNNING" {
                return Ok(Err(line));
            }
            // The state is the last that was seen: before the first look, that of the last start.
            let addresses = bootstrap(&service)?;
            let deaf = addresses.split(',').find(|it| TcpStream::connect(it).is_err());
            Ok(deaf.map_or(Ok(line), |address| Err(format!("a listener on {address}"))))
        })?;
        part.done(&last);
        Ok(())
    }

    /// Installs the proxy as it was built last. One that runs is ended if it is another: the
    /// orchestrator, which knows it by its file's name only, then starts the new one.
    pub(super) fn renew_rest_proxy(&self) -> anyhow::Result<Started> {
        let part = Part::new("rest-proxy");
        let rebuilt = !self.places.is_installed(REST_PROXY)?;
        if rebuilt {
            self.places.install(REST_PROXY)?;
        }
        let running = || {
            let mut all = node_processes::list(self.places);
            all.retain(|process| process.name == REST_PROXY);
            all
        };
        let old = running();
        if old.is_empty() || !rebuilt {
            part.unmentioned();
            return Ok(if old.is_empty() { Started::Fresh } else { Started::Adopted });
        }
        old.iter().try_for_each(NodeProcess::end)?;
        part.until(DRAIN, || {
            // The new one may run by now.
            let left = running().iter().any(|process| old.contains(process));
            Ok(if left { Err("the end of the old one".to_owned()) } else { Ok(()) })
        })?;
        part.unmentioned();
        Ok(Started::Replaced)
    }

    pub(super) fn wait_for_rest_proxy(
        &self,
        api: &Api<'_>,
        started: Started,
    ) -> anyhow::Result<()> {
        let part = Part::new("rest-proxy");
        let service = api.service()?;
        let uri = service["connection_info"]["kafka_rest_uri"].as_str();
        let url = format!("{}/_health", uri.context("it has an address")?.trim_end_matches('/'));
        part.until(Duration::from_mins(1), || {
            let status = Request::new("GET", url.as_str()).send(self.sh)?.status;
            Ok(if status == 200 { Ok(()) } else { Err(format!("200 at {url}, is {status}")) })
        })?;
        part.done(&format!("{started}, answers at {url}"));
        Ok(())
    }
}

/// Creates the service if there is none, and switches it on if somebody has switched it off.
pub(super) fn create_if_missing(api: &Api<'_>) -> anyhow::Result<()> {
    let part = Part::new("service");
    let word = match api.find_service()? {
        Some(service) if service["state"] == "POWEROFF" => {
            api.power_on()?;
            "was switched off: switched on"
        }
        Some(_) => "already there",
        None => {
            api.create_service()?;
            "created, plan business-4"
        }
    };
    part.done(&format!("{SERVICE}: {word}"));
    Ok(())
}
