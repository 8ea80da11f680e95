//! `cargo bench`: every family's implementations side by side, from the plain loop to
//! the fast path. Their names are the family's `VARIANTS`.
//!
//! The last group has each family's kernels on every device there is.
//!
//! Figures belong beside one another: compare within a run, never between runs.

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group};
use detach_benches::cases;
use detach_benches::operands::{random, view, zeros};
use detach_kernels::conv::{self, Conv, Epilogue};
use detach_kernels::map::{self, Binary, Unary};
use detach_kernels::norm::{self, Norm};
use detach_kernels::optim::{self, Adam, Clip, Moving, Rule, Update};
use detach_kernels::philox::{self, Distribution, Key};
use detach_kernels::reduce::{self, Reduction};
use detach_kernels::{Act, Buffer, Device, Layout, Matmul, Variant, copy, gemm};
use std::time::{Duration, Instant};

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

/// Measures `run` with each of the family's implementations, as `what/name`.
fn each(
    group: &mut BenchmarkGroup<'_, WallTime>,
    what: &str,
    names: &[&'static str],
    mut run: impl FnMut(Variant),
) {
    for (variant, name) in variants(names) {
        group.bench_function(format!("{what}/{name}"), |bench| {
            bench.iter(|| run(variant));
        });
    }
}

/// Elements are floating point operations here, so that the report says FLOP/s.
fn products(c: &mut Criterion) {
    let mut group = c.benchmark_group("gemm");
    for [m, k, n] in [
        [256, 256, 256],
        [1024, 1024, 1024],
        [64, 100, 12544],
        [128, 784, 1024],
        [12544, 512, 64],
    ] {
        let (a, b, mut out) = (
            random(Device::Cpu, m * k),
            random(Device::Cpu, k * n),
            zeros(Device::Cpu, m * n),
        );
        group.throughput(Throughput::Elements(2 * (m * k * n) as u64));
        let what = format!("{m}×{k} · {k}×{n}");
        each(&mut group, &what, gemm::VARIANTS, |variant| {
            gemm::gemm_with(variant, view(&a, &[m, k]), view(&b, &[k, n]), &mut out);
        });
    }
    group.finish();
}

/// Elements are floating point operations of the direct algorithm. Batches of 16: a
/// plain loop takes a while.
fn convolutions(c: &mut Criterion) {
    let transposed =
        |x: [usize; 4], w: [usize; 4]| Conv::transposed(&x, &w, [2, 2], [1, 1], [0, 0]);
    let plain =
        |x: [usize; 4], w: [usize; 4], stride: usize| Conv::forward(&x, &w, [stride; 2], [1, 1]);
    let layers = [
        (
            "CT 256→128, 7→14",
            transposed([16, 256, 7, 7], [256, 128, 4, 4]),
        ),
        (
            "CT 128→64, 14→28",
            transposed([16, 128, 14, 14], [128, 64, 4, 4]),
        ),
        (
            "C 64→128, 14→7",
            plain([16, 64, 14, 14], [128, 64, 4, 4], 2),
        ),
        ("C 1→64, 28→14", plain([16, 1, 28, 28], [64, 1, 4, 4], 2)),
        ("C 64→1 k3, 28", plain([16, 64, 28, 28], [1, 64, 3, 3], 1)),
        (
            "CT 64→1, 14→28",
            transposed([16, 64, 14, 14], [64, 1, 4, 4]),
        ),
    ];
    let mut group = c.benchmark_group("conv");
    for (name, conv) in layers {
        let len = |shape: [usize; 4]| shape.iter().product::<usize>();
        let mut x = random(Device::Cpu, len(conv.big_shape()));
        let mut y = random(Device::Cpu, len(conv.small_shape()));
        let mut w = random(Device::Cpu, len(conv.weight_shape()));
        let [n, _, h, width] = conv.small_shape();
        group.throughput(Throughput::Elements(2 * (n * h * width * w.len()) as u64));
        let names = conv::VARIANTS;
        each(&mut group, &format!("{name}, fprop"), names, |variant| {
            conv::fprop_with(variant, &conv, [&x, &w], &Epilogue::NONE, &mut y);
        });
        each(&mut group, &format!("{name}, dgrad"), names, |variant| {
            conv::dgrad_with(variant, &conv, [&y, &w], &Epilogue::NONE, &mut x);
        });
        each(&mut group, &format!("{name}, wgrad"), names, |variant| {
            conv::wgrad_with(variant, &conv, &x, &y, &mut w);
        });
    }
    group.finish();
}

/// Pixels, channels and elements of `dcgan`'s largest activation, `[64, 64, 28, 28]`.
const ROWS: usize = 64 * 28 * 28;
const CHANNELS: usize = 64;
const LEN: usize = ROWS * CHANNELS;

/// `passes` times the largest activation read or written: the report says bytes/s.
fn bytes(passes: usize) -> Throughput {
    Throughput::Bytes((passes * 4 * LEN) as u64)
}

fn elementwise(c: &mut Criterion) {
    let (a, b, mut out) = (
        random(Device::Cpu, LEN),
        random(Device::Cpu, LEN),
        zeros(Device::Cpu, LEN),
    );
    let layout = Layout::contiguous(&[LEN]);
    let mut group = c.benchmark_group("map");
    group.throughput(bytes(2));
    for (what, op) in [
        ("leaky relu", Unary::LeakyRelu(0.2)),
        ("tanh", Unary::Tanh),
        ("softplus", Unary::Softplus),
    ] {
        each(&mut group, what, map::VARIANTS, |variant| {
            map::unary_with(variant, op, view(&a, &[LEN]), &mut out, &layout);
        });
    }
    group.throughput(bytes(3));
    each(&mut group, "relu gradient", map::VARIANTS, |variant| {
        let (dy, x) = (view(&a, &[LEN]), view(&b, &[LEN]));
        map::binary_with(variant, Binary::ReluGrad, dy, x, &mut out, &layout);
    });
    group.finish();
}

fn reductions(c: &mut Criterion) {
    let x = random(Device::Cpu, LEN);
    let mut group = c.benchmark_group("reduce");
    group.throughput(bytes(1));
    for (what, to) in [
        ("of columns", [1, CHANNELS]),
        ("of rows", [ROWS, 1]),
        ("all", [1, 1]),
    ] {
        let mut out = zeros(Device::Cpu, to[0] * to[1]);
        let layout = Layout::contiguous(&to);
        each(
            &mut group,
            &format!("sum {what}"),
            reduce::VARIANTS,
            |variant| {
                let x = view(&x, &[ROWS, CHANNELS]);
                reduce::reduce_with(variant, Reduction::Sum, x, &mut out, &layout);
            },
        );
    }
    group.finish();
}

fn copies(c: &mut Criterion) {
    let (x, mut out) = (random(Device::Cpu, LEN), zeros(Device::Cpu, LEN));
    let shape = [64, CHANNELS, 28, 28];
    let mut group = c.benchmark_group("copy");
    group.throughput(bytes(2));
    for (what, layout) in [
        ("as it is", Layout::contiguous(&shape)),
        ("NCHW to channels-last", Layout::channels_last(&shape)),
    ] {
        each(&mut group, what, copy::VARIANTS, |variant| {
            copy::copy_with(variant, view(&x, &shape), &mut out, &layout);
        });
    }
    group.finish();
}

fn normalisation(c: &mut Criterion) {
    let norm = Norm {
        rows: ROWS,
        channels: CHANNELS,
        eps: 1e-5,
        act: Act::Relu,
    };
    let (x, dy, mut out) = (
        random(Device::Cpu, LEN),
        random(Device::Cpu, LEN),
        zeros(Device::Cpu, LEN),
    );
    let (gamma, beta) = (random(Device::Cpu, CHANNELS), random(Device::Cpu, CHANNELS));
    let affine = [&gamma, &beta];
    let [mut stats, mut sums]: [Buffer; 2] = [2 * CHANNELS; 2].map(|len| zeros(Device::Cpu, len));
    let mut group = c.benchmark_group("norm");
    group.throughput(bytes(3));
    each(&mut group, "forward", norm::VARIANTS, |variant| {
        norm::stats_with(variant, &norm, &x, &mut stats);
        norm::forward_with(variant, &norm, &x, &stats, affine, &mut out);
    });
    group.throughput(bytes(5));
    each(&mut group, "backward", norm::VARIANTS, |variant| {
        let images = [&x, &dy];
        norm::grad_affine_with(variant, &norm, images, &stats, affine, &mut sums);
        norm::grad_input_with(variant, &norm, images, &stats, affine, &sums, &mut out);
    });
    group.finish();
}

fn optimisers(c: &mut Criterion) {
    let n = 2_100_000;
    let (mut p, mut m, mut v, g) = (
        random(Device::Cpu, n),
        zeros(Device::Cpu, n),
        zeros(Device::Cpu, n),
        random(Device::Cpu, n),
    );
    let adam = Update {
        rule: Rule::Adam(Adam {
            beta1: 0.5,
            beta2: 0.999,
            eps: 1e-8,
            keras: false,
            amsgrad: false,
        }),
        lr: 2e-4.into(),
        step: 10.into(),
        weight_decay: 0.0,
        clip: Clip::None,
    };
    let mut group = c.benchmark_group("optim");
    group.throughput(Throughput::Bytes(7 * 4 * n as u64));
    each(&mut group, "Adam, 2.1 M", optim::VARIANTS, |variant| {
        let (param, state, grad) = (&mut p, vec![&mut m, &mut v], &g);
        optim::update_with(variant, &adam, &mut [Moving { param, state, grad }]);
    });
    group.finish();
}

/// Elements are numbers drawn.
fn random_numbers(c: &mut Criterion) {
    let n = 1_000_000;
    let mut out = zeros(Device::Cpu, n);
    let key = Key {
        seed: 1,
        stream: 2,
        step: 3.into(),
        draw: 4,
    };
    let mut group = c.benchmark_group("philox");
    group.throughput(Throughput::Elements(n as u64));
    for (what, distribution) in [
        ("uniform", Distribution::Uniform),
        ("normal", Distribution::Normal),
        ("mask", Distribution::Bernoulli(0.7)),
    ] {
        each(&mut group, what, philox::VARIANTS, |variant| {
            philox::fill_with(variant, distribution, &key, &mut out);
        });
    }
    group.finish();
}

/// The kernels of each family on every device there is, `kernel/device`: as many calls as
/// are timed are asked for, then waited for.
fn devices(c: &mut Criterion) {
    let mut devices = vec![("cpu", Device::Cpu)];
    for (name, matmul) in [("cuda fp32", Matmul::Fp32), ("cuda tf32", Matmul::Tf32)] {
        match Device::open("cuda:0", matmul) {
            Ok(device) => devices.push((name, device)),
            Err(why) => eprintln!("devices: without {name}: {}", why.reason()),
        }
    }
    let mut group = c.benchmark_group("devices");
    for name in [
        "sgemm 1024 1024 1024",
        "sgemm 64 12544 100",
        "ct fprop 256 128 4 2 1 7 64",
        "ct wgrad 256 128 4 2 1 7 64",
        "bn 64 64 28",
        "adam 2100000",
        "relu 3211264",
        "sum 50176 64",
        "channels-last 64 64 28",
        "normal 1000000",
    ] {
        let words: Vec<&str> = name.split(' ').collect();
        for (on, device) in &devices {
            let kernel = cases::kernel(*device, &words);
            let mut kernel = kernel.unwrap_or_else(|error| panic!("{error}"));
            group.bench_function(format!("{name}/{on}"), |bencher| {
                bencher.iter_custom(|calls| {
                    device.synchronize();
                    let start = Instant::now();
                    (0..calls).for_each(|_| kernel());
                    device.synchronize();
                    start.elapsed()
                });
            });
        }
    }
    group.finish();
}

criterion_group! {
    name = kernels;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = products, convolutions, elementwise, reductions, copies, normalisation, optimisers,
        random_numbers, devices
}

/// As training does it: the thread that calls is one of those that compute.
fn main() {
    let pool = rayon::ThreadPoolBuilder::new().build();
    pool.expect("threads start").install(kernels);
    Criterion::default().configure_from_args().final_summary();
}
