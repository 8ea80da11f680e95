//! What a chart's axis spans, and the numbers along it.

use detach_gan::show::axis;
use std::ops::Range;

#[derive(Clone, Debug, Default)]
pub(super) struct Axis {
    pub(super) title: String,
    pub(super) span: Option<Range<f64>>,
    pub(super) log: bool,
}

impl Axis {
    /// What it spans, in logarithms if it has them: what was said, or all of `values` and `room` of that more on each side.
    pub(super) fn spans(&self, values: impl Iterator<Item = f64>, room: f64) -> Range<f64> {
        if let Some(span) = &self.span {
            return self.place(span.start)..self.place(span.end);
        }
        let places = values
            .map(|value| self.place(value))
            .filter(|place| place.is_finite());
        let (low, high) = places.fold((f64::MAX, f64::MIN), |(low, high), p| {
            (low.min(p), high.max(p))
        });
        match high - low {
            span if span > 0.0 => low - room * span..high + room * span,
            _ if high == low => low - 0.5..high + 0.5,
            _ => 0.0..1.0,
        }
    }

    pub(super) fn place(&self, value: f64) -> f64 {
        if self.log { value.log10() } else { value }
    }

    /// Its numbers within a span: powers of ten where it has logarithms of more than two.
    pub(super) fn ticks(&self, span: &Range<f64>) -> Vec<(f64, String)> {
        if !self.log {
            return axis::ticks(span);
        }
        let (first, last) = (
            (span.start - 1e-9).ceil() as i32,
            (span.end + 1e-9).floor() as i32,
        );
        let by = ((last - first) / 6 + 1).max(1) as usize;
        let decades =
            (first - 1..=last).filter(|e| (e - first).rem_euclid(by as i32) == 0 || *e < first);
        let digits: &[i32] = if last - first < 2 { &[1, 2, 5] } else { &[1] };
        let all = decades.flat_map(|e| {
            digits
                .iter()
                .map(move |digit| (f64::from(*digit).log10() + f64::from(e), *digit, e))
        });
        all.filter(|(place, ..)| (span.start - 1e-9..=span.end + 1e-9).contains(place))
            .map(|(place, digit, e)| (place, power(digit, e)))
            .collect()
    }
}

/// `digit` times a power of ten.
fn power(digit: i32, exponent: i32) -> String {
    match exponent {
        0..=4 => format!("{}", f64::from(digit) * 10f64.powi(exponent)),
        -3..=-1 => format!(
            "{:.*}",
            exponent.unsigned_abs() as usize,
            f64::from(digit) * 10f64.powi(exponent)
        ),
        _ => {
            let raised = |c: char| match c {
                '-' => '⁻',
                '0' => '⁰',
                '1' => '¹',
                '2' => '²',
                '3' => '³',
                // In Unicode the others stand in a row.
                digit => char::from_u32(0x2070 + digit.to_digit(10).unwrap_or(0)).unwrap_or(digit),
            };
            let raised: String = exponent.to_string().chars().map(raised).collect();
            if digit == 1 {
                format!("10{raised}")
            } else {
                format!("{digit}·10{raised}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithms_have_few_numbers() {
        let axis = Axis {
            log: true,
            ..Axis::default()
        };
        let texts = |low: f64, high: f64| {
            let ticks = axis.ticks(&(low.log10()..high.log10())).into_iter();
            ticks.map(|(_, text)| text).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(texts(0.5, 30.0), "0.5 1 2 5 10 20");
        assert_eq!(texts(1e-5, 1.0), "10⁻⁵ 10⁻⁴ 0.001 0.01 0.1 1");
        assert_eq!(texts(1e-12, 1.0), "10⁻¹² 10⁻⁹ 10⁻⁶ 0.001 1");
    }
}
