//! What a trial tries: a function of the study's seed, the trial's number, and what it is told.

use super::param::{Param, Space};
use anyhow::{Context, Result};
use detach_tensor::{Random, Stream};
use rand::{Rng, TryRng};
use serde::{Deserialize, Serialize};
use std::convert::Infallible;
use tpe::{TpeOptimizerBuilder, histogram_estimator, parzen_estimator};

/// Trials of a study by estimators that are at random: estimates of fewer are luck.
pub(super) const AT_RANDOM: usize = 10;

/// The share of trials that count as good, as in hyperopt: a tenth, the library's own, is one trial of the first ten.
const GOOD: f64 = 0.25;

/// How values are chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sampler {
    /// Where good trials are dense and others are not (Bergstra et al., NIPS 2011), after ten at random.
    #[default]
    Tpe,
    /// At random.
    Random,
}

/// The values that trial number `trial` (from 0) tries, one a parameter. `told` are trials' values and what they came to,
/// less being better; a trial that failed came to infinity.
///
/// # Errors
/// When the estimators cannot take what is told.
pub fn suggest(
    params: &[Param],
    sampler: Sampler,
    seed: u64,
    trial: usize,
    told: &[(Vec<String>, f64)],
) -> Result<Vec<String>> {
    // A study's own numbers: no run is made of this stream's whole numbers.
    let random = Random::new(seed, Stream::Sample).at(trial as u64);
    let mut ints = random.ints();
    let mut random = Words(|| ints.next_u32());
    let estimates = sampler == Sampler::Tpe && told.len() >= AT_RANDOM;
    let one = |(number, param): (usize, &Param)| {
        let (low, high) = param.space.inner();
        let inner = match estimates {
            false => low + (high - low) * f64::from(random.next_u32()) / 2.0_f64.powi(32),
            true => {
                let told = told
                    .iter()
                    .map(|(values, came_to)| (&*values[number], *came_to));
                estimated(&param.space, told, &mut random)
                    .with_context(|| format!("a value for {}", param.key))?
            }
        };
        Ok(param.space.value(inner))
    };
    params.iter().enumerate().map(one).collect()
}

/// A place of the space by estimators of the good and of the other places.
fn estimated<'a>(
    space: &Space,
    told: impl Iterator<Item = (&'a str, f64)>,
    random: &mut impl Rng,
) -> Result<f64> {
    let (low, high) = space.inner();
    // The library's intervals are without their end, and ours have it.
    let range = tpe::range(low, high.next_up())?;
    let estimator = match space {
        Space::Choice(_) => histogram_estimator(),
        _ => parzen_estimator(),
    };
    let mut builder = TpeOptimizerBuilder::new();
    let mut optimizer = builder.gamma(GOOD).build(estimator, range)?;
    for (value, came_to) in told {
        let place = space.place(value).context("a value of another study")?;
        optimizer.tell(place.clamp(low, high), came_to)?;
    }
    Ok(optimizer.ask(random)?)
}

/// Our random numbers as the library takes them.
struct Words<F>(F);

impl<F: FnMut() -> u32> TryRng for Words<F> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok((self.0)())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let high = u64::from((self.0)());
        Ok(high << 32 | u64::from((self.0)()))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for four in bytes.chunks_mut(4) {
            four.copy_from_slice(&(self.0)().to_le_bytes()[..four.len()]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params() -> Vec<Param> {
        let texts = [
            "lr=log:1e-5..1e-1",
            "beta1=0,0.5,0.9",
            "x=0..1",
            "n=int:1..4",
        ];
        texts.map(|text| Param::parse(text).expect(text)).into()
    }

    /// A bowl whose bottom is at lr 1e-3, beta1 0.5 and x 0.25.
    fn bowl(values: &[String]) -> f64 {
        let number = |i: usize| values[i].parse::<f64>().expect("a number");
        let lr = (number(0).log10() + 3.0).powi(2);
        lr + 4.0 * (number(1) - 0.5).abs() + (number(2) - 0.25).powi(2)
    }

    fn study(sampler: Sampler, seed: u64, trials: usize) -> Vec<(Vec<String>, f64)> {
        let mut told = Vec::new();
        for trial in 0..trials {
            let values = suggest(&params(), sampler, seed, trial, &told).expect("values");
            let came_to = bowl(&values);
            told.push((values, came_to));
        }
        told
    }

    #[test]
    fn the_same_study_is_the_same() {
        for sampler in [Sampler::Tpe, Sampler::Random] {
            let first = study(sampler, 0, 20);
            assert_eq!(first, study(sampler, 0, 20));
            assert_ne!(first, study(sampler, 1, 20));
            let mut values: Vec<&Vec<String>> = first.iter().map(|(values, _)| values).collect();
            values.dedup();
            assert_eq!(values.len(), 20, "each trial tries something else");
        }
    }

    #[test]
    fn what_is_told_is_learnt_from() {
        let best = |sampler| {
            let best = |seed| {
                let all = study(sampler, seed, 40);
                let late = all[AT_RANDOM..].iter().map(|(_, came_to)| *came_to);
                late.sum::<f64>() / (40 - AT_RANDOM) as f64
            };
            (0..5).map(best).sum::<f64>()
        };
        let (estimated, random) = (best(Sampler::Tpe), best(Sampler::Random));
        assert!(estimated < 0.6 * random, "{estimated} {random}");
    }

    #[test]
    fn failures_are_told_as_well() {
        let mut told = study(Sampler::Random, 0, 20);
        for (number, (_, came_to)) in told.iter_mut().enumerate() {
            if number % 3 == 0 {
                *came_to = f64::INFINITY;
            }
        }
        suggest(&params(), Sampler::Tpe, 0, 20, &told).expect("values");
    }
}
