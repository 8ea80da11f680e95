//! What the three convolutions agree on: sizes, kernel, stride, padding, dilation.

use crate::layout::elements;

/// A convolution between a big image (`Conv2d`'s input, `ConvTranspose2d`'s
/// output) and a small one.
///
/// It carries both exact sizes, because neither determines the other: a stride
/// above 1 lets several big sizes have the same small one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Conv {
    pub(crate) batch: usize,
    pub(crate) big: [usize; 2],
    pub(crate) big_channels: usize,
    pub(crate) small: [usize; 2],
    pub(crate) small_channels: usize,
    pub(crate) kernel: [usize; 2],
    pub(crate) stride: [usize; 2],
    pub(crate) padding: [usize; 2],
    /// Pixels of the big image from tap to tap; 1 along an axis with one tap.
    pub(crate) dilation: [usize; 2],
}

/// Axes of an image, in the order of every pair in [`Conv`].
const AXES: [usize; 2] = [0, 1];

/// Both sides' padding.
fn twice(padding: usize) -> Option<usize> {
    padding.checked_mul(2)
}

/// Pixels from the first tap to behind the last.
fn reach(kernel: usize, dilation: usize) -> Option<usize> {
    let before = kernel.checked_sub(1)?.checked_mul(dilation)?;
    before.checked_add(1)
}

/// A dilation as errors have it.
fn dilated(dilation: [usize; 2]) -> String {
    match dilation {
        [1, 1] => String::new(),
        _ => format!(" and dilation {dilation:?}"),
    }
}

#[track_caller]
#[cold]
fn too_large(
    op: &str,
    [x_shape, w_shape]: [&[usize]; 2],
    stride: [usize; 2],
    padding: [usize; 2],
) -> ! {
    panic!(
        "{op}: input {x_shape:?} and weight {w_shape:?} with stride {stride:?} and padding \
         {padding:?} make an image larger than memory can hold; use a smaller padding or stride"
    )
}

impl Conv {
    /// The geometry of `Conv2d`: input `[N, C, H, W]`, weight `[O, C, kh, kw]`;
    /// the output is the small image, of size `(H + 2 * padding - kh) / stride + 1`
    /// rounded down, channels `O`.
    ///
    /// # Panics
    /// When the ranks or channels differ, a stride is 0, the kernel is empty
    /// or exceeds the padded input, or a size is beyond what memory can hold.
    #[track_caller]
    pub fn forward(
        x_shape: &[usize],
        w_shape: &[usize],
        stride: [usize; 2],
        padding: [usize; 2],
    ) -> Self {
        Self::forward_dilated(x_shape, w_shape, stride, padding, [1; 2])
    }

    /// [`Conv::forward`] with `dilation` pixels from tap to tap: a kernel of k taps reaches over
    /// `(k - 1) * dilation + 1` pixels.
    ///
    /// # Panics
    /// As [`Conv::forward`], and when a dilation is 0.
    #[track_caller]
    pub fn forward_dilated(
        x_shape: &[usize],
        w_shape: &[usize],
        stride: [usize; 2],
        padding: [usize; 2],
        dilation: [usize; 2],
    ) -> Self {
        let (&[batch, channels, h, w], &[out, expected, kh, kw]) = (x_shape, w_shape) else {
            panic!("conv2d: input {x_shape:?} and weight {w_shape:?}: both need 4 dimensions");
        };
        assert_eq!(
            channels, expected,
            "conv2d: input {x_shape:?} has {channels} channels, weight {w_shape:?} takes {expected}"
        );
        let (big, kernel) = ([h, w], [kh, kw]);
        let padded = AXES.map(|a| twice(padding[a]).and_then(|both| both.checked_add(big[a])));
        let kernel_reach = AXES.map(|a| reach(kernel[a], dilation[a]));
        let fits = AXES.map(|a| {
            let big = padded[a].unwrap_or(usize::MAX);
            stride[a] > 0 && dilation[a] > 0 && kernel_reach[a].is_some_and(|reach| reach <= big)
        });
        assert!(
            fits == [true; 2],
            "conv2d: weight {w_shape:?} with stride {stride:?}{} does not fit \
             input {x_shape:?} padded by {padding:?}",
            dilated(dilation)
        );
        let small = AXES.map(|a| Some((padded[a]? - kernel_reach[a]?) / stride[a] + 1));
        // A step that is never taken is as good as a shorter one, which can be multiplied.
        let stride = AXES.map(|a| stride[a].min(padded[a].unwrap_or(1)));
        let [Some(rows), Some(columns)] = small else {
            too_large("conv2d", [x_shape, w_shape], stride, padding)
        };
        let conv = Self {
            batch,
            big,
            big_channels: channels,
            small: [rows, columns],
            small_channels: out,
            kernel,
            stride,
            padding,
            dilation: AXES.map(|a| if kernel[a] == 1 { 1 } else { dilation[a] }),
        };
        if elements(&conv.small_shape()).is_none() {
            too_large("conv2d", [x_shape, w_shape], stride, padding);
        }
        conv
    }

    /// The geometry of `ConvTranspose2d`: input `[N, C, H, W]`, weight
    /// `[C, O, kh, kw]`; the output is the big image, of size
    /// `(H - 1) * stride + kh - 2 * padding + output_padding`, channels `O`.
    ///
    /// # Panics
    /// When the ranks or channels differ, the input or the kernel is empty, an
    /// `output_padding` is not below its stride, no output would be left, or a size is beyond what
    /// memory can hold.
    #[track_caller]
    pub fn transposed(
        x_shape: &[usize],
        w_shape: &[usize],
        stride: [usize; 2],
        padding: [usize; 2],
        output_padding: [usize; 2],
    ) -> Self {
        Self::transposed_dilated([x_shape, w_shape], stride, padding, output_padding, [1; 2])
    }

    /// [`Conv::transposed`] of an input and a weight, with `dilation` pixels of the output from tap
    /// to tap.
    ///
    /// # Panics
    /// As [`Conv::transposed`], where an `output_padding` is below the stride or the dilation, and
    /// when a dilation is 0.
    #[track_caller]
    pub fn transposed_dilated(
        [x_shape, w_shape]: [&[usize]; 2],
        stride: [usize; 2],
        padding: [usize; 2],
        output_padding: [usize; 2],
        dilation: [usize; 2],
    ) -> Self {
        let (&[batch, channels, h, w], &[expected, out, kh, kw]) = (x_shape, w_shape) else {
            panic!(
                "conv_transpose2d: input {x_shape:?} and weight {w_shape:?}: both need 4 dimensions"
            );
        };
        assert_eq!(
            channels, expected,
            "conv_transpose2d: input {x_shape:?} has {channels} channels, \
             weight {w_shape:?} takes {expected}"
        );
        let (small, kernel) = ([h, w], [kh, kw]);
        assert!(
            AXES.iter()
                .all(|&a| dilation[a] > 0 && output_padding[a] < stride[a].max(dilation[a])),
            "conv_transpose2d: output padding {output_padding:?} with stride {stride:?}{}, \
             input {x_shape:?} and weight {w_shape:?}: must be less than the stride",
            dilated(dilation)
        );
        let full = AXES.map(|a| {
            let steps = small[a].saturating_sub(1).checked_mul(stride[a])?;
            // A kernel without taps is refused below.
            let reach = reach(kernel[a].max(1), dilation[a])?;
            steps.checked_add(reach)?.checked_add(output_padding[a])
        });
        let [Some(rows), Some(columns)] = full else {
            too_large("conv_transpose2d", [x_shape, w_shape], stride, padding)
        };
        let left = AXES.map(|a| {
            let left = [rows, columns][a].checked_sub(twice(padding[a])?)?;
            (small[a] > 0 && kernel[a] > 0 && left > 0).then_some(left)
        });
        let [Some(rows), Some(columns)] = left else {
            panic!(
                "conv_transpose2d: nothing is left of input {x_shape:?} by weight {w_shape:?} \
                 with stride {stride:?} after cutting padding {padding:?}"
            )
        };
        let conv = Self {
            batch,
            big: [rows, columns],
            big_channels: out,
            small,
            small_channels: channels,
            kernel,
            stride,
            padding,
            dilation: AXES.map(|a| if kernel[a] == 1 { 1 } else { dilation[a] }),
        };
        if elements(&conv.big_shape()).is_none() {
            too_large("conv_transpose2d", [x_shape, w_shape], stride, padding);
        }
        conv
    }

    /// `[N, C, H, W]` of the big image: `Conv2d`'s input.
    pub fn big_shape(&self) -> [usize; 4] {
        let [h, w] = self.big;
        [self.batch, self.big_channels, h, w]
    }

    /// `[N, C, H, W]` of the small image: `Conv2d`'s output.
    pub fn small_shape(&self) -> [usize; 4] {
        let [h, w] = self.small;
        [self.batch, self.small_channels, h, w]
    }

    /// `[small channels, big channels, kh, kw]`: `[out, in, kh, kw]` of
    /// `Conv2d`, `[in, out, kh, kw]` of `ConvTranspose2d`.
    pub fn weight_shape(&self) -> [usize; 4] {
        let [h, w] = self.kernel;
        [self.small_channels, self.big_channels, h, w]
    }

    /// `[vertical, horizontal]` step of the kernel over the big image.
    pub fn stride(&self) -> [usize; 2] {
        self.stride
    }

    /// `[vertical, horizontal]` zeros that surround the big image on each side.
    pub fn padding(&self) -> [usize; 2] {
        self.padding
    }

    /// `[vertical, horizontal]` pixels of the big image from tap to tap.
    pub fn dilation(&self) -> [usize; 2] {
        self.dilation
    }

    /// Whether taps that are neighbours meet pixels that are.
    pub(crate) fn is_dense(&self) -> bool {
        self.dilation == [1; 2]
    }

    /// Weights that one element of the small image meets in the big one:
    /// `kh * kw * big channels`.
    pub(crate) fn patch(&self) -> usize {
        self.kernel[0] * self.kernel[1] * self.big_channels
    }

    /// Elements of one big image.
    pub(crate) fn big_len(&self) -> usize {
        self.big[0] * self.big[1] * self.big_channels
    }

    /// Elements of one small image.
    pub(crate) fn small_len(&self) -> usize {
        self.small[0] * self.small[1] * self.small_channels
    }

    /// The row of the big image that tap `ky` meets from small row `i`; `None`
    /// in the padding.
    #[inline]
    pub(crate) fn big_row(&self, i: usize, ky: usize) -> Option<usize> {
        (i * self.stride[0] + ky * self.dilation[0])
            .checked_sub(self.padding[0])
            .filter(|&row| row < self.big[0])
    }

    /// The column of the big image that tap `kx` meets from small column `j`; `None` in the
    /// padding.
    #[inline]
    pub(crate) fn big_column(&self, j: usize, kx: usize) -> Option<usize> {
        (j * self.stride[1] + kx * self.dilation[1])
            .checked_sub(self.padding[1])
            .filter(|&column| column < self.big[1])
    }

    /// For small column `j`: the first tap that meets the big image, the
    /// column it meets there, and how many taps do. For taps that meet neighbours.
    #[inline]
    pub(crate) fn big_columns(&self, j: usize) -> (usize, usize, usize) {
        let left = j * self.stride[1];
        let first = self.padding[1].saturating_sub(left).min(self.kernel[1]);
        let end = (self.big[1] + self.padding[1])
            .saturating_sub(left)
            .clamp(first, self.kernel[1]);
        let column = (left + first)
            .saturating_sub(self.padding[1])
            .min(self.big[1]);
        (first, column, end - first)
    }

    /// True when there is nothing to sum or nothing to write.
    pub(crate) fn is_empty(&self) -> bool {
        self.batch == 0 || self.big_len() == 0 || self.small_len() == 0
    }
}
