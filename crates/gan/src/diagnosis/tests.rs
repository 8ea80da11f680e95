//! Every kind of verdict, on records that were planted.

use super::*;
use crate::run::Scored;
use detach_recipes::Detail;
use detach_recipes::detail::{AnswerKind, Answers, LayerDetail, NetworkDetail, Spread};
use serde_json::json;

/// What a detail is made of.
#[derive(Clone)]
struct Planted {
    /// The norm of G's gradient.
    g: f64,
    /// The share of dead units in each of D's three layers.
    dead: [f64; 3],
    auc: f64,
    /// How far two samples are apart, where two reals are at 1.
    distance: f64,
}

const HEALTHY: Planted = Planted {
    g: 0.5,
    dead: [0.3, 0.1, 0.0],
    auc: 0.8,
    distance: 0.9,
};

fn layer(name: &str, norm: f64, dead: f64) -> LayerDetail {
    LayerDetail {
        name: name.to_owned(),
        norm,
        dead,
    }
}

fn detail(step: u64, planted: &Planted) -> Detail {
    let names = ["Linear 784→512", "Linear 512→128", "Linear 128→1"];
    let layers: Vec<LayerDetail> = names
        .into_iter()
        .zip(planted.dead)
        .map(|(name, dead)| layer(name, if dead < 1.0 { 0.2 } else { 0.0 }, dead))
        .collect();
    let network = |name: &str, norm, layers| NetworkDetail {
        name: name.to_owned(),
        norm,
        layers,
    };
    let moves = planted.dead.iter().any(|dead| *dead < 1.0);
    Detail {
        version: Detail::VERSION,
        step,
        epoch: step as f64 / 100.0,
        networks: vec![
            network(
                "g",
                planted.g,
                vec![layer("Linear 100→784", planted.g, 0.0)],
            ),
            network("d", if moves { 0.3 } else { 0.0 }, layers),
        ],
        answers: Some(Answers {
            auc: planted.auc,
            ..Answers::of(AnswerKind::Logits, vec![0.1, 0.2], vec![-0.1, 0.1])
        }),
        samples: Some(Spread {
            deviation: 0.6,
            distance: planted.distance,
        }),
        reals: Some(Spread {
            deviation: 0.6,
            distance: 1.0,
        }),
        diverged: None,
    }
}

/// A record whose details are `first` up to the step `until`, and `then` up to `last`.
fn changing(first: &Planted, until: u64, then: &Planted, last: u64) -> Record {
    let steps = (1..=last).filter(|step| Detail::is_due(*step) || *step == last);
    let details = steps.map(|step| detail(step, if step <= until { first } else { then }));
    Record {
        details: details.collect(),
        ..Record::default()
    }
}

fn steady(planted: &Planted, last: u64) -> Record {
    changing(planted, last, planted, last)
}

#[track_caller]
fn is(record: &Record, kind: Kind) -> Verdict {
    let verdict = of(record);
    assert_eq!(verdict.kind, kind, "{verdict:?}");
    assert!(verdict.sentence.starts_with(kind.words()), "{verdict:?}");
    assert!(!verdict.cause.is_empty() && !verdict.advice.is_empty());
    assert_eq!(verdict.step, record.step());
    verdict
}

/// A line of `scores.jsonl`, of 2000 samples.
fn scored(changes: &[(&str, f64)], classes: [u64; 10]) -> Scored {
    let floor = json!({
        "fid": 0.03, "kid": 0.0, "precision": 0.85, "recall": 0.85, "density": 1.0, "coverage": 0.95, "vendi": 12.0,
        "duplicates": 0.01, "repeated": 0.0, "entropy": 2.3, "confidence": 0.99,
    });
    let mut scores = floor.clone();
    scores["fid"] = json!(0.2);
    for (name, value) in changes {
        scores[*name] = json!(value);
    }
    let line = json!({
        "version": 1, "step": 4690, "epoch": 5.0, "samples": 2000, "classifier": "0", "scores": scores, "floor": floor,
        "classes": classes,
    });
    serde_json::from_value(line).expect("a line of scores")
}

fn with_scores(scores: Scored) -> Record {
    Record {
        scores: vec![scores],
        ..steady(&HEALTHY, 4690)
    }
}

#[test]
fn nothing_is_too_early() {
    is(&Record::default(), Kind::TooEarly);
    is(&steady(&HEALTHY, 4), Kind::TooEarly);
    is(&steady(&HEALTHY, 400), Kind::Alive);
    // A run of before there were details.
    let mut old = steady(&HEALTHY, 5000);
    old.details.clear();
    old.history.add(r#"{"version":1,"step":5000,"d_loss":1.0}"#);
    is(&old, Kind::TooEarly);
    old.scores = vec![scored(&[], [200; 10])];
    is(&old, Kind::Good);
}

#[test]
fn a_dead_discriminator_is_known_by_its_layer() {
    let dead = |dead| Planted {
        dead,
        auc: 0.5,
        g: 0.0,
        ..HEALTHY
    };
    let all = is(&steady(&dead([1.0; 3]), 40), Kind::DeadD);
    assert!(all.sentence.contains("Linear 128→1"), "{all:?}");
    let middle = dead([1.0, 1.0, 0.0]);
    let later = is(&changing(&HEALTHY, 300, &middle, 900), Kind::DeadD);
    assert!(later.sentence.contains("Linear 512→128"), "{later:?}");
    assert!(later.sentence.contains("step 331"), "{later:?}");
    assert!(
        later
            .checks
            .iter()
            .any(|check| check.id == "dead-units" && !check.ok)
    );
    // Behind a layer that lives something moves: the one before it is a matter of its own, as zeros in attention are.
    is(
        &steady(
            &Planted {
                dead: [0.2, 1.0, 0.0],
                ..HEALTHY
            },
            400,
        ),
        Kind::Alive,
    );
    // It was dead for a moment.
    let now = steady(&HEALTHY, 900);
    let mut once = now.clone();
    once.details[10] = detail(once.details[10].step, &middle);
    assert_eq!(of(&once).kind, of(&now).kind);
}

/// A hinge loss is 0, and its gradient with it, where D is surer than it need be; G learns all the same.
#[test]
fn a_discriminator_that_has_won_is_not_dead() {
    let won = Planted {
        dead: [1.0; 3],
        auc: 1.0,
        ..HEALTHY
    };
    let verdict = is(&steady(&won, 80), Kind::Alive);
    assert!(verdict.checks.iter().all(|check| check.ok), "{verdict:?}");
}

/// At equilibrium D answers ½ to all, as a dead one does; but its units live.
#[test]
fn equilibrium_is_not_death() {
    is(
        &steady(
            &Planted {
                auc: 0.5,
                ..HEALTHY
            },
            4000,
        ),
        Kind::Alive,
    );
}

#[test]
fn a_generator_that_hears_nothing() {
    let deaf = Planted {
        g: 1e-6,
        auc: 1.0,
        ..HEALTHY
    };
    is(&changing(&HEALTHY, 500, &deaf, 2000), Kind::DeafG);
    // However long ago it heard something.
    is(&changing(&HEALTHY, 20, &deaf, 200_000), Kind::DeafG);
    is(&steady(&Planted { g: 0.0, ..HEALTHY }, 60), Kind::DeafG);
    // D has won so far that nothing is left for it, either.
    is(
        &steady(
            &Planted {
                g: 0.0,
                dead: [1.0; 3],
                auc: 1.0,
                ..HEALTHY
            },
            60,
        ),
        Kind::DeafG,
    );
    // Small because samples are right.
    let done = Planted {
        g: 1e-4,
        auc: 0.5,
        ..HEALTHY
    };
    is(&changing(&HEALTHY, 500, &done, 2000), Kind::Alive);
}

#[test]
fn a_discriminator_that_is_fooled_or_tells_nothing_apart_although_it_could() {
    let fooled = Planted {
        auc: 0.02,
        ..HEALTHY
    };
    is(&steady(&fooled, 100), Kind::Overwhelmed);
    // For the first steps, any is.
    is(&changing(&fooled, 20, &HEALTHY, 100), Kind::Alive);
    let lost = Planted {
        auc: 0.45,
        distance: 0.2,
        ..HEALTHY
    };
    is(&changing(&HEALTHY, 500, &lost, 4000), Kind::Overwhelmed);
}

/// Several discriminators are judged one by one.
#[test]
fn the_second_discriminator_may_be_the_dead_one() {
    let mut record = steady(&HEALTHY, 400);
    for detail in &mut record.details {
        let mut second = detail.networks[1].clone();
        second.name = "d-b".to_owned();
        second.layers.iter_mut().for_each(|layer| layer.dead = 1.0);
        detail.networks.push(second);
    }
    is(&record, Kind::DeadD);
}

#[test]
fn networks_that_take_turns_are_alive() {
    let mut record = steady(&HEALTHY, 4000);
    for step in (100..=4000).step_by(100) {
        let right = if step / 200 % 2 == 0 { 0.9 } else { 0.2 };
        let line = json!({ "step": step, "real_acc": right, "fake_acc": right });
        record.history.add(&line.to_string());
    }
    let verdict = is(&record, Kind::Alive);
    assert!(
        verdict
            .checks
            .iter()
            .any(|check| check.id == "turns" && !check.ok)
    );
    assert!(verdict.sentence.contains("turns"), "{verdict:?}");
}

#[test]
fn one_sample_for_all_noise() {
    let one = Planted {
        distance: 0.001,
        ..HEALTHY
    };
    is(&changing(&HEALTHY, 500, &one, 4000), Kind::Collapsed);
    // As every generator begins.
    is(&steady(&one, 100), Kind::Alive);
}

#[test]
fn what_scores_say_of_a_collapse() {
    let equal = [200; 10];
    let one_digit = [0, 0, 0, 1900, 10, 10, 20, 20, 20, 20];
    let one = is(
        &with_scores(scored(
            &[
                ("fid", 9.0),
                ("recall", 0.1),
                ("coverage", 0.1),
                ("entropy", 0.3),
            ],
            one_digit,
        )),
        Kind::Collapsed,
    );
    assert!(one.sentence.contains("class 3"), "{one:?}");
    let few = is(
        &with_scores(scored(
            &[("fid", 2.0), ("repeated", 0.968), ("duplicates", 1.0)],
            equal,
        )),
        Kind::Collapsed,
    );
    assert!(few.sentence.contains("64 images"), "{few:?}");
    let noise = is(
        &with_scores(scored(
            &[
                ("fid", 50.0),
                ("precision", 0.01),
                ("coverage", 0.0),
                ("entropy", 0.1),
            ],
            one_digit,
        )),
        Kind::Collapsed,
    );
    assert!(noise.sentence.contains("noise"), "{noise:?}");
    let half = [400, 0, 400, 0, 400, 0, 400, 0, 400, 0];
    let half = is(
        &with_scores(scored(&[("entropy", 1.6), ("fid", 3.0)], half)),
        Kind::Collapsed,
    );
    assert!(half.sentence.contains("5 of 10"), "{half:?}");
}

/// What `mlp` came to after 60 of its steps, on its way to digits.
#[test]
fn what_every_generator_makes_at_first_is_no_collapse() {
    let mut blots = scored(
        &[
            ("fid", 22.0),
            ("precision", 0.67),
            ("coverage", 0.004),
            ("duplicates", 1.0),
            ("vendi", 1.1),
            ("entropy", 0.0),
        ],
        [0, 0, 0, 0, 0, 0, 0, 0, 2000, 0],
    );
    (blots.step, blots.epoch) = (60, 0.06);
    let record = Record {
        scores: vec![blots],
        ..steady(&HEALTHY, 60)
    };
    is(&record, Kind::Alive);
}

#[test]
fn good_is_what_scores_say() {
    let equal = [200; 10];
    let good = is(&with_scores(scored(&[], equal)), Kind::Good);
    assert!(good.checks.iter().all(|check| check.ok), "{good:?}");
    is(&with_scores(scored(&[("fid", 1.5)], equal)), Kind::Alive);
    is(
        &with_scores(scored(&[("coverage", 0.3)], equal)),
        Kind::Alive,
    );
    // And nothing that scores say is good of a run that has died since.
    let dead = Planted {
        dead: [1.0; 3],
        auc: 0.5,
        ..HEALTHY
    };
    let record = Record {
        scores: vec![scored(&[], equal)],
        ..changing(&HEALTHY, 4690, &dead, 9000)
    };
    is(&record, Kind::DeadD);
}

#[test]
fn what_is_not_finite() {
    let mut record = steady(&HEALTHY, 400);
    let last = Detail {
        diverged: Some("training diverged: d_loss NaN".to_owned()),
        networks: Vec::new(),
        answers: None,
        samples: None,
        reals: None,
        ..detail(410, &HEALTHY)
    };
    record.details.push(last);
    let verdict = is(&record, Kind::Diverged);
    assert!(verdict.sentence.contains("410"), "{verdict:?}");
}

/// A recipe whose D answers with no number, and one line of metrics, are no reason to stumble.
#[test]
fn what_is_not_on_record_is_not_judged() {
    let mut record = steady(&HEALTHY, 4000);
    for detail in &mut record.details {
        detail.answers = None;
        detail.reals = None;
    }
    is(&record, Kind::Alive);
}

#[test]
fn kinds_have_words_of_their_own() {
    let words: std::collections::HashSet<&str> =
        Kind::ALL.iter().map(|kind| kind.words()).collect();
    assert_eq!(words.len(), Kind::ALL.len());
    assert_eq!(serde_json::to_value(Kind::DeadD).expect("JSON"), "dead-d");
}
