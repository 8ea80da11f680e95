//! Real samples to compare with.

use super::REAL;
use super::distances::Rows;
use crate::run::config::Config;
use crate::run::data::recorded;
use anyhow::{Context, Result};
use detach_data::Wanted;
use detach_recipes::settings::Sampling;
use detach_recipes::{Batches, DataKind};
use detach_tensor::{Count, Kind};

/// Real samples of what a run was trained on, by its record: the same ones for every run on the same data. Where it is
/// trained on several sets, of the first, which its generator imitates.
///
/// # Errors
/// When the data is not there any more.
pub fn real(config: &Config, kind: Kind) -> Result<Rows> {
    let setup = config.setup()?;
    let mut settings = setup.settings.clone();
    settings.seed = 0;
    settings.sampling = Sampling::Shuffled { drop_last: true };
    settings.batch_size = REAL;
    let mut batches = match setup.data()?[0] {
        DataKind::Gaussian => Batches::gaussian(&settings, kind),
        DataKind::Images(size) => {
            let found = recorded(config, Wanted::new(size.channels, size.side));
            let found = found.with_context(|| {
                format!(
                    "the data that the run is on is not there any more: {}",
                    config.data
                )
            })?;
            settings.batch_size = REAL.min(found.dataset.len());
            Batches::images(found.dataset, size, &settings, kind)?
        }
    };
    batches.prepare(&Count::default(), 1);
    let images = batches.take().images;
    let width = images.shape()[1..].iter().product();
    Ok(Rows::new(images.to_vec::<f32>(), width))
}
