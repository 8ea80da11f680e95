//! The GPU's side: each convolution as a product whose operand is an image read in
//! patches, without the patches being made; or where one side has few channels, directly.

mod narrow;

use super::{Conv, Epilogue};
use crate::Buffer;
use crate::cuda::Module;
use crate::device::Cuda;
use crate::gemm::cuda::igemm::{self, CLASSES, Class, Entries, Igemm, Operand, entries, u32_of};

static MODULE: Module = Module::new(
    "conv",
    &[
        (75, include_str!("../../../../../kernels/conv.75.ptx")),
        (80, include_str!("../../../../../kernels/conv.80.ptx")),
    ],
);

/// Channels that can be read four at a time.
fn fours(channels: usize) -> bool {
    channels.is_multiple_of(4)
}

pub(super) fn fprop(
    cuda: Cuda,
    conv: &Conv,
    [x, w]: [&Buffer; 2],
    epilogue: &Epilogue<'_>,
    y: &mut Buffer,
) {
    if narrow::fprop(cuda, conv, [x, w], epilogue, y) {
        return;
    }
    let sizes = Sizes::of(conv);
    let [top, left] = sizes.padding;
    let class = Class {
        m: u32_of(conv.batch * conv.small[0] * conv.small[1]),
        k: sizes.patch,
        line_inner: [sizes.small[1], sizes.small[0]],
        k_inner: [sizes.c.max(1), sizes.kernel[1]],
        a: 0_u32.wrapping_sub(top * sizes.big_row() + left * sizes.c),
        origin: [top, left].map(u32::wrapping_neg),
        ..Class::ONE
    };
    let product = Igemm {
        a: Operand {
            line: sizes.strided(),
            k: sizes.taps(),
            line_step: sizes.stride,
            k_step: sizes.dilation,
            size: sizes.big,
            ..Operand::at(x, 0)
        },
        b: Operand {
            line: [sizes.patch, 0, 0],
            k: [1, 0, 0],
            ..Operand::at(w, 0)
        },
        n: sizes.o,
        ..Igemm::new(y, epilogue)
    };
    let vectors = fours(conv.big_channels);
    igemm::launch(cuda, &MODULE, &FPROP, product.of(&[class], 1), vectors);
}

pub(super) fn dgrad(
    cuda: Cuda,
    conv: &Conv,
    [y, w]: [&Buffer; 2],
    epilogue: &Epilogue<'_>,
    x: &mut Buffer,
) {
    if narrow::dgrad(cuda, conv, [y, w], epilogue, x) {
        return;
    }
    let sizes = Sizes::of(conv);
    let [down, across] = [0, 1].map(|axis: usize| Meets::of(conv, axis));
    let product = Igemm {
        a: Operand {
            line: [sizes.o, sizes.small_row(), u32_of(conv.small_len())],
            k: [1, across.pixels * sizes.o, down.pixels * sizes.small_row()],
            line_step: [1; 2],
            k_step: [down.pixels, across.pixels],
            size: sizes.small,
            ..Operand::at(y, 0)
        },
        b: Operand {
            line: [1, 0, 0],
            k: [
                sizes.patch,
                (across.taps * sizes.c).wrapping_neg(),
                (down.taps * sizes.kernel[1] * sizes.c).wrapping_neg(),
            ],
            ..Operand::at(w, 0)
        },
        n: sizes.c,
        out_line: sizes.strided(),
        ..Igemm::new(x, epilogue)
    };
    let rows = (0..conv.stride[0]).map(|r| Residue::of(conv, 0, r));
    let classes = rows.flat_map(|row| {
        let columns = (0..conv.stride[1]).map(|r| Residue::of(conv, 1, r));
        columns.map(move |column| (row, column))
    });
    let classes: Vec<Class> = classes
        .map(|(row, column)| sizes.class(conv, row, column))
        .filter(|class| class.m > 0)
        .collect();
    let vectors = fours(conv.big_channels) && fours(conv.small_channels);
    for classes in classes.chunks(CLASSES) {
        let products = product.of(classes, classes.len());
        igemm::launch(cuda, &MODULE, &DGRAD, products, vectors);
    }
}

pub(super) fn wgrad(cuda: Cuda, conv: &Conv, [x, y]: [&Buffer; 2], w: &mut Buffer) {
    if narrow::wgrad(cuda, conv, [x, y], w) {
        return;
    }
    let sizes = Sizes::of(conv);
    let [top, left] = sizes.padding;
    let class = Class {
        m: sizes.o,
        k: u32_of(conv.batch * conv.small[0] * conv.small[1]),
        line_inner: [sizes.c.max(1), sizes.kernel[1]],
        k_inner: [sizes.small[1], sizes.small[0]],
        b: 0_u32.wrapping_sub(top * sizes.big_row() + left * sizes.c),
        origin: [top, left].map(u32::wrapping_neg),
        ..Class::ONE
    };
    let product = Igemm {
        a: Operand {
            line: [1, 0, 0],
            k: [sizes.o, 0, 0],
            ..Operand::at(y, 0)
        },
        b: Operand {
            line: sizes.taps(),
            k: sizes.strided(),
            line_step: sizes.dilation,
            k_step: sizes.stride,
            size: sizes.big,
            ..Operand::at(x, 0)
        },
        n: sizes.patch,
        ..Igemm::new(w, &Epilogue::NONE)
    };
    let vectors = fours(conv.big_channels) && fours(conv.small_channels);
    igemm::launch(cuda, &MODULE, &WGRAD, product.of(&[class], 1), vectors);
}

/// Big rows, or columns, of one remainder by the stride: they meet the same taps.
#[derive(Clone, Copy)]
struct Residue {
    /// The remainder.
    first: u32,
    /// How many there are.
    count: u32,
    /// How many taps they meet.
    taps: u32,
    /// The last of them, which is the first that is summed: so small rows go up.
    last_tap: u32,
    /// The small row that `first` meets at that tap; wraps.
    origin: u32,
}

impl Residue {
    /// Big row `stride * I + first` meets tap `ky` where `stride * I + first + padding -
    /// dilation * ky` is a multiple of the stride: every so-many-th tap, or none.
    fn of(conv: &Conv, axis: usize, first: usize) -> Self {
        let [stride, dilation] = [conv.stride[axis], conv.dilation[axis]];
        let place = first + conv.padding[axis];
        let step = Meets::of(conv, axis);
        let meets = |tap: &usize| (dilation * tap) % stride == place % stride;
        let tap = (0..conv.kernel[axis].min(step.taps as usize)).find(meets);
        let taps = tap.map_or(0, |tap| {
            (conv.kernel[axis] - tap).div_ceil(step.taps as usize)
        });
        let back = u32_of(taps.saturating_sub(1));
        let tap = tap.unwrap_or(0);
        // Exact where a tap is met, and of no matter where none is.
        let row = (place as isize - (dilation * tap) as isize).div_euclid(stride as isize);
        Self {
            first: u32_of(first),
            count: u32_of(conv.big[axis].saturating_sub(first).div_ceil(stride)),
            taps: u32_of(taps),
            last_tap: u32_of(tap) + step.taps * back,
            origin: (row as u32).wrapping_sub(step.pixels * back),
        }
    }
}

/// From one tap that a big row, or column, meets to the next, and from the small row met there to
/// that before it.
#[derive(Clone, Copy)]
struct Meets {
    taps: u32,
    pixels: u32,
}

impl Meets {
    fn of(conv: &Conv, axis: usize) -> Self {
        let [stride, dilation] = [conv.stride[axis], conv.dilation[axis]];
        let (mut common, mut rest) = (stride, dilation);
        while rest != 0 {
            (common, rest) = (rest, common % rest);
        }
        Self {
            taps: u32_of(stride / common),
            pixels: u32_of(dilation / common),
        }
    }
}

/// A geometry as the kernels count.
struct Sizes {
    big: [u32; 2],
    c: u32,
    small: [u32; 2],
    o: u32,
    kernel: [u32; 2],
    stride: [u32; 2],
    padding: [u32; 2],
    dilation: [u32; 2],
    patch: u32,
    big_len: u32,
}

impl Sizes {
    /// # Panics
    /// When an image batch has more elements than 32 bits can count.
    #[track_caller]
    fn of(conv: &Conv) -> Self {
        u32_of(conv.batch * conv.big_len().max(conv.small_len()));
        Self {
            big: conv.big.map(u32_of),
            c: u32_of(conv.big_channels),
            small: conv.small.map(u32_of),
            o: u32_of(conv.small_channels),
            kernel: conv.kernel.map(u32_of),
            stride: conv.stride.map(u32_of),
            padding: conv.padding.map(u32_of),
            dilation: conv.dilation.map(u32_of),
            patch: u32_of(conv.patch()),
            big_len: u32_of(conv.big_len()),
        }
    }

    fn big_row(&self) -> u32 {
        self.big[1] * self.c
    }

    fn small_row(&self) -> u32 {
        self.small[1] * self.o
    }

    /// From channel to channel, tap to tap, row of taps to row of taps in the big image.
    fn taps(&self) -> [u32; 3] {
        let [down, across] = self.dilation;
        [1, across * self.c, down * self.big_row()]
    }

    /// From where one small pixel meets the big image to where the next does: along a row,
    /// from row to row, from image to image.
    fn strided(&self) -> [u32; 3] {
        [
            self.stride[1] * self.c,
            self.stride[0] * self.big_row(),
            self.big_len,
        ]
    }

    /// The big pixels of these rows and columns.
    fn class(&self, conv: &Conv, row: Residue, column: Residue) -> Class {
        let place = |[row, column]: [u32; 2], width: u32, channels: u32| {
            row.wrapping_mul(width)
                .wrapping_add(column)
                .wrapping_mul(channels)
        };
        let origin = [row.origin, column.origin];
        Class {
            m: u32_of(conv.batch) * row.count * column.count,
            k: row.taps * column.taps * self.o,
            line_inner: [column.count.max(1), row.count.max(1)],
            k_inner: [self.o.max(1), column.taps.max(1)],
            a: place(origin, self.small[1], self.o),
            b: place([row.last_tap, column.last_tap], self.kernel[1], self.c),
            out: place([row.first, column.first], self.big[1], self.c),
            origin,
        }
    }
}

const FPROP: Entries = entries!("conv_fprop", "conv_sum");
const DGRAD: Entries = entries!("conv_dgrad", "conv_scatter");
const WGRAD: Entries = entries!("conv_wgrad", "conv_sum");
