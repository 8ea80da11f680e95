//! Plain `cargo bench` at the root, as users type it: that it measures the kernels and closes
//! with the table, and that no other package's harness gets in its way.

use detach_kernels::{map, philox};
use std::path::Path;
use std::process::{Command, Output};

/// `cargo bench -- ARGS` at the root, in the profile that the tests are built in, without
/// PyTorch, and without an earlier run to compare with.
fn bench(args: &[&str]) -> Output {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("criterion");
    if args.contains(&"--quick") && home.exists() {
        std::fs::remove_dir_all(&home).expect("figures of an earlier run can be removed");
    }
    Command::new(env!("CARGO"))
        .args(["bench", "--quiet", "--profile", "dev", "--"])
        .args(args)
        .current_dir(root.expect("benches lies in the root"))
        .env("CRITERION_HOME", home)
        .env_remove("PYTHON")
        .output()
        .expect("cargo starts")
}

/// Standard output, and error, of what must succeed.
fn texts(output: &Output) -> (String, String) {
    let [out, err] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    assert!(output.status.success(), "{out}\n{err}");
    (out.into_owned(), err.into_owned())
}

#[test]
fn a_quick_run_of_one_family_ends_with_its_table() {
    let (out, err) = texts(&bench(&["--quick", "^philox/normal"]));
    for line in out.lines().filter(|line| line.contains("thrpt:")) {
        assert!(line.contains(" GB/s"), "{line}");
    }
    let (measured, closing) = out
        .split_once("# Implementation by shape")
        .unwrap_or_else(|| panic!("no closing table: {out}"));
    assert_eq!(measured.matches("thrpt:").count(), philox::VARIANTS.len());
    let peak = closing.lines().find(|line| line.contains("The peak is "));
    let peak = peak.unwrap_or_else(|| panic!("no peak: {closing}"));
    assert!(
        peak.contains(" GFLOP/s") && peak.contains(" GB/s"),
        "{peak}"
    );
    // One row, with a rate and a share for each variant; a column and its words for each.
    let rows: Vec<&str> = closing
        .lines()
        .filter(|line| line.starts_with("| "))
        .collect();
    let [head, row] = rows[..] else {
        panic!("not a head and one row: {closing}")
    };
    for name in philox::VARIANTS {
        assert!(head.contains(&format!(" {name} |")), "{head}");
        assert!(closing.contains(&format!("\n- {name}: ")), "{closing}");
    }
    assert!(row.starts_with("| normal, 1,000,000 numbers |"), "{row}");
    assert_eq!(row.matches("%)").count(), philox::VARIANTS.len(), "{row}");
    assert!(!closing.contains("gemm"), "{closing}");
    let missing = err.lines().filter(|line| line.contains("PyTorch"));
    assert_eq!(missing.count(), 1, "{err}");
}

#[test]
fn every_implementation_is_listed_and_nothing_else_runs() {
    let (out, _) = texts(&bench(&["--list"]));
    let lines: Vec<&str> = out.lines().filter(|line| !line.is_empty()).collect();
    assert!(lines.len() > 80 && lines.iter().all(|line| line.ends_with(": benchmark")));
    for (family, variants) in detach_kernels::families() {
        for name in variants {
            let start = format!("{family}/");
            let end = format!("/{name}: benchmark");
            let mut lines = lines.iter();
            assert!(
                lines.any(|line| line.starts_with(&start) && line.ends_with(&end)),
                "{family}: {name} is not measured: {out}"
            );
        }
    }
    let (out, _) = texts(&bench(&["--list", "^map/tanh"]));
    assert_eq!(out.matches(": benchmark").count(), map::VARIANTS.len());
}
