//! The bilinear algorithm in one dimension, and its three readings.
//!
//! A polynomial of degree m with coefficients s = g * u (g of degree 1, u of degree
//! m − 1) is known from its values at m + 1 points. With the points 0, 1, −1, 2, ∞ (and
//! without 2 for m = 3) those values are the products of `G g` and `A u`, and `B` takes
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

pub(super) use super::lanes::Lanes;

/// Points of the larger algorithm; the smaller one leaves [`EXTRA`] out.
pub(super) const POINTS: usize = 5;
/// The point that only the larger algorithm has: 2.
pub(super) const EXTRA: usize = 3;
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
    fn apply<V: Lanes>(m: usize, &[a, b, c, d, _]: &Line<V>) -> Line<V> {
        if m == 4 {
            let (even, odd) = (a + c, b + d);
            [
                a,
                even + odd,
                even - odd,
                a + b * 2.0 + c * 4.0 + d * 8.0,
                d,
            ]
        } else {
            [a, a + c + b, a + c - b, V::ZERO, c]
        }
    }
    #[inline(always)]
    fn takes(m: usize, i: usize) -> bool {
        i < m
    }
    #[inline(always)]
    fn gives(m: usize, i: usize) -> bool {
        m == 4 || i != EXTRA
    }
}

impl Transform for At {
    #[inline(always)]
    fn apply<V: Lanes>(m: usize, &[z, p, n, t, i]: &Line<V>) -> Line<V> {
        let (sum, difference) = (p + n, p - n);
        if m == 4 {
            [
                z + sum + t,
                difference + t * 2.0,
                sum + t * 4.0,
                difference + t * 8.0 + i,
                V::ZERO,
            ]
        } else {
            [z + sum, difference, sum + i, V::ZERO, V::ZERO]
        }
    }
    #[inline(always)]
    fn takes(m: usize, i: usize) -> bool {
        m == 4 || i != EXTRA
    }
    #[inline(always)]
    fn gives(m: usize, i: usize) -> bool {
        i < m
    }
}

impl Transform for B {
    #[inline(always)]
    fn apply<V: Lanes>(m: usize, &[z, p, n, t, i]: &Line<V>) -> Line<V> {
        if m == 4 {
            [
                z * 2.0,
                (p - n + i) * 2.0 - z - t,
                p + n * 3.0 - z * 2.0 - i,
                z - p - n + t - i * 2.0,
                i,
            ]
        } else {
            [z * 2.0, p - n * 3.0 - i, p + n * 3.0 - z * 2.0, i, V::ZERO]
        }
    }
    #[inline(always)]
    fn takes(m: usize, i: usize) -> bool {
        m == 4 || i != EXTRA
    }
    #[inline(always)]
    fn gives(m: usize, i: usize) -> bool {
        i <= m
    }
}

impl Transform for Bt {
    #[inline(always)]
    fn apply<V: Lanes>(m: usize, &[a, b, c, d, e]: &Line<V>) -> Line<V> {
        if m == 4 {
            [
                (a - c) * 2.0 - b + d,
                b * 2.0 + c - d,
                c * 3.0 - b * 2.0 - d,
                d - b,
                (b - d) * 2.0 - c + e,
            ]
        } else {
            [(a - c) * 2.0, b + c, (c - b) * 3.0, V::ZERO, d - b]
        }
    }
    #[inline(always)]
    fn takes(m: usize, i: usize) -> bool {
        i <= m
    }
    #[inline(always)]
    fn gives(m: usize, i: usize) -> bool {
        m == 4 || i != EXTRA
    }
}

/// `G`: two taps of one parity to values at the points.
#[inline(always)]
pub(super) fn g<V: Lanes>([a, b]: [V; 2]) -> Line<V> {
    const SIXTH: f32 = 1.0 / 6.0;
    [
        a * 0.5,
        (a + b) * 0.5,
        (a - b) * SIXTH,
        (a + b * 2.0) * SIXTH,
        b,
    ]
}

/// `Gᵀ`: values at the points to the two taps.
#[inline(always)]
pub(super) fn gt<V: Lanes>(&[z, p, n, t, i]: &Line<V>) -> [V; 2] {
    const SIXTH: f32 = 1.0 / 6.0;
    [
        (z + p) * 0.5 + (n + t) * SIXTH,
        p * 0.5 + (t * 2.0 - n) * SIXTH + i,
    ]
}

/// Runs the block for `i` = 0 to 4, each time as a constant, so that what it indexes
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
        {
            const $i: usize = 4;
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
