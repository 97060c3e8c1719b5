//! The service of the stack: created once, then waited for.

use std::net::TcpStream;
use std::time::Duration;

use anyhow::Context as _;

use crate::addresses::bootstrap;
use crate::api::{Api, SERVICE, summary};
use crate::http::Request;
use crate::progress::Part;
use crate::stack::Stack;

impl Stack<'_> {
    pub(super) fn wait_for_service(&self, api: &Api<'_>) -> anyhow::Result<()> {
        let part = Part::new(SERVICE);
        let last = part.until(Duration::from_mins(10), || {
            self.check_alive("orchestrator")?;
            let service = api.service()?.context("the service is gone")?;
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

    pub(super) fn wait_for_rest_proxy(&self, api: &Api<'_>) -> anyhow::Result<()> {
        let part = Part::new("rest-proxy");
        let service = api.service()?.context("the service is gone")?;
        let uri = service["connection_info"]["kafka_rest_uri"].as_str();
        let url = format!("{}/_health", uri.context("it has an address")?.trim_end_matches('/'));
        part.until(Duration::from_mins(1), || {
            let status = Request::new("GET", url.as_str()).send(self.sh)?.status;
            Ok(if status == 200 { Ok(()) } else { Err(format!("200 at {url}, is {status}")) })
        })?;
        part.done(&format!("answers at {url}"));
        Ok(())
    }
}

/// Creates the service if there is none.
pub(super) fn create_if_missing(api: &Api<'_>) -> anyhow::Result<()> {
    let part = Part::new("service");
    let word = match api.service()? {
        Some(_) => "already there",
        None => {
            api.create_service()?;
            "created, plan business-4"
        }
    };
    part.done(&format!("{SERVICE}: {word}"));
    Ok(())
}
