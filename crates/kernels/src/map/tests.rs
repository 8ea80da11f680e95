use super::*;
use crate::cases::map::{BINARY, UNARY};
use crate::testing::{Dice, assert_close, bits, poisoned, same_bits_on_any_threads, values};

fn run1(variant: Variant, op: Unary, x: View<'_>, out_layout: &Layout) -> Vec<f64> {
    let mut out = poisoned(x.buffer.dtype(), out_layout.len());
    unary_with(variant, op, x, &mut out, out_layout);
    values(View {
        buffer: &out,
        layout: *out_layout,
    })
}

fn run2(variant: Variant, op: Binary, a: View<'_>, b: View<'_>, out_layout: &Layout) -> Vec<f64> {
    let mut out = poisoned(a.buffer.dtype(), out_layout.len());
    binary_with(variant, op, a, b, &mut out, out_layout);
    values(View {
        buffer: &out,
        layout: *out_layout,
    })
}

#[test]
fn unary_fast_is_the_reference_for_any_layout() {
    let mut dice = Dice(1);
    for round in 0..60 {
        let shape = dice.shape(5, if round < 50 { 5 } else { 12 });
        let (layout, out_layout) = (dice.layout(&shape), dice.dense(&shape));
        let x = dice.buffer(DType::F32, &layout);
        let x = View { buffer: &x, layout };
        for op in UNARY {
            let fast = run1(Variant::Fast, op, x, &out_layout);
            let reference = run1(Variant::Reference, op, x, &out_layout);
            assert_close(&fast, &reference, 1e-6, &format!("{op:?} of {layout:?}"));
        }
    }
}

#[test]
fn binary_fast_is_the_reference_for_any_layout() {
    let mut dice = Dice(2);
    for round in 0..80 {
        let shape = dice.shape(5, if round < 70 { 5 } else { 12 });
        let (la, lb, out_layout) = (dice.layout(&shape), dice.layout(&shape), dice.dense(&shape));
        let (a, b) = (dice.buffer(DType::F32, &la), dice.buffer(DType::F32, &lb));
        let a = View {
            buffer: &a,
            layout: la,
        };
        let b = View {
            buffer: &b,
            layout: lb,
        };
        for op in BINARY {
            let fast = run2(Variant::Fast, op, a, b, &out_layout);
            let reference = run2(Variant::Reference, op, a, b, &out_layout);
            let what = format!("{op:?} of {la:?} and {lb:?}");
            assert_close(&fast, &reference, 1e-6, &what);
        }
    }
}

/// Rows and columns repeated over an image, on either side: the innermost loops
/// with a step of 0.
#[test]
fn repeated_operands() {
    let mut dice = Dice(4);
    let image = Layout::channels_last(&[3, 37, 5, 4]);
    let x = dice.buffer(DType::F32, &image);
    let x = View {
        buffer: &x,
        layout: image,
    };
    for kept in [[1, 37, 1, 1], [3, 1, 5, 4], [3, 1, 1, 1], [1, 1, 1, 1]] {
        let layout = Layout::contiguous(&kept);
        let b = dice.buffer(DType::F32, &layout);
        let b = View {
            buffer: &b,
            layout: layout.expand(image.shape()),
        };
        for (a, b) in [(x, b), (b, x), (b, b)] {
            let what = format!("{:?} and {:?}", a.layout, b.layout);
            let fast = run2(Variant::Fast, Binary::Sub, a, b, &image);
            let reference = run2(Variant::Reference, Binary::Sub, a, b, &image);
            assert_eq!(fast, reference, "{what}");
        }
        let fast = run1(Variant::Fast, Unary::Neg, b, &image);
        assert_eq!(fast, run1(Variant::Reference, Unary::Neg, b, &image));
    }
}

/// The functions themselves, against values worked out by hand.
#[test]
fn values_are_the_functions() {
    let layout = Layout::contiguous(&[3]);
    let x = Buffer::from_slice(Device::Cpu, &[-2.0, 0.5, 0.0]);
    let view = View { buffer: &x, layout };
    let check = |op, expected: [f64; 3]| {
        assert_close(
            &run1(Variant::Fast, op, view, &layout),
            &expected,
            1e-15,
            &format!("{op:?}"),
        );
    };
    check(Unary::Neg, [2.0, -0.5, 0.0]);
    check(Unary::Sign, [-1.0, 1.0, 0.0]);
    check(Unary::Step, [0.0, 1.0, 0.0]);
    check(Unary::Relu, [0.0, 0.5, 0.0]);
    check(Unary::LeakyRelu(0.2), [-0.4, 0.5, 0.0]);
    check(Unary::Elu(2.0), [-1.729_329_433_526_774_6, 0.5, 0.0]);
    check(Unary::Clip(-1.0, 0.25), [-1.0, 0.25, 0.0]);
    check(Unary::Clip(1.0, -1.0), [-1.0, -1.0, -1.0]);
    check(Unary::Floor, [-2.0, 0.0, 0.0]);
    check(Unary::Ceil, [-2.0, 1.0, 0.0]);
    check(Unary::Round, [-2.0, 0.0, 0.0]);
    check(
        Unary::Sin,
        [-0.909_297_426_825_681_7, 0.479_425_538_604_203, 0.0],
    );
    check(
        Unary::Cos,
        [-0.416_146_836_547_142_4, 0.877_582_561_890_372_8, 1.0],
    );
    check(
        Unary::Erf,
        [-0.995_322_265_018_952_7, 0.520_499_877_813_046_5, 0.0],
    );
    check(Unary::ClampMin(0.25), [0.25, 0.5, 0.25]);
    check(Unary::Scale(3.0), [-6.0, 1.5, 0.0]);
    check(Unary::Div(4.0), [-0.5, 0.125, 0.0]);
    check(Unary::Shift(3.0), [1.0, 3.5, 3.0]);
    check(Unary::Pow(2.0), [4.0, 0.25, 0.0]);
    check(
        Unary::Sigmoid,
        [0.119_202_922_022_117_57, 0.622_459_331_201_854_6, 0.5],
    );
    check(
        Unary::Softplus,
        [
            0.126_928_011_042_972_5,
            0.974_076_984_180_107,
            std::f64::consts::LN_2,
        ],
    );
    let dy = Buffer::from_slice(Device::Cpu, &[10.0, 10.0, 10.0]);
    let check = |op, expected: [f64; 3]| {
        let dy = View {
            buffer: &dy,
            layout,
        };
        assert_close(
            &run2(Variant::Fast, op, dy, view, &layout),
            &expected,
            1e-15,
            &format!("{op:?}"),
        );
    };
    check(Binary::Sub, [12.0, 9.5, 10.0]);
    check(Binary::Div, [-5.0, 20.0, f64::INFINITY]);
    check(Binary::Maximum, [10.0, 10.0, 10.0]);
    check(Binary::ReluGrad, [0.0, 10.0, 0.0]);
    check(Binary::LeakyReluGrad(0.2), [2.0, 10.0, 2.0]);
    check(Binary::TanhGrad, [-30.0, 7.5, 10.0]);
    check(Binary::SigmoidGrad, [-60.0, 2.5, 0.0]);
    check(Binary::NotEqual, [1.0, 1.0, 1.0]);
    check(Binary::Less, [0.0, 0.0, 0.0]);
    check(Binary::LessEqual, [0.0, 0.0, 0.0]);
    check(Binary::Minimum, [-2.0, 0.5, 0.0]);
    check(Binary::Pow, [0.01, 10.0_f64.sqrt(), 1.0]);
    check(Binary::EluGrad(2.0), [0.0, 10.0, 20.0]);
    check(Binary::ClipGrad(-2.0, 0.0), [10.0, 0.0, 10.0]);
    check(Binary::ClampMinGrad(0.5), [0.0, 0.0, 0.0]);
    check(Binary::ClampMinGrad(-0.5), [0.0, 10.0, 10.0]);
}

/// A quotient that is a number is that number: every whole one up to 100 of every divisor up
/// to 102.
#[test]
fn division_by_a_number_is_division() {
    let whole: Vec<f32> = (1..=100_u8).map(f32::from).collect();
    let layout = Layout::contiguous(&[whole.len()]);
    for divisor in (1..=102_u8).map(f32::from) {
        let products: Vec<f32> = whole.iter().map(|x| x * divisor).collect();
        let x = Buffer::from_slice(Device::Cpu, &products);
        let view = View { buffer: &x, layout };
        for variant in [Variant::Reference, Variant::Fast] {
            let y = run1(variant, Unary::Div(divisor.into()), view, &layout);
            let y: Vec<f32> = y.iter().map(|y| *y as f32).collect();
            assert_eq!(y, whole, "by {divisor}, {variant:?}");
        }
    }
}

#[test]
fn nan_goes_through_both_variants() {
    let layout = Layout::contiguous(&[1]);
    let nan = Buffer::from_slice(Device::Cpu, &[f32::NAN]);
    let one = Buffer::from_slice(Device::Cpu, &[1.0f32]);
    let zero = Buffer::from_slice(Device::Cpu, &[0.0f32]);
    let view = |buffer| View { buffer, layout };
    for variant in [Variant::Reference, Variant::Fast] {
        for op in UNARY {
            let y = run1(variant, op, view(&nan), &layout)[0];
            let compares = matches!(op, Unary::Sign | Unary::Step);
            assert_eq!(y.is_nan(), !compares, "{op:?} by {variant:?}");
        }
        for (a, b) in [(&nan, &one), (&one, &nan)] {
            for op in [Binary::Maximum, Binary::Minimum] {
                let y = run2(variant, op, view(a), view(b), &layout)[0];
                assert!(y.is_nan(), "{op:?} by {variant:?}");
            }
            // What is not chosen does not show, and a NaN is not 0.
            for (condition, shows) in [(&zero, b), (&one, a), (&nan, a)] {
                let mut y = poisoned(DType::F32, 1);
                let operands = [condition, a, b].map(view);
                select_with(variant, operands, &mut y, &layout);
                assert_eq!(bits(&y), bits(shows), "select by {variant:?}");
            }
        }
    }
}

#[test]
fn select_fast_is_the_reference_for_any_layout() {
    let mut dice = Dice(5);
    for round in 0..80 {
        let shape = dice.shape(5, if round < 70 { 5 } else { 12 });
        let (layouts, out_layout) = ([(); 3].map(|()| dice.layout(&shape)), dice.dense(&shape));
        let mut buffers = layouts.map(|layout| dice.buffer(DType::F32, &layout));
        let condition = buffers[0].as_mut_slice::<f32>();
        condition.iter_mut().step_by(2).for_each(|x| *x = 0.0);
        let [fast, reference] = [Variant::Fast, Variant::Reference].map(|variant| {
            let operands = [0, 1, 2].map(|k| View {
                buffer: &buffers[k],
                layout: layouts[k],
            });
            let mut out = poisoned(DType::F32, out_layout.len());
            select_with(variant, operands, &mut out, &out_layout);
            bits(&out)
        });
        assert_eq!(fast, reference, "{layouts:?}");
    }
}

#[test]
fn threads_do_not_change_bits() {
    let mut dice = Dice(3);
    let image = Layout::channels_last(&[4, 33, 31, 29]);
    let x = dice.buffer(DType::F32, &image);
    let bias_layout = Layout::contiguous(&[1, 33, 1, 1]);
    let bias = dice.buffer(DType::F32, &bias_layout);
    same_bits_on_any_threads(|| {
        let mut y = poisoned(DType::F32, image.len());
        let x = View {
            buffer: &x,
            layout: image,
        };
        unary(Unary::Tanh, x, &mut y, &image);
        y
    });
    same_bits_on_any_threads(|| {
        let mut y = poisoned(DType::F32, image.len());
        let x = View {
            buffer: &x,
            layout: image,
        };
        let bias = View {
            buffer: &bias,
            layout: bias_layout.expand(image.shape()),
        };
        binary(Binary::Add, x, bias, &mut y, &image);
        y
    });
}

#[test]
fn nothing_to_do() {
    let layout = Layout::contiguous(&[2, 0]);
    let x = Buffer::from_slice::<f32>(Device::Cpu, &[]);
    let view = View { buffer: &x, layout };
    assert!(run1(Variant::Fast, Unary::Exp, view, &layout).is_empty());
}

#[test]
#[should_panic(expected = "Add: shapes of the operands")]
fn shapes_must_agree() {
    let x = Buffer::from_slice(Device::Cpu, &[0.0f32; 6]);
    let view = |shape: &[usize]| View {
        buffer: &x,
        layout: Layout::contiguous(shape),
    };
    let out = Layout::contiguous(&[6]);
    binary(
        Binary::Add,
        view(&[2, 3]),
        view(&[3, 2]),
        &mut poisoned(DType::F32, 6),
        &out,
    );
}

#[test]
#[should_panic(expected = "types")]
fn types_must_agree() {
    let x = Buffer::from_slice(Device::Cpu, &[0.0f64]);
    let layout = Layout::contiguous(&[1]);
    let view = View { buffer: &x, layout };
    unary(Unary::Neg, view, &mut poisoned(DType::F32, 1), &layout);
}
