//! Samples as bytes, of a run or of a file.

use crate::cli::classes;
use crate::cli::output::kind_of;
use crate::cli::progress::far;
use crate::cli::terminal::{Piece, Status};
use crate::cli::usage::with_hint;
use crate::export::npy;
use crate::generator::TrainedGenerator;
use crate::score::bench::{Bench, Unlike};
use crate::score::images::Images;
use anyhow::{Result, bail, ensure};
use detach_data::{Split, Wanted};
use detach_recipes::SampleMode;
use std::path::Path;

/// Samples that a run makes, with the classes that they were asked to be of, where there are classes.
pub(super) fn of_run(
    trained: &TrainedGenerator,
    bench: &Bench,
    (seed, count, mode): (u64, usize, SampleMode),
) -> Result<Images> {
    let mut status = Status::new(count as u64);
    bench
        .drawn(trained.draws(), (seed, count, mode), &mut |done| {
            if let Some(status) = &mut status {
                let done = done as u64;
                status.show(done, || {
                    vec![far(done, count as u64), Piece::new(1, "samples")]
                });
            }
        })
        .map_err(|error| match error.is::<Unlike>() {
            true => with_other_data(error),
            false => error,
        })
}

/// The error with the flag that names real images which samples are like.
fn with_other_data(error: impl Into<anyhow::Error>) -> anyhow::Error {
    with_hint(
        error,
        "give the data that they are to be like with --data-dir",
    )
}

/// Samples that a file or a folder holds, as they are there.
pub(super) struct FileSamples {
    shape: [usize; 3],
    held: Held,
}

enum Held {
    Bytes(Images),
    /// In [-1, 1].
    Values(Vec<f32>),
}

impl FileSamples {
    /// Reads at most `count`.
    ///
    /// # Errors
    /// When there are none that can be scored.
    pub(super) fn read(path: &Path, count: usize) -> Result<Self> {
        let (name, _) = kind_of(path);
        let samples = match name.ends_with(".npy") {
            true => Self::of_array(path, count)?,
            false => {
                let set = detach_data::open(path, Split::Train, Wanted::default())?;
                let images = Images::of(&*set, 0..set.len().min(count));
                Self {
                    shape: images.shape(),
                    held: Held::Bytes(images),
                }
            }
        };
        ensure!(
            samples.len() > 1,
            "it holds {} images; give two at least, and thousands for scores that mean something",
            samples.len()
        );
        Ok(samples)
    }

    /// `[N, C, H, W]` or `[N, H, W]` in [-1, 1].
    fn of_array(path: &Path, count: usize) -> Result<Self> {
        let array = npy::read(path)?;
        let shape = match array.shape[..] {
            [_, h, w] => [1, h, w],
            [_, c, h, w] => [c, h, w],
            _ => bail!(
                "it holds an array {:?}; samples are [N, C, H, W]",
                array.shape
            ),
        };
        ensure!(
            shape.iter().all(|size| *size > 0),
            "it holds an array {:?}, which has no pixels",
            array.shape
        );
        let mut values = array.values;
        values.truncate(count.min(array.shape[0]) * shape.iter().product::<usize>());
        ensure!(
            values.iter().all(|value| (-1.5..=1.5).contains(value)),
            "its values are not in [-1, 1], as networks make them; scale them, or write bytes as .idx3-ubyte"
        );
        Ok(Self {
            shape,
            held: Held::Values(values),
        })
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        match &self.held {
            Held::Bytes(images) => images.len(),
            Held::Values(values) => values.len() / self.shape.iter().product::<usize>(),
        }
    }

    /// As the real images of `bench` are, with the classes that the file `labels` says they were asked to be of.
    ///
    /// # Errors
    /// When they cannot be made so, or the labels are not theirs.
    pub(super) fn fitted(&self, bench: &Bench, labels: Option<&Path>) -> Result<Images> {
        let mut fit = bench.fit(self.shape).map_err(with_other_data)?;
        let mut bytes = Vec::new();
        match &self.held {
            Held::Values(values) => fit.push(values, &mut bytes),
            Held::Bytes(images) => {
                let mut values = vec![0.0; images.pixels()];
                for number in 0..images.len() {
                    detach_data::sample::normalise(images.image(number), &mut values);
                    fit.push(&values, &mut bytes);
                }
            }
        }
        let images = Images::new(bench.shape(), bytes);
        match labels {
            None => Ok(images),
            Some(path) => labelled(images, path, bench.classes()),
        }
    }
}

/// Images with the classes of a file.
fn labelled(images: Images, path: &Path, classes: usize) -> Result<Images> {
    let mut labels = classes::read_any(path)?;
    ensure!(
        labels.len() >= images.len(),
        "there are {} labels of {} samples; give one for each",
        labels.len(),
        images.len()
    );
    labels.truncate(images.len());
    if let Some(beyond) = labels.iter().find(|label| **label >= classes) {
        bail!(
            "there is no class {beyond}: the data has the classes 0 to {}",
            classes - 1
        );
    }
    let labels = labels.into_iter().map(|label| label as u32);
    Ok(images.with_labels(labels.collect()))
}
