//! What the demo says: the command, the answer, and what it proves.

use anyhow::ensure;

/// The longest line of an answer, and the most lines.
const WIDTH: usize = 360;
const LINES: usize = 14;

/// Starts a step.
pub(super) fn heading(number: usize, title: &str) {
    println!("\n── {number}. {title} {}", "─".repeat(70_usize.saturating_sub(title.len())));
}

/// Says what comes, and why.
pub(super) fn note(text: &str) {
    println!("\n   {text}");
}

/// Shows a command as one would type it.
pub(super) fn command(text: &str) {
    println!("   $ {}", mask(text));
}

/// Shows what came back, shortened.
pub(super) fn answer(text: &str) {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    for line in lines.iter().take(LINES) {
        let line = mask(line);
        let cut: String = line.chars().take(WIDTH).collect();
        let dots = if cut.len() < line.len() { "…" } else { "" };
        println!("     {cut}{dots}");
    }
    if lines.len() > LINES {
        println!("     … {} lines more", lines.len() - LINES);
    }
}

/// Says what was proven, or ends the demo.
pub(super) fn proves(holds: bool, what: &str) -> anyhow::Result<()> {
    ensure!(holds, "this does not hold: {what}");
    println!("   ✓ {what}");
    Ok(())
}

/// Cuts every token to its first letters.
fn mask(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("eyJ") {
        let (before, token) = rest.split_at(at);
        let is_token = |it: char| it.is_ascii_alphanumeric() || matches!(it, '-' | '_' | '.');
        let end = token.find(|it| !is_token(it)).unwrap_or(token.len());
        shown.push_str(before);
        shown.push_str("eyJ…");
        rest = &token[end..];
    }
    shown + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_token_is_shown() {
        let said = "{\"access_token\":\"eyJhbGci.eyJpc3M_x.c2ln-\",\"expires_in\":600}";
        assert_eq!(mask(said), "{\"access_token\":\"eyJ…\",\"expires_in\":600}");
    }
}
