//! REST proxies as processes of this machine.

use std::fs;

use model::UrlPolicy;

use super::folder::{ServiceFolder, modified};
use super::{LocalDriver, detached, failed, files, process_table, processes, spawn};
use crate::driver::{DriverError, ProxyObserved, ProxyStart};

/// The file with the proxy's token, by which its process is recognised as well.
fn token_file(folder: &ServiceFolder) -> std::path::PathBuf {
    folder.rest_proxy().join("token")
}

/// The proxies of a service.
fn running(folder: &ServiceFolder) -> Result<Vec<i32>, DriverError> {
    Ok(process_table()?.with_argument(&token_file(folder).display().to_string()))
}

pub(super) fn observe(folder: &ServiceFolder) -> Result<ProxyObserved, DriverError> {
    let is_running = !running(folder)?.is_empty();
    let last_start = modified(&folder.rest_proxy().join("started"));
    Ok(ProxyObserved { is_running, last_start })
}

pub(super) async fn start(
    driver: &LocalDriver,
    folder: &ServiceFolder,
    start: &ProxyStart,
) -> Result<(), DriverError> {
    let dir = folder.rest_proxy();
    let prepare = || {
        fs::create_dir_all(&dir)?;
        files::write(&token_file(folder), start.token.expose())?;
        fs::write(dir.join("started"), "")
    };
    prepare().map_err(failed(&format!("cannot write to {}", dir.display())))?;
    let mut command = detached(&driver.rest_proxy);
    command.arg("--listen").arg(&start.address);
    command.arg("--control-plane-url").arg(&driver.control_plane_url);
    command.arg("--token-file").arg(token_file(folder));
    if driver.idp_policy.urls == UrlPolicy::HttpOnLoopback {
        command.env("TIDEGATE_HTTP_LOOPBACK_IDP", "true");
    }
    let networks: Vec<_> = driver.idp_policy.networks.iter().map(ToString::to_string).collect();
    if !networks.is_empty() {
        command.env("TIDEGATE_IDP_NETWORKS", networks.join(","));
    }
    spawn(command, &dir.join("rest-proxy.log")).await
}

pub(super) fn stop(folder: &ServiceFolder) -> Result<(), DriverError> {
    for pid in running(folder)? {
        if let Some(incarnation) = processes::incarnation(pid) {
            processes::terminate(&incarnation).map_err(failed("cannot stop the REST proxy"))?;
        }
    }
    Ok(())
}
