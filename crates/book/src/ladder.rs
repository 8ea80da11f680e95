//! What `11-kernels.md` computes: pieces of the kernels' sources, and the arithmetic of what they read.

use crate::Piece;
use crate::text::{between, excerpt, fixed, short, table};

pub(crate) const PIECES: &[Piece] = &[
    Piece {
        name: "ladder-loop",
        make: |_| {
            excerpt(
                "rust,ignore",
                REFERENCE,
                "let row = |(i, out)",
                "match out.len() * k < LARGE",
            )
        },
    },
    Piece {
        name: "ladder-intensity",
        make: |_| intensity(),
    },
    Piece {
        name: "ladder-products",
        make: |_| products(),
    },
    Piece {
        name: "ladder-tile",
        make: |_| {
            excerpt(
                "rust,ignore",
                PORTABLE,
                "let mut acc = [[Lanes::ZERO",
                "let sums = acc.map",
            )
        },
    },
    Piece {
        name: "ladder-avx512",
        make: |_| excerpt("rust,ignore", AVX512, "if R > $r {", "    };"),
    },
    Piece {
        name: "ladder-quoted",
        make: |_| quoted(),
    },
    Piece {
        name: "ladder-multiplications",
        make: |_| multiplications(),
    },
    Piece {
        name: "ladder-transforms",
        make: |_| transforms(),
    },
    Piece {
        name: "ladder-cuda-naive",
        make: |_| excerpt("cpp", NAIVE, "int row = blockIdx.y", ""),
    },
    Piece {
        name: "ladder-cuda-shared",
        make: |_| {
            excerpt(
                "cpp",
                SHARED,
                "for (int first = 0;",
                "if (row < m && column < n) {",
            )
        },
    },
    Piece {
        name: "ladder-cuda",
        make: |_| rungs(),
    },
];

const REFERENCE: &str = include_str!("../../kernels/src/gemm/reference.rs");
const TILE: &str = include_str!("../../kernels/src/gemm/tile/mod.rs");
const PORTABLE: &str = include_str!("../../kernels/src/gemm/tile/portable.rs");
const AVX512: &str = include_str!("../../kernels/src/gemm/tile/avx512.rs");
const TRANSFORM: &str = include_str!("../../kernels/src/conv/winograd/transform.rs");
const NAIVE: &str = include_str!("../../../kernels/ladder/rung0_naive.cu");
const SHARED: &str = include_str!("../../../kernels/ladder/rung2_shared.cu");
const LADDER: &str = include_str!("../../../kernels/ladder/README.md");
const RESULTS: &str = include_str!("../../../benches/RESULTS.md");

/// The rows and columns of a level's register tile, as its source has them.
fn tile_of(level: &str) -> [f64; 2] {
    let lines = between(TILE, &format!("Level::{level} => Self {{"), "},");
    let number = |key: &str| {
        let of = |line: &&str| {
            line.trim()
                .strip_prefix(key)?
                .trim_end_matches(',')
                .parse()
                .ok()
        };
        let found = lines.iter().find_map(of);
        found.unwrap_or_else(|| panic!("a tile of {level} has no `{key}`"))
    };
    [number("rows: "), number("columns: ")]
}

/// What is read for a multiply-add, in numbers, and how many operations a byte that makes.
fn intensity() -> String {
    let row = |name: &str, tile: String, reads: f64| {
        let operations = 2.0 / (reads * size_of::<f32>() as f64);
        vec![name.to_owned(), tile, short(reads, 3), short(operations, 3)]
    };
    let tiled = |name, [rows, columns]: [f64; 2]| {
        row(
            name,
            format!("{rows} × {columns}"),
            1.0 / rows + 1.0 / columns,
        )
    };
    let plain = |name, reads| row(name, "–".to_owned(), reads);
    table(
        &[
            "loop",
            "tile",
            "numbers for a multiply-add",
            "operations a byte",
        ],
        [
            plain("plain, the row of results in memory", 3.0),
            plain("plain, the sum in a register", 2.0),
            tiled("register tile, AVX2", tile_of("Avx2")),
            tiled("register tile, AVX-512", tile_of("Avx512")),
            tiled("CUDA, a tile in shared memory (rung 2)", [32.0, 32.0]),
            tiled("CUDA, a larger one (rungs 4 to 7)", [128.0, 128.0]),
        ],
    )
}

/// How many operations there are for each byte of operands and result.
fn products() -> String {
    let row = |[m, k, n]: [usize; 3]| {
        let operations = 2.0 * (m * k * n) as f64;
        let bytes = (size_of::<f32>() * (m * k + k * n + m * n)) as f64;
        vec![
            format!("{m} × {k} · {k} × {n}"),
            fixed(operations / 1e6, 1),
            fixed(bytes / 1e6, 2),
            fixed(operations / bytes, 1),
        ]
    };
    let shapes = [
        [64, 784, 1],
        [64, 100, 12544],
        [128, 784, 1024],
        [256, 256, 256],
        [2048, 2048, 2048],
    ];
    let head = [
        "product",
        "million operations",
        "MB, each number once",
        "operations a byte",
    ];
    table(&head, shapes.map(row))
}

/// The lines of a table behind `heading`: its head, and the rows of which `takes` is true.
fn rows_behind(heading: &str, takes: impl Fn(&str) -> bool) -> String {
    let lines = RESULTS.lines().skip_while(|line| *line != heading);
    let lines = lines.skip_while(|line| !line.starts_with('|'));
    let lines: Vec<&str> = lines.take_while(|line| line.starts_with('|')).collect();
    let [head, rule, rows @ ..] = &lines[..] else {
        panic!("no table behind `{heading}`");
    };
    let rows = rows.iter().filter(|row| takes(row));
    let all: Vec<&str> = [head, rule].into_iter().chain(rows).copied().collect();
    assert!(all.len() > 2, "no such row behind `{heading}`");
    all.join("\n")
}

/// What `benches/RESULTS.md` has of a run of `cargo bench`: its date, machine, command and some rows.
fn quoted() -> String {
    let of_run = between(
        RESULTS,
        "`cargo bench` puts the implementations",
        "**Other programs",
    );
    let machine = between(RESULTS, "The peak is ", "PyTorch 2.");
    let [of_run, machine] = [&of_run[1..], &machine].map(|lines| lines.join("\n"));
    let gemm = rows_behind("### gemm, GFLOP/s (share of the peak)", |_| true);
    let conv = rows_behind("### conv, GFLOP/s (share of the peak)", |row| {
        row.starts_with("| C 64→128")
    });
    format!("{}\n\n{machine}\n\n{gemm}\n\n{conv}", of_run.trim())
}

/// Multiplications of a tile, by the direct sum and by Winograd's.
pub(crate) fn winograd([outputs, taps]: [usize; 2]) -> [usize; 2] {
    [outputs * taps, outputs + taps - 1].map(|line| line * line)
}

fn multiplications() -> String {
    let row = |[m, r]: [usize; 2]| {
        let [direct, fewer] = winograd([m, r]);
        let ratio = direct as f64 / fewer as f64;
        vec![
            format!("F({m}×{m}, {r}×{r})"),
            direct.to_string(),
            fewer.to_string(),
            fixed(ratio, 2),
        ]
    };
    let head = ["outputs, taps", "direct", "Winograd", "as a factor"];
    table(&head, [[2, 3], [3, 2], [2, 2], [4, 2]].map(row))
}

/// Of the two sizes of tile, the lines of the larger one.
fn transforms() -> String {
    let large = |map: &str| {
        let lines = between(TRANSFORM, map, "fn takes");
        let line = lines
            .iter()
            .skip_while(|line| !line.contains("if m == LARGE"));
        let line = line.copied().nth(1).expect("its formula").trim();
        // A fourth output that is not there.
        line.replace(", V::ZERO", "")
    };
    let args = |map: &str| {
        let lines = between(TRANSFORM, map, "fn takes");
        let line = lines.iter().find_map(|line| line.split_once('&'));
        let (_, rest) = line.expect("its argument");
        rest.split_once(':').expect("its type").0
    };
    let g = between(TRANSFORM, "pub(super) fn g<V", "}");
    let mut out = "```text\n".to_owned();
    out += &format!("G   of two taps [a, b]              {}\n", g[1].trim());
    out += &format!(
        "Bᵀ  of four positions {}  {}\n",
        args("impl Transform for Bt"),
        large("impl Transform for Bt")
    );
    out += &format!(
        "Aᵀ  of four products {}   {}\n",
        args("impl Transform for At"),
        large("impl Transform for At")
    );
    out + "```"
}

/// What the ladder's own page says of each rung.
fn rungs() -> String {
    let lines = between(LADDER, "| rung |", "<!-- end -->");
    let without_link = |line: &&str| match (line.split_once('['), line.split_once(')')) {
        (Some((_, name)), Some((_, rest))) => {
            let name = name.split_once(']').map_or(name, |(name, _)| name);
            format!("| `{name}`{rest}")
        }
        _ => (*line).to_owned(),
    };
    lines
        .iter()
        .map(without_link)
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_products_make_the_work_of_six() {
        assert_eq!(winograd([2, 3]), [36, 16]);
        assert_eq!(winograd([3, 2]), [36, 16]);
        assert_eq!(winograd([4, 2]), [64, 25]);
    }

    #[test]
    fn the_tiles_are_those_of_the_source() {
        assert_eq!(tile_of("Avx512"), [14.0, 32.0]);
        assert_eq!(tile_of("Avx2"), [6.0, 16.0]);
    }

    #[test]
    #[should_panic(expected = "has no line `let there = be`")]
    fn what_is_gone_from_a_source_is_missed() {
        let _ = excerpt("rust", TILE, "let there = be", "");
    }
}
