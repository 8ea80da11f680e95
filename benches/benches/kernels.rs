//! `cargo bench`: each family's plain loop beside its fast path.
//!
//! Figures belong beside one another: compare within a run, never between runs.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use detach_kernels::conv::{self, Conv, Epilogue};
use detach_kernels::map::{self, Binary};
use detach_kernels::norm::{self, Norm};
use detach_kernels::optim::{self, Adam, Moving};
use detach_kernels::{Act, Buffer, DType, Device, Layout, Variant, View, gemm};
use std::time::Duration;

const VARIANTS: [(Variant, &str); 2] =
    [(Variant::Reference, "plain loop"), (Variant::Fast, "fast")];

fn random(len: usize) -> Buffer {
    let values: Vec<f32> = (0..len)
        .map(|i| ((i * 7919) % 1000) as f32 / 500.0 - 1.0)
        .collect();
    Buffer::from_slice(Device::Cpu, &values)
}

fn zeros(len: usize) -> Buffer {
    Buffer::full(Device::Cpu, DType::F32, len, 0.0)
}

fn view<'a>(buffer: &'a Buffer, shape: &[usize]) -> View<'a> {
    View {
        buffer,
        layout: Layout::contiguous(shape),
    }
}

/// Elements are floating point operations here, so that the report says FLOP/s.
fn gemms(c: &mut Criterion) {
    let mut group = c.benchmark_group("gemm");
    for [m, k, n] in [
        [256, 256, 256],
        [1024, 1024, 1024],
        [64, 100, 12544],
        [128, 1024, 784],
    ] {
        let (a, b, mut out) = (random(m * k), random(k * n), zeros(m * n));
        let (av, bv) = (view(&a, &[m, k]), view(&b, &[k, n]));
        let name = format!("{m}×{k}×{n}");
        group.throughput(Throughput::Elements(2 * (m * k * n) as u64));
        for (variant, label) in VARIANTS {
            group.bench_function(BenchmarkId::new(label, &name), |bench| {
                bench.iter(|| gemm::gemm_with(variant, av, bv, &mut out));
            });
        }
    }
    group.finish();
}

fn convolutions(c: &mut Criterion) {
    let transposed =
        |x: [usize; 4], w: [usize; 4]| Conv::transposed(&x, &w, [2, 2], [1, 1], [0, 0]);
    let layers = [
        (
            "CT 256→128, 7→14",
            transposed([64, 256, 7, 7], [256, 128, 4, 4]),
        ),
        (
            "CT 128→64, 14→28",
            transposed([64, 128, 14, 14], [128, 64, 4, 4]),
        ),
        (
            "C 64→128, 14→7",
            Conv::forward(&[64, 64, 14, 14], &[128, 64, 4, 4], [2, 2], [1, 1]),
        ),
        (
            "C 1→64, 28→14",
            Conv::forward(&[64, 1, 28, 28], &[64, 1, 4, 4], [2, 2], [1, 1]),
        ),
    ];
    let mut group = c.benchmark_group("conv");
    for (name, conv) in layers {
        let len = |shape: [usize; 4]| shape.iter().product::<usize>();
        let (mut x, mut y) = (
            random(len(conv.big_shape())),
            random(len(conv.small_shape())),
        );
        let mut w = random(len(conv.weight_shape()));
        let [n, _, oh, ow] = conv.small_shape();
        group.throughput(Throughput::Elements(2 * (n * oh * ow * w.len()) as u64));
        for (variant, label) in VARIANTS {
            group.bench_function(BenchmarkId::new(format!("fprop, {label}"), name), |bench| {
                bench.iter(|| conv::fprop_with(variant, &conv, [&x, &w], &Epilogue::NONE, &mut y));
            });
            group.bench_function(BenchmarkId::new(format!("dgrad, {label}"), name), |bench| {
                bench.iter(|| conv::dgrad_with(variant, &conv, [&y, &w], &Epilogue::NONE, &mut x));
            });
            group.bench_function(BenchmarkId::new(format!("wgrad, {label}"), name), |bench| {
                bench.iter(|| conv::wgrad_with(variant, &conv, &x, &y, &mut w));
            });
        }
    }
    group.finish();
}

/// Elements are bytes read and written once each: the report says bytes/s.
fn memory_bound(c: &mut Criterion) {
    let mut group = c.benchmark_group("memory");
    let (rows, channels) = (64 * 28 * 28, 64);
    let len = rows * channels;
    let geometry = Norm {
        rows,
        channels,
        eps: 1e-5,
        act: Act::Identity,
    };
    let (x, dy, mut out) = (random(len), random(len), zeros(len));
    let (gamma, beta, mut stats) = (random(channels), random(channels), zeros(2 * channels));
    for (variant, label) in VARIANTS {
        group.throughput(Throughput::Bytes(3 * 4 * len as u64));
        group.bench_function(BenchmarkId::new("batch norm forward", label), |bench| {
            bench.iter(|| {
                norm::stats_with(variant, &geometry, &x, &mut stats);
                norm::forward_with(variant, &geometry, &x, &stats, [&gamma, &beta], &mut out);
            });
        });
        group.bench_function(BenchmarkId::new("relu gradient", label), |bench| {
            let layout = Layout::contiguous(&[len]);
            let (a, b) = (view(&dy, &[len]), view(&x, &[len]));
            bench.iter(|| map::binary_with(variant, Binary::ReluGrad, a, b, &mut out, &layout));
        });
        let n = 2_100_000;
        let (mut p, mut m, mut v, g) = (random(n), zeros(n), zeros(n), random(n));
        let adam = Adam {
            lr: 2e-4,
            beta1: 0.5,
            beta2: 0.999,
            eps: 1e-8,
            step: 10,
        };
        group.throughput(Throughput::Bytes(7 * 4 * n as u64));
        group.bench_function(BenchmarkId::new("Adam, 2.1 M", label), |bench| {
            bench.iter(|| {
                let (param, m, v, grad) = (&mut p, &mut m, &mut v, &g);
                optim::adam_with(variant, &adam, &mut [Moving { param, m, v, grad }]);
            });
        });
    }
    group.finish();
}

criterion_group! {
    name = kernels;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2));
    targets = gemms, convolutions, memory_bound
}
criterion_main!(kernels);
