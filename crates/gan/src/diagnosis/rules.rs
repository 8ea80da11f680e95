//! From a record to a verdict: the failures in the order in which one explains the next, then how far it is.

use super::record::Record;
use super::scores;
use super::seen::{Blocked, Seen, generator};
use super::verdict::{Check, Finding, Kind, Verdict};
use crate::show::text::short;
use detach_recipes::detail::LayerDetail;

/// G's gradient has all but vanished below this part of what it was.
const DEAF: f64 = 1e-3;
/// D that tells reals from fakes no better than this tells nothing.
const BLIND: f64 = 0.6;
/// D that tells them less well than this takes fakes for reals.
const FOOLED: f64 = 0.3;
/// Samples differ from each other as reals do within this factor.
const ALIKE: f64 = 2.0;
/// Samples that differ less than this part of what reals do are one sample.
const COLLAPSED: f64 = 0.02;
/// Changes of the lead that are no chance.
const TURNS: usize = 8;
/// Before this step nobody can say how a run goes. That D is dead shows sooner, as it does not come back.
const EARLY: u64 = 50;
const DEAD: u64 = 10;
/// Before this step, G may not yet have got away from where it began: one answer to all noise.
const BEGUN: u64 = 400;

/// What is to be said of a run with this record.
pub fn of(record: &Record) -> Verdict {
    let seen = Seen::new(record);
    let scored = record.scores.last();
    let found = diverged(record)
        .or_else(|| dead(&seen))
        .or_else(|| deaf(&seen))
        .or_else(|| scored.and_then(scores::collapsed))
        .or_else(|| collapsed(&seen))
        .or_else(|| overwhelmed(&seen))
        .or_else(|| early(&seen))
        .or_else(|| scored.and_then(scores::good))
        .or_else(|| matched(&seen))
        .unwrap_or_else(|| alive(&seen));
    Verdict {
        kind: found.kind,
        sentence: format!("{}: {}.", found.kind.words(), found.what),
        cause: found.cause,
        advice: found.advice,
        checks: checks(&seen),
        step: seen.step,
    }
}

/// A number was not finite any more when training ended.
fn diverged(record: &Record) -> Option<Finding> {
    let last = record.details.last()?;
    let why = last.diverged.as_deref()?;
    Some(Finding::new(
        Kind::Diverged,
        format!("at step {} a number was not finite any more", last.step),
        why,
        "Start again with smaller learning rates (g.lr, d.lr) or a clipped gradient (clip-norm of g and d).",
    ))
}

/// Nothing of D moves, and it has not won.
fn dead(seen: &Seen<'_>) -> Option<Finding> {
    let Blocked {
        layer,
        is_last,
        since,
    } = seen.blocked()?;
    if seen.step < DEAD || seen.is_perfect() {
        return None;
    }
    let now = seen.now.last()?;
    let answer = now.answers.as_ref().map_or(String::new(), |answers| {
        format!(
            " It answers {} to everything.",
            short(Some(answers.fake_mean))
        )
    });
    let cause = match is_last {
        true => format!(
            "What follows {} is flat for every real and every fake, as a ReLU is below 0, and σ so far out that it rounds.{answer}",
            layer.name
        ),
        false => format!(
            "All units of {} are off for every real and every fake, as a ReLU is below 0.{answer}",
            layer.name
        ),
    };
    Some(Finding::new(
        Kind::DeadD,
        format!(
            "all units of its layer {} have been without a gradient since step {since}",
            layer.name
        ),
        cause,
        "It does not come back by itself: start again with another seed, or with an activation that is nowhere flat, as LeakyReLU \
         is. `mlp-relu` has last-relu=false for it, which its preset `fixed` sets.",
    ))
}

/// G's gradient is 0 or next to nothing, while D tells its fakes apart.
fn deaf(seen: &Seen<'_>) -> Option<Finding> {
    // A ReLU before σ is off for the first fakes of many a run that goes well.
    if seen.step < EARLY {
        return None;
    }
    let told = seen.auc().map_or(String::new(), |auc| {
        format!(" D tells reals from fakes with an AUC of {auc:.3}.")
    });
    if seen.is_deaf() {
        return Some(Finding::new(
            Kind::DeafG,
            "the gradient that reaches it is exactly 0".to_owned(),
            format!(
                "D's answer is flat for every fake, as a ReLU before σ is below 0, or σ so far out that it rounds; or the fakes in G's loss \
                 are detached, and no way leads back to G.{told}"
            ),
            "Start again with another seed, a D that is nowhere flat (`mlp-relu` has last-relu=false for it), a loss that does \
             not saturate (generator-loss=non-saturating), or, in `lab`, with detach-g=false.",
        ));
    }
    let [now, before] = seen.heard().filter(|_| seen.is_perfect())?;
    if now >= DEAF * before {
        return None;
    }
    let layers = &seen.now.last().and_then(generator)?.layers;
    let quietest = layers.iter().min_by(|a, b| a.norm.total_cmp(&b.norm))?;
    Some(Finding::new(
        Kind::DeafG,
        format!(
            "the norm of its gradient is {}, and was {} once; least of all in {}",
            short(Some(now)),
            short(Some(before)),
            quietest.name
        ),
        format!("D is so sure of every fake that its answer hardly changes with them.{told}"),
        "Take a loss that does not saturate (generator-loss=non-saturating), or slow D down by a smaller d.lr; a target below 1 for \
         reals (targets.real) hardly changes it.",
    ))
}

/// Samples are all but one and the same.
fn collapsed(seen: &Seen<'_>) -> Option<Finding> {
    let variety = seen.variety()?;
    if seen.step < BEGUN || variety >= COLLAPSED {
        return None;
    }
    Some(Finding::new(
        Kind::Collapsed,
        format!(
            "to one sample: two of them differ {} times as much as two reals",
            short(Some(variety))
        ),
        "G has found one answer that D takes, whatever the noise.",
        "Start again from a checkpoint before it, or with a smaller g.lr; a critic (the recipes wgan-gp, lsgan) collapses less.",
    ))
}

/// D takes fakes for reals, or tells nothing apart though there is something to tell.
fn overwhelmed(seen: &Seen<'_>) -> Option<Finding> {
    let auc = seen.auc()?;
    let is_fooled = auc < FOOLED && seen.step >= EARLY;
    let is_blind = auc < BLIND && seen.step >= BEGUN;
    let unlike = seen
        .variety()
        .filter(|variety| is_blind && !(ALIKE.recip()..ALIKE).contains(variety));
    let what = if is_fooled {
        format!("it takes fakes for reals rather than reals (AUC {auc:.2})")
    } else if let Some(variety) = unlike {
        format!(
            "it tells reals from fakes no better than chance (AUC {auc:.2}), and two fakes still differ {} times as much as \
             two reals",
            short(Some(variety))
        )
    } else {
        return None;
    };
    Some(Finding::new(
        Kind::Overwhelmed,
        what,
        "G moves faster than D learns to tell.",
        "Give D more: d-steps=2 or a larger d.lr, or a smaller g.lr.",
    ))
}

fn early(seen: &Seen<'_>) -> Option<Finding> {
    let steps = match seen.step {
        1 => "1 step is on record".to_owned(),
        steps => format!("{steps} steps are on record"),
    };
    let [cause, advice] = match seen.step < EARLY {
        true => ["Nothing is wrong so far.", "Train on."],
        false if seen.now.is_empty() && seen.record.scores.is_empty() => [
            "Too few of them were looked at closely: the run has no detail.jsonl, or one of a few lines.",
            "Go on with it for some steps, or take its scores.",
        ],
        false => return None,
    };
    Some(Finding::new(Kind::TooEarly, steps, cause, advice))
}

/// A recipe of numbers says itself how near its samples are: by their Jensen-Shannon divergence, from 0 to log 2.
fn matched(seen: &Seen<'_>) -> Option<Finding> {
    let divergence = seen.record.history.lately("jsd")?;
    (divergence < 0.01).then(|| {
        Finding::new(
            Kind::Good,
            format!(
                "the Jensen-Shannon divergence of samples and reals is {}",
                short(Some(divergence))
            ),
            "G makes what the data is.",
            "Nothing is left to do.",
        )
    })
}

fn alive(seen: &Seen<'_>) -> Finding {
    let scored = seen.record.scores.last();
    let steps = format!("{} steps", seen.step);
    if let Some(turns) = seen.turns().filter(|turns| *turns >= TURNS) {
        return Finding::new(
            Kind::Alive,
            format!("after {steps} G and D take turns in being ahead, {turns} times lately"),
            "Each step of one undoes the other's.",
            "Smaller learning rates (g.lr, d.lr), or an average of G's weights (ema).",
        );
    }
    match scored.and_then(|scores| scores.beside("fid")) {
        Some([fid, floor]) => Finding::new(
            Kind::Alive,
            format!(
                "FID is {}, and that of real images {}",
                short(Some(fid)),
                short(Some(floor))
            ),
            "Both networks learn.",
            "Train on.",
        ),
        None => Finding::new(
            Kind::Alive,
            format!("after {steps} both networks learn, and no score says how far it is"),
            "No failure is on record.",
            "Look at the samples, and train on.",
        ),
    }
}

/// The numbers that the rules hold against limits, as far as they are on record.
fn checks(seen: &Seen<'_>) -> Vec<Check> {
    let above = |id, value: f64, limit: f64, text: String| Check {
        id,
        ok: value >= limit,
        value,
        limit,
        text,
    };
    let dead = |layer: &LayerDetail| Check {
        id: "dead-units",
        ok: layer.dead < 1.0 || seen.is_perfect(),
        value: layer.dead,
        limit: 1.0,
        text: format!(
            "{:.0}% of the units of D's {} are without a gradient",
            100.0 * layer.dead,
            layer.name
        ),
    };
    let heard = |[now, before]: [f64; 2]| {
        let part = if before > 0.0 { now / before } else { 0.0 };
        let text = format!(
            "the norm of G's gradient is {} times its largest",
            short(Some(part))
        );
        above("gradient", part, DEAF, text)
    };
    let told = |auc: f64| {
        above(
            "answers",
            auc,
            FOOLED,
            format!("D tells reals from fakes with an AUC of {auc:.2}"),
        )
    };
    let varied = |variety: f64| {
        let text = format!(
            "two samples differ {} times as much as two reals",
            short(Some(variety))
        );
        Check {
            ok: variety >= COLLAPSED || seen.step < BEGUN,
            ..above("variety", variety, COLLAPSED, text)
        }
    };
    let turns = |turns: usize| Check {
        id: "turns",
        ok: turns < TURNS,
        value: turns as f64,
        limit: TURNS as f64,
        text: format!("the lead has changed {turns} times lately"),
    };
    let own = [
        seen.deadest().map(dead),
        seen.heard().map(heard),
        seen.auc().map(told),
        seen.variety().map(varied),
        seen.turns().map(turns),
    ];
    let scored = seen.record.scores.last().map(scores::checks);
    let scored = scored.into_iter().flatten();
    own.into_iter().flatten().chain(scored).collect()
}
