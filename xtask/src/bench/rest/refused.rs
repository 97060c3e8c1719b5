//! Bad tokens, many of them, beside good traffic.

use super::pairs::{Pair, measure};
use super::produce::{http, rate_row};
use super::rig::{Rig, path, strings};
use crate::bench::row::{Row, short};

/// Longer than the window that it has to cover, at both ends.
const AROUND: f64 = 3.0;

/// The good traffic alone, and beside sixty-four connections with nothing but bad tokens.
pub(super) fn bad_tokens(rig: &Rig<'_>) -> anyhow::Result<Vec<Row>> {
    let proxy = rig.proxy(true)?;
    let topic = rig.cluster.create_short_topic(&rig.tool, "b")?;
    let (good, bad) = (rig.token()?, rig.tokens("bad", &["--bad"])?);
    let shape = strings(&["--records", "100"]);
    let seconds = (rig.effort.warm_up + rig.effort.seconds + AROUND).to_string();
    let mut flood = strings(&["http", "--url", &proxy.url, "--topic", &topic, "--expect", "401"]);
    flood.extend(strings(&["--records", "1", "--connections", "64", "--tokens", &path(&bad)]));
    flood.extend(strings(&["--warm-up", "0", "--seconds", &seconds, "--watch", &proxy.watch()]));
    let (mut refused, mut failed) = (Vec::new(), (0, None));
    let pairs = measure(rig.effort, "records", |_| {
        let args = [http(rig, &proxy, &topic, Some(&good)), shape.clone()].concat();
        let theirs = rig.tool.run(&args)?;
        let flooding = rig.tool.start("flood", &flood)?;
        let ours = rig.tool.run(&args)?;
        let flood = flooding.finish()?;
        refused.push(flood.rate("requests")?);
        let (count, first) = flood.failures();
        failed = (failed.0 + count, failed.1.take().or(first));
        Ok(Pair { theirs, ours, missing: 0 })
    })?;
    rig.cluster.delete_topic(&rig.tool, &topic)?;
    let (failures, first) = pairs.failures();
    let refused = super::pairs::median(refused);
    let row: Row = rate_row("100 x 100 B beside bad tokens", &pairs, "records", "records/s")?;
    let note =
        format!("{} bad tokens/s refused; {}", short(refused), pairs.note().unwrap_or_default());
    let row = row.ratio_at_least(0.9).failed(failures, first).failed(failed.0, failed.1);
    Ok(vec![row.note(Some(note))])
}
