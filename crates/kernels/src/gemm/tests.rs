use super::{Epilogue, gemm, gemm_fused_with, gemm_with};
use crate::{Buffer, DType, Device, Layout, Real, Variant, View};

const VARIANTS: [Variant; 3] = [Variant::Reference, Variant::Peer, Variant::Fast];

/// Reproducible numbers in [-1, 1).
fn noise<T: Real>(len: usize, seed: u64) -> Buffer {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let values: Vec<T> = (0..len)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            T::of(((state >> 40) as f32 / 8_388_608.0 - 1.0).into())
        })
        .collect();
    Buffer::from_slice(Device::Cpu, &values)
}

/// The layouts a `[rows, columns]` operand may come in, and the elements needed.
fn layouts(rows: usize, columns: usize) -> Vec<(Layout, usize)> {
    let contiguous = Layout::contiguous(&[rows, columns]);
    let transposed = Layout::contiguous(&[columns, rows]).permute(&[1, 0]);
    let inner = Layout::contiguous(&[rows + 3, 2 * columns + 1]);
    let inner = inner.slice(0, 2, rows).slice(1, 1, columns);
    let gappy = Layout::strided(&[rows, columns], &[2 * columns + 1, 2], 3);
    let row = Layout::contiguous(&[1, columns]).expand(&[rows, columns]);
    let column = Layout::contiguous(&[rows, 1]).expand(&[rows, columns]);
    let all = [contiguous, transposed, inner, gappy, row, column];
    all.map(|layout| (layout, (rows + 3) * (2 * columns + 1) + 3))
        .to_vec()
}

/// `a * b` from the definition, in f64, and the L2 norm of `|a| * |b|`: the scale
/// of rounding, also where the terms of a sum cancel.
fn product(a: View<'_>, b: View<'_>) -> (Vec<f64>, f64) {
    let at = |x: View<'_>, values: &[f64], i: usize, j: usize| {
        let strides = x.layout.strides();
        values[x.layout.offset() + i * strides[0] + j * strides[1]]
    };
    let ([m, k], n) = (
        [a.layout.shape()[0], a.layout.shape()[1]],
        b.layout.shape()[1],
    );
    let (left, right) = (a.buffer.to_vec::<f64>(), b.buffer.to_vec::<f64>());
    let (mut out, mut square) = (vec![0.0; m * n], 0.0);
    for i in 0..m {
        for j in 0..n {
            let terms = (0..k).map(|p| at(a, &left, i, p) * at(b, &right, p, j));
            out[i * n + j] = terms.clone().sum();
            square += terms.map(f64::abs).sum::<f64>().powi(2);
        }
    }
    (out, square.sqrt())
}

/// L2 distance.
fn distance(got: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(got.len(), expected.len());
    let squares = got.iter().zip(expected).map(|(a, b)| (a - b).powi(2));
    squares.sum::<f64>().sqrt()
}

/// What `variant` makes of `a * b`, into memory full of NaN.
fn run(variant: Variant, a: View<'_>, b: View<'_>, len: usize) -> Vec<f64> {
    let mut out = Buffer::full(Device::Cpu, a.buffer.dtype(), len, f64::NAN);
    gemm_with(variant, a, b, &mut out);
    out.to_vec()
}

fn check_all_layouts<T: Real>([m, k, n]: [usize; 3], rounding: f64) {
    let tolerance = (k + 1) as f64 * rounding;
    for (la, len_a) in layouts(m, k) {
        for (lb, len_b) in layouts(k, n) {
            let (a, b) = (noise::<T>(len_a, 1), noise::<T>(len_b, 2));
            let a = View {
                buffer: &a,
                layout: la,
            };
            let b = View {
                buffer: &b,
                layout: lb,
            };
            let (expected, scale) = product(a, b);
            for variant in VARIANTS {
                let got = run(variant, a, b, m * n);
                let error = distance(&got, &expected);
                assert!(
                    error < tolerance * scale,
                    "{variant:?} {}: {la:?} times {lb:?}: {error:e}",
                    T::DTYPE
                );
            }
        }
    }
}

#[test]
fn every_layout_multiplies_exactly() {
    for shape in [
        [1, 1, 1],
        [1, 7, 5],
        [5, 7, 1],
        [1, 300, 1],
        [3, 1, 4],
        [8, 8, 8],
        [17, 33, 9],
        [40, 65, 70],
    ] {
        check_all_layouts::<f32>(shape, 6e-8);
        check_all_layouts::<f64>(shape, 1.2e-16);
    }
}

#[test]
fn large_shapes_agree_with_f64() {
    // Shared out over rows, over columns, over both, over k, and none of these.
    for [m, k, n] in [
        [2000, 40, 24],
        [24, 100, 3000],
        [300, 300, 300],
        [64, 12544, 1],
        [1, 12544, 64],
        [16, 20000, 24],
        [10, 9000, 1],
        [64, 1100, 80],
        [100, 2200, 150],
        [60, 1, 500],
    ] {
        let (a, b) = (noise::<f32>(m * k, 3), noise::<f32>(k * n, 4));
        for transposed in [false, true] {
            let lb = if transposed {
                Layout::contiguous(&[n, k]).permute(&[1, 0])
            } else {
                Layout::contiguous(&[k, n])
            };
            let wide = |x: &Buffer| Buffer::from_slice(Device::Cpu, &x.to_vec::<f64>());
            let (wide_a, wide_b) = (wide(&a), wide(&b));
            let views = |a, b| {
                let la = Layout::contiguous(&[m, k]);
                (
                    View {
                        buffer: a,
                        layout: la,
                    },
                    View {
                        buffer: b,
                        layout: lb,
                    },
                )
            };
            let (va, vb) = views(&wide_a, &wide_b);
            let expected = run(Variant::Reference, va, vb, m * n);
            let (va, vb) = views(&a, &b);
            for variant in [Variant::Peer, Variant::Fast] {
                let got = run(variant, va, vb, m * n);
                let error = distance(&got, &expected) / distance(&vec![0.0; m * n], &expected);
                assert!(
                    error < 2e-6,
                    "{variant:?} [{m}, {k}] times [{k}, {n}]: {error:e}"
                );
            }
        }
    }
}

#[test]
fn batches_are_independent_products() {
    let (m, k, n) = (13, 21, 10);
    for count in [1, 3, 20] {
        let (a, b) = (noise::<f32>(count * m * k, 5), noise::<f32>(k * n, 6));
        let la = Layout::contiguous(&[count, k, m]).permute(&[0, 2, 1]);
        // The same right operand for each.
        let lb = Layout::contiguous(&[1, k, n]).expand(&[count, k, n]);
        let (va, vb) = (
            View {
                buffer: &a,
                layout: la,
            },
            View {
                buffer: &b,
                layout: lb,
            },
        );
        for variant in VARIANTS {
            let got = run(variant, va, vb, count * m * n);
            for (i, got) in got.chunks(m * n).enumerate() {
                let strides = &la.strides()[1..];
                let layout = Layout::strided(&[m, k], strides, i * m * k);
                let one = View { buffer: &a, layout };
                let right = View {
                    buffer: &b,
                    layout: Layout::contiguous(&[k, n]),
                };
                let (expected, scale) = product(one, right);
                assert!(distance(got, &expected) < 5e-7 * scale, "{variant:?} {i}");
            }
        }
    }
}

/// Each form a product can take, with what follows it.
#[test]
fn a_product_is_finished_like_the_reference() {
    for [count, m, k, n] in [
        [1, 30, 20, 40],
        [1, 64, 1100, 100],
        [1, 300, 1100, 40],
        [1, 40, 1100, 700],
        [1, 64, 700, 1],
        [1, 1, 700, 64],
        [1, 50, 1, 70],
        [1, 12, 9000, 20],
        [1, 5, 0, 4],
        [7, 12, 10, 14],
    ] {
        let (a, b) = (
            noise::<f32>(count * m * k, 11),
            noise::<f32>(count * k * n, 12),
        );
        let bias = noise::<f32>(n, 13);
        let wide = |x: &Buffer| Buffer::from_slice(Device::Cpu, &x.to_vec::<f64>());
        let wider = [wide(&a), wide(&b), wide(&bias)];
        for case in 0..12 {
            let lb = match case % 2 {
                0 => Layout::contiguous(&[count, k, n]),
                _ => Layout::contiguous(&[count, n, k]).permute(&[0, 2, 1]),
            };
            let slope = [1.0, 0.0, 0.2][case / 4];
            let product = |variant, [a, b, bias]: [&Buffer; 3]| {
                let epilogue = Epilogue {
                    bias: (case / 2 % 2 == 0).then_some(bias),
                    slope,
                };
                let left = View {
                    buffer: a,
                    layout: Layout::contiguous(&[count, m, k]),
                };
                let right = View {
                    buffer: b,
                    layout: lb,
                };
                let mut out = Buffer::full(Device::Cpu, a.dtype(), count * m * n, f64::NAN);
                gemm_fused_with(variant, left, right, &epilogue, &mut out);
                out.to_vec::<f64>()
            };
            let expected = product(Variant::Fast, wider.each_ref());
            let scale = distance(&vec![0.0; expected.len()], &expected);
            for variant in VARIANTS {
                let got = product(variant, [&a, &b, &bias]);
                let error = distance(&got, &expected);
                assert!(
                    error <= 1e-5 * scale,
                    "{variant:?} {count} × [{m}, {k}] times [{k}, {n}], case {case}: {error:e}"
                );
            }
        }
    }
}

#[test]
fn bits_do_not_depend_on_the_number_of_threads() {
    for [m, k, n] in [
        [64, 100, 3000],
        [400, 300, 300],
        [16, 20000, 24],
        [64, 12544, 1],
        [64, 1500, 700],
        [3000, 64, 70],
        [500, 1, 600],
    ] {
        let (a, b) = (noise::<f32>(m * k, 7), noise::<f32>(k * n, 8));
        for transposed in [false, true] {
            let a = View {
                buffer: &a,
                layout: Layout::contiguous(&[m, k]),
            };
            let b = View {
                buffer: &b,
                layout: match transposed {
                    false => Layout::contiguous(&[k, n]),
                    true => Layout::contiguous(&[n, k]).permute(&[1, 0]),
                },
            };
            let [one, two, seven] = [1, 2, 7].map(|threads| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
                pool.expect("a pool")
                    .install(|| run(Variant::Fast, a, b, m * n))
            });
            assert!(one == two && one == seven, "[{m}, {k}] times [{k}, {n}]");
        }
    }
}

#[test]
fn an_empty_sum_is_zero_and_an_empty_result_is_nothing() {
    let empty = Buffer::scratch(Device::Cpu, DType::F32, 0);
    let some = noise::<f32>(12, 9);
    let view = |buffer, shape: &[usize]| View {
        buffer,
        layout: Layout::contiguous(shape),
    };
    for variant in VARIANTS {
        let got = run(variant, view(&empty, &[3, 0]), view(&empty, &[0, 2]), 6);
        assert_eq!(got, [0.0; 6]);
        assert!(run(variant, view(&empty, &[0, 3]), view(&some, &[3, 4]), 0).is_empty());
        let (a, b) = (view(&empty, &[0, 3, 4]), view(&empty, &[0, 4, 5]));
        assert!(run(variant, a, b, 0).is_empty());
    }
}

fn multiply(left: &[usize], right: &[usize], out: usize) {
    let (a, b) = (
        noise::<f32>(left.iter().product(), 1),
        noise::<f32>(right.iter().product(), 2),
    );
    let a = View {
        buffer: &a,
        layout: Layout::contiguous(left),
    };
    let b = View {
        buffer: &b,
        layout: Layout::contiguous(right),
    };
    gemm(a, b, &mut Buffer::full(Device::Cpu, DType::F32, out, 0.0));
}

#[test]
#[should_panic(expected = "gemm: [2, 3] times [4, 5]")]
fn inner_sizes_must_agree() {
    multiply(&[2, 3], &[4, 5], 10);
}

#[test]
#[should_panic(expected = "gemm: [2, 3, 4] times [3, 4, 5]")]
fn batches_must_agree() {
    multiply(&[2, 3, 4], &[3, 4, 5], 30);
}

#[test]
#[should_panic(expected = "gemm: [3] times [3, 4]")]
fn vectors_need_a_second_dimension() {
    multiply(&[3], &[3, 4], 4);
}

#[test]
#[should_panic(expected = "another number of elements")]
fn the_output_must_have_room() {
    multiply(&[2, 3], &[3, 4], 7);
}

#[test]
#[should_panic(expected = "type and device")]
fn types_must_agree() {
    let (a, b) = (noise::<f32>(6, 1), noise::<f64>(6, 2));
    let a = View {
        buffer: &a,
        layout: Layout::contiguous(&[2, 3]),
    };
    let b = View {
        buffer: &b,
        layout: Layout::contiguous(&[3, 2]),
    };
    gemm(a, b, &mut Buffer::full(Device::Cpu, DType::F32, 4, 0.0));
}

#[test]
#[should_panic(expected = "gemm: a bias for each column")]
fn the_bias_must_have_a_value_for_each_column() {
    let (a, bias) = (noise::<f32>(6, 1), noise::<f32>(2, 2));
    let view = |shape: &[usize]| View {
        buffer: &a,
        layout: Layout::contiguous(shape),
    };
    let epilogue = Epilogue {
        bias: Some(&bias),
        slope: 1.0,
    };
    let mut out = Buffer::full(Device::Cpu, DType::F32, 9, 0.0);
    super::gemm_fused(view(&[3, 2]), view(&[2, 3]), &epilogue, &mut out);
}
