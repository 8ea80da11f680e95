//! Samples as bytes, of a run or of a file.

use super::bench::Bench;
use crate::cli::classes;
use crate::cli::output::kind_of;
use crate::cli::progress::far;
use crate::cli::terminal::{Piece, Status};
use crate::export::npy;
use crate::generator::{Classes, TrainedGenerator};
use crate::score::images::{Fit, Images};
use anyhow::{Context, Result, bail, ensure};
use detach_data::{Split, Wanted};
use detach_recipes::SampleMode;
use std::path::Path;

/// Samples that a run makes, with the classes that they were asked to be of, where there are classes.
pub(super) fn of_run(
    trained: &TrainedGenerator,
    bench: &Bench,
    (seed, count, mode): (u64, usize, SampleMode),
) -> Result<Images> {
    let shape = trained.shape(1);
    let mut fit = fit([shape[1], shape[2], shape[3]], bench)?;
    let mut bytes = Vec::with_capacity(count * bench.shape().iter().product::<usize>());
    let mut status = Status::new(count as u64);
    let mut done = 0;
    for samples in trained.samples(seed, count, &Classes::InTurn, mode) {
        let values = samples.to_vec::<f32>();
        ensure!(
            values.iter().all(|value| value.is_finite()),
            "training diverged: its samples are not finite"
        );
        fit.push(&values, &mut bytes);
        done += samples.shape()[0] as u64;
        if let Some(status) = &mut status {
            status.show(done, || {
                vec![far(done, count as u64), Piece::new(1, "samples")]
            });
        }
    }
    drop(status);
    let images = Images::new(bench.shape(), bytes);
    let Some(of) = trained.classes() else {
        return Ok(images);
    };
    let judged = bench.classifier.about().classes;
    ensure!(
        of <= judged,
        "it has {of} classes and its data {judged}; give the data that it was trained on with --data-dir"
    );
    let asked = (0..count).map(|i| Classes::InTurn.of(i, of) as u32);
    Ok(images.with_labels(asked.collect()))
}

/// Samples that a file or a folder holds, at most `count`.
pub(super) fn of_file(
    path: &Path,
    labels: Option<&Path>,
    bench: &Bench,
    count: usize,
) -> Result<Images> {
    let labels = labels.map(classes::read_any).transpose()?;
    let (name, _) = kind_of(path);
    let images = match name.ends_with(".npy") {
        true => of_array(path, bench, count)?,
        false => {
            let [channels, side, _] = bench.shape();
            let wanted = Wanted::new(channels, side);
            let set = detach_data::open(path, Split::Train, wanted)?;
            let all = Images::of(&*set, 0..set.len().min(count));
            let mut fit = fit(all.shape(), bench)?;
            let mut values = vec![0.0; all.bytes().len()];
            detach_data::sample::normalise(all.bytes(), &mut values);
            let mut bytes = Vec::with_capacity(values.len());
            fit.push(&values, &mut bytes);
            Images::new(bench.shape(), bytes)
        }
    };
    ensure!(
        images.len() > 1,
        "it holds {} images; give two at least, and thousands for scores that mean something",
        images.len()
    );
    let Some(mut labels) = labels else {
        return Ok(images);
    };
    ensure!(
        labels.len() >= images.len(),
        "there are {} labels of {} samples; give one for each",
        labels.len(),
        images.len()
    );
    labels.truncate(images.len());
    let classes = bench.classifier.about().classes;
    if let Some(beyond) = labels.iter().find(|label| **label >= classes) {
        bail!(
            "there is no class {beyond}: the data has the classes 0 to {}",
            classes - 1
        );
    }
    Ok(images.with_labels(labels.into_iter().map(|label| label as u32).collect()))
}

/// `[N, C, H, W]` or `[N, H, W]` in [-1, 1].
fn of_array(path: &Path, bench: &Bench, count: usize) -> Result<Images> {
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
    let pixels = shape.iter().product::<usize>();
    let count = count.min(array.shape[0]);
    let values = &array.values[..count * pixels];
    ensure!(
        values.iter().all(|value| (-1.5..=1.5).contains(value)),
        "its values are not in [-1, 1], as networks make them; scale them, or write bytes as .idx3-ubyte"
    );
    let mut bytes = Vec::with_capacity(values.len());
    fit(shape, bench)?.push(values, &mut bytes);
    Ok(Images::new(bench.shape(), bytes))
}

fn fit(from: [usize; 3], bench: &Bench) -> Result<Fit> {
    let to = bench.shape();
    Fit::new(from, to).with_context(|| {
        format!(
            "its samples are {from:?} (channels, height, width) and the real images {to:?}; give the data that they \
             are to be like with --data-dir"
        )
    })
}
