//! Studies whose trials come to something at once.

use super::super::param::Param;
use super::*;
use crate::score::{Data, Scores};

fn study(sampler: Sampler, trials: usize) -> Study {
    let params = ["x=0..1", "y=0,1"].map(|text| Param::parse(text).expect(text));
    Study {
        sampler,
        trials,
        ..Study::new("mlp", params.into(), "loss", 900)
    }
}

/// What a trial comes to: better with more steps, and best at x = 0.3; beyond 0.8 it fails.
fn trained(job: &Job) -> Record {
    let x: f64 = job.values[0].parse().expect("a number");
    let data = Data {
        source: "none".to_owned(),
        checksum: None,
    };
    let loss = (x - 0.3).abs() + 1.0 / job.steps as f64;
    let result = match x > 0.8 {
        true => Err("diverged".to_owned()),
        false => Ok(Scores::from([("loss".to_owned(), loss)])),
    };
    Record::new(job.steps, data, result)
}

/// Does a study, its jobs in the order that `pick` chooses among those that are open; how many jobs it took.
fn done(study: &Study, mut pick: impl FnMut(usize) -> usize) -> (Results, Vec<Job>) {
    let (mut results, mut did) = (Results::new(), Vec::new());
    while let Next::Jobs(mut jobs) = next(study, &results).expect("what is next") {
        let job = jobs.swap_remove(pick(jobs.len()));
        let before = results.insert((job.trial, job.steps), trained(&job));
        assert!(before.is_none(), "{job:?} was done");
        did.push(job);
    }
    (results, did)
}

#[test]
fn the_table_does_not_depend_on_who_finishes_when() {
    for (sampler, halving) in [
        (Sampler::Tpe, None),
        (Sampler::Random, None),
        (Sampler::Tpe, Some(3)),
    ] {
        let study = Study {
            halving,
            ..study(sampler, 27)
        };
        let (first, _) = done(&study, |_| 0);
        let table = ranking(&study, &first).expect("a table");
        let mut state = 1_u32;
        let (mixed, _) = done(&study, |open| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as usize % open
        });
        assert_eq!(mixed, first);
        assert_eq!(ranking(&study, &mixed).expect("a table"), table);
        assert_eq!(table.len(), 27);
        // What failed stands last, whatever else.
        let failed = table.iter().position(|rank| rank.metric.is_none());
        let failed = failed.expect("some fail");
        assert!(table[failed..].iter().all(|rank| rank.metric.is_none()));
    }
}

/// Trials of a batch are open together: so many processes can work at once.
#[test]
fn a_batch_is_open_together() {
    let study = study(Sampler::Tpe, 20);
    let mut results = Results::new();
    let mut open = Vec::new();
    while let Next::Jobs(jobs) = next(&study, &results).expect("what is next") {
        open.push(jobs.len());
        for job in jobs {
            results.insert((job.trial, job.steps), trained(&job));
        }
    }
    assert_eq!(open, [AT_RANDOM, study.at_once, study.at_once, 2]);
}

#[test]
fn halving_resumes_the_best_of_a_rung() {
    let study = Study {
        halving: Some(3),
        ..study(Sampler::Random, 20)
    };
    assert_eq!(rungs(&study), [100, 300, 900]);
    let (results, did) = done(&study, |_| 0);
    let at = |steps| {
        did.iter()
            .filter(|job| job.steps == steps)
            .collect::<Vec<_>>()
    };
    assert_eq!([100, 300, 900].map(|steps| at(steps).len()), [20, 6, 2]);
    let metric = |job: &Job, steps| results[&(job.trial, steps)].scores.get("loss").copied();
    let worst = at(300)
        .iter()
        .filter_map(|job| metric(job, 100))
        .fold(0.0, f64::max);
    let others = at(100)
        .into_iter()
        .filter(|job| !at(300).iter().any(|on| on.trial == job.trial));
    assert!(
        others
            .filter_map(|job| metric(job, 100))
            .all(|loss| loss >= worst)
    );
    for job in at(900) {
        assert!(
            at(100)
                .iter()
                .any(|before| before.trial == job.trial && before.values == job.values)
        );
    }
    let table = ranking(&study, &results).expect("a table");
    assert_eq!(
        table
            .iter()
            .map(|rank| rank.steps)
            .take(3)
            .collect::<Vec<_>>(),
        [900, 900, 300]
    );
}

#[test]
fn rungs_end_on_lines_of_metrics() {
    let of = |trials, steps, factor, log_every| {
        rungs(&Study {
            halving: Some(factor),
            steps,
            log_every,
            ..study(Sampler::Random, trials)
        })
    };
    assert_eq!(of(20, 1000, 3, 10), [120, 340, 1000]);
    assert_eq!(of(1, 1000, 2, 10), [1000]);
    assert_eq!(of(2, 1000, 2, 10), [500, 1000]);
    // Fewer steps than lines: there is nothing to halve.
    assert_eq!(of(64, 16, 2, 10), [10, 16]);
    assert_eq!(of(64, 5, 2, 10), [5]);
}

/// A checkpoint that is due earlier notices a divergence earlier.
#[test]
fn the_moment_of_a_divergence_is_not_in_the_table() {
    let study = study(Sampler::Tpe, 20);
    let (results, _) = done(&study, |_| 0);
    let mut noticed = results.clone();
    for (number, record) in noticed.values_mut().enumerate() {
        if record.failed.is_some() {
            (record.steps, record.failed) = (number as u64 * 7, Some(format!("at {number}")));
        }
    }
    assert_ne!(noticed, results);
    let table = |results| ranking(&study, results).expect("a table");
    assert_eq!(table(&noticed), table(&results));
}

#[test]
fn the_higher_is_better_where_the_study_says_so() {
    let lower = study(Sampler::Random, 10);
    let higher = Study {
        better: Better::Higher,
        ..lower.clone()
    };
    let (results, _) = done(&lower, |_| 0);
    let order = |study| {
        let table = ranking(study, &results).expect("a table");
        let good = table.iter().filter(|rank| rank.metric.is_some());
        good.map(|rank| rank.trial).collect::<Vec<_>>()
    };
    let mut reversed = order(&higher);
    reversed.reverse();
    assert_eq!(order(&lower), reversed);
    // More trials are the same study, and its table grows.
    let more = study(Sampler::Random, 15);
    assert!(matches!(next(&more, &results), Ok(Next::Jobs(jobs)) if jobs.len() == 5));
}
