//! What `08-detach.md` computes.

use crate::failure::shown;
use crate::loops::LOOPS;
use crate::plot::{Chart, Ink, Line};
use crate::text::{short, table};
use crate::{Lang, Piece};
use anyhow::{Context, Result, anyhow};
use detach::nn::loss::bce_with_logits;
use detach::prelude::*;
use detach::recipes::{Setup, Turn};
use detach_gan::lesson::microscope::{Look, Reach, Walk, cosine, look};
use detach_gan::lesson::subject::{Subject, lab_of};
use detach_gan::lesson::variants::{PyTorch, Variant, of_setup};
use std::sync::LazyLock;

pub(crate) const PIECES: &[Piece] = &[
    Piece {
        name: "cuts-variants",
        make: |lang| shown(variants(lang)),
    },
    Piece {
        name: "cuts-loops",
        make: |lang| shown(loops(lang)),
    },
    Piece {
        name: "cuts-freezing",
        make: |lang| shown(freezing(lang)),
    },
    Piece {
        name: "cuts-errors",
        make: |lang| shown(errors(lang)),
    },
    Piece {
        name: "cuts-zero",
        make: |lang| shown(zeroing(lang)),
    },
    Piece {
        name: "cuts-pull",
        make: pull,
    },
];

/// A loop with a batch and a seed: `gan detach NAME --batch-size 4 --seed 3`.
fn subject(name: &str) -> Result<Subject> {
    let mut subject = Subject::of_loop(&lab_of(name)?, None);
    subject.setup.settings.batch_size = 4;
    subject.setup.settings.seed = 3;
    Ok(subject)
}

/// One step of a variant, looked at.
fn seen(subject: &Subject, variant: &Variant) -> Result<Look> {
    let mut trainer = subject.trainer(&variant.setup, DType::F32.into())?;
    Ok(look(&mut trainer, &variant.turns()))
}

fn norm(reach: Reach, lang: Lang) -> String {
    match reach {
        Reach::No => "–".to_owned(),
        Reach::Norm(norm) => short(norm, 2),
        Reach::Overwritten => lang.of("overwritten", "已被改写").to_owned(),
    }
}

fn name(variant: &Variant, lang: Lang) -> String {
    let chinese = match variant.name {
        "as published" => "原样",
        "detach removed" => "去掉 detach",
        "detach on the reals instead" => "改放在真样本上",
        "detach on G's side, too" => "G 一侧也放",
        "removed, the fakes computed again for G" => "去掉，为 G 重新计算假样本",
        "gradients zeroed at the top alone" => "梯度只在一步开头清零",
        "zeroed at the top, none detached, D not frozen" => "只在开头清零，不 detach，不冻结 D",
        other => other,
    };
    lang.of(variant.name, chinese).to_owned()
}

fn same(is: bool, lang: Lang) -> String {
    match is {
        true => lang.of("same", "相同"),
        false => lang.of("**others**", "**不同**"),
    }
    .to_owned()
}

/// What a variant's step was seen to do.
struct Step {
    variant: Variant,
    /// ‖∂L_D/∂D‖, ‖∂L_D/∂G‖, ‖∂L_G/∂D‖, ‖∂L_G/∂G‖.
    reaches: [Reach; 4],
    /// Of the gradient that G's update used, with the published one.
    cosine: Option<f64>,
    is_same: bool,
}

/// Of `dcgan`, in each variant.
static STEPS: LazyLock<Result<Vec<Step>, String>> =
    LazyLock::new(|| steps().map_err(|e| format!("{e:#}")));

fn steps() -> Result<Vec<Step>> {
    let subject = subject("dcgan")?;
    let mut published: Option<Look> = None;
    let mut steps = Vec::new();
    for variant in of_setup(&subject.setup)? {
        let look = seen(&subject, &variant)?;
        let first = published.get_or_insert_with(|| look.clone());
        let [d, g] = [Turn::D, Turn::G].map(|turn| look.of(turn));
        let (d, g) = (d.context("D's turn")?, g.context("G's turn")?);
        let own = first.of(Turn::G).context("G's turn")?;
        steps.push(Step {
            variant,
            reaches: [d.on_d, d.on_g, g.on_d, g.on_g],
            cosine: cosine(&g.used, &own.used),
            is_same: look.hash == first.hash,
        });
    }
    Ok(steps)
}

fn variants(lang: Lang) -> Result<String> {
    let steps = STEPS.as_ref().map_err(|e| anyhow!("{e}"))?;
    let rows = steps.iter().map(|step| {
        let angle = step.cosine.map(|cosine| format!("{cosine:.2}"));
        let reaches = step.reaches.map(|reach| norm(reach, lang));
        [name(&step.variant, lang)]
            .into_iter()
            .chain(reaches)
            .chain([
                angle.unwrap_or_else(|| "–".to_owned()),
                same(step.is_same, lang),
            ])
            .collect()
    });
    Ok(table(
        &[
            "`dcgan`",
            "‖∂L_D/∂D‖",
            "‖∂L_D/∂G‖",
            "‖∂L_G/∂D‖",
            "‖∂L_G/∂G‖",
            lang.of("cosine of what G follows", "G 所用梯度的余弦"),
            lang.of("weights", "权重"),
        ],
        rows,
    ))
}

/// The variant of this name.
fn variant(of: &Setup, name: &str) -> Result<Variant> {
    let mut variants = of_setup(of)?.into_iter();
    let found = variants.find(|variant| variant.name == name);
    found.with_context(|| format!("no variant `{name}`"))
}

/// What a loop's backward passes walk.
struct Walks {
    name: &'static str,
    /// D's to all that it reaches, detached and not.
    of_d: [Walk; 2],
    is_same: bool,
    /// G's for its own weights, and with D's.
    of_g: [Walk; 2],
}

static WALKS: LazyLock<Result<Vec<Walks>, String>> = LazyLock::new(|| {
    let walks: Result<Vec<Walks>> = LOOPS.into_iter().map(walks).collect();
    walks.map_err(|e| format!("{e:#}"))
});

fn walks(name: &'static str) -> Result<Walks> {
    let subject = subject(name)?;
    let look = |name: &str| seen(&subject, &variant(&subject.setup, name)?);
    let (kept, gone) = (look("as published")?, look("detach removed")?);
    let of_d = |look: &Look| look.of(Turn::D).map(|seen| seen.all);
    let g = kept.of(Turn::G).context("G's turn")?;
    Ok(Walks {
        name,
        of_d: [
            of_d(&kept).context("D's turn")?,
            of_d(&gone).context("D's turn")?,
        ],
        is_same: kept.hash == gone.hash,
        of_g: [g.asked, g.all],
    })
}

fn loops(lang: Lang) -> Result<String> {
    let walks = WALKS.as_ref().map_err(|e| anyhow!("{e}"))?;
    let megabytes = |walk: Walk| format!("{:.1}", walk.bytes as f64 / 1e6);
    let rows = walks.iter().map(|walks| {
        let [kept, gone] = walks.of_d;
        vec![
            format!("`{}`", walks.name),
            kept.nodes.to_string(),
            megabytes(kept),
            gone.nodes.to_string(),
            megabytes(gone),
            same(walks.is_same, lang),
        ]
    });
    Ok(table(
        &[
            lang.of("loop", "循环"),
            lang.of("detached: nodes", "有 detach：节点"),
            "MB",
            lang.of("removed: nodes", "去掉：节点"),
            "MB",
            lang.of("weights", "权重"),
        ],
        rows,
    ))
}

/// Nodes of G's turn, D left out and not.
fn freezing(lang: Lang) -> Result<String> {
    let walks = WALKS.as_ref().map_err(|e| anyhow!("{e}"))?;
    let rows = walks.iter().map(|walks| {
        let [own, all] = walks.of_g.map(|walk| walk.nodes);
        vec![
            format!("`{}`", walks.name),
            own.to_string(),
            all.to_string(),
            (all - own).to_string(),
        ]
    });
    Ok(table(
        &[
            lang.of("loop, G's turn", "循环，G 的一轮"),
            lang.of("nodes, D left out", "节点，不问 D"),
            lang.of("nodes, D's weights too", "节点，也问 D 的权重"),
            lang.of("more", "多出"),
        ],
        rows,
    ))
}

/// What PyTorch says of each loop, in its words.
fn errors(lang: Lang) -> Result<String> {
    let words = |said: PyTorch| match said {
        PyTorch::Runs => lang.of("runs", "正常运行").to_owned(),
        PyTorch::SecondTime => "“… backward through the graph a second time”".to_owned(),
        PyTorch::Overwritten => "“… modified by an inplace operation”".to_owned(),
    };
    let row = |name: &str| -> Result<Vec<String>> {
        let removed = variant(&subject(name)?.setup, "detach removed")?;
        Ok(vec![
            format!("`{name}`"),
            words(removed.pytorch()),
            words(removed.retained()),
        ])
    };
    let rows: Result<Vec<_>> = LOOPS.into_iter().map(row).collect();
    Ok(table(
        &[
            lang.of("loop, `detach` removed", "循环，去掉 `detach`"),
            "PyTorch",
            lang.of("with `retain_graph=True`", "加上 `retain_graph=True`"),
        ],
        rows?,
    ))
}

/// Weights after each of two steps of a narrow `dcgan`, beside the published loop's.
fn zeroing(lang: Lang) -> Result<String> {
    const CASES: [&[&str]; 5] = [
        &[],
        &["zero-grad=once-a-step"],
        &["zero-grad=once-a-step", "detach-d=false"],
        &["zero-grad=once-a-step", "detach-d=false", "freeze-d=false"],
        &["zero-grad=never"],
    ];
    let mut subject = subject("dcgan")?;
    subject.setup.set("width=8")?;
    let mut published: Vec<String> = Vec::new();
    let mut rows = Vec::new();
    for switches in CASES {
        let mut variant = variant(&subject.setup, "as published")?;
        let set = |switch: &&str| variant.setup.set(switch);
        switches.iter().try_for_each(set)?;
        let mut trainer = subject.trainer(&variant.setup, DType::F32.into())?;
        let turns = variant.turns();
        let hashes: Vec<String> = (0..2).map(|_| look(&mut trainer, &turns).hash).collect();
        if published.is_empty() {
            published.clone_from(&hashes);
        }
        let what = match switches.is_empty() {
            true => lang
                .of("as published: zeroed each turn", "原样：每轮清零")
                .to_owned(),
            false => format!("`{}`", switches.join(" ")),
        };
        let alike = hashes
            .iter()
            .zip(&published)
            .map(|(a, b)| same(a == b, lang));
        rows.push([what].into_iter().chain(alike).collect());
    }
    Ok(table(
        &[
            lang.of("switches of `lab`", "`lab` 的开关"),
            lang.of("weights, step 1", "第 1 步后的权重"),
            lang.of("step 2", "第 2 步后"),
        ],
        rows,
    ))
}

/// What both losses make of one fake's logit, by the engine.
fn pull(lang: Lang) -> String {
    let slope = |loss: fn(&Tensor) -> Tensor| {
        move |logit: f64| {
            let logit = Tensor::variable(Array::from_slice(&[logit], &[1]));
            grad(&loss(&logit), &[&logit], false)[0].item()
        }
    };
    let of_d = |logit: &Tensor| bce_with_logits(logit, 0.0);
    let of_g = |logit: &Tensor| bce_with_logits(logit, 1.0);
    let both = |logit: &Tensor| bce_with_logits(logit, 0.0) + bce_with_logits(logit, 1.0);
    let alt = lang.of(
        "Gradients at a fake's logit: σ(ℓ) of D's loss, σ(ℓ) − 1 of G's, and their sum, which is 0 at 0 and has D's sign above.",
        "假样本 logit 处的梯度：D 的损失给出 σ(ℓ)，G 的损失给出 σ(ℓ) − 1；两者之和在 0 处为 0，在其右侧与 D 同号。",
    );
    Chart::new(alt)
        .x(lang.of("logit ℓ of a fake", "假样本的 logit ℓ"))
        .y("∂/∂ℓ")
        .level(0.0, "0")
        .line(Line::of("D's: σ", Ink::D, -5.0..5.0, slope(of_d)))
        .line(Line::of("G's: σ − 1", Ink::G, -5.0..5.0, slope(of_g)))
        .line(Line::of("2σ − 1", Ink::Real, -5.0..5.0, slope(both)))
        .svg()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the chapter says of the tables.
    #[test]
    fn detach_saves_work_and_decides_where_gradients_add_up() {
        let loops = loops(Lang::En).expect("a table");
        assert!(
            loops.lines().skip(2).all(|row| row.contains("| same |")),
            "{loops}"
        );
        let zeroing = zeroing(Lang::En).expect("a table");
        let rows: Vec<&str> = zeroing.lines().skip(2).collect();
        let ends = [
            "| same | same |",
            "| same | same |",
            "| **others** | **others** |",
            "| **others** | **others** |",
            "| same | **others** |",
        ];
        for (row, end) in rows.iter().zip(ends) {
            assert!(row.ends_with(end), "{zeroing}");
        }
    }
}
