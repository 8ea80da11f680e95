//! Sine and cosine of `f32`, as [`fastmath`](super::fastmath): the same bits on every machine, and
//! within 3·10⁻⁷ of the true value, relatively.
//!
//! x = q·π/2 + r with |r| ≤ π/4, found in `f64`, so that r has all digits of an `f32` even where x is
//! close to a multiple of π/2; then a polynomial of r, for an even q that of sine, for an odd one
//! that of cosine.

use std::f64::consts::FRAC_2_PI;

/// Up to here q has at most 20 bits, and its product with [`HALF_PI_HIGH`] is exact.
const SMALL: f32 = 1_048_576.0;

/// π/2 to 33 bits, and the rest.
const HALF_PI_HIGH: f64 = f64::from_bits(0x3FF9_21FB_5440_0000);
const HALF_PI_LOW: f64 = f64::from_bits(0x3DD0_B461_1A62_6331);

/// 1.5 · 2⁵²: adding it rounds a small number to an integer that then sits in the low bits.
const ROUND: f64 = 6_755_399_441_055_744.0;

/// Whether the vectors' way is right for all of `x`; for what is no number it is.
pub(super) fn all_small(x: &[f32]) -> bool {
    !x.iter().fold(false, |any, x| any | (x.abs() > SMALL))
}

/// sin x of |x| up to 2²⁰.
#[inline(always)]
pub(super) fn sin_of_small(x: f32) -> f32 {
    let (quadrant, r) = quadrant_of_small(x);
    // Of a zero the sum below would lose the sign.
    if x == 0.0 { x } else { turned(quadrant, r) }
}

/// cos x = sin(x + π/2) of |x| up to 2²⁰.
#[inline(always)]
pub(super) fn cos_of_small(x: f32) -> f32 {
    let (quadrant, r) = quadrant_of_small(x);
    turned(quadrant.wrapping_add(1), r)
}

/// sin x of any x; NaN of an infinity.
pub(super) fn sin(x: f32) -> f32 {
    match quadrant_of_large(x) {
        Some((quadrant, r)) => turned(quadrant, r),
        None => sin_of_small(x),
    }
}

/// cos x of any x; NaN of an infinity.
pub(super) fn cos(x: f32) -> f32 {
    match quadrant_of_large(x) {
        Some((quadrant, r)) => turned(quadrant.wrapping_add(1), r),
        None => cos_of_small(x),
    }
}

/// q, of which the last two bits count, and r.
#[inline(always)]
fn quadrant_of_small(x: f32) -> (u32, f32) {
    let x = f64::from(x);
    let shifted = x * FRAC_2_PI + ROUND;
    let q = shifted - ROUND;
    let r = (x - q * HALF_PI_HIGH) - q * HALF_PI_LOW;
    (shifted.to_bits() as u32, r as f32)
}

/// 4/π in binary, from each eighth bit on: 32 bits.
const FOUR_OVER_PI: [u32; 24] = [
    0x0000_00A2,
    0x0000_A2F9,
    0x00A2_F983,
    0xA2F9_836E,
    0xF983_6E4E,
    0x836E_4E44,
    0x6E4E_4415,
    0x4E44_1529,
    0x4415_29FC,
    0x1529_FC27,
    0x29FC_2757,
    0xFC27_57D1,
    0x2757_D1F5,
    0x57D1_F534,
    0xD1F5_34DD,
    0xF534_DDC0,
    0x34DD_C0DB,
    0xDDC0_DB62,
    0xC0DB_6295,
    0xDB62_9599,
    0x6295_993C,
    0x9599_3C43,
    0x993C_4390,
    0x3C43_9041,
];

/// As [`quadrant_of_small`] where that is not right, and `None` where it is: the mantissa times
/// those 96 bits of 4/π that are not multiples of 8 once multiplied (Payne and Hanek, 1983).
#[inline(always)]
fn quadrant_of_large(x: f32) -> Option<(u32, f32)> {
    let bits = x.to_bits() & 0x7FFF_FFFF;
    if x.abs() <= SMALL || bits >= f32::INFINITY.to_bits() {
        return None;
    }
    let words = &FOUR_OVER_PI[(bits >> 26 & 15) as usize..];
    let mantissa = ((bits & 0x007F_FFFF) | 0x0080_0000) << (bits >> 23 & 7);
    let high = mantissa.wrapping_mul(words[0]);
    let middle = u64::from(mantissa) * u64::from(words[4]);
    let low = u64::from(mantissa) * u64::from(words[8]);
    let turns = (u64::from(high) << 32 | low >> 32).wrapping_add(middle);
    // A quarter turn is 2⁶² of it.
    let quadrant = turns.wrapping_add(1 << 61) >> 62;
    let rest = turns.wrapping_sub(quadrant << 62) as i64;
    let r = rest as f64 * (std::f64::consts::FRAC_PI_2 / 4_611_686_018_427_387_904.0);
    Some(match x < 0.0 {
        true => ((quadrant as u32).wrapping_neg(), -r as f32),
        false => (quadrant as u32, r as f32),
    })
}

/// sin(q·π/2 + r) for |r| up to a little over π/4, by Taylor's series, whose next terms are below
/// 3·10⁻⁹ of the result.
#[inline(always)]
fn turned(q: u32, r: f32) -> f32 {
    let z = r * r;
    let sin =
        r + r * z * (z * (z * (1.0 / 362_880.0 * z - 1.0 / 5040.0) + 1.0 / 120.0) - 1.0 / 6.0);
    let cos = z * (z * (z * (1.0 / 40_320.0 * z - 1.0 / 720.0) + 1.0 / 24.0) - 0.5) + 1.0;
    let y = if q & 1 == 0 { sin } else { cos };
    if q & 2 == 0 { y } else { -y }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against the library's, in `f64` where its argument reduction is exact for an `f32`.
    #[test]
    fn accurate_everywhere() {
        let sweep = (0..u32::MAX / 1009).map(|i| f32::from_bits(i * 1009));
        let near = (-1_000_000..1_000_000).map(|i| i as f32 * 1e-4);
        // The `f32` nearest to multiples of π/2, where all digits of r come from far behind.
        let zeros = (1..600_000).map(|i| (f64::from(i) * std::f64::consts::FRAC_PI_2) as f32);
        let all = sweep.chain(near).chain(zeros);
        for x in all.chain([0.0, SMALL, -SMALL, SMALL + 1.0, f32::MAX, f32::MIN]) {
            for (name, y, exact) in [
                ("sin", sin(x), f64::from(x).sin()),
                ("cos", cos(x), f64::from(x).cos()),
            ] {
                if exact.is_nan() {
                    assert!(y.is_nan(), "{name}({x:e}) is {y:e}");
                    continue;
                }
                let error = (f64::from(y) - exact).abs();
                let fine = error <= 3e-7 * exact.abs() || error <= 1.41e-45;
                assert!(fine, "{name}({x:e}) is {y:e}, not {exact:e}");
            }
            if x.abs() <= SMALL {
                assert_eq!(sin(x).to_bits(), sin_of_small(x).to_bits());
                assert_eq!(cos(x).to_bits(), cos_of_small(x).to_bits());
            }
        }
        assert_eq!(sin(-0.0).to_bits(), (-0.0_f32).to_bits());
    }
}
