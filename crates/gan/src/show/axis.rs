//! The numbers that stand along an axis.

use std::ops::Range;

/// Numbers that an axis has at most.
const TICKS: f64 = 6.0;

/// The numbers of an axis: multiples of a step of 1, 2 or 5 times a power of ten, with a minus sign and not a hyphen.
pub fn ticks(values: &Range<f64>) -> Vec<(f64, String)> {
    let span = values.end - values.start;
    let power = 10.0_f64.powf((span / TICKS).log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|times| times * power);
    let step = steps.into_iter().find(|step| span / step <= TICKS);
    let step = step.unwrap_or(10.0 * power);
    let decimals = (-step.log10().floor()).clamp(0.0, 9.0) as usize;
    let text = |value: f64| match (1e-9..1e6).contains(&step) {
        true => format!("{value:.decimals$}"),
        false => format!("{value:.1e}"),
    };
    let (first, last) = ((values.start / step).ceil(), (values.end / step).floor());
    // Where numbers are so close that a step is lost in rounding, the first one has to do.
    let count = (last - first).clamp(0.0, TICKS) as usize;
    let value = |i: usize| (first + i as f64) * step + 0.0;
    (0..=count)
        .map(|i| (value(i), text(value(i)).replace('-', "−")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_has_few_and_round_numbers() {
        let of = |low: f64, high: f64| {
            let texts = ticks(&(low..high)).into_iter().map(|(_, text)| text);
            texts.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(of(-0.03, 1.42), "0.0 0.5 1.0");
        assert_eq!(of(-0.52, 0.5), "−0.4 −0.2 0.0 0.2 0.4");
        assert_eq!(of(0.0, 5000.0), "0 1000 2000 3000 4000 5000");
        assert_eq!(of(0.0101, 0.0139), "0.011 0.012 0.013");
        for (low, high) in [(-1e300, 1e300), (1e-300, 2e-300), (1e15, 1e15 + 1.0)] {
            assert!(ticks(&(low..high)).len() <= 7);
        }
    }
}
