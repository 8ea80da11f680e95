//! The rounds: the engines take turns at a case, so that a machine that slows down
//! slows all of them, and a ratio is taken within a round.

use super::engines::{Engine, Engines, say};
use super::machine;
use super::programs::{Programs, memory_of_peer, sample};
use super::report::{HEAD, Rounds, line, write};
use super::rows::{Measure, Row, all};
use anyhow::{Context, Result, ensure};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// What a turn should take at least, in milliseconds: the median of several runs where
/// one is shorter.
const TURN: f64 = 60.0;
/// Runs in a turn, at most.
const RUNS: f64 = 50.0;
/// Rounds whose table is worth keeping.
const ENOUGH: usize = 15;

/// What to measure, and how often.
pub(super) struct Plan {
    pub(super) rounds: usize,
    pub(super) threads: usize,
    pub(super) only: Option<regex::Regex>,
    pub(super) python: Option<PathBuf>,
}

/// Measures every row, prints the table as it grows, and writes it if it is whole.
pub(super) fn run(root: &Path, plan: &Plan) -> Result<()> {
    let mut rows = all();
    if let Some(only) = &plan.only {
        rows.retain(|row| row.names().iter().any(|name| only.is_match(name)));
    }
    ensure!(!rows.is_empty(), "no row has such a name");
    let wanted: Vec<Engine> = rows.iter().filter_map(Row::peer).collect();
    let mut engines = Engines::build(root, plan.threads, &wanted, plan.python.clone())?;
    let mut text = heading(&mut engines, plan, &wanted)?;
    print!("{text}");
    let mut notes = String::new();
    let mut programs = None;
    for row in &rows {
        match measure(row, &mut engines, &mut programs, plan.rounds) {
            Ok(rounds) => {
                let line = line(row, &rounds);
                println!("{line}");
                let _ = writeln!(text, "{line}");
            }
            Err(error) => {
                let note = format!("Not measured: {}: {error:#}", row.what);
                say(&note);
                let _ = writeln!(notes, "\n{note}");
            }
        }
    }
    let path = root.join("benches/RESULTS.md");
    if plan.only.is_some() || plan.rounds < ENOUGH {
        say(&format!(
            "not written to {}: that takes all rows, {ENOUGH} rounds",
            path.display()
        ));
        return Ok(());
    }
    write(&path, &(text + &notes))?;
    say(&format!("written to {}", path.display()));
    Ok(())
}

/// When, where, how, and the head of the table.
fn heading(engines: &mut Engines, plan: &Plan, wanted: &[Engine]) -> Result<String> {
    let mut peers = Vec::new();
    for engine in [Engine::PyTorch, Engine::Burn, Engine::Candle] {
        if wanted.contains(&engine) && engines.has(engine) {
            peers.push(engines.info(engine)?);
        }
    }
    let peers = match peers.is_empty() {
        true => "no other engine".to_owned(),
        false => peers.join("; "),
    };
    let peak = engines.ask(Engine::Ours, 1, "peak")?;
    let copy = engines.ask(Engine::Ours, 1, "copy")?;
    Ok(format!(
        "{}, {}, {} threads, {}; {peak:.0} GFLOP/s of FMA, {copy:.0} GB/s of copying. Beside {peers}. \
         Median of {} rounds, ours and the peer in turn:\n\n\
         ```sh\ncargo xtask bench --peers --rounds {} --threads {}\n```\n\n{HEAD}\n",
        machine::today(),
        machine::processor(),
        plan.threads,
        engines.simd,
        plan.rounds,
        plan.rounds,
        plan.threads,
    ))
}

fn measure(
    row: &Row,
    engines: &mut Engines,
    programs: &mut Option<Programs>,
    rounds: usize,
) -> Result<Rounds> {
    let peer = row.peer().filter(|peer| engines.has(*peer));
    match &row.measure {
        Measure::Time { case, flops, .. } => in_turn(engines, peer, case, *flops, rounds),
        Measure::Threads { case } => in_turn(engines, peer, case, None, rounds),
        Measure::Images { recipe, batch } => {
            let case = format!("step {recipe} {batch}");
            let mut times = in_turn(engines, peer, &case, None, rounds)?;
            for ms in times.ours.iter_mut().chain(&mut times.peer) {
                *ms = *batch as f64 * 1e3 / *ms;
            }
            Ok(times)
        }
        // It varies by a hundredth, so once is enough.
        Measure::Memory { recipe, .. } => {
            let programs = made(programs, engines)?;
            let theirs = peer.map(|peer| memory_of_peer(engines, peer, recipe));
            Ok(Rounds {
                ours: vec![programs.memory(engines, recipe)?],
                peer: theirs.into_iter().collect::<Result<_>>()?,
                ..Rounds::default()
            })
        }
        Measure::Sample => {
            let run = made(programs, engines)?.trained(engines)?;
            let times = (0..rounds).map(|_| sample(engines, &run));
            Ok(Rounds {
                ours: times.collect::<Result<_>>()?,
                ..Rounds::default()
            })
        }
    }
}

/// Made when the first row needs it.
fn made<'a>(programs: &'a mut Option<Programs>, engines: &Engines) -> Result<&'a mut Programs> {
    if programs.is_none() {
        *programs = Some(Programs::new(engines)?);
    }
    programs.as_mut().context("just made")
}

/// Ours, then the peer, again and again. The first turn of each tells how many runs
/// fill one, and does not count.
fn in_turn(
    engines: &mut Engines,
    peer: Option<Engine>,
    case: &str,
    flops: Option<f64>,
    rounds: usize,
) -> Result<Rounds> {
    let mut out = Rounds::default();
    let ours = runs(engines.ask(Engine::Ours, 1, case)?);
    let theirs = match peer {
        Some(peer) => runs(engines.ask(peer, 1, case)?),
        None => 0,
    };
    for _ in 0..rounds {
        let ms = engines.ask(Engine::Ours, ours, case)?;
        out.ours.push(ms);
        if let Some(peer) = peer {
            out.peer.push(engines.ask(peer, theirs, case)?);
        }
        if let Some(flops) = flops {
            // Asking for the peak makes the server forget the case; it comes last.
            let peak = engines.ask(Engine::Ours, 1, "peak")?;
            out.shares.push(flops / (ms * 1e6) / peak);
        }
    }
    Ok(out)
}

fn runs(ms: f64) -> usize {
    (TURN / ms).ceil().clamp(1.0, RUNS) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_is_long_enough_and_no_longer() {
        assert_eq!([600.0, 60.0, 20.0, 0.001].map(runs), [1, 1, 3, 50]);
    }
}
