//! The client against brokers that misbehave.

mod calls;
mod connections;
mod fake;
mod logins;
mod placement;
mod probe;
mod quotas;
mod scram;

use std::time::Duration;

use model::Secret;
use tokio::net::TcpListener;

use crate::{Admin, AdminConfig, Credential};

/// Long enough for a busy machine, short enough for the tests that wait it out.
const TIMEOUT: Duration = Duration::from_secs(2);

fn admin_as(credential: Credential, bootstrap: &[&str]) -> Admin {
    let bootstrap = bootstrap.iter().map(|&it| it.to_owned()).collect();
    Admin::new(AdminConfig { bootstrap, credential, client_id: "test".into(), timeout: TIMEOUT })
}

fn admin(bootstrap: &[&str]) -> Admin {
    let password = Secret::new("hunter2".to_owned());
    let username = model::Principal::ADMIN.to_owned();
    admin_as(Credential::Plain { username, password }, bootstrap)
}

/// An address that refuses connections.
async fn closed() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().to_string()
}
