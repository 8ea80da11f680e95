//! Where gradients go with `detach` gone or elsewhere, and what PyTorch says of it, against PyTorch itself (`golden/detach.py`).

use super::lab;
use detach_gan::lesson::microscope::{Leaves, Reach, see};
use detach_gan::lesson::variants::{Variant, of_setup};
use detach_recipes::Turn;
use detach_tensor::{DType, Tensor};
use detach_tests::golden::{self, DetachCase};
use detach_tests::replay::Replay;

/// Losses and norms, relatively.
const LIMIT: f64 = 1e-9;

fn close(ours: f64, theirs: f64) -> bool {
    (ours - theirs).abs() <= LIMIT * theirs.abs()
}

/// PyTorch's norm, and whether it could not be had as values were overwritten, beside ours.
fn is_reach(ours: Reach, theirs: Option<f64>, is_overwritten: bool) -> bool {
    match ours {
        Reach::Norm(norm) => theirs.is_some_and(|theirs| close(norm, theirs)),
        Reach::Overwritten => theirs.is_none() && is_overwritten,
        Reach::No => theirs.is_none(),
    }
}

fn check(case: &DetachCase, variant: &Variant) {
    let what = format!("{}, {}", case.of, case.variant);
    let name = |said: detach_gan::lesson::variants::PyTorch| {
        serde_json::to_value(said)
            .expect("a name")
            .as_str()
            .map(str::to_owned)
    };
    assert_eq!(
        name(variant.pytorch()).as_deref(),
        Some(&*case.says),
        "{what}"
    );
    assert_eq!(
        name(variant.retained()).as_deref(),
        Some(&*case.retained),
        "{what}"
    );
    let mut setup = variant.setup.clone();
    if setup.options().contains_key("dropout") {
        setup.set("dropout=0").expect("no dropout");
    }
    let golden = golden::recipe(&case.of);
    let mut replay = Replay::new(&setup, &golden, DType::F64);
    let leaves = Leaves::of(&*replay.recipe);
    let turns = variant.turns();
    assert_eq!(turns.len(), case.turns.len(), "{what}");
    let mut seen = Vec::new();
    replay.step_shown(&mut |loss: &Tensor| seen.push(see(turns[seen.len()], loss, &leaves, 0)));
    for (ours, theirs) in seen.iter().zip(&case.turns) {
        let turn = match ours.turn {
            Turn::D => "d",
            Turn::G => "g",
        };
        assert_eq!(turn, theirs.turn, "{what}");
        assert!(
            close(ours.loss, theirs.loss),
            "{what}: {} {}",
            ours.loss,
            theirs.loss
        );
        for (reach, norm) in [(ours.on_d, theirs.norm_d), (ours.on_g, theirs.norm_g)] {
            let is_it = is_reach(reach, norm, theirs.overwritten);
            assert!(is_it, "{what}, {turn}: {reach:?}, and PyTorch has {norm:?}");
        }
    }
}

#[test]
fn gradients_go_where_pytorchs_go() {
    let cases = golden::detach().cases;
    assert_eq!(cases.len(), 8 * 4);
    for case in &cases {
        let variants = of_setup(&lab(&case.of, &[])).expect("variants");
        let variant = variants.iter().find(|variant| variant.name == case.variant);
        check(
            case,
            variant.unwrap_or_else(|| panic!("no {}", case.variant)),
        );
    }
}
