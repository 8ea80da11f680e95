//! A set of images in the memory of a device, as the bytes they are in files.

use crate::array::result;
use crate::{Array, Kind};
use detach_kernels::copy::{self, Images, Taps};
use detach_kernels::layout::elements;
use detach_kernels::{Buffer, DType, Device, Layout};

/// A set of images as bytes, `[len, C, h, w]`, in a device's memory: a quarter of what their `f32`
/// takes there.
#[derive(Debug)]
pub struct ImageBytes {
    words: Buffer,
    shape: [usize; 4],
}

impl ImageBytes {
    /// Copies `bytes`, row-major `[len, C, h, w]`, to the device.
    ///
    /// # Panics
    /// When there are more or fewer bytes than the shape has elements.
    #[track_caller]
    pub fn new(bytes: &[u8], shape: [usize; 4], device: Device) -> Self {
        assert_eq!(
            Some(bytes.len()),
            elements(&shape),
            "bytes of images {shape:?}"
        );
        Self {
            words: Buffer::from_bytes(device, bytes),
            shape,
        }
    }

    /// `[len, C, h, w]`
    pub fn shape(&self) -> [usize; 4] {
        self.shape
    }

    /// Where they are.
    pub fn device(&self) -> Device {
        self.words.device()
    }

    /// The images `indices` `[n]` as `f32` `[n, C, H, W]`, stored channels-last: each pixel as
    /// `(byte − 127.5) / 127.5`, then the taps of columns along each row, then those of rows:
    /// `taps` is `[rows, columns]`.
    ///
    /// Indices are whole numbers, stored as `f32` on the same device. Nothing of them is read by
    /// the host, so a captured step picks anew at every replay.
    ///
    /// # Panics
    /// When an index is not below `len` (on a GPU that image is NaN instead), when types or devices
    /// differ, or when the taps are of other sizes than the images.
    #[track_caller]
    pub fn pick(&self, indices: &Array, taps: [&Taps; 2]) -> Array {
        assert_eq!(indices.shape().len(), 1, "pick: indices [n]");
        let [rows, columns] = taps;
        let shape = [indices.len(), self.shape[1], rows.to(), columns.to()];
        let layout = Layout::channels_last(&shape);
        let kind = Kind {
            dtype: DType::F32,
            device: self.device(),
        };
        let mut out = result("pick", &layout, kind);
        let images = Images {
            words: &self.words,
            shape: self.shape,
        };
        copy::pick(&images, &indices.contiguous().read(), taps, &mut out);
        Array::from_buffer(out, layout)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_picked_in_the_order_of_indices() {
        // Two images of two channels, one row of two pixels.
        let bytes = [0, 255, 255, 255, 255, 0, 0, 0];
        let images = ImageBytes::new(&bytes, [2, 2, 1, 2], Device::Cpu);
        let [row, two] = [1, 2].map(|pixels| Taps::identity(Device::Cpu, pixels));
        let indices = Array::from_slice(&[1.0_f32, 0.0, 1.0], &[3]);
        let out = images.pick(&indices, [&row, &two]);
        assert_eq!(out.shape(), [3, 2, 1, 2]);
        assert!(out.layout().is_channels_last());
        let [first, second] = [[-1.0, 1.0, 1.0, 1.0], [1.0, -1.0, -1.0, -1.0]];
        assert_eq!(out.to_vec::<f32>(), [second, first, second].concat());
    }

    #[test]
    #[should_panic(expected = "bytes of images [2, 1, 2, 2]")]
    fn bytes_are_whole_images() {
        ImageBytes::new(&[0; 7], [2, 1, 2, 2], Device::Cpu);
    }
}
