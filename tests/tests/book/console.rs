//! Commands in pages, and what they print.
//!
//! A block of `console` has lines `$ gan …`, each with what it prints below it; `\` at a line's end goes on in the next one. `…` as a line
//! stands for any lines, and within a line for any text: times, sizes, what differs from machine to machine.

use crate::Page;
use crate::fences::fences;
use detach_tests::program::Sandbox;
use detach_tests::repository;
use std::fs;

/// A command and what it should print.
#[derive(Debug, PartialEq)]
struct Command<'a> {
    /// Its lines as they stand there.
    typed: String,
    /// What a shell is to do.
    script: String,
    output: Vec<&'a str>,
}

/// The commands of a block.
fn commands(block: &str) -> Result<Vec<Command<'_>>, String> {
    let mut commands: Vec<Command<'_>> = Vec::new();
    let mut goes_on = false;
    for line in block.lines() {
        if goes_on || line.starts_with("$ ") {
            if !goes_on {
                commands.push(Command {
                    typed: String::new(),
                    script: String::new(),
                    output: Vec::new(),
                });
            }
            let command = commands.last_mut().ok_or("no command")?;
            let words = if goes_on { line } else { &line[2..] };
            goes_on = words.ends_with('\\');
            command.typed += &format!("{line}\n");
            command.script += &format!("{words}\n");
        } else {
            let command = commands
                .last_mut()
                .ok_or("a block of `console` begins with `$ `")?;
            command.output.push(line.trim_end());
        }
    }
    match commands
        .iter()
        .find(|command| !command.script.starts_with("gan "))
    {
        Some(other) => Err(format!(
            "`{}` is no command of `gan`: such a block is one of `text`",
            other.script.trim()
        )),
        None => Ok(commands),
    }
}

/// Whether a line is as it should be: `…` is any text.
fn is_line(wanted: &str, line: &str) -> bool {
    let mut parts = wanted.split('…');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = line.strip_prefix(first) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// Whether lines are as they should be: a line `…` is any lines.
fn are_lines(wanted: &[&str], lines: &[&str]) -> bool {
    match (wanted, lines) {
        ([], []) => true,
        (["…", rest @ ..], _) => {
            (0..=lines.len()).any(|skipped| are_lines(rest, &lines[skipped..]))
        }
        ([first, wanted @ ..], [line, lines @ ..]) => {
            is_line(first, line) && are_lines(wanted, lines)
        }
        _ => false,
    }
}

/// The first line that should be there and is not, after those before it.
fn missing<'a>(wanted: &[&'a str], lines: &[&str]) -> Option<&'a str> {
    let is_so_far = |count: usize| {
        let mut start = wanted[..count].to_vec();
        start.push("…");
        are_lines(&start, lines)
    };
    (1..=wanted.len())
        .find(|count| !is_so_far(*count))
        .map(|count| wanted[count - 1])
}

/// The blocks of a page that are not as they come out, each with what comes out.
pub(crate) fn wrong(page: &Page) -> Vec<String> {
    let blocks: Vec<_> = fences(&page.text)
        .into_iter()
        .filter(|fence| fence.language() == "console")
        .collect();
    if blocks.is_empty() {
        return Vec::new();
    }
    // A reader's folder: that of the repository, with the digits that are in it.
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.path("data")).expect("a folder");
    fs::rename(sandbox.path("digits"), sandbox.path("data/fixture")).expect("the fixture");
    assert!(repository().join("data/fixture").is_dir());
    let mut wrong = Vec::new();
    for block in blocks {
        let commands = commands(block.body).unwrap_or_else(|e| panic!("{}: {e}", page.name));
        let done: Vec<_> = commands
            .iter()
            .map(|command| run(command, &sandbox))
            .collect();
        let first = commands
            .iter()
            .zip(&done)
            .find_map(|(command, (is_done, printed))| {
                let lines: Vec<&str> = printed.lines().collect();
                if !are_lines(&command.output, &lines) {
                    return Some(match missing(&command.output, &lines) {
                        Some(line) => format!("`{line}` is not there"),
                        None => "more is printed at the end".to_owned(),
                    });
                }
                (!is_done && !printed.contains("error:"))
                    .then(|| "it fails and says no `error:`".to_owned())
            });
        if let Some(first) = first {
            let now: String = commands
                .iter()
                .zip(&done)
                .map(|(command, (_, printed))| command.typed.clone() + printed)
                .collect();
            wrong.push(format!(
                "{}: {first}; the block is now\n```console\n{now}```\n",
                page.name
            ));
        }
    }
    wrong
}

/// Whether a command succeeds, and what it prints.
fn run(command: &Command<'_>, sandbox: &Sandbox) -> (bool, String) {
    let script = format!(
        "gan() {{ \"$gan\" \"$@\"; }}\n{{ {}\n}} 2>&1",
        command.script.trim_end()
    );
    let output = sandbox.shell(&script).output().expect("a shell");
    let text = String::from_utf8_lossy(&output.stdout);
    let lines = text.lines().map(|line| format!("{}\n", line.trim_end()));
    (output.status.success(), lines.collect())
}

#[test]
fn dots_stand_for_what_differs() {
    assert!(is_line("done in … s, D …", "done in 1.25 s, D 0.5") && is_line("…", ""));
    assert!(!is_line("done in … s", "done in 3 ms") && !is_line("D 0.5", "D 0.51"));
    let lines = ["a", "b", "c", "d"];
    assert!(are_lines(&["a", "…", "d"], &lines) && are_lines(&["…", "c", "…"], &lines));
    assert!(
        are_lines(&["a", "b", "…", "c", "d"], &lines),
        "none are any, too"
    );
    assert!(!are_lines(&["a", "c"], &lines) && !are_lines(&["a", "b", "c"], &lines));
    assert_eq!(missing(&["a", "…", "e", "d"], &lines), Some("e"));
}

#[test]
fn a_command_goes_on_in_the_next_line() {
    let found = commands("$ gan a \\\n  b\nx\n$ gan c").expect("two commands");
    assert_eq!(
        (found[0].script.as_str(), found[0].output.as_slice()),
        ("gan a \\\n  b\n", &["x"][..])
    );
    assert_eq!(
        (found[1].script.as_str(), found[1].output.len()),
        ("gan c\n", 0)
    );
    assert!(commands("$ cargo test").is_err() && commands("x").is_err());
}
