//! The Box–Muller transform without a branch, a table or the system's mathematics
//! library: the same bits on every machine, and vector instructions in a loop.

/// 2⁵², whose last place is 1: or-ing a small integer into it makes it a float.
const INTEGER: u64 = 0x4330_0000_0000_0000;
const TWO_52: f64 = (1u64 << 52) as f64;
const TWO_30: f64 = (1u64 << 30) as f64;
const TWO_M32: f64 = 1.0 / (1u64 << 32) as f64;

/// Two independent normal numbers from two words (below 2³²):
/// √(−2 ln u) · (cos 2πv, sin 2πv) with u = (a + 1)/2³² and v = b/2³².
#[inline(always)]
pub(super) fn pair(a: u64, b: u64) -> (f64, f64) {
    let radius = (-2.0 * ln((float(a) + 1.0) * TWO_M32)).sqrt();
    let (cos, sin) = cos_sin(b);
    (radius * cos, radius * sin)
}

/// An integer below 2⁵² as a float.
#[inline(always)]
fn float(n: u64) -> f64 {
    f64::from_bits(INTEGER | n) - TWO_52
}

/// Value at `x` of the polynomial with these coefficients, highest power first.
#[inline(always)]
fn horner<const N: usize>(x: f64, coefficients: [f64; N]) -> f64 {
    let mut y = coefficients[0];
    for c in &coefficients[1..] {
        y = y * x + c;
    }
    y
}

/// Natural logarithm of a normal u: u = m·2ᵉ with m in [√½, √2), and
/// ln m = 2·atanh(s), s = (m − 1)/(m + 1) by its series.
#[inline(always)]
fn ln(u: f64) -> f64 {
    const SQRT_HALF: u64 = std::f64::consts::FRAC_1_SQRT_2.to_bits();
    const MANTISSA: u64 = (1 << 52) - 1;
    // A bias that keeps the exponent's field positive.
    const BIAS: u64 = 1 << 10;
    let bits = u.to_bits().wrapping_sub(SQRT_HALF).wrapping_add(BIAS << 52);
    let exponent = float(bits >> 52) - BIAS as f64;
    let m = f64::from_bits((bits & MANTISSA).wrapping_add(SQRT_HALF));
    let s = (m - 1.0) / (m + 1.0);
    let z = s * s;
    let series = horner(
        z,
        [
            1.0 / 21.0,
            1.0 / 19.0,
            1.0 / 17.0,
            1.0 / 15.0,
            1.0 / 13.0,
            1.0 / 11.0,
            1.0 / 9.0,
            1.0 / 7.0,
            1.0 / 5.0,
            1.0 / 3.0,
        ],
    );
    exponent * std::f64::consts::LN_2 + (2.0 * s + 2.0 * s * z * series)
}

/// Cosine and sine of 2πb/2³²: the nearest quarter turn, exactly, and the series
/// of what is left.
#[inline(always)]
fn cos_sin(b: u64) -> (f64, f64) {
    let quarter = (b + (1 << 29)) >> 30;
    let y = (float(b) - float(quarter) * TWO_30) * (std::f64::consts::TAU * TWO_M32);
    let z = y * y;
    // 1/n! with alternating signs.
    let sin = y + y
        * z
        * horner(
            z,
            [
                -1.0 / 1_307_674_368_000.0,
                1.0 / 6_227_020_800.0,
                -1.0 / 39_916_800.0,
                1.0 / 362_880.0,
                -1.0 / 5040.0,
                1.0 / 120.0,
                -1.0 / 6.0,
            ],
        );
    let cos = 1.0
        + z * horner(
            z,
            [
                1.0 / 20_922_789_888_000.0,
                -1.0 / 87_178_291_200.0,
                1.0 / 479_001_600.0,
                -1.0 / 3_628_800.0,
                1.0 / 40_320.0,
                -1.0 / 720.0,
                1.0 / 24.0,
                -0.5,
            ],
        );
    let odd = quarter & 1 == 1;
    let (c, s) = if odd { (sin, cos) } else { (cos, sin) };
    // Quarter turns 1 and 2 turn the cosine round, 2 and 3 the sine.
    let c = f64::from_bits(c.to_bits() ^ ((quarter + 1) & 2) << 62);
    let s = f64::from_bits(s.to_bits() ^ (quarter & 2) << 62);
    (c, s)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_mathematics_library() {
        let words = (0..100_000u64).map(|i| i * 42_949 % (1 << 32));
        let ends = [
            0,
            1,
            2,
            (1 << 32) - 1,
            (1 << 32) - 2,
            1 << 31,
            1 << 30,
            1 << 29,
        ];
        for w in words.chain(ends) {
            let u = (w as f64 + 1.0) * TWO_M32;
            let error = (ln(u) - u.ln()).abs();
            assert!(error <= 4e-16 * u.ln().abs(), "ln {u}: {error:e}");
            let angle = w as f64 * TWO_M32 * std::f64::consts::TAU;
            let (c, s) = cos_sin(w);
            assert!((c - angle.cos()).abs() < 1e-15, "cos {angle}: {c}");
            assert!((s - angle.sin()).abs() < 1e-15, "sin {angle}: {s}");
        }
    }

    #[test]
    fn extremes_are_finite() {
        let last = (1 << 32) - 1;
        assert_eq!(pair(last, 0), (0.0, 0.0));
        let (far, _) = pair(0, 0);
        assert!((far - (64.0 * std::f64::consts::LN_2).sqrt()).abs() < 1e-14);
    }
}
