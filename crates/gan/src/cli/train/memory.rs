//! How much memory training needs, before it is asked for.

use crate::cli::output::size;
use crate::cli::recipes::input_of;
use anyhow::{Result, ensure};
use detach_nn::{Network, count};
use detach_recipes::Setup;
use detach_tensor::{Device, Kind, Matmul, Tensor};
use sysinfo::System;
use toml::{Table, Value};

/// What is kept for each parameter: itself, its gradient and an optimiser's two moments, each of 4 bytes.
const A_PARAMETER: u128 = 4 * 4;
/// What each output of a layer takes at least. It has 4 bytes, but a layer and its activation are often one, and what
/// the way back has passed is free again: measured are 2.4 (`mlp`) to 3.8 bytes (`dcgan`).
const AN_OUTPUT: u128 = 2;

/// What training needs at least, in bytes.
pub(super) struct Needed {
    /// A step.
    step: u128,
    /// A picture.
    picture: u128,
}

impl Needed {
    /// The most that is needed at once.
    pub(super) fn bytes(&self) -> u64 {
        u64::try_from(self.step.max(self.picture)).unwrap_or(u64::MAX)
    }
}

/// Refuses settings that need more memory than there is where `device` computes.
///
/// # Errors
/// When they do, with how much.
pub(in crate::cli) fn ensure_fits(setup: &Setup, device: &str) -> Result<()> {
    let (there, whose) = available(device);
    let fits = |bytes: u128, what: &str, cure: &str| -> Result<()> {
        let needed = u64::try_from(bytes).unwrap_or(u64::MAX);
        ensure!(
            bytes <= u128::from(there),
            "{what} of `{}` takes {} of memory or more, and {whose} has {}; {cure}",
            setup.recipe().name(),
            size(needed),
            size(there)
        );
        Ok(())
    };
    let smaller = "use a smaller batch-size, or smaller networks";
    let batch = format!("a batch of {}", setup.settings.batch_size);
    // Networks whose weights alone are too many cannot be built to be asked.
    let weights = weights_at_least(setup.options()).saturating_mul(A_PARAMETER);
    fits(weights, &batch, smaller)?;
    let needed = needed(setup)?;
    fits(needed.step, &batch, smaller)?;
    fits(
        needed.picture,
        "a picture",
        "use fewer pictures.rows or pictures.columns",
    )
}

/// Memory in bytes, and whose it is.
fn available(device: &str) -> (u64, &'static str) {
    let device = Device::open(device, Matmul::default());
    if let Some(gpu) = device.ok().and_then(Device::gpu) {
        return (gpu.memory as u64, "the GPU");
    }
    let mut system = System::new();
    system.refresh_memory();
    let machine = system.total_memory();
    let limit = system.cgroup_limits().map(|limits| limits.total_memory);
    let limit = limit.filter(|limit| (1..machine).contains(limit));
    match (limit, machine) {
        (Some(limit), _) => (limit, "this process"),
        // It does not tell.
        (None, 0) => (u64::MAX, "this machine"),
        (None, machine) => (machine, "this machine"),
    }
}

/// A bound from below of how many weights networks of these options have: layers of sizes that stand side by side are
/// joined by as many weights as their product.
fn weights_at_least(options: &Table) -> u128 {
    let size = |value: &Value| value.as_integer().and_then(|n| u128::try_from(n).ok());
    let of = |(key, value): (&String, &Value)| match value {
        Value::Array(sizes) => {
            let sizes: Vec<u128> = sizes.iter().filter_map(size).collect();
            sizes
                .windows(2)
                .map(|pair| pair[0].saturating_mul(pair[1]))
                .max()
        }
        value if key == "width" => size(value).map(|width| width.saturating_mul(width)),
        _ => None,
    };
    options.iter().filter_map(of).max().unwrap_or(0)
}

/// How many bytes training needs at least: for parameters, and for what a batch or the samples of a picture leave in the
/// networks.
pub(super) fn needed(setup: &Setup) -> Result<Needed> {
    let recipe = setup.build(Kind::default())?;
    let data = setup.data()?;
    let (mut parameters, mut outputs, mut widest) = (0, 0, 0);
    for (name, network) in recipe.networks() {
        parameters += count(network) as u128 * A_PARAMETER;
        let of = outputs_of(network, &input_of(name, &*recipe, data[0]));
        outputs += of.iter().sum::<u128>();
        // Pictures are of the first network, the generator.
        widest = if widest == 0 {
            of.into_iter().max().unwrap_or(0)
        } else {
            widest
        };
    }
    let pictures = &setup.settings.pictures;
    let tiles = pictures.rows as u128 * pictures.columns as u128;
    let batch = setup.settings.batch_size as u128;
    Ok(Needed {
        step: parameters + batch.saturating_mul(outputs * AN_OUTPUT),
        // Without a way back, a layer's output is dropped when the next one has read it.
        picture: parameters + tiles.saturating_mul(widest * 4),
    })
}

/// How many numbers each layer of a network gives for one sample, `input` being two.
fn outputs_of(network: &dyn Network, input: &Tensor) -> Vec<u128> {
    let layers = network.outline(input);
    let numbers = layers
        .iter()
        .map(|(_, shape)| shape.iter().skip(1).product::<usize>() as u128);
    numbers.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use detach_recipes::{Preset, RECIPES, find};

    #[test]
    fn what_is_published_fits_and_what_no_machine_has_does_not() {
        for recipe in RECIPES {
            let mut setup = recipe.setup(Preset::AsPublished);
            let bytes = needed(&setup).expect("an estimate").bytes();
            assert!(
                (1 << 10..1 << 34).contains(&bytes),
                "{}: {bytes}",
                recipe.name()
            );
            for batch in [1 << 45, usize::MAX] {
                setup.settings.batch_size = batch;
                let error = ensure_fits(&setup, "cpu").expect_err("too much");
                assert!(error.to_string().contains("batch-size"), "{error}");
            }
        }
    }

    #[test]
    fn pictures_count() {
        let mut setup = find("dcgan").expect("dcgan").setup(Preset::AsPublished);
        let few = needed(&setup).expect("an estimate").bytes();
        let pictures = &mut setup.settings.pictures;
        (pictures.rows, pictures.columns) = (100, 100);
        let many = needed(&setup).expect("an estimate").bytes();
        // 128 channels of 14×14 after the first transposed convolution, 64 of 28×28 after the second.
        assert!(
            many > 10_000 * 64 * 28 * 28 * 4 && many > 10 * few,
            "{few} {many}"
        );
    }

    #[test]
    fn networks_that_cannot_be_built_are_refused_unbuilt() {
        let mut setup = find("mlp").expect("mlp").setup(Preset::AsPublished);
        let widths = vec![65536; 3];
        setup
            .set(&format!("g-widths={widths:?}"))
            .expect("a setting");
        let weights = weights_at_least(setup.options());
        assert_eq!(weights, 1 << 32);
    }
}
