//! How loops are cut: into pieces of a fixed size, so that no result depends on
//! who computes which.

use rayon::prelude::*;

/// Elements in a piece: 64 KiB of `f32`, which a core's own cache holds.
pub(crate) const CHUNK: usize = 16 * 1024;

/// True when a loop over `work` elements, read and written, is worth waking other
/// threads for.
pub(crate) fn pays(work: usize) -> bool {
    work >= 32 * 1024
}

/// Calls `f(i, piece)` for every piece of `chunk` elements of `out`; `work` as in
/// [`pays`].
pub(crate) fn for_each_chunk<T: Send>(
    out: &mut [T],
    chunk: usize,
    work: usize,
    f: impl Fn(usize, &mut [T]) + Sync + Send,
) {
    if pays(work) && out.len() > chunk {
        out.par_chunks_mut(chunk)
            .enumerate()
            .for_each(|(i, c)| f(i, c));
    } else {
        out.chunks_mut(chunk).enumerate().for_each(|(i, c)| f(i, c));
    }
}

/// Calls `f(i)` for `i` in `0..n`; `work` as in [`pays`].
pub(crate) fn for_each_index(n: usize, work: usize, f: impl Fn(usize) + Sync + Send) {
    if pays(work) && n > 1 {
        (0..n).into_par_iter().for_each(f);
    } else {
        (0..n).for_each(f);
    }
}
