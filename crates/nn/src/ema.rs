//! An exponential moving average of a network over the steps of its training.

use crate::module::{Param, Slot, State};
use crate::name::Name;
use detach_tensor::optim::average;
use detach_tensor::{Count, Scalar, Tensor};
use std::cell::RefMut;

/// A copy of a network whose weights follow it: after each step
///
/// e ← e + (1 − decay)(p − e)
///
/// for every parameter p; buffers and counts are copied (Yazıcı et al., ICLR 2019).
#[derive(Debug)]
pub struct Ema<N> {
    net: N,
    decay: Scalar,
}

impl<N: State> Ema<N> {
    /// The average of `of` that begins as it is now, in the memory of `copy`, a network of the
    /// same shape.
    ///
    /// # Panics
    /// When the two differ in names or shapes, or `decay` is not in [0, 1).
    #[must_use]
    #[track_caller]
    pub fn new(of: &N, copy: N, decay: f64) -> Self {
        assert!(
            (0.0..1.0).contains(&decay),
            "Ema::new: a decay of {decay}; expected 0 ≤ decay < 1"
        );
        let pairs = pairs(of, &copy);
        assert!(
            names(of) == names(&copy),
            "Ema::new: an average and its network have other names: make both in the same way"
        );
        for pair in pairs {
            match pair {
                Pair::Param(from, to) | Pair::Buffer(from, to) => {
                    to.set("Ema::new", from.get().value());
                }
                Pair::Count(from, to) => to.follow(from),
            }
        }
        Self {
            net: copy,
            decay: decay.into(),
        }
    }

    /// The average.
    pub fn net(&self) -> &N {
        &self.net
    }

    /// The decay of the next step: set it between steps, captured ones read it.
    pub fn decay(&self) -> &Scalar {
        &self.decay
    }

    /// Follows `of` by one step.
    ///
    /// # Panics
    /// When it is not the network that this is the average of.
    #[track_caller]
    pub fn update(&mut self, of: &N) {
        let mut parameters: Vec<(&Param, Tensor)> = Vec::new();
        for pair in pairs(of, &self.net) {
            match pair {
                Pair::Param(from, to) => parameters.push((to, from.get())),
                Pair::Buffer(from, to) => to.set("Ema::update", from.get().value()),
                Pair::Count(from, to) => to.follow(from),
            }
        }
        let own = parameters.iter().map(|(to, from)| (to.borrow_mut(), from));
        let mut own: Vec<(RefMut<'_, Tensor>, &Tensor)> = own.collect();
        let mut all: Vec<_> = own
            .iter_mut()
            .map(|(to, from)| (&mut **to, *from))
            .collect();
        average(&self.decay, "Ema::update", &mut all);
    }
}

impl<N: State> State for Ema<N> {
    /// The average's parameters are buffers: nothing trains them.
    fn visit<'a>(&'a self, path: Name<'_>, f: &mut dyn FnMut(Name<'_>, Slot<'a>)) {
        self.net.visit(path, &mut |name, slot| match slot {
            Slot::Param(param) => f(name, Slot::Buffer(param)),
            other => f(name, other),
        });
    }
}

/// A piece of a network and the same of its average.
enum Pair<'a> {
    Param(&'a Param, &'a Param),
    Buffer(&'a Param, &'a Param),
    Count(&'a Count, &'a Count),
}

fn names(net: &dyn State) -> Vec<String> {
    let mut names = Vec::new();
    net.visit(Name::ROOT, &mut |name, _| names.push(name.to_string()));
    names
}

/// The pieces of two networks side by side.
#[track_caller]
fn pairs<'a>(of: &'a dyn State, copy: &'a dyn State) -> Vec<Pair<'a>> {
    let pieces = |net: &'a dyn State| {
        let mut pieces = Vec::new();
        net.visit(Name::ROOT, &mut |_, slot| pieces.push(slot));
        pieces
    };
    let (of, copy) = (pieces(of), pieces(copy));
    let pair = |(from, to): (&Slot<'a>, &Slot<'a>)| match (*from, *to) {
        (Slot::Param(from), Slot::Param(to)) => Some(Pair::Param(from, to)),
        (Slot::Buffer(from), Slot::Buffer(to)) => Some(Pair::Buffer(from, to)),
        (Slot::Count(from), Slot::Count(to)) => Some(Pair::Count(from, to)),
        _ => None,
    };
    let all: Option<Vec<Pair<'a>>> = of.iter().zip(&copy).map(pair).collect();
    match all {
        Some(all) if of.len() == copy.len() => all,
        _ => panic!(
            "an average and its network have other pieces, {} and {} of them: make both in the \
             same way",
            copy.len(),
            of.len()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BatchNorm, Initialiser, Linear, Mode, Module, Scheme, Sequential, parameters};
    use detach_tensor::{Array, DType, Random, Stream};

    fn net(seed: u64) -> Sequential {
        let random = Random::new(seed, Stream::Init);
        let init = Initialiser::new(Scheme::PyTorch, random, DType::F64);
        Sequential::new()
            .push(Linear::new(2, 3, &init))
            .push(BatchNorm::new(3, &init))
    }

    fn weight(net: &Sequential) -> Vec<f64> {
        parameters(net)[0].1.get().to_vec()
    }

    #[test]
    fn it_begins_as_the_network_and_follows_it() {
        let net = net(1);
        let mut ema = Ema::new(&net, self::net(2), 0.75);
        let start = weight(&net);
        assert_eq!(weight(ema.net()), start);
        parameters(&net)[0]
            .1
            .set("a test", &Array::full(2.0, &[3, 2], DType::F64));
        ema.update(&net);
        let expected: Vec<f64> = start.iter().map(|e| e + 0.25 * (2.0 - e)).collect();
        assert_eq!(weight(ema.net()), expected);
        ema.decay().set(0.0);
        ema.update(&net);
        assert_eq!(weight(ema.net()), [2.0; 6]);
    }

    #[test]
    fn buffers_and_counts_are_copied() {
        let net = net(1);
        let mut ema = Ema::new(&net, self::net(2), 0.99);
        let random = Random::new(3, Stream::Noise);
        let _ = net.forward(&random.normal(&[8, 2], DType::F64), Mode::train(&random));
        ema.update(&net);
        let mut compared = 0;
        for pair in pairs(&net, ema.net()) {
            match pair {
                Pair::Param(..) => continue,
                Pair::Buffer(from, to) => {
                    assert_eq!(from.get().to_vec::<f64>(), to.get().to_vec::<f64>());
                }
                Pair::Count(from, to) => assert_eq!((from.get(), to.get()), (1, 1)),
            }
            compared += 1;
        }
        assert_eq!(compared, 3);
    }

    #[test]
    fn nothing_in_it_is_trained() {
        let net = net(1);
        let ema = Ema::new(&net, self::net(2), 0.99);
        assert_eq!(parameters(&ema).len(), 0);
        let mut names = Vec::new();
        ema.visit("ema".into(), &mut |name, _| names.push(name.to_string()));
        assert_eq!(names[..2], ["ema.0.weight", "ema.0.bias"]);
        assert_eq!(names.len(), 7);
    }

    #[test]
    #[should_panic(expected = "other pieces, 2 and 7 of them")]
    fn another_network_is_refused() {
        let random = Random::new(1, Stream::Init);
        let init = Initialiser::new(Scheme::PyTorch, random, DType::F64);
        let other = Sequential::new().push(Linear::new(2, 3, &init));
        let _ = Ema::new(&net(1), other, 0.5);
    }
}
