//! The terminal, or what stands in its place.
#![allow(clippy::print_stdout, reason = "this is a command-line tool")]

use std::io::{IsTerminal as _, Write as _, stdout};

/// Prints, and does not mind if nobody reads any more.
pub(crate) fn print(text: &str) {
    let mut out = stdout().lock();
    let _nobody_reads = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Whether somebody looks at it, so that lines may be drawn again.
pub(crate) fn is_live() -> bool {
    stdout().is_terminal()
}

/// Something that is drawn again in its place.
#[derive(Debug, Default)]
pub(crate) struct Canvas {
    n_lines: usize,
}

impl Canvas {
    /// Draws over what was drawn last, as much as fits.
    pub(crate) fn draw(&mut self, text: &str) {
        print(&self.redrawn(text, size()));
    }

    /// Long lines are broken here, since the terminal would not say how many it makes of one; and
    /// what is above the screen could not be drawn over.
    fn redrawn(&mut self, text: &str, (rows, columns): (usize, usize)) -> String {
        // To the first of the lines, and away with all below.
        let back = |n| if n > 0 { format!("\x1b[{n}F\x1b[J") } else { String::new() };
        let mut drawn = back(self.n_lines);
        let lines: Vec<String> = text.lines().flat_map(|it| broken(it, columns)).collect();
        self.n_lines = lines.len().min(rows.saturating_sub(1));
        for line in &lines[..self.n_lines] {
            drawn += line;
            drawn.push('\n');
        }
        drawn
    }
}

/// A line in pieces of at most so many characters; an empty one is one piece.
fn broken(line: &str, columns: usize) -> Vec<String> {
    let characters: Vec<char> = line.chars().collect();
    let pieces = characters.chunks(columns.max(1)).map(|it| it.iter().collect());
    if characters.is_empty() { vec![String::new()] } else { pieces.collect() }
}

/// Rows and columns of the terminal; the usual ones if it does not say.
fn size() -> (usize, usize) {
    match rustix::termios::tcgetwinsize(stdout()) {
        Ok(size) if size.ws_row > 1 && size.ws_col > 0 => (size.ws_row.into(), size.ws_col.into()),
        _ => (24, 80),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_drawn_is_drawn_over_and_never_scrolls() {
        let mut canvas = Canvas::default();
        assert_eq!(canvas.redrawn("one\ntwo is l\n", (9, 5)), "one\ntwo i\ns l\n");
        assert_eq!(canvas.redrawn("three\n", (9, 5)), "\x1b[3F\x1b[Jthree\n");
        assert_eq!(canvas.redrawn("a\nb\nc\n", (3, 5)), "\x1b[1F\x1b[Ja\nb\n");
        assert_eq!(canvas.redrawn("d\n", (3, 5)), "\x1b[2F\x1b[Jd\n");
    }
}
