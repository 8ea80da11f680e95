use super::{Conv, Epilogue, Form, dgrad_with, fprop, fprop_with, wgrad_with};
use crate::{Buffer, DType, Device, Real, Variant};

/// Reproducible numbers in [-1, 1) that an `f32` holds exactly.
fn noise(shape: [usize; 4], seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    (0..shape.iter().product())
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 40) as f32 / 8_388_608.0 - 1.0
        })
        .collect()
}

fn buffer<T: Real>(values: &[f32]) -> Buffer {
    let values: Vec<T> = values.iter().map(|&x| T::of(x.into())).collect();
    Buffer::from_slice(Device::Cpu, &values)
}

/// Images and weight of one case: `x`, `y`, `w`, channels-last.
struct Case {
    conv: Conv,
    x: Vec<f32>,
    y: Vec<f32>,
    w: Vec<f32>,
}

impl Case {
    fn new(conv: Conv) -> Self {
        Self {
            conv,
            x: noise(conv.big_shape(), 1),
            y: noise(conv.small_shape(), 2),
            w: noise(conv.weight_shape(), 3),
        }
    }

    /// fprop(x, w), dgrad(y, w) and wgrad(x, y), each into memory full of NaN.
    fn run<T: Real>(&self, variant: Variant) -> [Vec<f64>; 3] {
        let [x, y, w] = [&self.x, &self.y, &self.w].map(|v| buffer::<T>(v));
        let poisoned = |like: &Buffer| Buffer::full(Device::Cpu, T::DTYPE, like.len(), f64::NAN);
        let (mut fy, mut dx, mut dw) = (poisoned(&y), poisoned(&x), poisoned(&w));
        fprop_with(variant, &self.conv, [&x, &w], &Epilogue::NONE, &mut fy);
        dgrad_with(variant, &self.conv, [&y, &w], &Epilogue::NONE, &mut dx);
        wgrad_with(variant, &self.conv, &x, &y, &mut dw);
        [fy, dx, dw].map(|out| out.to_vec())
    }
}

/// Conv2d from square numbers: batch, channels, size, out channels, kernel,
/// stride, padding.
fn conv2d(n: usize, c: usize, size: usize, o: usize, k: usize, s: usize, p: usize) -> Conv {
    Conv::forward(&[n, c, size, size], &[o, c, k, k], [s; 2], [p; 2])
}

/// ConvTranspose2d likewise, and an output padding.
fn transposed([n, c, size, o]: [usize; 4], [k, s, p, op]: [usize; 4]) -> Conv {
    Conv::transposed(&[n, c, size, size], &[c, o, k, k], [s; 2], [p; 2], [op; 2])
}

fn geometries() -> Vec<Conv> {
    let mut all = Vec::new();
    for stride in 1..=3 {
        for padding in 0..=3 {
            for kernel in [1, 2, 3, 4, 7] {
                for (c, o) in [(1, 5), (3, 2), (6, 1), (4, 4)] {
                    for size in [4, 9] {
                        if kernel <= size + 2 * padding {
                            all.push(conv2d(2, c, size, o, kernel, stride, padding));
                        }
                    }
                }
            }
        }
    }
    all.extend([
        // The layers of the DCGANs, fewer samples.
        transposed([5, 256, 7, 128], [4, 2, 1, 0]),
        transposed([3, 128, 14, 64], [4, 2, 1, 0]),
        transposed([3, 64, 14, 1], [4, 2, 1, 0]),
        transposed([8, 100, 1, 128], [7, 1, 0, 0]),
        conv2d(9, 1, 28, 64, 4, 2, 1),
        conv2d(11, 64, 14, 128, 4, 2, 1),
        conv2d(4, 64, 28, 1, 3, 1, 1),
        conv2d(4, 3, 32, 64, 4, 2, 1),
        conv2d(5, 128, 7, 1, 7, 1, 0),
        conv2d(1, 64, 12, 64, 3, 1, 1),
        conv2d(2, 3, 17, 64, 7, 1, 3),
        // Output padding, channels either way round.
        transposed([3, 8, 5, 3], [3, 2, 1, 1]),
        transposed([2, 3, 4, 7], [2, 3, 0, 2]),
        // Nothing square: image, kernel, stride, padding.
        Conv::forward(&[3, 5, 11, 6], &[4, 5, 3, 2], [2, 1], [0, 1]),
        Conv::forward(&[2, 2, 5, 19], &[9, 2, 1, 5], [1, 3], [0, 2]),
        Conv::forward(&[1, 9, 8, 13], &[2, 9, 2, 3], [1, 1], [1, 0]),
        Conv::transposed(&[2, 4, 3, 6], &[4, 2, 5, 3], [3, 2], [1, 0], [2, 1]),
        // Kernel rows that do not divide evenly into bands of taps.
        conv2d(1, 40, 7, 20, 7, 2, 3),
        // Wide enough that a weight gradient is shared out by taps.
        conv2d(2, 200, 6, 60, 3, 1, 1),
        conv2d(2, 60, 6, 200, 4, 2, 1),
        conv2d(1, 40, 7, 40, 7, 2, 3),
    ]);
    // Taps apart: dense, strided, either side narrow, beyond the border, one tap along an axis.
    for (channels, [stride, padding, dilation]) in [
        ([8, 8], [[1, 1], [2, 2], [2, 2]]),
        ([1, 64], [[2, 2], [3, 1], [3, 2]]),
        ([64, 1], [[1, 1], [0, 4], [1, 4]]),
        ([20, 30], [[3, 2], [7, 5], [2, 3]]),
        ([40, 60], [[1, 1], [1, 2], [4, 1]]),
    ] {
        let [c, o] = channels;
        for kernel in [[3, 3], [1, 3], [2, 4]] {
            let (x, w) = ([2, c, 13, 15], [o, c, kernel[0], kernel[1]]);
            all.push(Conv::forward_dilated(&x, &w, stride, padding, dilation));
        }
    }
    let images = [&[2, 6, 5, 4][..], &[6, 8, 3, 3]];
    all.push(Conv::transposed_dilated(
        images,
        [2, 3],
        [1, 0],
        [1, 2],
        [2, 3],
    ));
    all
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&x| x.into()).collect()
}

/// Relative L2 distance.
fn error(got: &[f64], expected: &[f64]) -> f64 {
    let difference: Vec<f64> = got.iter().zip(expected).map(|(a, b)| a - b).collect();
    (dot(&difference, &difference) / dot(expected, expected).max(f64::MIN_POSITIVE)).sqrt()
}

/// [`fprop`] from the definition: every output, every channel, every tap.
fn definition(case: &Case) -> Vec<f64> {
    let conv = &case.conv;
    let [n, c, height, width] = conv.big_shape();
    let [_, o, h, w] = conv.small_shape();
    let [_, _, kh, kw] = conv.weight_shape();
    let ([sy, sx], [py, px]) = (conv.stride(), conv.padding());
    let [dy, dx] = conv.dilation();
    let mut y = Vec::new();
    for (n, i, j, o) in each([n, h, w, o]) {
        let mut sum = 0.0;
        for (ky, kx, c, _) in each([kh, kw, c, 1]) {
            let row = (i * sy + ky * dy) as isize - py as isize;
            let column = (j * sx + kx * dx) as isize - px as isize;
            if (0..height as isize).contains(&row) && (0..width as isize).contains(&column) {
                let (row, column) = (row as usize, column as usize);
                let x = case.x[((n * height + row) * width + column) * conv.big_shape()[1] + c];
                let w = case.w[((o * kh + ky) * kw + kx) * conv.big_shape()[1] + c];
                sum += f64::from(x) * f64::from(w);
            }
        }
        y.push(sum);
    }
    y
}

/// All indices of a shape, the last running fastest.
fn each(shape: [usize; 4]) -> impl Iterator<Item = (usize, usize, usize, usize)> {
    (0..shape.iter().product()).map(move |flat: usize| {
        let [_, b, c, d] = shape;
        (
            flat / (b * c * d),
            flat / (c * d) % b,
            flat / d % c,
            flat % d,
        )
    })
}

#[test]
fn the_reference_is_the_definition() {
    let small = |conv: &Conv| conv.weight_shape().iter().product::<usize>() < 10_000;
    for conv in geometries().into_iter().filter(small) {
        let case = Case::new(conv);
        let [y, ..] = case.run::<f64>(Variant::Reference);
        assert!(error(&y, &definition(&case)) < 1e-13, "{conv:?}");
    }
}

#[test]
fn the_three_are_each_others_adjoints() {
    for conv in geometries() {
        let case = Case::new(conv);
        let (x, y, w) = (wide(&case.x), wide(&case.y), wide(&case.w));
        let scale = (dot(&x, &x) * dot(&y, &y) * dot(&w, &w)).sqrt();
        let [exact, fast] = [
            (case.run::<f64>(Variant::Reference), 1e-14),
            (case.run::<f32>(Variant::Fast), 1e-6),
        ]
        .map(|([fy, dx, dw], tolerance)| {
            let products = [dot(&fy, &y), dot(&x, &dx), dot(&w, &dw)];
            let close = |p: &f64| (p - products[0]).abs() < tolerance * scale;
            (products.iter().all(close), products)
        });
        assert!(exact.0 && fast.0, "{conv:?}: {exact:?} {fast:?}");
    }
}

#[test]
fn fast_agrees_with_f64() {
    for conv in geometries() {
        let case = Case::new(conv);
        let exact = case.run::<f64>(Variant::Reference);
        for variant in [Variant::Reference, Variant::Peer, Variant::Fast] {
            let got = case.run::<f32>(variant);
            for (i, tolerance) in [2e-6, 2e-6, 5e-6].into_iter().enumerate() {
                let error = error(&got[i], &exact[i]);
                let name = ["fprop", "dgrad", "wgrad"][i];
                assert!(error < tolerance, "{name} {variant:?} {conv:?}: {error:e}");
            }
        }
    }
}

#[test]
fn bits_do_not_depend_on_the_number_of_threads() {
    for conv in [
        transposed([9, 64, 7, 32], [4, 2, 1, 0]),
        conv2d(9, 1, 28, 64, 4, 2, 1),
        conv2d(3, 64, 28, 1, 3, 1, 1),
        conv2d(20, 60, 6, 200, 4, 2, 1),
        conv2d(64, 128, 7, 1, 7, 1, 0),
    ] {
        let case = Case::new(conv);
        let [one, two, seven] = [1, 2, 7].map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.expect("a pool")
                .install(|| case.run::<f32>(Variant::Fast))
        });
        assert!(one == two && one == seven, "{conv:?}");
    }
}

#[test]
fn no_samples_make_no_images_and_no_gradient() {
    for conv in [conv2d(0, 3, 8, 5, 4, 2, 1), conv2d(0, 4, 8, 1, 3, 1, 1)] {
        for variant in [Variant::Reference, Variant::Peer, Variant::Fast] {
            let [y, x, w] = Case::new(conv).run::<f32>(variant);
            assert!(y.is_empty() && x.is_empty());
            assert!(w.len() == Case::new(conv).w.len() && w.iter().all(|&w| w == 0.0));
        }
    }
}

#[test]
fn a_transposed_convolution_by_hand() {
    // One pixel each way: the kernel, cut by the padding on both sides.
    let conv = transposed([1, 1, 2, 1], [3, 2, 1, 1]);
    assert_eq!(conv.big_shape(), [1, 1, 4, 4]);
    let y = buffer::<f32>(&[1.0, 0.0, 0.0, 10.0]);
    let w = buffer::<f32>(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]);
    for variant in [Variant::Reference, Variant::Peer, Variant::Fast] {
        let mut x = Buffer::full(Device::Cpu, DType::F32, 16, f64::NAN);
        dgrad_with(variant, &conv, [&y, &w], &Epilogue::NONE, &mut x);
        let expected = [
            [5.0, 6.0, 0.0, 0.0],
            [8.0, 19.0, 20.0, 30.0],
            [0.0, 40.0, 50.0, 60.0],
            [0.0, 70.0, 80.0, 90.0],
        ];
        assert_eq!(x.to_vec::<f64>(), expected.concat());
    }
}

#[test]
fn shapes_of_known_layers() {
    let conv = conv2d(64, 1, 28, 64, 4, 2, 1);
    assert_eq!(conv.small_shape(), [64, 64, 14, 14]);
    assert_eq!(conv.weight_shape(), [64, 1, 4, 4]);
    let conv = transposed([64, 100, 1, 128], [7, 1, 0, 0]);
    assert_eq!(conv.big_shape(), [64, 128, 7, 7]);
    assert_eq!(conv.weight_shape(), [100, 128, 7, 7]);
    // Two big sizes of one small size.
    assert_eq!(conv2d(1, 1, 7, 1, 3, 2, 1).small_shape(), [1, 1, 4, 4]);
    assert_eq!(conv2d(1, 1, 8, 1, 3, 2, 1).small_shape(), [1, 1, 4, 4]);
    assert_eq!(
        transposed([1, 1, 4, 1], [3, 2, 1, 0]).big_shape(),
        [1, 1, 7, 7]
    );
    assert_eq!(
        transposed([1, 1, 4, 1], [3, 2, 1, 1]).big_shape(),
        [1, 1, 8, 8]
    );
}

#[test]
#[should_panic(expected = "conv2d: input [2, 3, 8, 8] has 3 channels, weight [5, 4, 3, 3] takes 4")]
fn channels_must_agree() {
    Conv::forward(&[2, 3, 8, 8], &[5, 4, 3, 3], [1, 1], [0, 0]);
}

#[test]
#[should_panic(expected = "weight [1, 1, 7, 7] with stride [1, 1] does not fit input [1, 1, 4, 4]")]
fn the_kernel_must_fit() {
    Conv::forward(&[1, 1, 4, 4], &[1, 1, 7, 7], [1, 1], [1, 1]);
}

#[test]
#[should_panic(expected = "does not fit")]
fn the_stride_must_not_be_zero() {
    Conv::forward(&[1, 1, 4, 4], &[1, 1, 2, 2], [1, 0], [1, 1]);
}

#[test]
#[should_panic(expected = "both need 4 dimensions")]
fn images_have_four_dimensions() {
    Conv::forward(&[1, 4, 4], &[1, 1, 2, 2], [1, 1], [0, 0]);
}

#[test]
#[should_panic(expected = "conv_transpose2d: output padding [0, 2]")]
fn output_padding_must_be_below_the_stride() {
    Conv::transposed(&[1, 1, 4, 4], &[1, 1, 3, 3], [2, 2], [0, 0], [0, 2]);
}

#[test]
#[should_panic(expected = "conv_transpose2d: nothing is left of input [1, 2, 1, 1]")]
fn padding_must_leave_something() {
    Conv::transposed(&[1, 2, 1, 1], &[2, 1, 2, 2], [1, 1], [1, 1], [0, 0]);
}

#[test]
#[should_panic(expected = "fprop: the small image is [1, 5, 4, 4]")]
fn buffers_must_have_the_geometrys_size() {
    let conv = conv2d(1, 3, 8, 5, 4, 2, 1);
    let case = Case::new(conv);
    let mut y = Buffer::full(Device::Cpu, DType::F32, 79, 0.0);
    fprop(
        &conv,
        &buffer::<f32>(&case.x),
        &buffer::<f32>(&case.w),
        &mut y,
    );
}

/// Bias and activation of every form against the plain loops.
#[test]
fn what_follows_the_sum() {
    let geometries = [
        (Form::Matrix, conv2d(3, 5, 4, 7, 1, 1, 0)),
        (Form::Matrix, conv2d(3, 5, 4, 7, 4, 1, 0)),
        (Form::Direct, conv2d(2, 1, 28, 64, 4, 2, 1)),
        (Form::Direct, conv2d(2, 64, 28, 1, 3, 1, 1)),
        (Form::Winograd, conv2d(3, 32, 14, 48, 4, 2, 1)),
        (Form::Winograd, conv2d(3, 32, 9, 48, 3, 1, 1)),
        (Form::Im2col, conv2d(2, 16, 9, 24, 3, 1, 1)),
    ];
    for (form, conv) in geometries {
        assert_eq!(conv.form(), form, "{conv:?}");
        let case = Case::new(conv);
        for slope in [1.0, 0.0, 0.2] {
            let run = |variant| {
                let [x, y, w] = [&case.x, &case.y, &case.w].map(|v| buffer::<f32>(v));
                let bias = |channels: usize| buffer::<f32>(&noise([channels, 1, 1, 1], 9));
                let (of_y, of_x) = (bias(conv.small_channels), bias(conv.big_channels));
                let (mut fy, mut dx) = (y.to_vec::<f32>(), x.to_vec::<f32>());
                let (mut by, mut bx) = (buffer::<f32>(&fy), buffer::<f32>(&dx));
                let epilogue = |bias| Epilogue {
                    bias: Some(bias),
                    slope,
                };
                fprop_with(variant, &conv, [&x, &w], &epilogue(&of_y), &mut by);
                dgrad_with(variant, &conv, [&y, &w], &epilogue(&of_x), &mut bx);
                (fy, dx) = (by.to_vec(), bx.to_vec());
                [fy, dx].map(|v| v.into_iter().map(f64::from).collect::<Vec<f64>>())
            };
            let (fast, plain) = (run(Variant::Fast), run(Variant::Reference));
            for (fast, plain) in fast.iter().zip(&plain) {
                let scale = plain.iter().fold(1.0_f64, |m, x| m.max(x.abs()));
                let worst = fast.iter().zip(plain).map(|(a, b)| (a - b).abs() / scale);
                let worst = worst.fold(0.0, f64::max);
                assert!(worst < 1e-5, "{form}, slope {slope}: {worst:e}");
            }
        }
    }
}

#[test]
fn a_dilated_kernel_reaches_further() {
    let conv = Conv::forward_dilated(&[1, 1, 9, 9], &[1, 1, 3, 1], [1; 2], [0; 2], [4, 7]);
    assert_eq!(conv.small_shape(), [1, 1, 1, 9]);
    assert_eq!(
        conv.dilation(),
        [4, 1],
        "one tap has nothing to be apart from"
    );
    let images = [&[1, 1, 3, 3][..], &[1, 1, 3, 3]];
    let conv = Conv::transposed_dilated(images, [2; 2], [1; 2], [0; 2], [3; 2]);
    assert_eq!(conv.big_shape(), [1, 1, 9, 9]);
}

#[test]
#[should_panic(expected = "dilation [4, 1] does not fit")]
fn a_dilated_kernel_must_fit() {
    Conv::forward_dilated(&[1, 1, 8, 8], &[1, 1, 3, 3], [1; 2], [0; 2], [4, 1]);
}

#[test]
#[should_panic(expected = "dilation [0, 1] does not fit")]
fn taps_are_apart() {
    Conv::forward_dilated(&[1, 1, 8, 8], &[1, 1, 3, 3], [1; 2], [0; 2], [0, 1]);
}
