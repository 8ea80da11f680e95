//! Which class each sample is of, as flags say it.

use super::output;
use super::usage::usage;
use crate::generator::{Classes, TrainedGenerator};
use anyhow::{Context, Result, anyhow, bail, ensure};
use detach_mnist::Idx;
use std::fs;
use std::path::{Path, PathBuf};

/// The flags of classes.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(super) struct Args {
    /// Samples of this class alone [default: the classes take turns], where the recipe has classes
    #[arg(long, value_name = "CLASS", conflicts_with = "labels")]
    digit: Option<usize>,
    /// A file with the class of each sample, one a line: as many samples as it has lines
    #[arg(long, value_name = "FILE", conflicts_with = "count")]
    labels: Option<PathBuf>,
    /// Also write the class of each sample to this .idx1-ubyte or .idx1-ubyte.gz file, as MNIST has its labels
    #[arg(long, value_name = "FILE")]
    labels_out: Option<PathBuf>,
}

impl Args {
    /// The classes that are asked for, and how many samples that is where a file says it.
    ///
    /// # Errors
    /// When the file cannot be read, or a line of it is no class.
    pub(super) fn read(&self) -> Result<(Classes, Option<usize>)> {
        if let Some(class) = self.digit {
            return Ok((Classes::All(class), None));
        }
        let Some(path) = &self.labels else {
            return Ok((Classes::InTurn, None));
        };
        let labels = read(path)?;
        let count = labels.len();
        Ok((Classes::Each(labels), Some(count)))
    }

    /// Refuses a file for classes that cannot be written, or is one of `others` by flag.
    ///
    /// # Errors
    /// When it is one.
    pub(super) fn check_out(&self, others: &[(&str, Option<&Path>)]) -> Result<()> {
        let Some(path) = &self.labels_out else {
            return Ok(());
        };
        let (name, _) = output::kind_of(path);
        if !name.ends_with("idx1-ubyte") {
            return Err(usage(anyhow!(
                "--labels-out {}: end it in .idx1-ubyte or .idx1-ubyte.gz",
                path.display()
            )));
        }
        let labels = self.labels.as_deref();
        for (flag, other) in others.iter().chain(&[("--labels", labels)]) {
            if let Some(other) = other {
                output::ensure_different(("--labels-out", path), (flag, other))?;
            }
        }
        output::ensure_place(path)
    }

    /// Writes the classes of `count` samples where that is asked for.
    ///
    /// # Errors
    /// When the file cannot be written, or a class is above 255.
    pub(super) fn write(
        &self,
        trained: &TrainedGenerator,
        classes: &Classes,
        count: usize,
    ) -> Result<()> {
        let (Some(path), Some(of)) = (&self.labels_out, trained.classes()) else {
            return Ok(());
        };
        let byte = |i| u8::try_from(classes.of(i, of));
        let bytes: Result<Vec<u8>, _> = (0..count).map(byte).collect();
        let bytes = bytes.context("an IDX file of labels holds classes up to 255")?;
        Ok(Idx::new([count], bytes)?.save(path)?)
    }

    /// Whether any of them was given.
    fn is_some(&self) -> bool {
        self.digit.is_some() || self.labels.is_some() || self.labels_out.is_some()
    }

    /// Refuses classes that the run does not have.
    ///
    /// # Errors
    /// When there is one, or it has none.
    pub(super) fn ensure_known(&self, trained: &TrainedGenerator, classes: &Classes) -> Result<()> {
        match self.is_some() {
            true => ensure_known(trained, classes),
            false => Ok(()),
        }
    }
}

/// Refuses classes that the run does not have.
///
/// # Errors
/// When there is one, or it has none.
pub(super) fn ensure_known(trained: &TrainedGenerator, classes: &Classes) -> Result<()> {
    let Some(of) = trained.classes() else {
        bail!(
            "`{}` was trained without classes, so none can be asked for; train `cgan`, which has them",
            trained.setup.recipe().name()
        );
    };
    if let Some(class) = classes.largest() {
        ensure!(
            class < of,
            "there is no class {class}: the run was trained on the classes 0 to {}",
            of - 1
        );
    }
    Ok(())
}

/// The class of each sample: an IDX file of labels as `--labels-out` writes it, or a text of one class a line.
///
/// # Errors
/// When the file cannot be read, or is neither.
pub(super) fn read_any(path: &Path) -> Result<Vec<usize>> {
    let (name, _) = output::kind_of(path);
    if !name.ends_with("idx1-ubyte") {
        return read(path);
    }
    let idx = Idx::open(path)?;
    ensure!(
        idx.shape.len() == 1,
        "{} holds {} dimensions, and labels have one; give the file that --labels-out wrote",
        path.display(),
        idx.shape.len()
    );
    Ok(idx.data.iter().map(|class| usize::from(*class)).collect())
}

/// One class a line.
fn read(path: &Path) -> Result<Vec<usize>> {
    let text = fs::read_to_string(path)
        .with_context(|| format!("could not read the classes in {}", path.display()))?;
    let class = |(number, line): (usize, &str)| {
        line.trim().parse().map_err(|_| {
            anyhow!(
                "{}, line {number}: `{line}` is no class; write one whole number a line",
                path.display()
            )
        })
    };
    let classes: Vec<usize> = (1..).zip(text.lines()).map(class).collect::<Result<_>>()?;
    ensure!(
        !classes.is_empty(),
        "{} is empty; write the class of each sample, one a line",
        path.display()
    );
    Ok(classes)
}
