//! Weight clipping. How gradients are clipped is a matter of the
//! [`Optimiser`](crate::Optimiser).

use crate::module::{State, for_each_parameter};
use detach_tensor::Tensor;
use detach_tensor::optim::clamp;
use std::cell::RefMut;

/// Brings every parameter of `net` into [−`limit`, `limit`], in place and in one pass: how
/// WGAN (arXiv:1701.07875) keeps its critic Lipschitz.
///
/// A graph that was made before this and is differentiated after it stops with an error.
///
/// # Panics
/// When `limit` is negative or NaN.
#[track_caller]
pub fn clip_weights(net: &dyn State, limit: f64) {
    let mut own: Vec<RefMut<'_, Tensor>> = Vec::new();
    for_each_parameter(net, |_, param| own.push(param.borrow_mut()));
    let mut all: Vec<&mut Tensor> = own.iter_mut().map(|param| &mut **param).collect();
    clamp(limit, "clip_weights", &mut all);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BatchNorm, Initialiser, Linear, Name, Scheme, Sequential, Slot, parameters};
    use detach_tensor::{DType, Random, Stream};

    #[test]
    fn parameters_are_clipped_and_buffers_are_not() {
        let random = Random::new(1, Stream::Init);
        let init = Initialiser::new(Scheme::PyTorch, random, DType::F32);
        let net = Sequential::new()
            .push(Linear::new(3, 4, &init))
            .push(BatchNorm::new(4, &init));
        clip_weights(&net, 0.01);
        let mut clipped = 0;
        net.visit(Name::ROOT, &mut |name, slot| match slot {
            Slot::Param(param) => {
                let values = param.get().to_vec::<f32>();
                assert!(values.iter().all(|x| x.abs() <= 0.01), "{name}");
                clipped += values.iter().filter(|x| x.abs() == 0.01).count();
            }
            Slot::Buffer(buffer) if name.is("1.running_var") => {
                assert_eq!(buffer.get().to_vec::<f32>(), [1.0; 4]);
            }
            _ => {}
        });
        assert!(clipped >= 4 + 8, "{clipped}");
    }

    #[test]
    #[should_panic(expected = "but `clip_weights` has written to it since")]
    fn an_old_graph_is_not_differentiated() {
        let random = Random::new(1, Stream::Init);
        let net = Linear::new(2, 1, &Initialiser::new(Scheme::PyTorch, random, DType::F64));
        let loss = parameters(&net)[0].1.get().square().sum();
        clip_weights(&net, 0.01);
        let _ = crate::gradients(&loss, &net);
    }
}
