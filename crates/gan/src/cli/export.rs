//! `gan export`.

use super::sample::start_hint;
use super::usage::with_hint;
use super::{elsewhere, shell, threads};
use crate::export::pytorch::{self, Start};
use crate::export::{npz, onnx};
use crate::networks::TrainedNetworks;
use anyhow::{Context, Result};
use detach_nn::{Checkpoint, Model, Value};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

/// `gan export`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  gan export runs/dcgan-1 --to onnx        generator.onnx and discriminator.onnx
  gan export runs/dcgan-1 --to npz         generator.npz and discriminator.npz
  gan export runs/dcgan-1 --to pytorch     train.py, generator.safetensors and discriminator.safetensors

ONNX has networks in eval mode: BatchNorm by running statistics, no dropout. `gan sample --mode eval --noise-out z.npy`
makes the samples that an exported generator makes of z.npy. Where an average of the generator is kept, that is written.")]
pub(super) struct Args {
    /// The run directory
    run: PathBuf,
    /// What to write
    #[arg(long, value_enum)]
    to: Format,
    /// The folder to write to [default: RUN/export]
    #[arg(long, short, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    pub(super) threads: threads::Args,
}

/// What networks can be written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// A model a network, to be run by other programs
    Onnx,
    /// A script with the recipe's networks and loop, and the weights to go on from
    Pytorch,
    /// The weights of each network as arrays for NumPy, under their names in PyTorch
    Npz,
}

/// Writes the networks; returns what to tell.
pub(super) fn run(args: &Args) -> Result<String> {
    let trained = TrainedNetworks::open(&args.run).map_err(|error| start_hint(error, &args.run))?;
    let in_run = || trained.run.dir().join("export");
    let out = args.out.clone().unwrap_or_else(in_run);
    match args.to {
        Format::Onnx => to_onnx(&trained, &out),
        Format::Pytorch => to_pytorch(&trained, &out),
        Format::Npz => to_npz(&trained, &out),
    }
}

/// Makes the folder, where it is not there.
fn make(out: &Path) -> Result<()> {
    fs::create_dir_all(out)
        .with_context(|| format!("could not make the folder {}", out.display()))
        .map_err(elsewhere)
}

fn to_onnx(trained: &TrainedNetworks, out: &Path) -> Result<String> {
    let recipe = trained.setup.recipe().name();
    let networks = trained.all().into_iter();
    let models: Vec<(&str, Model)> = networks
        .map(|(name, network)| Ok((name, trained.model(name, network)?)))
        .collect::<Result<_>>()?;
    make(out)?;
    let mut told = String::new();
    for (name, model) in models {
        let path = out.join(format!("{name}.onnx"));
        let weights = match name == "generator" && trained.is_average {
            true => "the average over steps",
            false => "of the last step",
        };
        let about = [
            ("recipe", recipe.to_owned()),
            ("network", name.to_owned()),
            ("step", trained.step.to_string()),
            ("mode", "eval: BatchNorm by running statistics".to_owned()),
            ("weights", weights.to_owned()),
        ];
        onnx::write(&path, &format!("{recipe} {name}"), &model, &about).map_err(elsewhere)?;
        let (inputs, outputs) = (signature(&model.inputs), signature(&model.outputs));
        let _ = writeln!(told, "{}   {inputs} → {outputs}", path.display());
    }
    Ok(told)
}

fn to_npz(trained: &TrainedNetworks, out: &Path) -> Result<String> {
    make(out)?;
    let mut told = String::new();
    for (name, network) in trained.all() {
        let path = out.join(format!("{name}.npz"));
        npz::write(&path, network).map_err(elsewhere)?;
        let _ = writeln!(told, "{}", path.display());
    }
    Ok(told)
}

fn to_pytorch(trained: &TrainedNetworks, out: &Path) -> Result<String> {
    let (setup, networks) = (&trained.setup, trained.all());
    let rows = networks
        .iter()
        .map(|(name, network)| trained.row(name, *network));
    let rows: Vec<pytorch::Row> = rows.collect::<Result<_>>()?;
    let about = format!(
        "`{}` of Detach in PyTorch, from step {} of a run.",
        setup.recipe().name(),
        trained.step
    );
    let script = pytorch::script(setup, &about, &rows, Start::Beside)
        .map_err(|error| with_hint(error, "--to onnx and --to npz write any recipe"))?;
    make(out)?;
    for (name, network) in networks {
        let mut weights = Checkpoint::new();
        weights.add("", network);
        let path = out.join(format!("{name}.safetensors"));
        weights.save(&path).map_err(elsewhere)?;
    }
    let path = out.join("train.py");
    detach_files::write(&path, |file| file.write_all(script.as_bytes())).map_err(elsewhere)?;
    Ok(format!(
        "python {} --data FOLDER   trains on from step {}\n",
        shell::word(&path),
        trained.step
    ))
}

/// `z [N, 100], y [N]`
fn signature(values: &[Value]) -> String {
    let one = |value: &Value| {
        let sizes: String = value.shape.iter().map(|size| format!(", {size}")).collect();
        format!("{} [N{sizes}]", value.name)
    };
    values.iter().map(one).collect::<Vec<_>>().join(", ")
}
