//! The bilinear algorithm in one dimension, and its three readings.
//!
//! A polynomial of degree m with coefficients s = g * u (g of degree 1, u of degree
//! m − 1) is known from its values at m + 1 points. With the points 0, 1, −1, ∞ (and
//! without −1 for m = 2) those values are the products of `G g` and `A u`, and `B` takes
//! values back to coefficients:
//!
//! ```text
//! s = B [(G g) · (A u)]          dgrad: u is the small image, s the big one
//! u = Aᵀ [(G g) · (Bᵀ s)]        fprop
//! g = Gᵀ [(A u) · (Bᵀ s)]        wgrad
//! ```
//!
//! The second and third are the first one's transposes, as the three convolutions are.
//! m + 1 multiplications do the work of 2m (Winograd 1980; Lavin & Gray,
//! arXiv:1509.09308). In two dimensions it is applied to columns, then to rows.
//!
//! The same four points have room for three taps and two positions: [`three`](super::three) has
//! them, with the same `B`.
//!
//! A fifth point, 2, would give m = 4 and save another eighth. Its powers cost more than
//! that: the error more than doubles, well past that of a direct sum.

pub(super) use super::lanes::Lanes;

/// Points of the larger algorithm; the smaller one leaves [`EXTRA`] out.
pub(super) const POINTS: usize = 4;
/// The point that only the larger algorithm has: −1.
pub(super) const EXTRA: usize = 2;
/// Small positions of a tile of the larger algorithm.
pub(super) const LARGE: usize = 3;
/// Values at the points, coefficients, or outputs, as many as there are; the rest are 0.
pub(super) type Line<V> = [V; POINTS];

/// A linear map along one dimension, for tiles of `m` small positions.
pub(super) trait Transform {
    fn apply<V: Lanes>(m: usize, x: &Line<V>) -> Line<V>;
    /// Whether place `i` of the input, or of the output, exists for tiles of `m`.
    fn takes(m: usize, i: usize) -> bool;
    fn gives(m: usize, i: usize) -> bool;
}

/// `A`: `m` small positions to values at the points.
pub(super) struct A;
/// `Aᵀ`: values at the points to `m` small positions.
pub(super) struct At;
/// `B`: values at the points to `m + 1` big positions of one parity.
pub(super) struct B;
/// `Bᵀ`: `m + 1` big positions of one parity to values at the points.
pub(super) struct Bt;

impl Transform for A {
    #[inline(always)]
    fn apply<V: Lanes>(m: usize, &[a, b, c, _]: &Line<V>) -> Line<V> {
        if m == LARGE {
            [a, a + c + b, a + c - b, c]
        } else {
            [a, a + b, V::ZERO, b]
        }
    }
    #[inline(always)]
    fn takes(m: usize, i: usize) -> bool {
        i < m
    }
    #[inline(always)]
    fn gives(m: usize, i: usize) -> bool {
        m == LARGE || i != EXTRA
    }
}

impl Transform for At {
    #[inline(always)]
    fn apply<V: Lanes>(m: usize, &[z, p, n, i]: &Line<V>) -> Line<V> {
        if m == LARGE {
            [z + p + n, p - n, p + n + i, V::ZERO]
        } else {
            [z + p, p + i, V::ZERO, V::ZERO]
        }
    }
    #[inline(always)]
    fn takes(m: usize, i: usize) -> bool {
        m == LARGE || i != EXTRA
    }
    #[inline(always)]
    fn gives(m: usize, i: usize) -> bool {
        i < m
    }
}

impl Transform for B {
    #[inline(always)]
    fn apply<V: Lanes>(m: usize, &[z, p, n, i]: &Line<V>) -> Line<V> {
        if m == LARGE {
            [z, p - n - i, p + n - z, i]
        } else {
            [z, p * 2.0 - z - i, i, V::ZERO]
        }
    }
    #[inline(always)]
    fn takes(m: usize, i: usize) -> bool {
        m == LARGE || i != EXTRA
    }
    #[inline(always)]
    fn gives(m: usize, i: usize) -> bool {
        i <= m
    }
}

impl Transform for Bt {
    #[inline(always)]
    fn apply<V: Lanes>(m: usize, &[a, b, c, d]: &Line<V>) -> Line<V> {
        if m == LARGE {
            [a - c, b + c, c - b, d - b]
        } else {
            [a - b, b * 2.0, V::ZERO, c - b]
        }
    }
    #[inline(always)]
    fn takes(m: usize, i: usize) -> bool {
        i <= m
    }
    #[inline(always)]
    fn gives(m: usize, i: usize) -> bool {
        m == LARGE || i != EXTRA
    }
}

/// `A` beside three taps: two small positions, or the one that is left, to values at the points.
pub(super) struct ShortA;
/// `Aᵀ` beside three taps: values at the points to two small positions, or to the one that is left.
pub(super) struct ShortAt;

impl Transform for ShortA {
    #[inline(always)]
    fn apply<V: Lanes>(_: usize, &[a, b, _, _]: &Line<V>) -> Line<V> {
        [a, a + b, a - b, b]
    }
    #[inline(always)]
    fn takes(m: usize, i: usize) -> bool {
        i < m
    }
    #[inline(always)]
    fn gives(_: usize, _: usize) -> bool {
        true
    }
}

impl Transform for ShortAt {
    #[inline(always)]
    fn apply<V: Lanes>(_: usize, &[z, p, n, i]: &Line<V>) -> Line<V> {
        [z + p + n, p - n + i, V::ZERO, V::ZERO]
    }
    #[inline(always)]
    fn takes(_: usize, _: usize) -> bool {
        true
    }
    #[inline(always)]
    fn gives(m: usize, i: usize) -> bool {
        i < m
    }
}

/// `G`: two taps of one parity to values at the points.
#[inline(always)]
pub(super) fn g<V: Lanes>([a, b]: [V; 2]) -> Line<V> {
    [a, (a + b) * 0.5, (a - b) * 0.5, b]
}

/// `Gᵀ`: values at the points to the two taps.
#[inline(always)]
pub(super) fn gt<V: Lanes>(&[z, p, n, i]: &Line<V>) -> [V; 2] {
    [z + (p + n) * 0.5, (p - n) * 0.5 + i]
}

/// `G` of three taps.
#[inline(always)]
pub(super) fn g3<V: Lanes>([a, b, c]: [V; 3]) -> Line<V> {
    let outer = a + c;
    [a, (outer + b) * 0.5, (outer - b) * 0.5, c]
}

/// `Gᵀ` of three taps.
#[inline(always)]
pub(super) fn gt3<V: Lanes>(&[z, p, n, i]: &Line<V>) -> [V; 3] {
    let even = (p + n) * 0.5;
    [z + even, (p - n) * 0.5, even + i]
}

/// Runs the block for `i` = 0 to 3, each time as a constant, so that what it indexes
/// stays in registers.
macro_rules! unrolled {
    ($i:ident => $block:block) => {{
        {
            const $i: usize = 0;
            $block
        }
        {
            const $i: usize = 1;
            $block
        }
        {
            const $i: usize = 2;
            $block
        }
        {
            const $i: usize = 3;
            $block
        }
    }};
}
pub(super) use unrolled;

/// What a transform reads: sixteen channels of place `(i, j)` of a tile.
pub(super) trait Source<V> {
    fn load(&self, i: usize, j: usize) -> V;
}

/// Where a transform's results go.
pub(super) trait Sink<V> {
    fn store(&mut self, i: usize, j: usize, v: V);
}

/// `T` along rows and columns, for a tile of `R` small rows and `C` columns.
#[inline(always)]
pub(super) fn square<T: Transform, V: Lanes, const R: usize, const C: usize>(
    from: &impl Source<V>,
    to: &mut impl Sink<V>,
) {
    let mut half = [[V::ZERO; POINTS]; POINTS];
    unrolled!(J => {
        if T::takes(C, J) {
            let mut column = [V::ZERO; POINTS];
            unrolled!(I => {
                if T::takes(R, I) {
                    column[I] = from.load(I, J);
                }
            });
            let column = T::apply(R, &column);
            unrolled!(I => { half[I][J] = column[I]; });
        }
    });
    unrolled!(I => {
        if T::gives(R, I) {
            let row = T::apply(C, &half[I]);
            unrolled!(J => {
                if T::gives(C, J) {
                    to.store(I, J, row[J]);
                }
            });
        }
    });
}

/// Transforms a tile, of which a side is `large` or `small`: its size is known in the loop over its places.
macro_rules! of_size {
    ($t:ty, $v:ty, [$large:literal, $small:literal], $tile:expr, $from:expr, $to:expr) => {
        match $tile.size {
            [$large, $large] => square::<$t, $v, $large, $large>($from, $to),
            [$large, _] => square::<$t, $v, $large, $small>($from, $to),
            [_, $large] => square::<$t, $v, $small, $large>($from, $to),
            _ => square::<$t, $v, $small, $small>($from, $to),
        }
    };
}
pub(super) use of_size;
