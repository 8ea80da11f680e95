//! The report for people.

use super::{Checked, Report};
use std::fmt::Write;

/// The whole report.
pub(super) fn render(report: &Report) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "# {} (compute capability {}.{}, {} multiprocessors, {:.0} GiB)\n",
        report.device,
        report.capability / 10,
        report.capability % 10,
        report.multiprocessors,
        report.memory as f64 / f64::from(1 << 30)
    );
    let _ = writeln!(
        out,
        "`cargo xtask gpu-report`, {:.0} s; beside it {}.\n",
        report.seconds,
        report.pytorch.as_deref().unwrap_or("no PyTorch")
    );
    let shown = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.1}"));
    let _ = writeln!(
        out,
        "Ceilings, as PyTorch reaches them: fp32 {} TFLOP/s, tf32 {} TFLOP/s, copy {} GB/s.\n",
        shown(report.ceilings.fp32),
        shown(report.ceilings.tf32),
        shown(report.ceilings.copy)
    );
    goals(&mut out, report);
    steps(&mut out, report);
    kernels(&mut out, report);
    parity(&mut out, report);
    checked(&mut out, "Kernels against the reference", &report.cases);
    checked(&mut out, "Ops and their gradients", &report.ops);
    out
}

fn goals(out: &mut String, report: &Report) {
    out.push_str("| what | found | at least | reach for | |\n|---|--:|--:|--:|---|\n");
    for goal in &report.goals {
        let value = goal.value.map_or("-".to_owned(), number);
        let _ = writeln!(
            out,
            "| {} | {value} {} | {} | {} | {} |",
            goal.what,
            goal.unit,
            goal.at_least,
            goal.reach_for,
            goal.verdict()
        );
    }
    out.push('\n');
}

/// Three digits that count.
fn number(value: f64) -> String {
    match value.abs() {
        x if x >= 100.0 || x == 0.0 => format!("{value:.0}"),
        x if x >= 10.0 => format!("{value:.1}"),
        x if x >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

fn steps(out: &mut String, report: &Report) {
    out.push_str(
        "## Training steps\n\n| step | ours, ms | PyTorch, ms | ratio |\n|---|--:|--:|--:|\n",
    );
    for row in &report.steps {
        let theirs = row.theirs.map_or("-".to_owned(), number);
        let ratio = row.theirs.map_or("-".to_owned(), |t| number(t / row.ours));
        let _ = writeln!(
            out,
            "| {} | {} | {theirs} | {ratio} |",
            row.what,
            number(row.ours)
        );
    }
    out.push('\n');
}

fn kernels(out: &mut String, report: &Report) {
    out.push_str(
        "## Kernels\n\n| kernel | mode | µs | floor, µs | floor / µs |\n|---|---|--:|--:|--:|\n",
    );
    for row in &report.kernels {
        let floor = row.floor_us.map_or("-".to_owned(), number);
        let share = row
            .floor_us
            .map_or("-".to_owned(), |f| format!("{:.0}%", 100.0 * f / row.us));
        let _ = writeln!(
            out,
            "| {} | {} | {} | {floor} | {share} |",
            row.case,
            row.matmul,
            number(row.us)
        );
    }
    out.push('\n');
}

fn parity(out: &mut String, report: &Report) {
    out.push_str(
        "## Training beside PyTorch's goldens\n\n| recipe | D's loss (PyTorch's f32) | G's loss | gradients of step 1 | behind BatchNorm | of 0 | |\n|---|--:|--:|--:|--:|--:|---|\n",
    );
    for row in &report.parity {
        let [(d, d_torch), (g, g_torch)] = row.losses;
        let [near, behind, zero] = row.gradients;
        let verdict = if row.passes { "" } else { "WRONG" };
        let _ = writeln!(
            out,
            "| {} | {d:.1e} ({d_torch:.1e}) | {g:.1e} ({g_torch:.1e}) | {near:.1e} | {behind:.1e} | {zero:.1e} | {verdict} |",
            row.golden
        );
    }
    out.push('\n');
}

/// What is wrong, and otherwise how many there were and which came nearest to it.
fn checked(out: &mut String, title: &str, all: &[Checked]) {
    let _ = writeln!(out, "## {title}\n");
    let wrong: Vec<&Checked> = all.iter().filter(|one| !one.passes).collect();
    let _ = writeln!(out, "{} of {} wrong.\n", wrong.len(), all.len());
    let mut nearest: Vec<&Checked> = all.iter().filter(|one| one.tolerance > 0.0).collect();
    nearest.sort_by(|a, b| (b.error / b.tolerance).total_cmp(&(a.error / a.tolerance)));
    out.push_str("| case | mode | error | at most |\n|---|---|--:|--:|\n");
    let shown = wrong
        .iter()
        .chain(nearest.iter().filter(|one| one.passes).take(10));
    for one in shown {
        let mark = if one.passes { "" } else { " **WRONG**" };
        let _ = writeln!(
            out,
            "| {}{mark} | {} | {:.1e} | {:.0e} |",
            one.name, one.matmul, one.error, one.tolerance
        );
    }
    out.push('\n');
}
