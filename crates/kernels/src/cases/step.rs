//! Cases of what is not one kernel: captured steps, and values that travel with launches.

use super::optim::{ADAM, moving, plain};
use super::{Case, Dice, differing, numbers, poisoned};
use crate::optim::{Rule, Update, update};
use crate::philox::{Key, normal};
use crate::{Buffer, Count, DType, Device, Steps};
use std::rc::Rc;

/// Lengths around those at which a write is cut, in words.
const WRITES: [usize; 9] = [0, 1, 255, 256, 257, 2047, 2048, 2049, 100_000];

pub(crate) fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = WRITES.into_iter().map(write).collect();
    cases.push(Case {
        name: "Steps, two shapes in turn".into(),
        tolerance: 0.0,
        run: Box::new(replays),
        is_large: false,
    });
    cases
}

/// The start of a longer buffer is written, and the rest is left.
fn write(len: usize) -> Case {
    let values = numbers(&mut Dice(len as u64), len);
    let name = format!("Buffer::write {len}");
    Case::exact(name, vec![values], |inputs| {
        let values = inputs[0].to_vec::<f32>();
        let mut out = Buffer::full(inputs[0].device(), DType::F32, values.len() + 3, 7.0);
        let mut wide = Buffer::full(inputs[0].device(), DType::F64, values.len() + 3, 7.0);
        out.write(&values);
        wide.write(&inputs[0].to_vec::<f64>());
        vec![out, wide]
    })
}

/// What a training loop carries from step to step.
struct Training {
    clock: Count,
    rule: Update,
    /// Parameter, m and v of each shape.
    state: Vec<[Buffer; 3]>,
}

const LENGTHS: [usize; 2] = [1027, 300];

impl Training {
    fn new(device: Device) -> Self {
        let zero = |len| Buffer::full(device, DType::F32, len, 0.0);
        Self {
            clock: Count::from(1 << 40),
            rule: Update {
                lr: 1e-2.into(),
                ..plain(Rule::Adam(ADAM), 0)
            },
            state: LENGTHS.map(|len| [(); 3].map(|()| zero(len))).into(),
        }
    }

    /// Two updates with noise for a gradient, each a count further, and one with what was
    /// made outside of the step and is dropped inside; returns the noise.
    fn step(&mut self, shape: usize, batch: Buffer) -> Rc<Buffer> {
        let noise = [0, 1].map(|draw| {
            let key = Key {
                seed: 1,
                stream: 2,
                step: self.clock.clone(),
                draw,
            };
            let mut grad = poisoned(&batch, batch.len());
            normal(&key, &mut grad);
            self.update(shape, &grad);
            Rc::new(grad)
        });
        self.update(shape, &batch);
        drop(batch);
        self.clock.add(1);
        noise[1].clone()
    }

    fn update(&mut self, shape: usize, grad: &Buffer) {
        self.rule.step.add(1);
        update(&self.rule, &mut [moving(&mut self.state[shape], grad)]);
    }
}

/// In how many elements captured steps differ from steps that are run as they are, on the
/// same device: their parameters, their results, and their counts.
fn replays(device: Device) -> f64 {
    let (mut plain, mut replayed) = (Training::new(device), Training::new(device));
    let mut steps = Steps::new(device);
    let mut wrong = 0.0;
    // Whatever memory is given away in between is another's from then on.
    let mut others = Vec::new();
    for i in 0..12 {
        let shape = i % 2;
        let values = numbers(&mut Dice(shape as u64), LENGTHS[shape]);
        let [one, other] = [(); 2].map(|()| Buffer::from_slice(device, &values));
        let expected = plain.step(shape, one);
        let noise = steps.run(shape, || replayed.step(shape, other));
        others.extend([(); 2].map(|()| poisoned(&noise, noise.len())));
        wrong += differing(&noise.to_vec(), &expected.to_vec());
        let counts = |of: &Training| (of.clock.get(), of.rule.step.get());
        wrong += f64::from(u8::from(counts(&plain) != counts(&replayed)));
    }
    let pairs = plain
        .state
        .iter()
        .flatten()
        .zip(replayed.state.iter().flatten());
    for (expected, out) in pairs {
        wrong += differing(&out.to_vec(), &expected.to_vec());
        wrong += f64::from(u8::from(
            expected.to_vec::<f32>() == vec![0.0; expected.len()],
        ));
    }
    wrong
}
