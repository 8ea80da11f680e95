//! Where the time of a computation goes, op by op.
//!
//! [`record`] runs a closure and tells which ops its thread applied, on what, and how
//! long each took. The hook is in [`apply`](crate::apply()), which every op passes, and
//! at the few places that make or change arrays without being an op: random numbers,
//! a batch's statistics, the optimiser. What is left of the closure's time is the
//! engine and the recipe.
//!
//! [`trace`](crate::trace) cannot tell this: it describes a graph, and neither a
//! backward pass nor anything that is computed from constants leaves nodes in one.
//! Spans of a logging crate could, but would hand over shapes as text. When nobody
//! records, the hook is one load from the thread's own memory an op, against the
//! microsecond or more that the smallest op takes.

use crate::Array;
use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

thread_local! {
    /// One thread drives a graph, so the record is the thread's own.
    static RECORDING: Cell<bool> = const { Cell::new(false) };
    static EVENTS: RefCell<Vec<Event>> = const { RefCell::new(Vec::new()) };
}

/// One op, applied once.
#[derive(Clone, Debug)]
pub struct Event {
    /// The op's name.
    pub op: &'static str,
    /// What it read, then what it wrote; of an optimiser, the gradient alone.
    pub operands: Vec<Operand>,
    /// How long it took.
    pub time: Duration,
}

/// An array that an op read or wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operand {
    /// Sizes of its dimensions.
    pub shape: Vec<usize>,
    /// Bytes of the elements behind it: what is repeated counts once.
    pub bytes: usize,
}

impl Operand {
    fn of(array: &Array) -> Self {
        let layout = array.layout();
        let dims = layout.shape().iter().zip(layout.strides());
        let elements: usize = dims
            .filter(|(_, stride)| **stride > 0)
            .map(|(n, _)| n)
            .product();
        Self {
            shape: layout.shape().to_vec(),
            bytes: elements * array.dtype().size(),
        }
    }
}

/// Runs `f` and returns its result with the events of this thread, in order.
pub fn record<R>(f: impl FnOnce() -> R) -> (R, Vec<Event>) {
    EVENTS.with_borrow_mut(Vec::clear);
    RECORDING.set(true);
    let result = f();
    RECORDING.set(false);
    (result, EVENTS.take())
}

/// When what follows began, if this thread is being recorded.
#[inline]
pub(crate) fn clock() -> Option<Instant> {
    RECORDING.get().then(Instant::now)
}

/// Keeps an event that began at `start`, and what was read and written.
#[inline]
pub(crate) fn note<const N: usize>(
    start: Option<Instant>,
    op: &'static str,
    inputs: &[&Array],
    outputs: [&Array; N],
) {
    let Some(start) = start else { return };
    let time = start.elapsed();
    let operands = inputs.iter().copied().chain(outputs);
    let operands = operands.map(Operand::of).collect();
    EVENTS.with_borrow_mut(|events| {
        events.push(Event { op, operands, time });
    });
}

/// Runs `f`, and keeps how long it took if this thread is being recorded. `outputs` names what was
/// written.
#[inline]
pub(crate) fn timed<R, const N: usize>(
    op: &'static str,
    inputs: &[&Array],
    f: impl FnOnce() -> R,
    outputs: impl FnOnce(&R) -> [&Array; N],
) -> R {
    let start = clock();
    let result = f();
    note(start, op, inputs, outputs(&result));
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optim::{Adam, Clip, Moving, Rule, Update, update};
    use crate::{DType, Random, Stream, Tensor, grad};

    fn names(events: &[Event]) -> Vec<&str> {
        events.iter().map(|event| event.op).collect()
    }

    #[test]
    fn both_passes_and_the_update_are_recorded() {
        let random = Random::new(1, Stream::Noise);
        let draw = |shape: &[usize]| random.normal(shape, DType::F32);
        let mut w = Tensor::variable(draw(&[4, 5]).value().clone());
        let (mut m, mut v) = (w.full_like(0.0), w.full_like(0.0));
        for moment in [&mut m, &mut v] {
            *moment = Tensor::constant(moment.value().contiguous());
        }
        let adam = Adam {
            beta1: 0.9,
            beta2: 0.999,
            eps: 1e-8,
            keras: false,
            amsgrad: false,
        };
        let step = Update {
            rule: Rule::Adam(adam),
            lr: 1e-3.into(),
            step: 1.into(),
            weight_decay: 0.0,
            clip: Clip::None,
        };
        let (loss, events) = record(|| {
            let loss = draw(&[3, 4]).matmul(&w).sum();
            let dw = grad(&loss, &[&w], false).remove(0);
            let moving = Moving {
                name: "w",
                param: &mut w,
                state: [&mut m, &mut v].into_iter().collect(),
                gradient: &dw,
            };
            update(&step, "test", &mut [moving]);
            loss
        });
        assert_eq!(loss.len(), 1);
        let names = names(&events);
        assert_eq!(names[..2], ["random", "matmul"], "{names:?}");
        assert_eq!(names.iter().filter(|name| **name == "matmul").count(), 2);
        assert_eq!(names.last(), Some(&"adam"));
        let shapes = |event: &Event| -> Vec<Vec<usize>> {
            event.operands.iter().map(|x| x.shape.clone()).collect()
        };
        assert_eq!(shapes(&events[1]), [vec![3, 4], vec![4, 5], vec![3, 5]]);
        assert_eq!(events[1].operands[2].bytes, 3 * 5 * 4);
    }

    #[test]
    fn repeated_elements_are_read_once() {
        let row = Tensor::constant(Array::from_slice(&[1.0_f32, 2.0], &[1, 2]));
        let (_, events) = record(|| row.expand(&[100, 2]).exp());
        let read = &events.last().expect("one op at least").operands[0];
        assert_eq!((read.shape.as_slice(), read.bytes), (&[100, 2][..], 8));
    }

    #[test]
    fn nothing_is_kept_outside() {
        let x = Tensor::constant(Array::from_slice(&[1.0_f32], &[1]));
        let (_, first) = record(|| x.exp());
        let _ = x.exp();
        let kept = EVENTS.with_borrow(Vec::len);
        assert_eq!((first.len(), kept), (1, 0));
    }
}
