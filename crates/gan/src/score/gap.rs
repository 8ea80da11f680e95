//! Has the discriminator learnt its training images by heart: they beside others that it was never shown.

use super::images::Images;
use super::interval::Estimate;
use detach_data::sample::normalise;
use detach_recipes::detail::auc;
use detach_recipes::{Batch, Recipe};
use detach_tensor::{Array, Kind, Tensor};

/// What it is called.
pub const GAP: &str = "heldout_auc";
/// What it is where D has learnt no image by heart.
pub const NO_GAP: f64 = 0.5;
/// What it means, in a line.
pub const ABOUT: &str = "how often D finds a training image more real than a test image: ½ where it knows none by heart";

/// Images that are judged at once.
const PIECE: usize = 64;

/// How often the discriminator of `recipe` finds a training image more real than one it was never shown: ½ where it knows
/// none of them, 1 where it knows all. `None` where no network answers.
///
/// Of `n` and `m` images the interval is that of Mann and Whitney's U where both are alike: 1.96·√((n + m + 1)/12nm).
///
/// # Panics
/// When the images are not of the recipe's size.
pub fn gap(recipe: &dyn Recipe, kind: Kind, [trained, unseen]: [&Images; 2]) -> Option<Estimate> {
    let mut trained = answers(recipe, kind, trained)?;
    let mut unseen = answers(recipe, kind, unseen)?;
    let (n, m) = (trained.len() as f64, unseen.len() as f64);
    Some(Estimate {
        value: auc(&mut trained, &mut unseen),
        reach: Some(1.96 * ((n + m + 1.0) / (12.0 * n * m)).sqrt()),
    })
}

fn answers(recipe: &dyn Recipe, kind: Kind, images: &Images) -> Option<Vec<f64>> {
    let mut all = Vec::with_capacity(images.len());
    let [c, h, w] = images.shape();
    for start in (0..images.len()).step_by(PIECE) {
        let piece = start..images.len().min(start + PIECE);
        let mut values = vec![0.0_f32; piece.len() * images.pixels()];
        let bytes = images.pixels() * piece.start..images.pixels() * piece.end;
        normalise(&images.bytes()[bytes], &mut values);
        let x = Array::from_slice(&values, &[piece.len(), c, h, w]).to_kind(kind);
        let x = Tensor::constant(x);
        let batch = match images.labels() {
            [] => Batch::of(x),
            labels => {
                let labels = labels[piece].iter().map(|label| *label as f32);
                Batch::labelled(x, labels.collect())
            }
        };
        all.extend(recipe.answers(&batch)?.to_vec::<f64>());
    }
    Some(all)
}
