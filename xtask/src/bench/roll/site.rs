//! The stack on which all of them are measured, one after another.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::Value;
use xshell::Shell;

use super::gaps::Diary;
use super::outcome::{OURS, Outcome};
use super::rivals::{CHECK_SECS, CHECKS_HERE, Rival};
use crate::addresses::Addresses;
use crate::admin_login;
use crate::api::SERVICE;
use crate::demo::clients::Avn;
use crate::http::Request;
use crate::interrupt;
use crate::load::{Course, Load, Report};
use crate::places::Places;
use crate::process::{self, last_lines, log_file};
use crate::rollout::{is_on, other_audience, switch_on, watch};
use crate::stack::{Build, Stack};

/// Whom the REST proxy acts as: the user that every service has, and that may do everything.
const PRINCIPAL: &str = "avnadmin";
/// How long its token is good.
const TOKEN_SECS: &str = "21600";
/// How long what a change has set off may take to show.
const AFTERMATH: Duration = Duration::from_secs(2);
/// How long the service is left in peace before the next.
const PEACE: Duration = Duration::from_secs(10);

/// A stack with OIDC on, and a token that stays good.
pub(super) struct Site<'a> {
    stack: Stack<'a>,
    at: Addresses,
    avn: Avn<'a>,
    token: String,
}

impl<'a> Site<'a> {
    /// Brings it up, with OIDC and the REST proxy's authorization on.
    pub(super) fn prepare(
        sh: &'a Shell,
        places: &'a Places,
        build: Build,
    ) -> anyhow::Result<Site<'a>> {
        let stack = Stack::up(sh, places, build)?;
        let at = stack.addresses()?;
        let avn = Avn::new(sh, &at);
        let token = token(sh, &at)?;
        let site = Self { stack, at, avn, token };
        let service = site.stack.api()?.service()?;
        if !is_on(&service) {
            println!("OIDC on, which is not measured");
            site.update(&switch_on(&site.at))?;
            watch(&site.stack.api()?, |line| println!("  {line}"))?;
        }
        let option = ["service", "update", SERVICE, "-c", "kafka_rest_authorization=true"];
        site.update(&option.map(str::to_owned))?;
        site.until_token_is_accepted()?;
        Ok(site)
    }

    /// Our own: a change of OIDC.
    pub(super) fn ours(&mut self) -> anyhow::Result<Outcome> {
        println!("\nours, behind a baseline");
        interrupt::sleep(PEACE)?;
        let load = self.load(OURS)?;
        let busy = load_average();
        let api = self.stack.api()?;
        self.update(&other_audience(&api.service()?))?;
        let mut diary = Diary::default();
        let watched = watch(&api, |line| {
            println!("  {line}");
            diary.note(line);
        })?;
        let report = finish(load)?;
        println!("the longest gaps, and what was seen meanwhile:");
        println!("{}", diary.gaps("native", &report.change));
        if let Some((_, change)) = &report.rest {
            println!("{}", diary.gaps("REST", change));
        }
        Ok(Outcome::of_ours(watched, report, busy))
    }

    /// Does `work` while the orchestrator is away, and brings it back whatever comes of that.
    pub(super) fn without_orchestrator(
        &mut self,
        work: impl FnOnce(&mut Self) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        process::stop(self.stack.places, "orchestrator", Duration::from_secs(30))?;
        let result = work(self);
        if result.is_err() {
            interrupt::clear();
        }
        let back = Stack::up(self.stack.sh, self.stack.places, Build::AsItIs);
        result.and(back.map(drop))
    }

    /// One of the others.
    pub(super) fn rival(&mut self, rival: &Rival, checks: Option<u32>) -> anyhow::Result<Outcome> {
        println!("\n{}, behind a baseline", rival.name);
        let checks = checks.unwrap_or(CHECKS_HERE);
        interrupt::sleep(PEACE)?;
        let load = self.load(rival.name)?;
        let busy = load_average();
        let places = self.stack.places;
        let log = log_file(places, &format!("roll-{}", rival.name));
        let (checks_arg, every) = (checks.to_string(), CHECK_SECS.to_string());
        let mut child = Command::new(places.binary("tidegate-roll"))
            .args([rival.name, "--checks", &checks_arg, "--check-every", &every])
            .args(["--bootstrap", &admin_login::addresses(self.stack.sh, places)?])
            .arg("--nodes")
            .arg(places.nodes())
            .env("TIDEGATE_ROLL_PASSWORD", admin_login::password(places)?)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(fs::File::create(&log)?)
            .spawn()
            .context("starting tidegate-roll")?;
        let mut output = BufReader::new(child.stdout.take().context("its output")?);
        let mut said = String::new();
        output.read_line(&mut said)?;
        let report = finish(load)?;
        // It gives leaders back meanwhile.
        output.read_to_string(&mut String::new())?;
        let status = child.wait()?;
        ensure!(status.success(), "tidegate-roll: {status}\n{}", last_lines(&log, 10));
        fs::write(log.with_extension("json"), &said)?;
        let said: Value = serde_json::from_str(&said).context("tidegate-roll prints JSON")?;
        Outcome::of_rival(rival.name, &said, (report, busy), rival.note(checks))
    }

    fn load(&self, name: &str) -> anyhow::Result<Load> {
        Load::begin(&Course {
            places: self.stack.places,
            at: &self.at,
            avn: &self.avn,
            name: &format!("load-{name}"),
            rest: Some(&self.token),
        })
    }

    fn update(&self, args: &[String]) -> anyhow::Result<()> {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        println!("avn {}", args.join(" "));
        let (succeeded, said) = self.avn.quietly(&args)?;
        ensure!(succeeded, "avn: {said}");
        Ok(())
    }

    /// The proxy hears of its settings a moment later.
    fn until_token_is_accepted(&self) -> anyhow::Result<()> {
        let asked = Instant::now();
        loop {
            let request = Request::new("GET", format!("{}/topics", self.at.rest))
                .header("Authorization", &format!("Bearer {}", self.token));
            let with = request.send(self.stack.sh)?;
            let without = Request::new("GET", format!("{}/topics", self.at.rest));
            let without = without.send(self.stack.sh)?.status;
            if (with.status, without) == (200, 401) {
                return Ok(());
            }
            let late = asked.elapsed() > Duration::from_secs(30);
            ensure!(!late, "the REST proxy: {} {}; {without} without", with.status, with.body);
            interrupt::sleep(Duration::from_millis(500))?;
        }
    }
}

/// The change is over. What it has set off shows a moment later; what follows then belongs to no
/// window that is told.
fn finish(mut load: Load) -> anyhow::Result<Report> {
    interrupt::sleep(AFTERMATH)?;
    load.mark("after")?;
    interrupt::sleep(AFTERMATH)?;
    load.finish()
}

/// How busy the machine was in the last minute, by its own and others' work: with more than it has
/// cores, latencies say little.
fn load_average() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().next().and_then(|it| it.parse().ok()).unwrap_or(0.0)
}

fn token(sh: &Shell, at: &Addresses) -> anyhow::Result<String> {
    let form = format!(
        "grant_type=client_credentials&client_id=alice&client_secret=alice-secret\
         &audience=my-audience&custom_sub={PRINCIPAL}&ttl={TOKEN_SECS}"
    );
    let request = Request::new("POST", at.token_url.as_str());
    let answer = request.body("application/x-www-form-urlencoded", form).send(sh)?.json()?;
    let token = answer["access_token"].as_str();
    token.map(str::to_owned).with_context(|| format!("the identity provider gave none: {answer}"))
}
