//! What a checkpoint says of itself, and whether it can be gone on from.

use crate::recipe::Recipe;
use crate::samples::DataKind;
use crate::setup::Setup;
use anyhow::{Context, Result, bail, ensure};
use detach_nn::{Checkpoint, Name, Slot, State};
use detach_tensor::{Count, Kind, simd_level};

/// The version of a checkpoint's names and metadata.
pub const CHECKPOINT_VERSION: u32 = 2;

/// Writes down what `checkpoint` is of: the step, and all that decided its numbers.
/// `arithmetic` is what its last step was computed with; before the first there is none.
pub(crate) fn describe(
    checkpoint: &mut Checkpoint,
    setup: &Setup,
    step: u64,
    arithmetic: Option<&str>,
) {
    let texts = [
        ("version", CHECKPOINT_VERSION.to_string()),
        ("recipe", setup.recipe().name().to_owned()),
        ("step", step.to_string()),
        ("settings", deciding(setup).join("\n")),
    ];
    let arithmetic = arithmetic.map(|arithmetic| ("arithmetic", arithmetic.to_owned()));
    let texts = texts.into_iter().chain(arithmetic);
    let texts = texts.map(|(key, value)| (key.to_owned(), value));
    checkpoint.metadata.extend(texts);
}

/// Gives `recipe`, which was built of `setup`, the weights and the state of a checkpoint; returns the step that it is of.
/// For who looks at what was trained: where in the data it was is left out.
///
/// # Errors
/// When it is of another recipe, version or settings, or has numbers that are not finite. Nothing is changed then.
pub fn restore(recipe: &dyn Recipe, setup: &Setup, mut checkpoint: Checkpoint) -> Result<u64> {
    let step = check(&checkpoint, setup)?;
    match version(&checkpoint)? {
        0 => upgrade(&mut checkpoint),
        _ => checkpoint.rename(|name| (!name.starts_with(DATA_PREFIX)).then(|| name.to_owned())),
    }
    checkpoint.restore("", recipe)?;
    Ok(step)
}

/// A checkpoint of `recipe`, which was built of `setup`, before its first step: what a run begins with whose weights come
/// from elsewhere.
///
/// # Errors
/// When the options cannot be, or a weight is not finite.
pub fn before_the_first_step(recipe: &dyn Recipe, setup: &Setup) -> Result<Checkpoint> {
    let mut checkpoint = Checkpoint::new();
    checkpoint.add("", recipe);
    let kinds = setup.data()?.into_iter();
    checkpoint.add(
        "",
        &Positions(kinds.map(|kind| (kind, Count::default())).collect()),
    );
    describe(&mut checkpoint, setup, 0, None);
    check(&checkpoint, setup)?;
    Ok(checkpoint)
}

/// What the names of positions in the data begin with.
const DATA_PREFIX: &str = "data.";

/// The positions in data sets of these kinds of which no batch has been taken, under the names that
/// [`Trainer`](crate::Trainer) gives them.
struct Positions(Vec<(DataKind, Count)>);

impl State for Positions {
    fn visit<'a>(&'a self, path: Name<'_>, f: &mut dyn FnMut(Name<'_>, Slot<'a>)) {
        for (i, (kind, none)) in self.0.iter().enumerate() {
            if let DataKind::Images(_) = kind {
                f(path.dot("data").dot(i).dot("batches"), Slot::Count(none));
            }
        }
    }
}

/// The step that a checkpoint is of, if a run of `setup` can go on from it.
///
/// # Errors
/// When it is of another recipe, version or settings, or was taken after training had diverged.
pub(crate) fn check(checkpoint: &Checkpoint, setup: &Setup) -> Result<u64> {
    check_checkpoint(setup.recipe().name(), checkpoint)?;
    check_settings(checkpoint, setup)?;
    step(checkpoint)
}

/// What a checkpoint was computed with and what a run on `kind` computes with, where they differ: from
/// here on its numbers differ in their last digits from those of a run without that change.
pub fn other_arithmetic(checkpoint: &Checkpoint, kind: Kind) -> Option<(&str, &'static str)> {
    let before = checkpoint.metadata.get("arithmetic")?;
    let now = arithmetic(kind);
    (before != now).then_some((before, now))
}

/// The step that a checkpoint says it is of.
///
/// # Errors
/// When it does not say one.
pub fn step(checkpoint: &Checkpoint) -> Result<u64> {
    let step = checkpoint.metadata.get("step").and_then(|s| s.parse().ok());
    step.context("it does not say at which step it was written")
}

/// The settings that decide a run's numbers, as lines `key = value`.
fn deciding(setup: &Setup) -> Vec<String> {
    const OTHERS: [&str; 3] = ["epochs ", "matmul ", "pictures."];
    let mut lines = setup.lines().unwrap_or_default();
    lines.retain(|line| !OTHERS.iter().any(|other| line.starts_with(other)));
    lines
}

/// Refuses a setting that is not what it was. One that one side alone knows is of another version of the program,
/// whose default is what the other always did.
fn check_settings(checkpoint: &Checkpoint, setup: &Setup) -> Result<()> {
    let Some(before) = checkpoint.metadata.get("settings") else {
        return Ok(());
    };
    let now = deciding(setup);
    for line in before.lines() {
        let Some((key, was)) = line.split_once(" = ") else {
            continue;
        };
        let is = now
            .iter()
            .find_map(|now| now.strip_prefix(key)?.strip_prefix(" = "));
        ensure!(
            is.is_none_or(|is| is == was),
            "it was trained with {key} = {was}, and the configuration says {}; put the former back, or start a new run",
            is.unwrap_or_default()
        );
    }
    Ok(())
}

/// What the numbers were computed with, as far as it decides their last digits.
pub(crate) fn arithmetic(kind: Kind) -> &'static str {
    match (kind.device.gpu(), simd_level().is_fused()) {
        (Some(_), _) => "a GPU",
        (None, true) => "fused multiply-adds",
        (None, false) => "multiplications and additions apart",
    }
}

/// Refuses a checkpoint of another recipe, or of a version that is not known.
///
/// # Errors
/// When it is one, or does not say.
pub fn check_checkpoint(recipe: &str, checkpoint: &Checkpoint) -> Result<()> {
    match checkpoint.metadata.get("recipe") {
        Some(name) if name == recipe => {}
        Some(other) => bail!("it is of the recipe `{other}`, not `{recipe}`"),
        None => bail!("it was not written by `gan train`: it does not name its recipe"),
    }
    // Of an optimiser, a squared gradient may be more than its type holds: the step is 0 then, and training goes on.
    let is_weight = |name: &&str| !name.contains(".optim.");
    if let Some(name) = checkpoint.not_finite().find(is_weight) {
        bail!("training had diverged: `{name}` holds numbers that are not finite");
    }
    match version(checkpoint)? {
        0..=CHECKPOINT_VERSION => Ok(()),
        newer => bail!(
            "it is of version {newer}, and this program knows versions up to {CHECKPOINT_VERSION}; \
             use the version of Detach that wrote it, or a newer one"
        ),
    }
}

/// The version that a checkpoint says it has; those before there were versions have 0.
///
/// # Errors
/// When it says something else than a number.
pub fn version(checkpoint: &Checkpoint) -> Result<u32> {
    match checkpoint.metadata.get("version") {
        None => Ok(0),
        Some(text) => text
            .parse()
            .with_context(|| format!("its version is `{text}`, which is no number")),
    }
}

/// Gives the tensors of version 0 the names that they have now.
pub fn upgrade(checkpoint: &mut Checkpoint) {
    const RENAMED: [(&str, &str); 4] = [
        ("generator.", "generator.net."),
        ("discriminator.", "discriminator.net."),
        ("adam_g.", "generator.optim."),
        ("adam_d.", "discriminator.optim."),
    ];
    checkpoint.rename(|name| {
        let renamed = RENAMED
            .iter()
            .find_map(|(old, new)| Some(format!("{new}{}", name.strip_prefix(old)?)));
        Some(renamed.unwrap_or_else(|| name.to_owned()))
    });
}
