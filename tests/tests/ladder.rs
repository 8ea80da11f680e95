//! Every rung of `kernels/ladder` multiplies matrices: against `f64`, on sizes that no block
//! divides, with the same bits whatever the order of threads and blocks.

use detach_tests::emulated::{self, Variant};
use detach_tests::repository;
use std::path::PathBuf;

/// The sizes that `check.cpp` knows.
const ALL: usize = 6;

/// A rung, as the `// launch:` line of its source has it.
#[derive(Debug)]
struct Rung {
    source: PathBuf,
    /// `ladder_naive`.
    kernel: String,
    /// Rows and columns of the product that a block makes.
    block: (String, String),
    threads: String,
}

fn rungs() -> Vec<Rung> {
    let folder = repository().join("kernels/ladder");
    let files = std::fs::read_dir(folder).expect("the ladder");
    let files = files.map(|file| file.expect("a file").path());
    let mut sources: Vec<PathBuf> = files
        .filter(|path| path.extension().is_some_and(|it| it == "cu"))
        .collect();
    sources.sort();
    assert_eq!(sources.len(), 8);
    sources.into_iter().map(rung).collect()
}

fn rung(source: PathBuf) -> Rung {
    let text = std::fs::read_to_string(&source).expect("a rung");
    let launch = text
        .lines()
        .find_map(|line| line.strip_prefix("// launch: "));
    let parts: Vec<&str> = launch.expect("a launch line").split(", ").collect();
    let block = parts[0].strip_prefix("block ").expect("a block");
    let (rows, columns) = block.split_once('x').expect("rows and columns");
    let threads = parts[2].strip_suffix(" threads").expect("threads");
    let stem = source.file_stem().and_then(|stem| stem.to_str());
    let (_, name) = stem
        .and_then(|stem| stem.split_once('_'))
        .expect("rungN_name");
    Rung {
        kernel: format!("ladder_{name}"),
        block: (rows.to_owned(), columns.to_owned()),
        threads: threads.to_owned(),
        source,
    }
}

/// What `check.cpp` prints for a rung; `None` where there is no g++.
fn multiply(variant: Variant, rung: &Rung, order: &str) -> Option<String> {
    // A sanitizer sees a race or a stray address at the first step that has it.
    let sizes = if variant == Variant::Plain { ALL } else { 3 };
    let all: Vec<PathBuf> = rungs().into_iter().map(|rung| rung.source).collect();
    let library = emulated::library(variant, &all)?;
    let check = repository().join("tests/ladder/check.cpp");
    let program = emulated::program(variant, &library, &check);
    let output = emulated::under(variant, &library, &program)
        .args([&rung.kernel, &rung.block.0, &rung.block.1, &rung.threads])
        .arg(sizes.to_string())
        .env("EMU_ORDER", order)
        .output()
        .expect("the check starts");
    let text = emulated::text_of(&output);
    assert!(
        output.status.success(),
        "{}, {variant:?}, {order}:\n{text}",
        rung.kernel
    );
    Some(text)
}

#[test]
fn every_rung_is_right_in_any_order() {
    // All that compute in fp32 add in the order of k.
    let mut naive = None;
    for rung in rungs() {
        let Some(text) = multiply(Variant::Plain, &rung, "forward") else {
            return;
        };
        let tolerance = match rung.kernel.as_str() {
            "ladder_tf32" => 1e-3,
            _ => 2e-6,
        };
        assert_eq!(text.lines().count(), ALL, "{}:\n{text}", rung.kernel);
        for line in text.lines() {
            let error = line.split(' ').nth(3).and_then(|it| it.parse::<f64>().ok());
            assert!(
                error.is_some_and(|error| error < tolerance),
                "{}: {line}",
                rung.kernel
            );
        }
        if rung.kernel != "ladder_tf32" {
            assert_eq!(naive.get_or_insert(text.clone()), &text, "{}", rung.kernel);
        }
        for order in ["reverse", "shuffled:3"] {
            let again = multiply(Variant::Plain, &rung, order);
            assert_eq!(again.as_ref(), Some(&text), "{}, {order}", rung.kernel);
        }
    }
}

#[test]
fn no_rung_races_or_leaves_its_memory() {
    for rung in rungs() {
        for variant in [Variant::Thread, Variant::Address] {
            multiply(variant, &rung, "forward");
        }
    }
}
