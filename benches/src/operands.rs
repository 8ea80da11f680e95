//! Buffers to measure with.

use detach_kernels::{Buffer, DType, Device, Layout, View};

/// `len` numbers in [-1, 1), the same each time.
pub fn random(device: Device, len: usize) -> Buffer {
    let values: Vec<f32> = (0..len)
        .map(|i| ((i * 7919) % 1000) as f32 / 500.0 - 1.0)
        .collect();
    Buffer::from_slice(device, &values)
}

/// `len` zeros.
pub fn zeros(device: Device, len: usize) -> Buffer {
    Buffer::full(device, DType::F32, len, 0.0)
}

/// A buffer in row-major order.
pub fn view<'a>(buffer: &'a Buffer, shape: &[usize]) -> View<'a> {
    View {
        buffer,
        layout: Layout::contiguous(shape),
    }
}
