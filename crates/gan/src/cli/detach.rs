//! `gan detach`: the microscope.

use super::device::Opened;
use super::threads;
use crate::lesson::microscope::{Look, Reach, Seen, Walk, cosine, look};
use crate::lesson::subject::{Subject, lab_of};
use crate::lesson::variants::{self, PyTorch, Variant};
use crate::run::Run;
use crate::show::text::short;
use anyhow::Result;
use detach_recipes::Turn;
use detach_recipes::settings::MatmulMode;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// `gan detach`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  gan detach                                one step of dcgan, with its detach kept, gone and elsewhere
  gan detach mlp-g-first --batch-size 16
  gan detach runs/dcgan-light-1             the next step of a run

Each variant makes the same step: same weights, same images, same noise. ‖∂L_D/∂G‖ is how strongly D's loss pulls at G's
weights; it is there where D learns from fakes that are not detached. D's update asks for D's gradients alone, so nothing comes of
it but work, unless gradients are collected and not zeroed each turn.")]
pub(super) struct Args {
    /// A loop of one G and one D (dcgan-light, dcgan, dcgan64, mlp, mlp-g-first, mlp-relu, keras-mlp, gauss1d), or a run of one
    #[arg(default_value = "dcgan", value_name = "RECIPE|RUN")]
    what: String,
    /// Images in the batch [default: the recipe's]
    #[arg(long, value_name = "N")]
    batch_size: Option<usize>,
    /// Seed of weights and draws [default: the recipe's]
    #[arg(long)]
    seed: Option<u64>,
    /// The images [default: a run's own; digits that are drawn]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Where to compute: cpu, cuda:N or auto
    #[arg(long, default_value = "cpu")]
    device: String,
    /// Write one JSON object instead of text
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    pub(super) threads: threads::Args,
}

/// A variant and what its step was seen to do.
struct Row {
    variant: Variant,
    look: Look,
}

/// Looks at a step of each variant; returns what to tell.
pub(super) fn run(args: &Args) -> Result<String> {
    let kind = Opened::open(&args.device, MatmulMode::Fp32)?.kind();
    let path = Path::new(&args.what);
    let mut subject = match Run::find(path) {
        Some(run) => Subject::of_run(run, args.data_dir.as_deref())?,
        None => Subject::of_loop(&lab_of(&args.what)?, args.data_dir.clone()),
    };
    let settings = &mut subject.setup.settings;
    settings.batch_size = args.batch_size.unwrap_or(settings.batch_size);
    settings.seed = args.seed.unwrap_or(settings.seed);
    let mut rows = Vec::new();
    for variant in variants::of_setup(&subject.setup)? {
        let mut trainer = subject.trainer(&variant.setup, kind)?;
        let look = look(&mut trainer, &variant.turns());
        rows.push(Row { variant, look });
    }
    match args.json {
        true => Ok(serde_json::to_string_pretty(&as_json(&subject, &rows))? + "\n"),
        false => Ok(text(&subject, &rows)),
    }
}

/// How much of what was published comes to the same in `row`: the cosine of a turn's gradient, and the weights.
fn likeness(row: &Row, published: &Row, turn: Turn) -> Option<f64> {
    let used = |row: &Row| row.look.of(turn).map(|seen| seen.used.clone());
    cosine(&used(row)?, &used(published)?)
}

fn is_same(row: &Row, published: &Row) -> bool {
    row.look.hash == published.look.hash
}

fn told(reach: Reach) -> String {
    match reach {
        Reach::No => "–".to_owned(),
        Reach::Norm(norm) => short(Some(norm)),
        Reach::Overwritten => "overwritten".to_owned(),
    }
}

fn walked(walk: &Walk) -> String {
    let ms = walk
        .ms
        .map_or_else(String::new, |ms| format!(", {ms:.1} ms"));
    format!(
        "{} nodes, {:.1} MB{ms}",
        walk.nodes,
        walk.bytes as f64 / 1e6
    )
}

fn text(subject: &Subject, rows: &[Row]) -> String {
    let mut out = format!(
        "{}, step {}: batch of {}, seed {}\n",
        subject.name,
        subject.step + 1,
        subject.setup.settings.batch_size,
        subject.setup.settings.seed
    );
    let Some(published) = rows.first() else {
        return out;
    };
    for row in rows {
        let switches = match row.variant.switches.is_empty() {
            true => String::new(),
            false => format!("   {}", row.variant.switches.join(" ")),
        };
        out += &format!("\n{}{switches}\n", row.variant.name);
        for turn in [Turn::D, Turn::G] {
            if let Some(seen) = row.look.of(turn) {
                out += &turn_line(seen, likeness(row, published, turn));
            }
        }
        let weights = match is_same(row, published) {
            true => "as published, to the bit",
            false => "others",
        };
        let (plain, retained) = (row.variant.pytorch(), row.variant.retained());
        out += &format!(
            "  weights   {weights} ({})\n  PyTorch   {}\n",
            &row.look.hash[..12],
            plain.words()
        );
        if plain != PyTorch::Runs {
            out += &format!("            with retain_graph=True: {}\n", retained.words());
        }
    }
    out + "\n" + &conclusion(rows) + "\n"
}

fn turn_line(seen: &Seen, likeness: Option<f64>) -> String {
    let who = match seen.turn {
        Turn::D => "D",
        Turn::G => "G",
    };
    let likeness = likeness.map_or_else(|| "no gradient".to_owned(), |it| format!("{it:.6}"));
    format!(
        "  {who}'s turn  L_{who} {:.4}   ‖∂/∂D‖ {}   ‖∂/∂G‖ {}   cosine to the published {likeness}\n            walks {} for {who}'s \
         weights; {} to all it reaches\n",
        seen.loss,
        told(seen.on_d),
        told(seen.on_g),
        walked(&seen.asked),
        walked(&seen.all),
    )
}

/// What the table comes to, in a sentence or two.
fn conclusion(rows: &[Row]) -> String {
    let find = |name: &str| rows.iter().find(|row| row.variant.name == name);
    let (Some(published), Some(removed)) = (rows.first(), find("detach removed")) else {
        return String::new();
    };
    let walks = |row: &Row| row.look.of(Turn::D).map_or(0, |seen| seen.all.nodes);
    let mut out = match is_same(removed, published) {
        true => format!(
            "In this loop detach saves work and decides nothing: without it D's backward pass could go on into G ({} nodes instead of \
             {}), and the weights are the same to the bit.",
            walks(removed),
            walks(published)
        ),
        false => "In this loop detach decides what is learnt.".to_owned(),
    };
    if let Some(piled) = find("zeroed at the top, none detached, D not frozen") {
        let angle = likeness(piled, published, Turn::G);
        let angle = angle.map_or_else(String::new, |cosine| {
            format!(" (cosine {cosine:.3} to G's own gradient)")
        });
        out += &format!(
            "\nWhere gradients are collected and zeroed at the top alone, G moves down D's loss and its own at once{angle}: D's pulls a fake's \
             logit ℓ by σ(ℓ), its own by σ(ℓ) − 1. Of one fake that is 2σ(ℓ) − 1: 0 where D is undecided, and away from the reals above."
        );
    }
    out
}

fn as_json(subject: &Subject, rows: &[Row]) -> Value {
    let turn = |row: &Row, seen: &Seen| {
        json!({
            "turn": match seen.turn { Turn::D => "d", Turn::G => "g" },
            "loss": seen.loss,
            "norm_d": seen.on_d.norm(),
            "norm_g": seen.on_g.norm(),
            "overwritten": seen.on_d == Reach::Overwritten || seen.on_g == Reach::Overwritten,
            "asked": seen.asked,
            "all": seen.all,
            "cosine": rows.first().and_then(|published| likeness(row, published, seen.turn)),
        })
    };
    let rows_json: Vec<Value> = rows
        .iter()
        .map(|row| {
            let turns = row.look.turns.iter().map(|seen| turn(row, seen));
            json!({
                "name": row.variant.name,
                "switches": row.variant.switches,
                "turns": turns.collect::<Vec<_>>(),
                "weights": row.look.hash,
                "pytorch": row.variant.pytorch(),
                "pytorch_retained": row.variant.retained(),
            })
        })
        .collect();
    json!({
        "version": 1,
        "loop": subject.name,
        "step": subject.step + 1,
        "batch_size": subject.setup.settings.batch_size,
        "seed": subject.setup.settings.seed,
        "variants": rows_json,
    })
}
