//! `cargo bench`: every family's implementations side by side, from the plain loop to the
//! fast path, beside PyTorch where the variable `PYTHON` names an interpreter that has it, and
//! on a GPU where there is one. Criterion's flags and filters work: `cargo bench -- gemm`,
//! `-- --quick conv`, `-- --list`, `-- --save-baseline x`. It ends with a table.
//!
//! Figures belong beside one another: compare within a run, never between runs.

mod gpu;
mod rates;

use criterion::{Criterion, Throughput};
use detach_benches::cases::{Kernel, Work, copy_bandwidth};
use detach_benches::ledger::{Ceilings, Ledger, Unit};
use detach_benches::pytorch::{PyTorch, scripts};
use detach_benches::rungs;
use detach_kernels::{Device, Variant, peak, simd};
use rates::Rates;
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Each family with the kernels it is measured by: shapes of `dcgan`, `mlp` and `began`, and square
/// products. Convolutions have batches of 16, for a plain loop takes a while.
const FAMILIES: [(&str, &[&str]); 10] = [
    (
        "gemm",
        &[
            "sgemm 256 256 256",
            "sgemm 1024 1024 1024",
            "sgemm 64 12544 100",
            "sgemm 128 1024 784",
            "sgemm 12544 64 512",
        ],
    ),
    (
        "conv",
        &[
            "ct fprop 256 128 4 2 1 7 16",
            "ct dgrad 256 128 4 2 1 7 16",
            "ct wgrad 256 128 4 2 1 7 16",
            "ct fprop 128 64 4 2 1 14 16",
            "ct dgrad 128 64 4 2 1 14 16",
            "ct wgrad 128 64 4 2 1 14 16",
            "c fprop 64 128 4 2 1 14 16",
            "c dgrad 64 128 4 2 1 14 16",
            "c wgrad 64 128 4 2 1 14 16",
            "c fprop 1 64 4 2 1 28 16",
            "c dgrad 1 64 4 2 1 28 16",
            "c wgrad 1 64 4 2 1 28 16",
            "c fprop 64 1 3 1 1 28 16",
            "c dgrad 64 1 3 1 1 28 16",
            "c wgrad 64 1 3 1 1 28 16",
            "ct fprop 64 1 4 2 1 14 16",
            "ct dgrad 64 1 4 2 1 14 16",
            "ct wgrad 64 1 4 2 1 14 16",
            "c fprop 16 16 3 1 1 28 16",
            "c dgrad 16 16 3 1 1 28 16",
            "c wgrad 16 16 3 1 1 28 16",
        ],
    ),
    (
        "map",
        &[
            "leaky-relu 3211264",
            "tanh 3211264",
            "softplus 3211264",
            "relu-gradient 3211264",
            "elu 3211264",
            "sin 3211264",
            "erf 3211264",
            "select 3211264",
        ],
    ),
    (
        "reduce",
        &[
            "sum 50176 64",
            "sum-rows 50176 64",
            "sum-all 50176 64",
            "softmax 12544 49",
        ],
    ),
    ("copy", &["clone 3211264", "channels-last 64 64 28"]),
    ("norm", &["bn 64 64 28", "in 64 64 28"]),
    (
        "optim",
        &[
            "adam 2100000",
            "clipped-adam 2100000",
            "rmsprop 2100000",
            "sgd 2100000",
            "average 2100000",
            "clamp 2100000",
        ],
    ),
    (
        "philox",
        &["uniform 1000000", "normal 1000000", "mask 1000000"],
    ),
    (
        "resample",
        &[
            "upsample 64 64 14",
            "average-pool 64 64 28",
            "fir-up 64 64 14",
            "fir-down 64 64 28",
        ],
    ),
    ("border", &["reflect 16 64 32"]),
];

/// The fast path on one thread: the tile without what threads add. Products alone have it.
const ALONE: &str = "register tiles, 1 thread";

/// What is measured with, and what was measured.
struct Bench {
    criterion: Criterion<Rates>,
    ledger: Ledger,
    /// PyTorch on the CPU, and the numbers of threads it may choose from.
    pytorch: Option<(PyTorch, Vec<usize>)>,
}

/// Where a figure belongs: family, shape and implementation.
type At<'a> = [&'a str; 3];

impl Bench {
    /// Measures what `prepare` makes, which times so many calls; it is made only where
    /// criterion's filter wants it.
    fn measure<T: FnMut(u64) -> Duration>(
        &mut self,
        at: At<'_>,
        work: Work,
        prepare: impl Fn() -> T,
    ) {
        let [family, shape, implementation] = at;
        let (ledger, mut timed) = (&mut self.ledger, None);
        let mut group = self.criterion.benchmark_group(family);
        group.throughput(throughput(work));
        group.bench_function(format!("{shape}/{implementation}"), |bencher| {
            bencher.iter_custom(|calls| {
                let time = timed.get_or_insert_with(&prepare)(calls);
                ledger.record(at, work, calls, time);
                time
            });
        });
        group.finish();
    }

    /// A kernel by every implementation of its family, then by PyTorch.
    fn kernel(&mut self, family: &str, names: &[&'static str], case: &str, single: &ThreadPool) {
        let words: Vec<&str> = case.split(' ').collect();
        let kernel = Kernel::parse(&words).unwrap_or_else(|error| panic!("{error}"));
        let (shape, work) = (kernel.to_string(), kernel.work());
        for (variant, name) in variants(names) {
            if family == "gemm" && variant == Variant::Fast {
                self.measure([family, &shape, ALONE], work, || {
                    |calls| alone(single, calls, &kernel)
                });
            }
            self.measure([family, &shape, name], work, || {
                let mut call = kernel.call(variant, Device::Cpu);
                move |calls| in_a_step(calls, &mut call)
            });
        }
        self.pytorch(family, &shape, work, case);
    }

    /// The same by PyTorch, with the threads it is fastest with.
    fn pytorch(&mut self, family: &str, shape: &str, work: Work, case: &str) {
        let Some((pytorch, choices)) = self.pytorch.take() else {
            return;
        };
        let name = pytorch.info().to_owned();
        let shared = std::cell::RefCell::new(pytorch);
        self.measure([family, shape, &name], work, || {
            let threads = shared.borrow_mut().best_threads(case, &choices);
            let threads = threads.unwrap_or_else(|error| panic!("{case}: {error}"));
            let shared = &shared;
            move |calls| {
                let ms = shared.borrow_mut().ask_with(threads, calls, case);
                let ms = ms.unwrap_or_else(|error| panic!("{case}: {error}"));
                Duration::from_secs_f64(ms / 1e3 * calls as f64)
            }
        });
        self.pytorch = Some((shared.into_inner(), choices));
    }
}

/// A family's implementations under the names that it gives them.
fn variants(names: &[&'static str]) -> Vec<(Variant, &'static str)> {
    match *names {
        [plain, fast] => vec![(Variant::Reference, plain), (Variant::Fast, fast)],
        [plain, peer, fast] => vec![
            (Variant::Reference, plain),
            (Variant::Peer, peer),
            (Variant::Fast, fast),
        ],
        _ => panic!("{names:?}: a name for each variant"),
    }
}

fn throughput(work: Work) -> Throughput {
    let unit = Unit::of(work);
    let amount = unit.amount(work) as u64;
    match unit {
        Unit::Gflops => Throughput::Elements(amount),
        Unit::Gbytes => Throughput::BytesDecimal(amount),
    }
}

/// Times so many calls as training makes them: in a step, whose threads stay awake.
fn in_a_step(calls: u64, call: &mut dyn FnMut()) -> Duration {
    detach_kernels::step(|| {
        let start = Instant::now();
        (0..calls).for_each(|_| call());
        start.elapsed()
    })
}

/// The same on the one thread of `pool`, where the kernel is made too: its counts stay on their
/// thread.
fn alone(pool: &ThreadPool, calls: u64, kernel: &Kernel) -> Duration {
    pool.install(|| {
        let mut call = kernel.call(Variant::Fast, Device::Cpu);
        call();
        in_a_step(calls, &mut call)
    })
}

/// What the command line asks for, as far as criterion keeps it to itself.
#[derive(Clone, Copy)]
struct Asked {
    /// Figures are wanted, rather than a list of names or one call of each (`cargo test`).
    figures: bool,
    /// Names are wanted: PyTorch's among them.
    names: bool,
}

impl Asked {
    fn of(args: &[String]) -> Self {
        let has = |flag: &str| args.iter().any(|arg| arg == flag);
        let names = has("--bench") && !has("--test");
        Self {
            figures: names && !has("--list"),
            names,
        }
    }
}

/// PyTorch on the CPU, with the numbers of threads that may be its best; otherwise says in a
/// line why not.
fn pytorch() -> Option<(PyTorch, Vec<usize>)> {
    let Some(python) = std::env::var_os("PYTHON").map(PathBuf::from) else {
        eprintln!("PyTorch is left out: the variable PYTHON names no Python that has it");
        return None;
    };
    match PyTorch::start(&python, &scripts(), "cpu") {
        Ok(pytorch) => {
            let cores = std::thread::available_parallelism().map_or(1, usize::from);
            // A core that two threads share may be worth one.
            let mut choices = vec![cores, cores / 2, 1];
            choices.retain(|&threads| threads > 0);
            choices.dedup();
            Some((pytorch, choices))
        }
        Err(error) => {
            eprintln!("PyTorch is left out: {error}");
            None
        }
    }
}

/// What each implementation changes.
fn words(family: &str, implementation: &str) -> Option<String> {
    if implementation == ALONE {
        return Some("the next one without what threads add".to_owned());
    }
    rungs::words(family, implementation).map(str::to_owned)
}

/// The closing table.
fn close(bench: &Bench, gpu: impl Fn(&str) -> Ceilings) {
    let threads = rayon::current_num_threads();
    let (flops, bytes) = (peak::fma_peak(threads), copy_bandwidth());
    let cpu = Ceilings {
        flops: Some(flops),
        bytes: Some(bytes),
    };
    let ceilings = |family: &str, name: &str| match family {
        gpu::FAMILY if name != gpu::CPU => gpu(name),
        _ => cpu,
    };
    println!("# Implementation by shape\n");
    println!(
        "{threads} threads, {}. The peak is {flops:.0} GFLOP/s, of multiply-adds in registers, and \
         {bytes:.0} GB/s, of a copy that no cache holds: what fits a cache may go beyond.",
        simd::level()
    );
    if let Some((pytorch, choices)) = &bench.pytorch {
        let choices: Vec<String> = choices.iter().map(ToString::to_string).collect();
        println!(
            "{} is eager and contiguous, on {} threads, whichever is faster, right after ours.",
            pytorch.info(),
            choices.join(" or ")
        );
    }
    print!("{}", bench.ledger.tables(&ceilings, &words));
}

fn run() {
    let asked = Asked::of(&std::env::args().collect::<Vec<_>>());
    let criterion = Criterion::default()
        .with_measurement(Rates)
        .sample_size(10)
        .nresamples(5_000)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(500))
        .configure_from_args();
    let mut bench = Bench {
        criterion,
        ledger: Ledger::default(),
        pytorch: if asked.names { pytorch() } else { None },
    };
    let single = ThreadPoolBuilder::new().num_threads(1).build();
    let single = single.expect("a thread starts");
    let families = detach_kernels::families();
    for (family, cases) in FAMILIES {
        let (_, names) = families
            .iter()
            .find(|(name, _)| *name == family)
            .unwrap_or_else(|| panic!("`{family}` is no family of detach-kernels"));
        for case in cases {
            bench.kernel(family, names, case, &single);
        }
    }
    let gpu = gpu::measure(&mut bench, asked);
    if asked.figures && bench.ledger.is_empty() {
        eprintln!("nothing was measured; `cargo bench -- --list` has the names");
    } else if asked.figures {
        close(&bench, gpu);
    }
    bench.criterion.final_summary();
}

/// As training does it: the thread that calls is one of those that compute.
fn main() {
    let pool = ThreadPoolBuilder::new().build();
    pool.expect("threads start").install(run);
}
