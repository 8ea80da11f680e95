//! Packing the right operand of a product into the panels that a register tile
//! reads: `[k, columns]` each, zeros where there is no column.

use super::matrix::Matrix;
use super::transpose::{RowEpilogue, transpose};
use crate::gemm::tile::Shape;
use crate::simd::simd;

/// Elements that [`pack`] writes for a `[k, n]` operand.
pub(crate) fn packed_len(k: usize, n: usize) -> usize {
    k * n.next_multiple_of(Shape::of_level().columns)
}

/// Packs `b` `[k, n]`: panel `j` starts at `j * k * Shape::columns`.
///
/// # Panics
/// When `out` has fewer than [`packed_len`] elements.
pub(crate) fn pack(b: Matrix<'_, f32>, out: &mut [f32]) {
    let [k, n] = b.shape;
    let width = Shape::of_level().columns;
    let out = &mut out[..packed_len(k, n)];
    if out.is_empty() {
        return;
    }
    if !n.is_multiple_of(width) {
        let last = out.len() - k * width;
        out[last..].fill(0.0);
    }
    if b.row(0).is_some() {
        return pack_rows(b, width, out);
    }
    for (j, panel) in out.chunks_exact_mut(k * width).enumerate() {
        let columns = width.min(n - j * width);
        let b = b.columns(j * width, columns);
        if b.t().row(0).is_some() {
            transpose(b.t(), panel, width, &RowEpilogue::STORE);
        } else {
            pack_any(b, width, panel);
        }
    }
}

simd! {
    /// Rows of neighbours: a row of `b` is cut into pieces, one for each panel. Rows
    /// are read from end to end, as the prefetchers expect.
    fn pack_rows(b: Matrix<'_, f32>, width: usize, out: &mut [f32]) {
        match width {
            32 => copy_rows::<32>(b, out),
            16 => copy_rows::<16>(b, out),
            _ => copy_rows::<8>(b, out),
        }
    }
}

#[inline(always)]
fn copy_rows<const WIDTH: usize>(b: Matrix<'_, f32>, out: &mut [f32]) {
    let [k, n] = b.shape;
    let whole = n / WIDTH;
    for p in 0..k {
        let row = b.row(p).unwrap_or_default();
        let (pieces, rest) = row.as_chunks::<WIDTH>();
        for (j, piece) in pieces.iter().enumerate() {
            let at = j * k * WIDTH + p * WIDTH;
            if let Some(out) = out[at..].first_chunk_mut::<WIDTH>() {
                *out = *piece;
            }
        }
        if !rest.is_empty() {
            out[whole * k * WIDTH + p * WIDTH..][..rest.len()].copy_from_slice(rest);
        }
    }
}

/// Any strides, one panel.
fn pack_any(b: Matrix<'_, f32>, width: usize, panel: &mut [f32]) {
    for (p, row) in panel.chunks_exact_mut(width).enumerate() {
        for (j, x) in row.iter_mut().take(b.shape[1]).enumerate() {
            *x = b.at(p, j);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Dice;
    use crate::{Buffer, DType, Device};

    /// Rows of neighbours, columns of neighbours and neither, with ragged edges.
    #[test]
    fn panels_hold_the_matrix_and_zeros() {
        let width = Shape::of_level().columns;
        let mut dice = Dice(3);
        for case in 0..60 {
            let (k, n) = (dice.below(70), dice.below(80));
            let gap = dice.below(3);
            let strides = [[n + gap, 1], [1, k + gap], [2 * n + 1, 2]][case % 3];
            let len = (k + 3) * (2 * n + 3) + (n + 1) * (k + 3);
            let data: Vec<f32> = (0..len).map(|_| dice.unit() as f32).collect();
            let b = Matrix::new(&data, [k, n], strides);
            let mut out = Buffer::full(Device::Cpu, DType::F32, packed_len(k, n) + 5, 7.0);
            let out = out.as_mut_slice::<f32>();
            pack(b, out);
            let (panels, behind) = out.split_at(packed_len(k, n));
            assert_eq!(behind, [7.0; 5]);
            for (i, &x) in panels.iter().enumerate() {
                let (j, p) = (i / (k * width) * width + i % width, i / width % k);
                let expected = if j < n { b.at(p, j) } else { 0.0 };
                assert_eq!(x, expected, "{strides:?}: element [{p}, {j}] of [{k}, {n}]");
            }
        }
    }
}
