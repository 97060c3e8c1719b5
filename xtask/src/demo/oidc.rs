//! Step 2: four options, a rolling restart, and a client that notices nothing.

use crate::api::{SERVICE, active_controller};
use crate::demo::Demo;
use crate::demo::narrator::{answer, note, proves};
use crate::load::{Load, Report};
use crate::node_processes;
use crate::rollout::{is_on, switch_off, switch_on, watch};

pub(super) fn on_and_off(demo: &Demo<'_>) -> anyhow::Result<()> {
    let service = demo.stack.api()?.service()?;
    if is_on(&service) {
        note("OIDC is on since an earlier demo. --remove-option takes it back, the same way.");
        roll(demo, &switch_off())?;
    }
    note(
        "A client produces and consumes all through it: acks=all, idempotent, every record counted.",
    );
    let load = Load::start(demo.stack.places, &demo.at, &demo.avn)?;
    let before = node_processes::list(demo.stack.places);
    note("Four options, exactly as Aiven documents them.");
    roll(demo, &switch_on(&demo.at))?;
    let after = node_processes::list(demo.stack.places);
    let kept = after.iter().filter(|it| it.is_broker && before.contains(it)).count();
    proves(kept == 0, "each of the three brokers is a new process")?;
    note("What the client counted.");
    counted(&load.finish()?)
}

/// Sends the update, and watches the rolling restart.
fn roll(demo: &Demo<'_>, args: &[String]) -> anyhow::Result<()> {
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let api = demo.stack.api()?;
    let service = api.service()?;
    let controller = active_controller(&service).map(str::to_owned);
    demo.avn.run(&args)?;
    let service = api.service()?;
    proves(service["state"] == "REBUILDING", "the service is REBUILDING at once")?;
    let watched = watch(&api, answer)?;
    demo.avn.run(&["service", "wait", SERVICE])?;
    let order = watched.order.join(", then ");
    proves(watched.order.len() == 3, &format!("one after another: {order}"))?;
    let last = controller.is_some() && watched.order.last() == controller.as_ref();
    proves(last, &format!("the active controller last: {}", controller.unwrap_or_default()))?;
    proves(true, &format!("RUNNING again after {:.1} s", watched.total.as_secs_f64()))
}

fn counted(report: &Report) -> anyhow::Result<()> {
    let number = |name: &str| report.change.number(name);
    let (acked, p99) = (number("acked")?, number("p99_ms")?);
    answer(&format!(
        "{acked} records acknowledged; p99 {p99:.0} ms, before the change {:.0} ms; longest pause {:.0} ms",
        report.baseline.number("p99_ms")?,
        number("longest_gap_ms")?,
    ));
    for name in ["failed", "lost", "duplicated", "out_of_order"] {
        let count = number(name)?;
        proves(count == 0.0, &format!("{name}: {count}"))?;
    }
    proves(acked > 0.0, "and there was traffic")
}
