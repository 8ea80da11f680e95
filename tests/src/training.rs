//! A trainer on synthetic digits.

use detach_gan::data::Source;
use detach_gan::recipes::{DataKind, Info};
use detach_gan::settings::Preset;
use detach_gan::trainer::Trainer;
use detach_mnist::{Dataset, Split};
use detach_tensor::Kind;

/// A recipe as published but for its batch size, on `digits` synthetic digits, before its
/// first step.
///
/// # Panics
/// When there is not one batch of digits.
pub fn trainer(
    info: &'static Info,
    digits: usize,
    batch_size: usize,
    kind: impl Into<Kind>,
) -> Trainer {
    let mut settings = (info.settings)(Preset::AsPublished);
    settings.batch_size = batch_size;
    let source = match info.data {
        DataKind::Gaussian => Source::gaussian(&settings),
        DataKind::Images(size) => {
            let dataset = Dataset::synthetic(0, Split::Train, digits);
            Source::images(dataset, size, &settings).expect("a batch of images")
        }
    };
    Trainer::new(info, settings, source, kind.into())
}
