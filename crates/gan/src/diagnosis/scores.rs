//! What scores say of a run.

use super::verdict::{Check, Finding, Kind};
use crate::run::Scored;
use crate::show::text::{grouped, short};

/// Samples of which this share are others' copies are few.
const COPIES: f64 = 0.5;
/// Of one class are samples of which this share is.
const ONE_CLASS: f64 = 0.8;
/// A class with a smaller share than this part of an equal one is missing.
const MISSING: f64 = 0.1;
/// Samples of which less than this part lies where reals do, next to what reals come to, are like nothing real.
const UNREAL: f64 = 0.05;
/// Epochs before which samples may be like nothing real yet, or all alike: those of `mlp` are of five classes after one.
const BEGUN: f64 = 5.0;
/// The step before which samples may be the same to the byte.
const APART: u64 = 400;
/// FID is close to that of real images within this factor, and shares are from this part on.
const CLOSE: f64 = 10.0;
const MOST: f64 = 0.6;

/// To what samples have collapsed, if they have.
pub(super) fn collapsed(scores: &Scored) -> Option<Finding> {
    let alike = || copies(scores).or_else(|| noise(scores));
    let late = || (scores.epoch >= BEGUN).then(|| alike().or_else(|| classes(scores)));
    repeated(scores)
        .or_else(|| late().flatten())
        .map(|(what, cause)| {
            let advice = "Start again from a checkpoint before it, or with a smaller g.lr; a critic (the recipes wgan-gp, lsgan) \
                          collapses less.";
            Finding::new(Kind::Collapsed, what, cause, advice)
        })
}

/// What a generator with few answers left to give has in common.
const FEW: &str = "G makes the same few of almost any noise.";

fn repeated(scores: &Scored) -> Option<(String, &'static str)> {
    let [repeated, _] = scores.beside("repeated")?;
    let few = ((1.0 - repeated) * scores.samples as f64).round() as usize;
    (repeated > COPIES && scores.step >= APART).then(|| {
        let (few, samples) = (grouped(few.max(1)), grouped(scores.samples as usize));
        (
            format!("to {few} images, repeated in {samples} samples"),
            FEW,
        )
    })
}

fn copies(scores: &Scored) -> Option<(String, &'static str)> {
    let ([duplicates, of_reals], [kinds, all]) =
        (scores.beside("duplicates")?, scores.beside("vendi")?);
    (duplicates - of_reals > COPIES && kinds < 0.25 * all).then(|| {
        let share = 100.0 * duplicates;
        (
            format!("to few images: {share:.0}% of the samples have another next to them"),
            FEW,
        )
    })
}

fn noise(scores: &Scored) -> Option<(String, &'static str)> {
    let [precision, of_reals] = scores.beside("precision")?;
    let [coverage, _] = scores.beside("coverage")?;
    let is_unreal = precision < UNREAL * of_reals && coverage < UNREAL;
    is_unreal.then(|| {
        let what = format!(
            "to noise: {:.1}% of the samples lie where real images do",
            100.0 * precision
        );
        (what, "Nothing that D says leads G towards the data.")
    })
}

fn classes(scores: &Scored) -> Option<(String, &'static str)> {
    let all = scores.classes.iter().sum::<u64>();
    // Of what is like nothing real, a classifier's answer means nothing.
    let is_real = scores
        .beside("precision")
        .is_none_or(|[own, of_reals]| own > 0.3 * of_reals);
    if scores.classes.len() < 3 || all == 0 || !is_real {
        return None;
    }
    let cause = "G leaves out what D does not ask for.";
    let share = |count: u64| count as f64 / all as f64;
    let most = scores
        .classes
        .iter()
        .enumerate()
        .max_by_key(|(_, count)| **count)?;
    if share(*most.1) > ONE_CLASS {
        let what = format!(
            "to one class: {:.0}% of the samples are of class {}",
            100.0 * share(*most.1),
            most.0
        );
        return Some((what, cause));
    }
    // Of a thousand classes a few hundred samples leave most out.
    if all < 4 * scores.classes.len() as u64 {
        return None;
    }
    let equal = 1.0 / scores.classes.len() as f64;
    let there = scores
        .classes
        .iter()
        .filter(|count| share(**count) > MISSING * equal)
        .count();
    (there * 2 <= scores.classes.len()).then(|| {
        (
            format!("to {there} of {} classes", scores.classes.len()),
            cause,
        )
    })
}

/// Whether samples are close to real ones.
pub(super) fn good(scores: &Scored) -> Option<Finding> {
    let all = checks(scores);
    let is_close = |id| all.iter().any(|check: &Check| check.id == id && check.ok);
    let needed = ["fid", "precision", "coverage"];
    (needed.into_iter().all(is_close) && all.iter().all(|check| check.ok)).then(|| {
        let told = |name: &str| {
            let value = scores.beside(name).map(|[own, floor]| {
                format!("{} (real images: {})", short(Some(own)), short(Some(floor)))
            });
            value.unwrap_or_default()
        };
        Finding::new(
            Kind::Good,
            format!(
                "FID is {}, coverage {}, at step {}",
                told("fid"),
                told("coverage"),
                scores.step
            ),
            "G makes nearly what the data is, and all of it.",
            "Nothing is left to do; more steps may still sharpen it.",
        )
    })
}

/// The scores that rules hold against limits.
pub(super) fn checks(scores: &Scored) -> Vec<Check> {
    let one = |id: &'static str, at_most: bool, limit: fn(f64) -> f64| {
        let [value, floor] = scores.beside(id)?;
        let limit = limit(floor);
        Some(Check {
            id,
            ok: if at_most {
                value <= limit
            } else {
                value >= limit
            },
            value,
            limit,
            text: format!(
                "{id} is {}, and that of real images {}",
                short(Some(value)),
                short(Some(floor))
            ),
        })
    };
    let all = [
        one("fid", true, |floor| CLOSE * floor),
        one("precision", false, |floor| MOST * floor),
        one("coverage", false, |floor| MOST * floor),
        one("duplicates", true, |floor| floor + COPIES / 2.0),
        one("repeated", true, |floor| floor + COPIES / 10.0),
        one("entropy", false, |floor| 0.9 * floor),
    ];
    all.into_iter().flatten().collect()
}
