//! How a driver times engines in turn: each is a server that reads one request a
//! line from standard input and answers with one line of JSON.
//!
//! ```text
//! 7 step dcgan 64        →  {"ms":54.1,"runs":7}      the median of seven runs
//! 1 peak                 →  {"value":523.7}           what is not a time
//! 3 no such case         →  {"error":"…"}
//! ```
//!
//! A server keeps the case it was asked for last, so that a driver that asks two
//! engines for the same case again and again builds it once in each.
//!
//! This file needs the standard library only: the crates in `benches/peers/`
//! include it.

use std::io::{BufRead, Write};
use std::time::{Duration, Instant};

/// What a request names.
pub enum Case<'a> {
    /// Something to time: one call is one run.
    Timed(Box<dyn FnMut() + 'a>),
    /// A number that a server finds out in its own way, each time it is asked.
    Value(Box<dyn FnMut() -> f64 + 'a>),
    /// A word about the machine or the engine.
    Text(String),
}

/// Before anything is timed a case runs at least once and for this long: threads
/// have gone to sleep while the other engine ran, and caches hold its data.
const WARM_UP: Duration = Duration::from_millis(5);

/// Answers requests until the input ends; `prepare` makes a case from the words
/// behind the number of runs. The runs of a request are a call that `around` makes: what
/// an engine does before and after a training step goes there.
///
/// # Errors
/// When standard input or output fail.
pub fn serve<'a>(
    around: impl Fn(&mut dyn FnMut()),
    mut prepare: impl FnMut(&[&str]) -> Result<Case<'a>, String>,
) -> std::io::Result<()> {
    let mut last: Option<(String, Case<'a>)> = None;
    for line in std::io::stdin().lock().lines() {
        let answer = match parse(&line?) {
            Ok((runs, name)) => {
                if last.as_ref().is_none_or(|(held, _)| *held != name) {
                    // The old case's memory goes before the new one's comes.
                    last = None;
                    let words: Vec<&str> = name.split(' ').collect();
                    match prepare(&words) {
                        Ok(case) => last = Some((name, case)),
                        Err(error) => {
                            say(&quoted("error", &error))?;
                            continue;
                        }
                    }
                }
                let (_, case) = last.as_mut().expect("set just above");
                let mut answer = String::new();
                around(&mut || answer = run(case, runs));
                answer
            }
            Err(error) => quoted("error", &error),
        };
        say(&answer)?;
    }
    Ok(())
}

fn parse(line: &str) -> Result<(usize, String), String> {
    let usage = || format!("`{line}`: expected RUNS CASE, such as `7 step dcgan 64`");
    let (runs, case) = line.trim().split_once(' ').ok_or_else(usage)?;
    let runs = runs.parse().ok().filter(|&runs| runs > 0);
    Ok((runs.ok_or_else(usage)?, case.trim().to_owned()))
}

fn run(case: &mut Case<'_>, runs: usize) -> String {
    match case {
        Case::Timed(call) => {
            format!("{{\"ms\":{},\"runs\":{runs}}}", median(call, runs))
        }
        Case::Value(find) => format!("{{\"value\":{}}}", find()),
        Case::Text(text) => quoted("text", text),
    }
}

/// The median of `runs` runs, in milliseconds.
fn median(call: &mut dyn FnMut(), runs: usize) -> f64 {
    let start = Instant::now();
    loop {
        call();
        if start.elapsed() >= WARM_UP {
            break;
        }
    }
    let time = |_| {
        let start = Instant::now();
        call();
        start.elapsed().as_secs_f64() * 1e3
    };
    let mut times: Vec<f64> = (0..runs).map(time).collect();
    times.sort_by(f64::total_cmp);
    (times[(runs - 1) / 2] + times[runs / 2]) / 2.0
}

/// `{"key":"text"}`
fn quoted(key: &str, text: &str) -> String {
    let mut out = format!("{{\"{key}\":\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out + "\"}"
}

fn say(line: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

/// The most memory this process has held, in MiB; NaN where the system does not say.
pub fn peak_memory() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kib.map_or(f64::NAN, |kib| kib / 1024.0)
}

/// The value of `--name` on the command line.
///
/// # Panics
/// When it is no such value.
pub fn flag<T: std::str::FromStr>(name: &str, default: T) -> T {
    let mut args = std::env::args().skip_while(|arg| arg != name).skip(1);
    let Some(value) = args.next() else {
        return default;
    };
    let parsed = value.parse();
    parsed.unwrap_or_else(|_| panic!("{name} {value}: not a value of this flag"))
}
