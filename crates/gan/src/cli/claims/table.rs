//! The claims, and the pairs of runs that test them.

/// A claim: with the trick, a score is higher or lower than without, or the same.
#[derive(Debug)]
pub(super) struct Claim {
    /// What it is called on the command line.
    pub(super) name: &'static str,
    /// What is claimed, in a sentence.
    pub(super) says: &'static str,
    /// The runs with the trick.
    pub(super) with: Variant,
    /// The runs without.
    pub(super) without: Variant,
    /// The score in which it is said to show.
    pub(super) score: &'static str,
    /// What the trick is said to do to it.
    pub(super) expects: Expects,
}

/// A recipe as published but for these settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Variant {
    pub(super) recipe: &'static str,
    /// `KEY=VALUE`.
    pub(super) set: &'static [&'static str],
}

/// What a trick is said to do to a score.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expects {
    /// It is higher.
    Higher,
    /// It is lower.
    Lower,
    /// It is the same, to the bit.
    Same,
}

const fn of(recipe: &'static str, set: &'static [&'static str]) -> Variant {
    Variant { recipe, set }
}

/// All claims. Where the trick is the published way, the runs with it are the recipe as it is, which many claims share.
pub(super) const CLAIMS: [Claim; 15] = [
    Claim {
        name: "latent-size",
        says: "a larger latent space (100 against 2) makes samples more diverse",
        with: of("mlp", &[]),
        without: of("mlp", &["latent=2"]),
        score: "diversity",
        expects: Expects::Higher,
    },
    Claim {
        name: "label-smoothing",
        says: "one-sided label smoothing (real = 0.9) brings samples closer to the data",
        with: of("mlp", &["targets.real=0.9"]),
        without: of("mlp", &[]),
        score: "energy",
        expects: Expects::Lower,
    },
    Claim {
        name: "d-steps",
        says: "three updates of D for each of G bring samples closer to the data than one",
        with: of("mlp", &["d-steps=3"]),
        without: of("mlp", &[]),
        score: "energy",
        expects: Expects::Lower,
    },
    Claim {
        name: "small-beta1",
        says: "Adam's β₁ of 0.5 instead of 0.9 brings samples closer to the data",
        with: of("mlp", &[]),
        without: of("mlp", &["beta1=0.9"]),
        score: "energy",
        expects: Expects::Lower,
    },
    Claim {
        name: "batch-norm",
        says: "BatchNorm in G prevents a collapse: samples are more diverse than without",
        with: of("mlp", &[]),
        without: of("mlp", &["batch-norm=false"]),
        score: "diversity",
        expects: Expects::Higher,
    },
    Claim {
        name: "two-learning-rates",
        says: "two learning rates (D four times G's) bring samples closer to the data than one",
        with: of("mlp", &["d.lr=4e-4", "g.lr=1e-4"]),
        without: of("mlp", &[]),
        score: "energy",
        expects: Expects::Lower,
    },
    Claim {
        name: "non-saturating-loss",
        says: "the non-saturating loss brings samples closer to the data than the saturating one",
        with: of("mlp", &[]),
        without: of("mlp", &["generator-loss=saturating"]),
        score: "energy",
        expects: Expects::Lower,
    },
    Claim {
        name: "dropout",
        says: "dropout of 0.3 in D brings samples closer to the data",
        with: of("keras-mlp", &[]),
        without: of("keras-mlp", &["dropout=0.0"]),
        score: "energy",
        expects: Expects::Lower,
    },
    Claim {
        name: "detach",
        says: "detaching the fakes that D learns from changes nothing that is learnt, as D's update moves D alone",
        with: of("mlp", &[]),
        without: of("mlp", &["detach=false"]),
        score: "energy",
        expects: Expects::Same,
    },
    Claim {
        name: "d-pace",
        says: "a D whose learning rate is ten times G's leaves G behind: G's loss is higher",
        with: of("mlp", &["d.lr=2e-3"]),
        without: of("mlp", &[]),
        score: "g_loss",
        expects: Expects::Higher,
    },
    Claim {
        name: "relu-before-sigmoid",
        says: "a D that ends in ReLU before σ holds G back: without that ReLU samples are closer to the data",
        with: of("mlp-relu", &["last-relu=false"]),
        without: of("mlp-relu", &[]),
        score: "energy",
        expects: Expects::Lower,
    },
    Claim {
        name: "update-order",
        says: "updating D first brings samples closer to the data than G first",
        with: of("mlp", &[]),
        without: of("mlp", &["order=g-first"]),
        score: "energy",
        expects: Expects::Lower,
    },
    Claim {
        name: "average-weights",
        says: "samples of the average of G's weights (0.99) are closer to the data than those of the last ones",
        with: of("mlp", &["g.ema=0.99"]),
        without: of("mlp", &[]),
        score: "energy",
        expects: Expects::Lower,
    },
    Claim {
        name: "running-statistics",
        says: "running statistics of D's BatchNorm that move in G's update too change nothing that is learnt",
        with: of("dcgan-light", &[]),
        without: of("dcgan-light", &["d-stats-in-g-step=false"]),
        score: "energy",
        expects: Expects::Same,
    },
    Claim {
        name: "convolutions",
        says: "a convolutional GAN's samples are closer to the data than a fully connected one's after as many steps",
        with: of("dcgan-light", &[]),
        without: of("mlp", &[]),
        score: "energy",
        expects: Expects::Lower,
    },
];

impl Variant {
    /// A name for its runs' folder: the recipe and what is changed.
    pub(super) fn folder(&self) -> String {
        let changed = self.set.iter().map(|set| format!("+{set}"));
        self.recipe.to_owned() + &changed.collect::<String>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::STATISTICS;
    use detach_recipes::{Preset, find};

    #[test]
    fn a_pair_differs_in_the_trick_alone() {
        for (number, claim) in CLAIMS.iter().enumerate() {
            assert!(
                CLAIMS[..number]
                    .iter()
                    .all(|other| other.name != claim.name)
            );
            let setups = [claim.with, claim.without].map(|variant| {
                let recipe = find(variant.recipe).expect(claim.name);
                let mut setup = recipe.setup(Preset::AsPublished);
                for set in variant.set {
                    let before = setup.clone();
                    setup.set(set).expect(claim.name);
                    assert!(setup != before, "{}: {set} changes nothing", claim.name);
                }
                setup
            });
            assert!(setups[0] != setups[1], "{}", claim.name);
            // One side is a recipe as it is, so all that differs stands in the other's settings.
            assert!(
                claim.with.set.is_empty() || claim.without.set.is_empty(),
                "{}",
                claim.name
            );
            let known = STATISTICS
                .iter()
                .any(|statistic| statistic.name == claim.score);
            assert!(known || claim.score == "g_loss", "{}", claim.score);
        }
    }
}
