//! The program itself, killed after each statement of a change, and started again.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use reqwest::{Client, Method, StatusCode};
use sqlx::PgPool;
use tokio::time::{sleep, timeout};

use super::operations::{Operation, all};
use super::proxy::{Fault, Seen};
use super::world::{World, token_for};
use super::{Bench, Trial};
use crate::harness::KEY;

/// Too long for anything but a program that does not start, or a request that hangs.
const PATIENCE: Duration = Duration::from_mins(1);

/// The program, until it is killed.
struct Program {
    child: Child,
    url: String,
    client: Client,
}

impl Program {
    /// Starts it, without waiting for it.
    fn start(world: &World) -> Self {
        let free = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let (proxy, user) = (world.proxy.address, world.options.get_username());
        let database = world.options.get_database().unwrap();
        let url = format!("postgres://{user}:{user}@{proxy}/{database}?sslmode=disable");
        // Nobody listens on ports from 100 on.
        let child = Command::new(env!("CARGO_BIN_EXE_tidegate-control-plane"))
            .args(["serve", "--listen", &address.to_string(), "--port-base", "100"])
            .env("TIDEGATE_DATABASE_URL", url)
            .env("TIDEGATE_KEY", KEY)
            .env("RUST_LOG", "error")
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Self { child, url: format!("http://{address}"), client: Client::new() }
    }

    /// Waits until it answers, with what it has read from the database.
    async fn is_up(&self) {
        let answers = async {
            loop {
                let asked = self.client.get(format!("{}/health", self.url)).send().await;
                if asked.is_ok_and(|it| it.status() == StatusCode::OK) {
                    return;
                }
                sleep(Duration::from_millis(5)).await;
            }
        };
        let up = timeout(PATIENCE, answers).await;
        assert!(up.is_ok(), "it does not start");
    }

    async fn ask(&self, operation: &Operation) -> reqwest::Result<StatusCode> {
        let method: Method = operation.method.parse().unwrap();
        let url = format!("{}{}", self.url, operation.path);
        let request = self.client.request(method, url).bearer_auth(token_for(&operation.path));
        let request = match &operation.body {
            Some(body) => request.json(body),
            None => request,
        };
        Ok(request.send().await?.status())
    }

    /// SIGKILL.
    fn kill(&mut self) {
        // It may be dead already.
        let _ = self.child.kill();
        self.child.wait().unwrap();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
    }
}

/// After each statement of the transaction, its begin included, and before and after its commit. What is
/// only read before it, or when it is over, changes nothing.
fn points(seen: Seen) -> Vec<Fault> {
    assert!(0 < seen.begin && seen.begin < seen.commit, "{seen:?}");
    let after = (seen.begin..=seen.commit).map(|at| Fault::Held { at, done: true });
    std::iter::once(Fault::Held { at: seen.commit, done: false }).chain(after).collect()
}

/// Kills the program while the fault holds up a request. Tells whether the change is made, and whether
/// it has to be; `None` if the request was answered before.
///
/// The program does other things too, and another time a connection knows a statement already: so the
/// flights of this run tell whether it was the commit, not those of the run that counted them.
async fn kill(trial: &Trial<'_>, program: &mut Program, fault: Fault) -> Option<(bool, bool)> {
    let what = format!("{} killed at {fault:?}", trial.operation.title());
    let World { proxy, .. } = trial.world;
    proxy.set(fault);
    let struck = async {
        while !proxy.seen().struck {
            sleep(Duration::from_millis(1)).await;
        }
    };
    let hit = async {
        tokio::select! {
            answer = program.ask(trial.operation) => {
                assert!(answer.is_ok_and(|it| it.is_success()), "{what}: it failed");
                false
            }
            () = struck => true
        }
    };
    let hit = timeout(PATIENCE, hit).await.unwrap_or_else(|_| panic!("{what}: it hangs"));
    let seen = proxy.seen();
    program.kill();
    if !hit {
        assert!(trial.is_made(&what).await, "{what}: it was answered");
        return None;
    }
    proxy.held().await;
    let Fault::Held { at, done } = fault else { unreachable!() };
    let committed = 0 < seen.commit && (seen.commit < at || done);
    Some((trial.is_made(&what).await, committed))
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn killed_and_started_again_nothing_is_half_done(pool: PgPool) {
    let bench = Bench::on(&pool).await;
    let mut program = Program::start(&bench.world);
    // Kills after which nothing was to be seen of the change, and after which it was all there.
    let (mut before, mut after) = (0, 0);
    let operations = all(&bench.world);
    for operation in &operations {
        let trial = Trial::of(&bench, operation).await;
        program.is_up().await;
        bench.world.proxy.set(Fault::None);
        let answer = program.ask(operation).await.unwrap();
        assert!(answer.is_success(), "{}: {answer}", operation.title());
        let seen = bench.world.proxy.seen();
        assert!(trial.is_made(&operation.title()).await);
        // One that was just started asks for more than one that knows something already.
        program = Program::start(&bench.world);
        bench.world.tables.put_back(&trial.before).await;
        for fault in points(seen) {
            program.is_up().await;
            if let Some((made, committed)) = kill(&trial, &mut program, fault).await {
                assert_eq!(made, committed, "{} killed at {fault:?}", operation.title());
                *if made { &mut after } else { &mut before } += 1;
            }
            program = Program::start(&bench.world);
            bench.world.tables.put_back(&trial.before).await;
        }
    }
    let fewest = (3 * operations.len(), operations.len() * 3 / 4);
    assert!(before >= fewest.0 && after >= fewest.1, "{before} before, {after} after");
}
