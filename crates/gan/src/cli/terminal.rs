//! A terminal under stderr: whether there is one, and a line on it that is written over.

use crate::show::blocks::Colours;
use std::io::{IsTerminal, Write};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use unicode_width::UnicodeWidthStr;

/// Between two looks of a line.
const EVERY: Duration = Duration::from_millis(125);
/// Columns that a line leaves free: a terminal writes `^C` there, and has no reason to break the line.
const FREE: usize = 3;

/// What stands in the last line of the terminal and is written over.
#[derive(Debug)]
struct Line {
    text: String,
    /// How many columns it takes.
    cells: usize,
}

/// The line that is being written over, where there is one.
static LINE: Mutex<Option<Line>> = Mutex::new(None);

/// Exchanges the line for another, where `write` writes whole lines above it.
fn redraw<T>(change: impl FnOnce(&mut Option<Line>), write: impl FnOnce() -> T) -> T {
    let mut line = LINE.lock().unwrap_or_else(PoisonError::into_inner);
    let wipe = line.as_ref().map_or_else(String::new, |line| {
        // A terminal that has become narrower has broken the line into several.
        let above = line.cells.div_ceil(columns()).saturating_sub(1);
        match above {
            0 => "\r\x1b[K".to_owned(),
            _ => format!("\x1b[{above}A\r\x1b[J"),
        }
    });
    let put = |text: &str| {
        let mut out = std::io::stderr().lock();
        // Nothing depends on it.
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    };
    change(&mut line);
    let text = line.as_ref().map_or("", |line| line.text.as_str());
    if wipe.is_empty() && text.is_empty() {
        return write();
    }
    put(&wipe);
    let written = write();
    put(text);
    written
}

/// Lets `write` write whole lines to the terminal: above the line that is being written over, where there is one.
pub(super) fn above_the_status<T>(write: impl FnOnce() -> T) -> T {
    redraw(|_| (), write)
}

/// Whether what is written to stderr is to be coloured: on a terminal that can, and as `NO_COLOR`, `CLICOLOR` and
/// `CLICOLOR_FORCE` say; the messages of the command line's parser do the same.
pub(super) fn colours() -> bool {
    let stderr = std::io::stderr();
    let wanted = anstream::AutoStream::choice(&stderr) != anstream::ColorChoice::Never;
    wanted && (writes_over() || !stderr.is_terminal())
}

/// How many colours stdout has, where it is a terminal that has any and nothing forbids them.
pub(super) fn colours_of_stdout() -> Option<Colours> {
    let stdout = std::io::stdout();
    let wanted = anstream::AutoStream::choice(&stdout) != anstream::ColorChoice::Never;
    let says_all = |value: &std::ffi::OsStr| value == "truecolor" || value == "24bit";
    let depth = match std::env::var_os("COLORTERM").is_some_and(|value| says_all(&value)) {
        true => Colours::All,
        false => Colours::Of256,
    };
    (wanted && stdout.is_terminal() && knows_codes()).then_some(depth)
}

/// Whether stderr is a terminal on which a line can be written over. A dumb one is read as a pipe is.
fn writes_over() -> bool {
    knows_codes() && std::io::stderr().is_terminal()
}

/// Whether the terminal knows codes besides text, as far as `TERM` says.
fn knows_codes() -> bool {
    let term = std::env::var_os("TERM").unwrap_or_default();
    (cfg!(windows) || !term.is_empty()) && term != "dumb"
}

/// One line at the bottom of a terminal that says how far some work is. It always fits, and is gone when it is dropped.
#[derive(Debug)]
pub(super) struct Status {
    total: u64,
    drawn: Option<Instant>,
    colours: bool,
}

impl Status {
    /// A line for `total` pieces of work; `None` where stderr is no terminal that shows one.
    pub(super) fn new(total: u64) -> Option<Self> {
        writes_over().then(|| Self {
            total,
            drawn: None,
            colours: colours(),
        })
    }

    /// Shows how far the work is, and of `pieces` as much as fits; where it has just been shown, not yet.
    pub(super) fn show(&mut self, done: u64, pieces: impl FnOnce() -> Vec<Piece>) {
        let now = Instant::now();
        let soon = |drawn: Instant| now.saturating_duration_since(drawn) < EVERY;
        if self.drawn.is_some_and(soon) {
            return;
        }
        self.drawn = Some(now);
        let room = columns().saturating_sub(FREE);
        let bar = bar_of(columns());
        let text = fit(pieces(), room - if bar > 0 { bar + 1 } else { 0 });
        let share = done as f64 / self.total.max(1) as f64;
        let (mut line, mut cells) = (String::new(), text.width());
        if bar > 0 {
            line = draw_bar(bar, share, self.colours) + " ";
            cells += bar + 1;
        }
        let text = line + &text;
        redraw(|line| *line = Some(Line { text, cells }), || ());
    }
}

impl Drop for Status {
    fn drop(&mut self) {
        redraw(|line| *line = None, || ());
    }
}

/// Columns of the terminal.
fn columns() -> usize {
    let size = terminal_size::terminal_size_of(std::io::stderr());
    match size {
        Some((terminal_size::Width(columns @ 1..), _)) => columns.into(),
        _ => 80,
    }
}

/// Columns of the bar: a quarter of a wide terminal, none of a narrow one.
fn bar_of(width: usize) -> usize {
    match width {
        0..60 => 0,
        60..100 => 10,
        _ => 24,
    }
}

/// A bar that is full to `share` of its width.
fn draw_bar(width: usize, share: f64, colours: bool) -> String {
    // A cast saturates.
    let full = ((share * width as f64) as usize).min(width);
    let done = "━".repeat(full);
    let (head, rest) = match full < width {
        true => ("╸", "─".repeat(width - full - 1)),
        false => ("", String::new()),
    };
    match colours {
        true => format!("\x1b[36m{done}{head}\x1b[0;2m{rest}\x1b[0m"),
        false => format!("{done}{head}{rest}"),
    }
}

/// A part of a line, and how soon it is left out where there is no room: the least important first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// The higher, the longer it stays.
    pub(super) weight: u8,
    /// What it says.
    pub(super) text: String,
}

impl Piece {
    /// A part of a line.
    pub(super) fn new(weight: u8, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { weight, text }
    }
}

/// The pieces in their order as one line of at most `room` columns.
fn fit(mut pieces: Vec<Piece>, room: usize) -> String {
    let join = |pieces: &[Piece]| {
        let texts: Vec<&str> = pieces.iter().map(|piece| piece.text.as_str()).collect();
        texts.join(" · ")
    };
    while pieces.len() > 1 && join(&pieces).width() > room {
        // Of equal ones the last.
        let least = pieces.iter().enumerate().rev();
        if let Some((index, _)) = least.min_by_key(|(_, piece)| piece.weight) {
            pieces.remove(index);
        }
    }
    let mut line = join(&pieces);
    while line.width() > room {
        line.pop();
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_matters_least_goes_first() {
        let pieces = || {
            let texts = [
                (3, "8/90"),
                (1, "epoch 1"),
                (2, "D 0.5"),
                (1, "acc"),
                (4, "left 2s"),
            ];
            Vec::from(texts.map(|(weight, text)| Piece::new(weight, text)))
        };
        for (room, line) in [
            (99, "8/90 · epoch 1 · D 0.5 · acc · left 2s"),
            (37, "8/90 · epoch 1 · D 0.5 · left 2s"),
            (31, "8/90 · D 0.5 · left 2s"),
            (14, "8/90 · left 2s"),
            (13, "left 2s"),
            (4, "left"),
            (0, ""),
        ] {
            assert_eq!(fit(pieces(), room), line);
        }
    }

    #[test]
    fn bars_leave_room_and_are_as_wide_as_they_say() {
        for width in 1..300 {
            assert!(bar_of(width) == 0 || bar_of(width) < width / 2, "{width}");
        }
        for share in [0.0, 0.5, 0.999, 1.0, 7.0, f64::NAN] {
            assert_eq!(draw_bar(10, share, false).width(), 10, "{share}");
        }
        assert!(!draw_bar(10, 0.5, false).contains('\x1b'));
        assert!(draw_bar(10, 0.5, true).contains('\x1b'));
    }

    #[test]
    fn wide_letters_take_two_columns() {
        let text = || vec![Piece::new(1, "数字.npy")];
        assert_eq!(fit(text(), 8), "数字.npy");
        assert_eq!(fit(text(), 7), "数字.np");
        assert_eq!(fit(text(), 3), "数");
    }
}
