//! What every kernel of a GPU is held against: the CPU's result of the same inputs.
//!
//! A case is small, so that all of them run on an emulated device in a test, and says
//! what may differ, so that a report from a real one can be read without knowing the
//! kernels. Outputs are poisoned first.

mod border;
mod conv;
pub(crate) mod copy;
mod dice;
mod gemm;
pub(crate) mod map;
mod norm;
pub(crate) mod optim;
mod philox;
mod reduce;
mod resample;
mod step;

pub(crate) use dice::{Dice, extent};

#[cfg(test)]
use crate::DType;
use crate::{Buffer, Device, Real};

/// A comparison of a device with the CPU.
pub struct Case {
    /// Family, function, and what is special about the operands.
    pub name: String,
    /// The most that `run` may return; at 0 the results must have the same bits.
    pub tolerance: f64,
    /// Runs it on a device. Returns the relative error ‖out − ref‖ / ‖ref‖ against the CPU's
    /// `f64` path, or where the tolerance is 0, in how many elements the bits differ from
    /// those of the CPU's `f32` path. NaN when an element was not written.
    pub run: Box<dyn Fn(Device) -> f64>,
    /// Whether it is of the size of a real layer, or beyond what a grid holds, and launches nothing that no small case
    /// launches: its numbers may be wrong where those of small ones are right, a barrier or a bound may not.
    pub is_large: bool,
}

/// The most work of a small case, in multiply-adds or elements.
const LARGE: usize = 1 << 20;

/// Every family's cases.
pub fn all() -> Vec<Case> {
    let families = [
        map::cases(),
        reduce::cases(),
        copy::cases(),
        norm::cases(),
        optim::cases(),
        philox::cases(),
        resample::cases(),
        border::cases(),
        step::cases(),
        gemm::cases(),
        conv::cases(),
    ];
    families.into_iter().flatten().collect()
}

/// Half of the small cases: the first of each kind, and every eighth. They launch every kernel, for what is slow to look at,
/// as sanitizers are, and for a quick look.
pub fn sample() -> Vec<Case> {
    let mut kinds = std::collections::HashSet::new();
    let mut number = 0_usize;
    let mut cases = all();
    cases.retain(|case| {
        number += 1;
        !case.is_large && (kinds.insert(kind(&case.name)) || number.is_multiple_of(8))
    });
    cases
}

/// A case's name without the numbers of its operands; those that stay decide which kernel runs.
fn kind(name: &str) -> String {
    let words: Vec<&str> = name.split_whitespace().collect();
    let is_kept = |(i, word): &(usize, &&str)| {
        let has_digit = word.contains(|c: char| c.is_ascii_digit());
        let before = i.checked_sub(1).map_or("", |before| words[before]);
        !has_digit
            || word.starts_with(['k', 's', 't'])
            || ["tile", "channels:", "few"].contains(&before)
    };
    let kept = words.iter().enumerate().filter(is_kept);
    kept.map(|(_, word)| *word).collect::<Vec<_>>().join(" ")
}

/// What a case runs: buffers of one device and type to buffers of the same. It makes
/// its outputs [`poisoned`].
pub(crate) trait Run: Fn(&[Buffer]) -> Vec<Buffer> + 'static {}
impl<F: Fn(&[Buffer]) -> Vec<Buffer> + 'static> Run for F {}

impl Case {
    /// `f` of `inputs` must have the bits of the CPU's fast path.
    pub(crate) fn exact(name: impl Into<String>, inputs: Vec<Vec<f32>>, f: impl Run) -> Self {
        let run = move |device| {
            let outs = f(&put(device, &inputs));
            let refs = f(&put(Device::Cpu, &inputs));
            pairs::<f32>(&outs, &refs)
                .map(|(out, expected)| differing(&out, &expected))
                .sum()
        };
        Self {
            name: name.into(),
            tolerance: 0.0,
            run: Box::new(run),
            is_large: false,
        }
    }

    /// `f` of `inputs` must come within `tolerance` of the CPU's in `f64`; where there are
    /// several outputs, each.
    pub(crate) fn close(
        name: impl Into<String>,
        tolerance: f64,
        inputs: Vec<Vec<f32>>,
        f: impl Run,
    ) -> Self {
        assert!(tolerance > 0.0, "a case that is not exact has a tolerance");
        let run = move |device| {
            let outs = f(&put(device, &inputs));
            let wide: Vec<Vec<f64>> = inputs.iter().map(|x| widened(x)).collect();
            let refs = f(&put(Device::Cpu, &wide));
            pairs::<f64>(&outs, &refs)
                .map(|(out, expected)| relative_error(&out, &expected))
                .fold(0.0, |worst, error| match error > worst || error.is_nan() {
                    true => error,
                    false => worst,
                })
        };
        Self {
            name: name.into(),
            tolerance,
            run: Box::new(run),
            is_large: false,
        }
    }

    /// This case, large if it is so much work.
    pub(crate) fn of_work(self, work: usize) -> Self {
        Self {
            is_large: work > LARGE,
            ..self
        }
    }

    /// True when `error`, which `run` returned, is what the case demands.
    pub fn passes(&self, error: f64) -> bool {
        error <= self.tolerance
    }
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Case")
            .field("name", &self.name)
            .field("tolerance", &self.tolerance)
            .finish_non_exhaustive()
    }
}

/// An output of the kind of `like` that nobody has written yet: every element is NaN.
pub(crate) fn poisoned(like: &Buffer, len: usize) -> Buffer {
    Buffer::full(like.device(), like.dtype(), len, f64::NAN)
}

/// `len` numbers from `[-1, 1)`.
pub(crate) fn numbers(dice: &mut Dice, len: usize) -> Vec<f32> {
    (0..len).map(|_| dice.unit() as f32).collect()
}

fn put<T: Real>(device: Device, inputs: &[Vec<T>]) -> Vec<Buffer> {
    let on_device = inputs.iter().map(|x| Buffer::from_slice(device, x));
    on_device.collect()
}

fn widened(x: &[f32]) -> Vec<f64> {
    x.iter().map(|x| f64::from(*x)).collect()
}

fn pairs<T: Real>(outs: &[Buffer], refs: &[Buffer]) -> impl Iterator<Item = (Vec<T>, Vec<T>)> {
    assert_eq!(outs.len(), refs.len(), "as many outputs on either device");
    outs.iter().zip(refs).map(|(out, expected)| {
        assert_eq!(out.len(), expected.len(), "outputs of one length");
        (out.to_vec(), expected.to_vec())
    })
}

/// In how many elements the bits differ. All NaNs are the same: which one an operation
/// makes is the processor's choice.
fn differing(out: &[f32], expected: &[f32]) -> f64 {
    let same = |a: f32, b: f32| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
    let count = out.iter().zip(expected).filter(|(a, b)| !same(**a, **b));
    count.count() as f64
}

/// ‖out − ref‖ / ‖ref‖, and the norm of `out` where the reference is 0.
fn relative_error(out: &[f64], expected: &[f64]) -> f64 {
    let norm = |x: &mut dyn Iterator<Item = f64>| x.map(|x| x * x).sum::<f64>().sqrt();
    let error = norm(&mut out.iter().zip(expected).map(|(a, b)| a - b));
    match norm(&mut expected.iter().copied()) {
        0.0 => error,
        size => error / size,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// On the CPU itself: what is wrong here is wrong with a case, or with the fast path.
    #[test]
    fn the_cpu_passes_its_own_cases() {
        for case in all() {
            let error = (case.run)(Device::Cpu);
            assert!(case.passes(error), "{}: {error:.1e}", case.name);
        }
    }

    #[test]
    fn names_are_unique() {
        let mut names: Vec<_> = all().into_iter().map(|case| case.name).collect();
        names.sort_unstable();
        for pair in names.windows(2) {
            assert_ne!(pair[0], pair[1]);
        }
    }

    #[test]
    fn errors_are_seen() {
        assert_eq!(
            differing(&[1.0, f32::NAN, -0.0], &[1.0, -f32::NAN, 0.0]),
            1.0
        );
        assert_eq!(relative_error(&[3.0, 4.0], &[0.0, 0.0]), 5.0);
        assert_eq!(relative_error(&[3.0, 5.0], &[3.0, 4.0]), 0.2);
        let wrong = |x: &[Buffer]| match x[0].dtype() {
            DType::F32 => vec![poisoned(&x[0], 1)],
            DType::F64 => vec![Buffer::full(Device::Cpu, DType::F64, 1, 2.0)],
        };
        let case = Case::close("unwritten", 1.0, vec![vec![1.0]], wrong);
        assert!(!case.passes((case.run)(Device::Cpu)));
    }
}
