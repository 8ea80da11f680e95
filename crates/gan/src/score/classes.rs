//! Of what classes samples are, as the classifier sees them.

use super::classifier::Judged;
use super::interval::Estimate;
use serde::Serialize;

/// Samples of a class, or that were asked to be of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Class {
    /// The class.
    pub class: usize,
    /// The share of samples that are of it.
    pub share: Estimate,
    /// The share of real images that are.
    pub real: f64,
    /// How many were asked to be of it, and the share of these that are; none where none were asked for.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub asked: Option<Asked>,
}

/// Samples that were asked to be of a class.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Asked {
    /// How many.
    pub asked: usize,
    /// The share of them that is of it.
    pub accuracy: Estimate,
}

/// How many are of each of so many classes.
pub fn histogram(classes: &[u32], of: usize) -> Vec<usize> {
    let mut counts = vec![0; of];
    classes
        .iter()
        .for_each(|class| counts[*class as usize] += 1);
    counts
}

/// The entropy of a histogram, in nats: 0 where all are of one class, ln C where there are as many of each of C.
pub fn entropy(counts: &[usize]) -> f64 {
    let total = counts.iter().sum::<usize>() as f64;
    let shares = counts.iter().map(|count| *count as f64 / total);
    let entropy: f64 = shares
        .filter(|share| *share > 0.0)
        .map(|share| share * share.ln())
        .sum();
    // And not −0.
    entropy.abs()
}

/// Class by class: samples beside real images. `asked` is the class that each sample was asked to be of, where any were.
///
/// # Panics
/// When there are fewer samples than were asked for.
pub fn by_class(samples: &Judged, real: &Judged, asked: &[u32], classes: usize) -> Vec<Class> {
    let [of_samples, of_real] = [samples, real].map(|judged| histogram(&judged.classes, classes));
    let of_asked = histogram(asked, classes);
    let right = asked.iter().zip(&samples.classes);
    let right: Vec<u32> = right
        .filter(|(asked, is)| asked == is)
        .map(|(asked, _)| *asked)
        .collect();
    let right = histogram(&right, classes);
    let class = |class: usize| Class {
        class,
        share: Estimate::of_share(of_samples[class], samples.classes.len()),
        real: of_real[class] as f64 / real.classes.len() as f64,
        asked: (of_asked[class] > 0).then(|| Asked {
            asked: of_asked[class],
            accuracy: Estimate::of_share(right[class], of_asked[class]),
        }),
    };
    (0..classes).map(class).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::distances::Rows;

    fn judged(classes: &[u32]) -> Judged {
        Judged {
            features: Rows::new(vec![0.0; classes.len()], 1),
            classes: classes.to_vec(),
            confidence: vec![1.0; classes.len()],
        }
    }

    #[test]
    fn shares_and_accuracies_are_counted() {
        let (samples, real) = (judged(&[0, 0, 1, 2, 2, 2]), judged(&[0, 1, 1, 1]));
        let all = by_class(&samples, &real, &[0, 1, 1, 2, 2, 0], 4);
        let shares: Vec<f64> = all.iter().map(|one| one.share.value * 6.0).collect();
        assert_eq!(shares, [2.0, 1.0, 3.0, 0.0]);
        assert_eq!(
            all.iter().map(|one| one.real).collect::<Vec<_>>(),
            [0.25, 0.75, 0.0, 0.0]
        );
        let asked = |class: usize| {
            all[class]
                .asked
                .as_ref()
                .map(|one| (one.asked, one.accuracy.value))
        };
        assert_eq!(
            [asked(0), asked(1), asked(2), asked(3)],
            [Some((2, 0.5)), Some((2, 0.5)), Some((2, 1.0)), None]
        );
        assert!(
            by_class(&samples, &real, &[], 4)
                .iter()
                .all(|one| one.asked.is_none())
        );
    }

    #[test]
    fn entropy_of_one_and_of_all() {
        assert_eq!(entropy(&[0, 7, 0]), 0.0);
        assert!((entropy(&[5; 10]) - 10.0_f64.ln()).abs() < 1e-12);
    }
}
