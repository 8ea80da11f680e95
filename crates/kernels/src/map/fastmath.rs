//! Elementary functions of `f32` without a branch or a table, so that a loop
//! over them becomes vector instructions.
//!
//! Every one is within 3·10⁻⁷ of the true value, relatively (about 2 units in
//! the last place), or within the smallest denormal where the result is one.
//! None contracts `a * b + c`, so the bits are the same on every machine.
//!
//! A condition picks between two finished values; it never skips work.

/// ln 2 as a short part, exact when multiplied by a small integer, and the rest.
const LN_2_HIGH: f32 = 0.693_359_4;
const LN_2_LOW: f32 = -2.121_944_4e-4;

/// 1.5 · 2²³: adding it rounds a small number to an integer that then sits in
/// the low bits.
const ROUND: f32 = 12_582_912.0;

/// Value at `x` of the polynomial with these coefficients, highest power first.
#[inline(always)]
fn horner<const N: usize>(x: f32, coefficients: [f32; N]) -> f32 {
    let mut y = coefficients[0];
    for c in &coefficients[1..] {
        y = y * x + c;
    }
    y
}

/// 2ⁿ for n in −126..=127.
#[inline(always)]
fn exp2i(n: i32) -> f32 {
    f32::from_bits((n.wrapping_add(127) as u32) << 23)
}

/// (e^r − 1 − r)/r² for |r| ≤ ln 2 / 2.
#[inline(always)]
fn exp_tail(r: f32) -> f32 {
    let taylor = [
        1.0 / 5040.0,
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
    ];
    horner(r, taylor)
}

/// eˣ.
///
/// x = n·ln 2 + r with |r| ≤ ln 2 / 2, and eʳ by its Taylor series, whose next
/// term is below 6·10⁻⁹.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    // Beyond these the result is 0 or infinite; n stays small enough for two
    // factors 2ⁿ. A NaN passes both comparisons.
    let x = if x > 89.0 { 89.0 } else { x };
    let x = if x < -104.0 { -104.0 } else { x };
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted.to_bits().wrapping_sub(ROUND.to_bits()) as i32;
    let whole = shifted - ROUND;
    let r = (x - whole * LN_2_HIGH) - whole * LN_2_LOW;
    let e = 1.0 + (r + r * r * exp_tail(r));
    // Twice half the exponent: a denormal or infinite result rounds once.
    let half = n >> 1;
    e * exp2i(half) * exp2i(n.wrapping_sub(half))
}

/// eˣ − 1 of x ≤ 0, with all its digits near 0: e^r·2ⁿ − 1 as 2ⁿ·(e^r − 1) + (2ⁿ − 1), r and n as
/// in [`exp`].
#[inline(always)]
pub(super) fn exp_m1_below(x: f32) -> f32 {
    // −1 exactly from −17.4 on.
    let x = if x < -30.0 { -30.0 } else { x };
    // Above 0 the result is not used; n stays small enough.
    let x = if x > 0.0 { 0.0 } else { x };
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted.to_bits().wrapping_sub(ROUND.to_bits()) as i32;
    let whole = shifted - ROUND;
    let r = (x - whole * LN_2_HIGH) - whole * LN_2_LOW;
    let scale = exp2i(n);
    scale * (r + r * r * exp_tail(r)) + (scale - 1.0)
}

/// The error function: an odd polynomial up to 0.93, beyond 1 − e^p(|x|); of least largest error
/// (Juffa, stackoverflow.com/a/35148199).
#[inline(always)]
pub(super) fn erf(x: f32) -> f32 {
    let z = x * x;
    let odd = [
        -5.967_617e-4,
        4.991_194e-3,
        -2.676_813_5e-2,
        1.128_199_2e-1,
        -3.761_253_4e-1,
        1.283_791_7e-1,
    ];
    let small = x + x * horner(z, odd);
    let t = x.abs();
    let exponent = [
        -1.728_534_7e-5,
        3.831_972e-4,
        -3.883_964_4e-3,
        2.425_462_2e-2,
        -1.067_778_8e-1,
        -6.348_469e-1,
        -1.287_175_1e-1,
    ];
    let t = if t > 4.0 { 4.0 } else { t };
    let large = 1.0 - exp(t * horner(t, exponent) - t);
    let y = if x.abs() < 0.927_734_4 { small } else { large };
    y.copysign(x)
}

/// Natural logarithm.
///
/// x = m·2ᵉ with m in [√½, √2), f = m − 1, s = f / (2 + f) and
/// ln m = 2·atanh(s) = f − (f²/2 − s·(f²/2 + R)), R = s·(2/3·s² + 2/5·s⁴ + …)·…
/// arranged so that the leading term f is exact.
#[inline(always)]
pub(crate) fn ln(x: f32) -> f32 {
    const SQRT_HALF: u32 = std::f32::consts::FRAC_1_SQRT_2.to_bits();
    const TWO_23: f32 = 8_388_608.0;
    let denormal = x < f32::MIN_POSITIVE;
    let scaled = if denormal { x * TWO_23 } else { x };
    let bits = scaled.to_bits().wrapping_sub(SQRT_HALF);
    let exponent = (bits as i32 >> 23) as f32 - if denormal { 23.0 } else { 0.0 };
    let m = f32::from_bits((bits & 0x007F_FFFF).wrapping_add(SQRT_HALF));
    let f = m - 1.0;
    let s = f / (2.0 + f);
    let z = s * s;
    let r = z * horner(z, [2.0 / 11.0, 2.0 / 9.0, 2.0 / 7.0, 2.0 / 5.0, 2.0 / 3.0]);
    let half_square = 0.5 * f * f;
    let low = s * (half_square + r) + exponent * LN_2_LOW;
    let y = exponent * LN_2_HIGH + (f - (half_square - low));
    let y = if x == f32::INFINITY { x } else { y };
    let y = if x == 0.0 { f32::NEG_INFINITY } else { y };
    // Of negative numbers, and of NaN, which fails every comparison.
    if x >= 0.0 { y } else { f32::NAN }
}

/// Hyperbolic tangent: an odd polynomial (the least largest relative error over
/// |x| ≤ 0.625) near 0, 1 − 2 / (e²ˣ + 1) beyond. ±1 exactly from |x| = 9.02 on.
#[inline(always)]
pub(crate) fn tanh(x: f32) -> f32 {
    let z = x * x;
    let small = x + x
        * z
        * horner(
            z,
            [
                -5.704_379e-3,
                2.063_856_5e-2,
                -5.373_956e-2,
                0.133_314_4,
                -0.333_332_83,
            ],
        );
    let magnitude = x.abs();
    let large = 1.0 - 2.0 / (exp(2.0 * magnitude) + 1.0);
    let y = if magnitude < 0.625 { small } else { large };
    y.copysign(x)
}

/// 1 / (1 + e⁻ˣ), from e^−|x| so that nothing overflows. 1 exactly from 17.4 on.
#[inline(always)]
pub(super) fn sigmoid(x: f32) -> f32 {
    let z = exp(-x.abs());
    let numerator = if x < 0.0 { z } else { 1.0 };
    numerator / (1.0 + z)
}

/// ln(1 + x) = ln u + r / u, where u is 1 + x rounded and r what the rounding lost.
#[inline(always)]
pub(super) fn ln_1p(x: f32) -> f32 {
    let u = 1.0 + x;
    // Exact either way: the larger of 1 and x is taken from the sum first.
    let lost = if x.abs() <= 1.0 {
        x - (u - 1.0)
    } else {
        1.0 - (u - x)
    };
    // At −1 and beyond the largest number the logarithm alone is right.
    let rest = if u > 0.0 && u < f32::INFINITY {
        lost / u
    } else {
        0.0
    };
    let y = ln(u) + rest;
    // Keeps the sign of a zero.
    if u == 1.0 { x } else { y }
}

/// ln(1 + eˣ) = max(x, 0) + ln(1 + e^−|x|).
#[inline(always)]
pub(super) fn softplus(x: f32) -> f32 {
    let positive = if x <= 0.0 { 0.0 } else { x };
    positive + ln_1p_of_unit(exp(-x.abs()))
}

/// ln(1 + z) for z in [0, 1]: 2·atanh(s) with s = z / (2 + z) ≤ ⅓ by its series,
/// whose next term is below 2·10⁻⁹. Cheaper than [`ln_1p`].
#[inline(always)]
fn ln_1p_of_unit(z: f32) -> f32 {
    // 2s and not s: halving a denormal would lose a bit.
    let twice = (z + z) / (2.0 + z);
    let w = 0.25 * twice * twice;
    let series = horner(
        w,
        [
            1.0 / 15.0,
            1.0 / 13.0,
            1.0 / 11.0,
            1.0 / 9.0,
            1.0 / 7.0,
            1.0 / 5.0,
            1.0 / 3.0,
        ],
    );
    twice + twice * (w * series)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks `f` against `truth` at every 1009th `f32` there is, both signs, and
    /// at the special ones.
    fn check(name: &str, f: fn(f32) -> f32, truth: fn(f64) -> f64) {
        let special = [
            0.0,
            -0.0,
            f32::INFINITY,
            f32::NEG_INFINITY,
            f32::NAN,
            f32::MAX,
            f32::MIN,
            1.0,
            -1.0,
        ];
        let sweep = (0..u32::MAX / 1009).map(|i| f32::from_bits(i * 1009));
        // Where results change most, more densely than the sweep.
        let near = (-2_000_000..2_000_000).map(|i| i as f32 * 5e-5);
        let mut worst = (0.0, 0.0);
        for x in sweep.chain(near).chain(special) {
            let (y, exact) = (f(x), truth(f64::from(x)));
            let rounded = exact as f32;
            if rounded.is_nan() || rounded.is_infinite() {
                let border = rounded.is_infinite() && y > 0.999_999_7 * f32::MAX;
                assert!(
                    y == rounded || border || (y.is_nan() && rounded.is_nan()),
                    "{name}({x:e}) is {y:e}, not {rounded:e}"
                );
                continue;
            }
            let error = (f64::from(y) - exact).abs();
            let relative = error / exact.abs().max(f64::MIN_POSITIVE);
            assert!(
                error <= 1.41e-45 || relative <= 3e-7,
                "{name}({x:e}) is {y:e}, not {exact:e}: off by {relative:.1e}"
            );
            if error > 1.41e-45 && relative > worst.1 && exact.abs() > 1.2e-38 {
                worst = (x, relative);
            }
        }
        eprintln!("{name}: worst {:.2e} at {:e}", worst.1, worst.0);
    }

    #[test]
    fn exp_is_accurate_everywhere() {
        check("exp", exp, f64::exp);
    }

    #[test]
    fn exp_m1_is_accurate_below() {
        let below = |x: f32| exp_m1_below(if x > 0.0 { -x } else { x });
        check("exp_m1", below, |x| (if x > 0.0 { -x } else { x }).exp_m1());
    }

    #[test]
    fn erf_is_accurate_everywhere() {
        check("erf", erf, libm::erf);
        assert_eq!(erf(f32::INFINITY), 1.0);
    }

    #[test]
    fn ln_is_accurate_everywhere() {
        check("ln", ln, f64::ln);
    }

    #[test]
    fn tanh_is_accurate_everywhere() {
        check("tanh", tanh, f64::tanh);
    }

    #[test]
    fn sigmoid_is_accurate_everywhere() {
        check("sigmoid", sigmoid, |x| {
            let z = (-x.abs()).exp();
            if x < 0.0 {
                z / (1.0 + z)
            } else {
                1.0 / (1.0 + z)
            }
        });
    }

    #[test]
    fn ln_1p_is_accurate_everywhere() {
        check("ln_1p", ln_1p, f64::ln_1p);
        assert_eq!(ln_1p(-1.0), f32::NEG_INFINITY);
        assert_eq!(ln_1p(-0.0).to_bits(), (-0.0f32).to_bits());
    }

    #[test]
    fn softplus_is_accurate_everywhere() {
        check("softplus", softplus, |x| {
            x.max(0.0) + (-x.abs()).exp().ln_1p()
        });
    }

    #[test]
    fn saturation_is_exact() {
        for x in [9.02, 50.0, f32::MAX, f32::INFINITY] {
            assert_eq!((tanh(x), tanh(-x)), (1.0, -1.0));
        }
        assert_eq!((sigmoid(17.4), sigmoid(f32::INFINITY)), (1.0, 1.0));
        assert_eq!((sigmoid(-105.0), sigmoid(f32::NEG_INFINITY)), (0.0, 0.0));
        assert_eq!(softplus(200.0), 200.0);
        assert_eq!(tanh(-0.0).to_bits(), (-0.0f32).to_bits());
    }
}
