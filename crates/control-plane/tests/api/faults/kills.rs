//! The program itself, killed between any two statements of a request, and started again.

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
/// How often each operation is hit, besides before and after its commit.
const RANDOM: usize = 2;

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

/// Numbers that are not the same in each run, and say nothing.
struct Random(u64);

impl Random {
    /// Less than `end`.
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(end).unwrap()).unwrap()
    }
}

/// Before and after its commit, and elsewhere at random.
fn points(seen: Seen, random: &mut Random) -> Vec<Fault> {
    let held = |at, done| Fault::Held { at, done };
    let some = (0..RANDOM).map(|_| held(1 + random.below(seen.flights), random.below(2) == 0));
    [held(seen.commit, false), held(seen.commit, true)].into_iter().chain(some).collect()
}

/// Kills the program while the fault holds up a request, and tells whether the change was made.
async fn kill(trial: &Trial<'_>, program: &mut Program, fault: Fault) -> bool {
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
            answer = program.ask(trial.operation) => panic!("{what}: it was answered: {answer:?}"),
            () = struck => {}
        }
    };
    timeout(PATIENCE, hit).await.unwrap_or_else(|_| panic!("{what}: it hangs"));
    program.kill();
    proxy.held().await;
    trial.is_made(&what).await
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn killed_and_started_again_nothing_is_half_done(pool: PgPool) {
    let bench = Bench::on(&pool).await;
    let mut random = Random(u64::try_from(model::Timestamp::now().0).unwrap());
    let mut program = Program::start(&bench.world);
    for operation in &all(&bench.world) {
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
        for fault in points(seen, &mut random) {
            program.is_up().await;
            let made = kill(&trial, &mut program, fault).await;
            let Fault::Held { at, done } = fault else { unreachable!() };
            // The commit is the first moment at which it is there.
            let expected = at > seen.commit || at == seen.commit && done;
            assert_eq!(made, expected, "{} killed at {fault:?}", operation.title());
            program = Program::start(&bench.world);
            bench.world.tables.put_back(&trial.before).await;
        }
    }
}
