//! What an op refuses: with its name, the shapes and a cure that works, at the caller's place.

mod gradients;

use detach_tensor::ops::norm::batch_statistics;
use detach_tensor::{Act, Array, DType, Epilogue, Fir, Random, Stream, Tensor};
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    /// Message and file of this thread's last panic.
    static LAST: RefCell<Option<(String, String)>> = const { RefCell::new(None) };
}

/// The panic of `f`: its message, and the file that it is at.
fn panic_of<T>(f: impl FnOnce() -> T) -> (String, String) {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |info| {
            let message = info.payload_as_str().unwrap_or_default().to_owned();
            let file = info.location().map_or("", |place| place.file()).to_owned();
            LAST.set(Some((message, file)));
            before(info);
        }));
    });
    LAST.set(None);
    let result = catch_unwind(AssertUnwindSafe(|| {
        f();
    }));
    assert!(result.is_err(), "nothing was refused");
    LAST.take().expect("a panic of this thread")
}

/// The panic of `f`: its message, which must be at the caller's file.
#[track_caller]
fn refusal<T>(f: impl FnOnce() -> T) -> String {
    let (message, file) = panic_of(f);
    assert_eq!(file, Location::caller().file(), "{message}");
    message
}

/// `f` must be refused with all of `parts` in its message.
#[track_caller]
fn refused<T>(parts: &[&str], f: impl FnOnce() -> T) {
    says(parts, &refusal(f));
}

/// All of `parts` must be in the message.
#[track_caller]
fn says(parts: &[&str], message: &str) {
    for part in parts {
        assert!(message.contains(part), "`{part}` is not in: {message}");
    }
}

/// The caller's file and a line of it, as messages have it.
#[track_caller]
fn at(line: u32) -> String {
    format!("{}:{line}:", Location::caller().file())
}

fn zeros(shape: &[usize]) -> Tensor {
    Tensor::variable(Array::zeros(shape, DType::F32))
}

const HUGE: usize = 1 << 40;

#[test]
fn operands_of_different_shapes() {
    let pair = |a: &[usize], b: &[usize]| (zeros(a), zeros(b));
    let (a, b) = pair(&[2, 1], &[2, 3]);
    let first = ["[2, 1]", "[2, 3]", "`.expand(&[2, 3])` on the first"];
    refused(&[&["add"], &first[..]].concat(), || &a + &b);
    assert_eq!((a.expand(&[2, 3]) + &b).shape(), [2, 3]);
    refused(&["sub", "`.expand(&[2, 3])` on the second"], || &b - &a);
    let (column, row) = pair(&[3, 1], &[1, 4]);
    refused(&["mul", "`.expand(&[3, 4])` on both"], || &column * &row);
    assert_eq!(
        (column.expand(&[3, 4]) * row.expand(&[3, 4])).shape(),
        [3, 4]
    );
    let (a, b) = pair(&[2], &[3]);
    refused(&["div", "[2]", "[3]", "reshape"], || &a / &b);
    refused(&["maximum", "[2]", "[3]"], || a.maximum(&b));
    refused(&["equal", "[2]", "[3]"], || a.equal(&b));
    let wide = Tensor::constant(Array::zeros(&[2], DType::F64));
    refused(&["add", "f32", "f64", "to_kind"], || &a + &wide);
}

#[test]
fn what_does_not_reduce() {
    let x = zeros(&[2, 3]);
    // Closures, so that the call is at this file.
    type Reduction = fn(&Tensor, &[usize]) -> Tensor;
    let all: [(&str, Reduction); 4] = [
        ("sum", |x, axes| x.sum_axes(axes)),
        ("mean", |x, axes| x.mean_axes(axes)),
        ("max", |x, axes| x.max_axes(axes)),
        ("norm", |x, axes| x.norm_axes(axes)),
    ];
    for (op, f) in all {
        refused(&[op, "axis 1", "[2, 3]", "twice"], || f(&x, &[1, 0, 1]));
        refused(&[op, "axis 2", "[2, 3]"], || f(&x, &[2]));
        refused(&[op, "axis 0", "[]"], || f(&zeros(&[]), &[0]));
    }
    let none = zeros(&[3, 0]);
    refused(&["max", "[3, 0]", "empty"], || none.max_axes(&[1]));
    refused(&["mean", "[3, 0]", "empty"], || none.mean_axes(&[1]));
    refused(&["mean", "[3, 0]", "empty"], || none.mean());
    // Along the other axis there is nothing to reduce, and nothing wrong.
    assert_eq!(none.max_axes(&[0]).shape(), [1, 0]);
    assert_eq!(none.sum().item(), 0.0);
    refused(&["squeeze", "[1]", "[2, 3]"], || x.squeeze(&[1]));
    refused(&["squeeze", "axis 4"], || x.squeeze(&[4]));
}

#[test]
fn what_cannot_be_moved() {
    let x = zeros(&[2, 3]);
    refused(&["reshape", "[2, 3]", "[4]"], || x.reshape(&[4]));
    refused(&["reshape", "6 is the most"], || x.reshape(&[1; 7]));
    refused(&["reshape", "memory"], || x.reshape(&[HUGE, 1 << 30]));
    refused(&["permute", "[0, 0]", "[2, 3]"], || x.permute(&[0, 0]));
    refused(&["permute", "[0]", "[2, 3]"], || x.permute(&[0]));
    refused(&["permute", "[1, 2]", "[2, 3]"], || x.permute(&[1, 2]));
    refused(&["t: [3]"], || zeros(&[3]).t());
    refused(&["slice", "axis 2", "[2, 3]"], || x.slice(2, 0, 1));
    refused(&["slice", "axis 1", "[2, 3]"], || x.slice(1, 2, 2));
    refused(&["slice", "[2, 3]"], || x.slice(1, usize::MAX, 2));
    refused(&["pad", "axis 2", "[2, 3]"], || x.pad(2, 1, 1));
    refused(&["pad", "memory"], || x.pad(1, usize::MAX, 2));
    refused(&["pad", "memory"], || x.pad(1, 1 << 50, 0));
}

#[test]
fn what_cannot_be_repeated() {
    let x = zeros(&[1, 1]);
    refused(&["expand", "memory"], || x.expand(&[HUGE, 1 << 30]));
    refused(&["expand", "[2]", "[3]"], || zeros(&[2]).expand(&[3]));
    refused(&["expand", "[1, 1]", "[3]"], || x.expand(&[3]));
    refused(&["expand", "7 dimensions"], || x.expand(&[1; 7]));
    refused(&["expand_channels", "[2]", "[4, 3]"], || {
        zeros(&[2]).expand_channels(&[4, 3])
    });
    refused(&["expand_channels", "[2]", "[2]"], || {
        zeros(&[2]).expand_channels(&[2])
    });
    // Seen through strides it takes no room; written out there is none.
    let view = x.expand(&[1 << 20, 1 << 30]);
    refused(&["a copy", "memory"], || view.value().contiguous());
    refused(&["exp", "memory"], || view.exp());
}

#[test]
fn what_cannot_be_joined_or_picked() {
    let x = zeros(&[2, 3]);
    let concat = |others: &[&Tensor], axis| Tensor::concat(others, axis);
    refused(&["concat", "axis 2", "[2, 3]"], || concat(&[&x, &x], 2));
    refused(&["concat", "axis 0", "[]"], || concat(&[&zeros(&[])], 0));
    refused(&["concat", "[3]", "[2, 3]"], || {
        concat(&[&x, &zeros(&[3])], 0)
    });
    refused(&["concat", "[2, 4]", "[2, 3]"], || {
        concat(&[&x, &zeros(&[2, 4])], 0)
    });
    refused(&["concat", "no tensors"], || concat(&[], 0));
    let index =
        |values: &[f32], shape: &[usize]| Tensor::constant(Array::from_slice(values, shape));
    let first = index(&[0.0], &[1]);
    refused(&["gather", "[]", "[1]"], || zeros(&[]).gather(&first));
    refused(&["gather", "[2, 3]", "[]"], || {
        x.gather(&index(&[0.0], &[]))
    });
    refused(&["gather", "0..2"], || x.gather(&index(&[2.0], &[1])));
    refused(&["gather", "0..2"], || x.gather(&index(&[-1.0], &[1])));
    refused(&["gather", "0..2"], || x.gather(&index(&[0.5], &[1])));
}

#[test]
fn images_that_cannot_be_resampled() {
    let x = zeros(&[1, 2, 3, 4]);
    refused(&["resample", "[2, 3]", "[N, C, H, W]"], || {
        zeros(&[2, 3]).upsample_nearest2()
    });
    refused(&["resample", "[1, 2, 3, 1]"], || {
        zeros(&[1, 2, 3, 1]).avg_pool2()
    });
    refused(&["resample", "memory"], || {
        x.resample(&Fir::new(&[1.0]).up(1 << 40))
    });
    refused(&["resample", "9 taps"], || x.blur(&[1.0; 9]));
    refused(&["resample", "0 taps"], || Fir::new(&[]));
    refused(&["resample", "sum to 0"], || x.blur(&[1.0, -1.0]));
    refused(&["resample", "0"], || Fir::new(&[1.0]).up(0));
    refused(&["resample", "0"], || Fir::new(&[1.0]).down(0));
}

#[test]
fn statistics_of_single_pixels() {
    let x = zeros(&[2, 3, 1, 1]);
    refused(&["instance_norm", "[2, 3, 1, 1]", "variance is 0"], || {
        x.instance_norm(1e-5)
    });
    refused(&["instance_norm", "[2, 3]", "[N, C, H, W]"], || {
        zeros(&[2, 3]).instance_norm(1e-5)
    });
    refused(&["instance_norm", "[2, 0, 3, 3]"], || {
        zeros(&[2, 0, 3, 3]).instance_norm(1e-5)
    });
    let (images, affine) = (zeros(&[2, 3, 2, 2]), zeros(&[3]));
    refused(&["instance_norm", "[3]", "[N, C]"], || {
        images.instance_norm_act([&affine, &affine], 1e-5, Act::Identity)
    });
    assert_eq!(
        zeros(&[2, 3, 1, 2]).instance_norm(1e-5).shape(),
        [2, 3, 1, 2]
    );
}

#[test]
fn images_without_such_a_border() {
    let x = zeros(&[1, 2, 3, 4]);
    refused(&["pad", "[1, 2, 3, 4]", "[[3, 0], [0, 0]]"], || {
        x.pad_reflect([[3, 0], [0, 0]])
    });
    assert_eq!(x.pad_reflect([[2, 2], [3, 3]]).shape(), [1, 2, 7, 10]);
    refused(&["pad", "[N, C, H, W]"], || {
        zeros(&[3]).pad_reflect([[0; 2]; 2])
    });
    refused(&["pad", "[1, 2, 0, 4]"], || {
        zeros(&[1, 2, 0, 4]).pad_replicate([[1, 0], [0, 0]])
    });
    refused(&["pad", "memory"], || {
        x.pad_replicate([[HUGE, 0], [0, HUGE]])
    });
}

#[test]
fn products_that_do_not_fit() {
    let product = |a: &[usize], b: &[usize]| zeros(a).matmul(&zeros(b));
    refused(&["matmul", "[2, 3]", "[2, 3]"], || {
        product(&[2, 3], &[2, 3])
    });
    refused(&["matmul", "[1, 3]", "[4, 1]"], || product(&[3], &[4]));
    refused(&["matmul", "[2, 3]", "[4, 1]"], || product(&[2, 3], &[4]));
    refused(&["matmul", "[]", "scalar"], || product(&[], &[4]));
    refused(&["matmul", "[2, 3, 4]", "[5, 6]"], || {
        product(&[2, 3, 4], &[5, 6])
    });
    refused(&["matmul", "[2, 3, 1, 4, 5]", "[4, 2, 5, 6]"], || {
        product(&[2, 3, 1, 4, 5], &[4, 2, 5, 6])
    });
    refused(&["matmul", "[2, 3, 4]", "[3, 4, 5]"], || {
        product(&[2, 3, 4], &[3, 4, 5])
    });
    refused(&["matmul", "memory"], || product(&[HUGE, 0], &[0, HUGE]));
    let (x, w) = (zeros(&[4, 3]), zeros(&[3, 5]));
    let bias = |len: &[usize]| {
        let bias = zeros(len);
        let epilogue = Epilogue {
            bias: Some(&bias),
            ..Epilogue::default()
        };
        x.matmul_fused(&w, epilogue)
    };
    refused(&["matmul", "bias [4]", "[4, 5]", "[5]"], || bias(&[4]));
    refused(&["matmul", "bias [1]", "[4, 5]"], || bias(&[1]));
    refused(&["matmul", "bias []", "[4, 5]"], || bias(&[]));
    bias(&[5]);
}

#[test]
fn convolutions_that_do_not_fit() {
    let (x, w) = (zeros(&[1, 2, 4, 4]), zeros(&[3, 2, 3, 3]));
    let shapes = ["[1, 2, 4, 4]", "[3, 2, 3, 3]"];
    let conv = |stride: usize, padding: usize| x.conv2d(&w, [stride; 2], [padding; 2]);
    for padding in [1 << 63, usize::MAX, HUGE, 1 << 30] {
        refused(&[&["conv2d", "padding"], &shapes[..]].concat(), || {
            conv(1, padding)
        });
    }
    // As many elements as an address space has, and no memory.
    refused(&["conv", "memory"], || conv(1, 1 << 24));
    refused(&["conv2d", "[0, 0]"], || conv(0, 1));
    refused(&["conv2d", "9, 9]"], || {
        x.conv2d(&zeros(&[3, 2, 9, 9]), [1, 1], [0, 0])
    });
    refused(&["conv2d", "channels"], || {
        x.conv2d(&zeros(&[3, 4, 3, 3]), [1, 1], [0, 0])
    });
    refused(&["conv2d", "[2, 4]"], || {
        zeros(&[2, 4]).conv2d(&w, [1, 1], [0, 0])
    });
    // One step is as good as another that is never taken.
    assert_eq!(x.conv2d(&w, [usize::MAX; 2], [0, 0]).shape(), [1, 3, 1, 1]);

    let w = zeros(&[2, 3, 3, 3]);
    let transposed =
        |stride, padding, extra| x.conv_transpose2d(&w, [stride; 2], [padding; 2], [extra; 2]);
    for padding in [1 << 63, HUGE, 3] {
        refused(&["conv_transpose2d", "padding"], || {
            transposed(1, padding, 0)
        });
    }
    for stride in [1 << 63, usize::MAX, HUGE] {
        refused(&["conv_transpose2d", "stride"], || transposed(stride, 0, 0));
    }
    refused(&["conv_transpose2d", "output padding"], || {
        transposed(2, 0, 2)
    });
}

#[test]
fn biases_of_convolutions() {
    let x = zeros(&[1, 2, 4, 4]);
    let bias = zeros(&[2]);
    let epilogue = Epilogue {
        bias: Some(&bias),
        ..Epilogue::default()
    };
    let w = zeros(&[3, 2, 3, 3]);
    refused(&["conv", "bias [2]", "[1, 3, 2, 2]", "[3]"], || {
        x.conv2d_fused(&w, [1, 1], [0, 0], epilogue)
    });
    let w = zeros(&[2, 3, 3, 3]);
    refused(&["conv", "bias [2]", "[1, 3, 6, 6]", "[3]"], || {
        x.conv_transpose2d_fused(&w, [1, 1], [0, 0], [0, 0], epilogue)
    });
}

#[test]
fn statistics_of_nothing() {
    for shape in [&[3, 0][..], &[0, 3], &[2, 3, 0, 4], &[3], &[]] {
        let what = format!("{shape:?}");
        let x = zeros(shape);
        let affine = [zeros(&[3]), zeros(&[3])];
        refused(&["batch_statistics", &what], || batch_statistics(x.value()));
        refused(&["batch_norm", &what], || {
            x.batch_norm(&affine[0], &affine[1], 1e-5)
        });
    }
    let affine = [zeros(&[3]), zeros(&[2])];
    refused(&["batch_norm", "[4, 3]", "[2]"], || {
        zeros(&[4, 3]).batch_norm(&affine[0], &affine[1], 1e-5)
    });
    refused(&["batch_norm", "[1, 3]", "larger batch"], || {
        zeros(&[1, 3]).batch_norm(&affine[0], &affine[0], 1e-5)
    });
}

#[test]
fn arrays_that_cannot_be_made() {
    refused(&["full", "memory"], || {
        Array::full(1.0, &[HUGE, 1 << 30], DType::F32)
    });
    refused(&["full", "memory"], || Array::zeros(&[1 << 50], DType::F32));
    refused(&["[2, 2]"], || Array::from_slice(&[1.0_f32; 3], &[2, 2]));
    let random = Random::new(0, Stream::Noise);
    refused(&["random", "memory"], || {
        random.normal(&[1 << 50], DType::F32)
    });
    refused(&["random", "memory"], || {
        random.uniform(&[HUGE, HUGE], DType::F32)
    });
    refused(&["[2]"], || zeros(&[2]).item());
}

#[test]
fn choices_and_classes() {
    let x = || zeros(&[2, 3]);
    refused(&["select", "[2, 3]", "[3]", "`.expand"], || {
        x().select(&x(), &zeros(&[3]))
    });
    refused(&["less", "[2, 3]", "[3, 2]"], || {
        x().greater(&zeros(&[3, 2]))
    });
    refused(&["elu", "[2, 3]", "-1"], || x().elu(-1.0));
    for axis in [2, usize::MAX] {
        refused(&["argmax", "[2, 3]"], || x().argmax(axis));
        refused(&["log_softmax", "[2, 3]"], || x().log_softmax(axis));
        refused(&["flip", "[2, 3]"], || x().flip(axis));
        refused(&["slice_step", "[2, 3]"], || x().slice_step(axis, 0, 2, 1));
    }
    refused(&["softmax", "empty"], || zeros(&[2, 0]).softmax(1));
    refused(&["min", "empty"], || zeros(&[2, 0]).min_axes(&[1]));
    refused(&["3", "0..3"], || (zeros(&[2]) + 3.0).one_hot(3));
    refused(&["max_pool2", "[2, 3]"], || x().max_pool2(2));
    for size in [0, 3] {
        refused(&["max_pool2", "[1, 1, 2, 4]"], || {
            zeros(&[1, 1, 2, 4]).max_pool2(size)
        });
    }
    for (start, step, len) in [
        (0, 0, 1),
        (0, 2, 3),
        (2, -2, 3),
        (3, 1, 1),
        (0, isize::MIN, 2),
    ] {
        refused(&["slice_step", "[2, 3]", "0..3"], || {
            x().slice_step(1, start, step, len)
        });
    }
}
