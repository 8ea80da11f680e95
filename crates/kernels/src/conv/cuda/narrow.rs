//! Convolutions with at most four channels on one side: `kernels/narrow.cuh`.

use super::MODULE;
use crate::conv::{Conv, Epilogue};
use crate::cuda::{Launch, Param, Ptr, args, blocks};
use crate::device::Cuda;
use crate::gemm::cuda::igemm::{Class, Igemm, u32_of};
use crate::{Buffer, DType, Device};

/// `Narrow` of `narrow.cuh`, field by field.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct Narrow {
    input: Ptr,
    weight: Ptr,
    bias: Ptr,
    out: Ptr,
    slope: f32,
    pixels: u32,
    size: [u32; 2],
    other: [u32; 2],
    kernel: [u32; 2],
    stride: [u32; 2],
    padding: [u32; 2],
    backward: u32,
    channels: u32,
    few: u32,
    tap: u32,
    wide: u32,
    chunk: u32,
    len: u32,
}

// SAFETY: `repr(C)`, as the kernels declare it.
#[allow(unsafe_code)]
unsafe impl Param for Narrow {}

/// Few channels at most.
const FEW: usize = 4;
/// Bytes of shared memory for the weight.
const SHARED: usize = 48 << 10;
/// Blocks that fill a device twice over: as many as are resident on an H100 or H200.
const BLOCKS: usize = 264;

/// Which image has few channels.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Big,
    Small,
}

/// The side with few channels, where the other has many.
fn side(conv: &Conv) -> Option<Side> {
    let [big, small] = [conv.big_channels, conv.small_channels];
    let fits =
        |few: usize, many: usize| (1..=FEW).contains(&few) && many > FEW && many.is_multiple_of(4);
    if !conv.is_dense() {
        return None;
    }
    match (fits(big, small), fits(small, big)) {
        (true, _) => Some(Side::Big),
        (_, true) => Some(Side::Small),
        _ => None,
    }
}

impl Narrow {
    /// Around the pixels of the big image where `backward`, else of the small one.
    fn new(conv: &Conv, few: Side, backward: bool) -> Self {
        let (size, other) = match backward {
            true => (conv.big, conv.small),
            false => (conv.small, conv.big),
        };
        let steps = [1, conv.patch()];
        let ([few, wide], channels) = match few {
            Side::Big => (steps, conv.small_channels),
            Side::Small => ([steps[1], steps[0]], conv.big_channels),
        };
        Self {
            input: Ptr::NULL,
            weight: Ptr::NULL,
            bias: Ptr::NULL,
            out: Ptr::NULL,
            slope: 1.0,
            pixels: u32_of(conv.batch * size[0] * size[1]),
            size: size.map(u32_of),
            other: other.map(u32_of),
            kernel: conv.kernel.map(u32_of),
            stride: conv.stride.map(u32_of),
            padding: conv.padding.map(u32_of),
            backward: u32::from(backward),
            channels: u32_of(channels),
            few: u32_of(few),
            tap: u32_of(conv.big_channels),
            wide: u32_of(wide),
            chunk: 0,
            len: u32_of(conv.patch() * conv.small_channels),
        }
    }

    fn images(self, [input, weight]: [&Buffer; 2], epilogue: &Epilogue<'_>, out: &Buffer) -> Self {
        Self {
            input: input.ptr(),
            weight: weight.ptr(),
            bias: epilogue.bias.map_or(Ptr::NULL, Buffer::ptr),
            out: out.ptr(),
            slope: epilogue.slope as f32,
            ..self
        }
    }
}

const GATHER: [&str; FEW] = [
    "conv_gather_1",
    "conv_gather_2",
    "conv_gather_3",
    "conv_gather_4",
];
const SPREAD: [&str; FEW] = [
    "conv_spread_1",
    "conv_spread_2",
    "conv_spread_3",
    "conv_spread_4",
];

/// Runs [`super::fprop`] if this is the way to.
pub(super) fn fprop(
    cuda: Cuda,
    conv: &Conv,
    images: [&Buffer; 2],
    epilogue: &Epilogue<'_>,
    y: &mut Buffer,
) -> bool {
    let Some(few) = side(conv) else { return false };
    let narrow = Narrow::new(conv, few, false).images(images, epilogue, y);
    run(cuda, &narrow, few == Side::Small, conv)
}

/// Runs [`super::dgrad`] if this is the way to.
pub(super) fn dgrad(
    cuda: Cuda,
    conv: &Conv,
    images: [&Buffer; 2],
    epilogue: &Epilogue<'_>,
    x: &mut Buffer,
) -> bool {
    let Some(few) = side(conv) else { return false };
    let narrow = Narrow::new(conv, few, true).images(images, epilogue, x);
    run(cuda, &narrow, few == Side::Big, conv)
}

/// To few channels (`gather`) or from few.
#[allow(unsafe_code)]
fn run(cuda: Cuda, narrow: &Narrow, gather: bool, conv: &Conv) -> bool {
    let taps = conv.kernel[0] * conv.kernel[1];
    let few = conv.big_channels.min(conv.small_channels);
    let pixels = narrow.pixels as usize;
    let shared = size_of::<f32>() * narrow.len as usize;
    // Few pixels with many taps leave most of the device without work: then the sums are better split.
    let fits = match gather {
        true => pixels >= 16 * taps,
        false => taps * few <= 64,
    };
    if shared > SHARED || !fits || conv.is_empty() {
        return false;
    }
    let (entries, items) = match gather {
        true => (GATHER, 16 * pixels.next_multiple_of(2)),
        false => (SPREAD, pixels * narrow.channels as usize / 4),
    };
    u32_of(items);
    let launch = Launch {
        shared: u32_of(shared),
        ..Launch::flat(blocks(items))
    };
    // SAFETY: the images and the weight are of this geometry, which was checked, and taps that
    // leave the image are left out; each pixel of `out` is written by one thread or half warp.
    unsafe { MODULE.launch(cuda, entries[few - 1], launch, args![*narrow]) };
    true
}

/// Runs [`super::wgrad`] if this is the way to.
#[allow(unsafe_code)]
pub(super) fn wgrad(cuda: Cuda, conv: &Conv, [x, y]: [&Buffer; 2], w: &mut Buffer) -> bool {
    /// Taps of a row, and channels: sums of a thread, and threads of a block.
    const MOST: [usize; 2] = [8, 1024];
    let Some(few) = side(conv) else { return false };
    // The pixels are those of the image with many channels.
    let backward = few == Side::Small;
    let narrow = Narrow::new(conv, few, backward);
    let fits = conv.kernel[1] <= MOST[0] && narrow.channels as usize <= MOST[1];
    if !fits || conv.is_empty() || (backward && conv.stride != [1, 1]) {
        return false;
    }
    let images = if backward { [x, y] } else { [y, x] };
    let count = conv.big_channels.min(conv.small_channels);
    let rows = conv.kernel[0];
    let pixels = narrow.pixels as usize;
    let chunk = pixels.div_ceil((BLOCKS / (rows * count)).max(1)).max(64);
    let chunks = pixels.div_ceil(chunk);
    let partial = Buffer::scratch(Device::Cuda(cuda), DType::F32, chunks * w.len());
    let narrow = Narrow {
        chunk: u32_of(chunk),
        ..narrow.images(images, &Epilogue::NONE, &partial)
    };
    let launch = Launch {
        grid: [chunks, rows, count].map(u32_of),
        ..Launch::flat(1)
    };
    // SAFETY: as in `run`; each block writes its own row of taps of its own part of
    // `partial`.
    unsafe { MODULE.launch(cuda, "conv_narrow_wgrad", launch, args![narrow]) };
    let class = Class { m: 1, ..Class::ONE };
    let sum = Igemm {
        partial: partial.ptr(),
        n: u32_of(w.len()),
        rows: 1,
        splits: u32_of(chunks),
        classes: [class; 4],
        ..Igemm::new(w, &Epilogue::NONE)
    };
    // SAFETY: reads what was just written, all of it, and writes `w`.
    unsafe {
        MODULE.launch(
            cuda,
            "conv_sum4",
            Launch::flat(blocks(w.len() / 4)),
            args![sum],
        );
    }
    true
}
