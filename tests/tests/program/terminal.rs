//! What stands on a terminal while the program works, and what of it stays.
#![cfg(unix)]

use detach_tests::program::{Done, Sandbox, skipped, wait_until};
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

const ROWS: u16 = 50;
const TRAIN: &str = "train mlp --offline --data-dir digits --batch-size 8 --no-pictures --out run";

/// What a terminal was written, and what it shows of it.
struct Shown {
    raw: String,
    /// The screen, looked at after every piece that came.
    screens: Vec<Vec<String>>,
    code: Option<i32>,
}

impl Shown {
    fn last(&self) -> &[String] {
        self.screens.last().expect("something was shown")
    }
}

/// Whether a row is the line that says how far a run is.
fn is_status(row: &str) -> bool {
    ["left ", "stopping", "steps/s", "/100,00"]
        .iter()
        .any(|part| row.contains(part))
}

/// Runs `gan` with these words on a terminal of so many columns, and types Ctrl-C, where wanted, once it says how far
/// it is; `None` where there is no `script` to make one.
fn on_terminal(
    sandbox: &Sandbox,
    words: &str,
    columns: u16,
    term: &str,
    mut ctrl_c: bool,
) -> Option<Shown> {
    let there = Command::new("script").arg("--version").output();
    if !there.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("util-linux")) {
        skipped("needs util-linux' script to make a terminal");
        return None;
    }
    let inner = format!("stty rows {ROWS} cols {columns}; exec \"$gan\" {words}");
    let mut command = sandbox.shell("exec script -qefc \"$inner\" /dev/null");
    command.env("inner", inner).env("TERM", term);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("script starts");
    let mut keyboard = child.stdin.take().expect("a pipe");
    let mut output = child.stdout.take().expect("a pipe");
    let (pieces, come) = mpsc::channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(n @ 1..) = output.read(&mut buffer) {
            if pieces.send(buffer[..n].to_vec()).is_err() {
                break;
            }
        }
    });
    let mut terminal = vt100::Parser::new(ROWS, columns, 0);
    let (mut raw, mut screens) = (Vec::new(), Vec::new());
    while let Ok(piece) = come.recv_timeout(Duration::from_secs(120)) {
        terminal.process(&piece);
        raw.extend(piece);
        let rows: Vec<String> = terminal.screen().rows(0, columns).collect();
        if ctrl_c && rows.iter().any(|row| is_status(row)) {
            keyboard.write_all(b"\x03").expect("keys");
            keyboard.flush().expect("keys");
            ctrl_c = false;
        }
        screens.push(rows);
    }
    drop(keyboard);
    Some(Shown {
        raw: String::from_utf8_lossy(&raw).into_owned(),
        screens,
        code: child.wait().expect("the end").code(),
    })
}

#[test]
fn one_line_that_fits_and_goes() {
    let sandbox = Sandbox::new();
    for columns in [40, 80, 120] {
        let words = format!("{TRAIN}{columns} --max-steps 400");
        let Some(shown) = on_terminal(&sandbox, &words, columns, "xterm-256color", false) else {
            return;
        };
        assert_eq!(shown.code, Some(0), "{}", shown.raw);
        let statuses = |rows: &[String]| rows.iter().filter(|row| is_status(row)).count();
        let most = shown.screens.iter().map(|rows| statuses(rows)).max();
        assert_eq!(most, Some(1), "{columns} columns: {:#?}", shown.screens);
        assert_eq!(
            statuses(shown.last()),
            0,
            "{columns} columns: {:#?}",
            shown.last()
        );
        let whole = shown.screens.iter().flatten().find(|row| is_status(row));
        let whole = whole.expect("a status");
        assert!(
            whole.contains("/400") && whole.chars().count() < columns.into(),
            "{whole}"
        );
        let text = shown.last().concat();
        assert!(
            text.contains("done: 400 steps") && !text.contains('━'),
            "{text}"
        );
    }
}

#[test]
fn a_dumb_terminal_gets_lines() {
    let sandbox = Sandbox::new();
    for (i, term) in ["dumb", ""].into_iter().enumerate() {
        let words = format!("{TRAIN}{i} --max-steps 20");
        let Some(shown) = on_terminal(&sandbox, &words, 80, term, false) else {
            return;
        };
        assert_eq!(shown.code, Some(0), "{}", shown.raw);
        let text = shown.raw.replace("\r\n", "\n");
        assert!(!text.contains(['\x1b', '\r']), "{text:?}");
        assert!(text.contains("\nstep 1/20 "), "{text}");
    }
}

#[test]
fn after_ctrl_c_nothing_is_left_of_the_line() {
    let sandbox = Sandbox::new();
    let words = TRAIN.replace("--no-pictures ", "") + " --max-steps 100000000 --epochs 100000000";
    // On a narrow one the line is as long as may be: `^C` comes after it, and must not begin another.
    for columns in [12, 80] {
        let words = words.replace("--out run", &format!("--out run{columns}"));
        let shown = on_terminal(&sandbox, &words, columns, "xterm-256color", true);
        let Some(shown) = shown else {
            return;
        };
        assert_eq!(shown.code, Some(130), "{}", shown.raw);
        let last = shown.last();
        let left = |row: &String| is_status(row) || row.contains('━') || row.contains("^C");
        assert!(!last.iter().any(left), "{last:#?}");
        assert!(last.concat().contains("stopped and saved"), "{last:#?}");
    }
}

/// What ends a run with an error clears the line, too.
#[test]
fn after_an_error_nothing_is_left_of_the_line() {
    let sandbox = Sandbox::new();
    let words = format!("{TRAIN} --max-steps 300 --log-every 100 --set lr=1e8");
    let Some(shown) = on_terminal(&sandbox, &words, 80, "xterm-256color", false) else {
        return;
    };
    assert_eq!(shown.code, Some(1), "{}", shown.raw);
    let last = shown.last();
    assert!(
        !last.iter().any(|row| is_status(row) || row.contains('━')),
        "{last:#?}"
    );
    assert!(last.concat().contains("error:"), "{last:#?}");
}

#[test]
fn work_that_takes_a_while_says_how_far_it_is_and_can_be_stopped() {
    let sandbox = Sandbox::new();
    sandbox.ok(&format!("{TRAIN} --max-steps 2 -q"));
    for (words, file) in [
        ("sample run --count 40000 --out x.npy", "x.npy"),
        ("sample run --count 4000000 --out x.npy.gz", "x.npy.gz"),
        ("data synth --count 1000000 --out made", "made"),
    ] {
        let Some(shown) = on_terminal(&sandbox, words, 80, "xterm-256color", true) else {
            return;
        };
        assert_eq!(shown.code, Some(130), "{}", shown.raw);
        let last = shown.last();
        assert!(!last.iter().any(|row| is_status(row)), "{last:#?}");
        assert!(last.concat().contains(file), "{last:#?}");
        let left = sandbox.files(".");
        let left: Vec<_> = left
            .keys()
            .filter(|name| !name.starts_with("run"))
            .collect();
        assert!(
            left.iter().all(|name| name.starts_with("digits/")),
            "{left:?}"
        );
    }
}

/// Signals reach the program in a pipe as they do on a terminal.
#[test]
fn a_file_that_is_half_written_goes_on_sigterm() {
    let sandbox = Sandbox::new();
    sandbox.ok(&format!("{TRAIN} --max-steps 2 -q"));
    let mut child = sandbox.start("sample run --count 40000 --out x.npy");
    let half = || {
        let files = sandbox.files(".");
        files
            .iter()
            .any(|(name, len)| name.contains(".tmp") && *len > 0)
    };
    wait_until("half a file", half);
    detach_tests::program::signal(&child, "TERM");
    assert_eq!(child.wait().expect("the end").code(), Some(143));
    assert!(!half() && !sandbox.path("x.npy").exists());
}

/// A log in a file has no escapes, and one on a terminal has as many as that wants.
#[test]
fn a_log_is_coloured_where_colours_are_wanted() {
    let sandbox = Sandbox::new();
    let words = "data info --data-dir nowhere.npz";
    for (variables, coloured) in [
        (&[][..], false),
        (&[("CLICOLOR_FORCE", "1")], true),
        (&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false),
        (&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "")], true),
        (&[("CLICOLOR_FORCE", "")], false),
    ] {
        // The log tells of a download that cannot be.
        let mut command = sandbox.command("train mlp --max-steps 1 --no-pictures");
        command
            .env("GAN_LOG", "trace")
            .env("HTTPS_PROXY", "http://127.0.0.1:9");
        command.envs(variables.iter().copied());
        let done = Done::of(command, words);
        assert!(done.stderr.lines().count() > 3, "{done}");
        assert_eq!(
            done.stderr.contains('\x1b'),
            coloured,
            "{variables:?}\n{done}"
        );
        let _ = std::fs::remove_dir_all(sandbox.path("runs"));
    }
}

/// The newest picture, where the terminal has colours: as wide as the terminal, two rows of pixels a line.
#[test]
fn a_picture_is_drawn_where_it_can_be() {
    let sandbox = Sandbox::new();
    sandbox.ok(&format!(
        "{} --max-steps 1",
        TRAIN.replace("--no-pictures", "-q")
    ));
    let Some(shown) = on_terminal(&sandbox, "show run", 60, "xterm-256color", false) else {
        return;
    };
    let is_picture = |row: &&String| row.chars().all(|c| c == '▀') && !row.is_empty();
    let lines: Vec<&String> = shown.last().iter().filter(is_picture).collect();
    assert!(lines.len() > 20, "{:?}", shown.last());
    assert!(lines.iter().all(|line| line.chars().count() == 60));
    for (words, term) in [("show run --no-picture", "xterm"), ("show run", "dumb")] {
        let shown = on_terminal(&sandbox, words, 60, term, false).expect("a terminal");
        assert!(
            !shown.raw.contains('▀') && shown.raw.contains("d_loss"),
            "{words}"
        );
    }
}
