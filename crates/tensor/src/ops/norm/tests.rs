//! The fused ops beside their formulas.

use super::*;
use crate::{DType, Random, Stream, grad, vjp};

/// The fused forward and both orders of its derivative against the formula's.
#[test]
fn fused_equals_composed() {
    let random = Random::new(1, Stream::Noise);
    let draw = |shape: &[usize]| random.normal(shape, DType::F64).value().clone();
    let x = Tensor::variable(draw(&[4, 3, 5, 2]).channels_last());
    let affine = |shape: &[usize]| [(); 2].map(|()| Tensor::variable(draw(shape)));
    let (of_batch, of_images) = (affine(&[3]), affine(&[4, 3]));
    let (dy, ddx) = (draw(&[4, 3, 5, 2]), draw(&[4, 3, 5, 2]));
    let all = |y: Tensor, [gamma, beta]: [&Tensor; 2]| -> Vec<Vec<f64>> {
        let wrt = [&x, gamma, beta];
        let first = vjp(&y, &Tensor::constant(dy.clone()), &wrt, true);
        let scalar = (&first[0] * Tensor::constant(ddx.clone())).sum() + first[1].square().sum();
        let second = grad(&scalar, &wrt, false);
        let tensors = [vec![y], first, second].concat();
        tensors.iter().map(Tensor::to_vec::<f64>).collect()
    };
    for act in [Act::Identity, Act::Relu, Act::LeakyRelu(0.2), Act::Tanh] {
        let [batch, images] = [of_batch.each_ref(), of_images.each_ref()];
        let pairs = [
            (
                all(x.batch_norm_act(batch, 1e-5, act).0, batch),
                all(reference_batch_norm_act(&x, batch, 1e-5, act), batch),
            ),
            (
                all(x.instance_norm_act(images, 1e-5, act), images),
                all(reference_instance_norm_act(&x, images, 1e-5, act), images),
            ),
        ];
        for (fused, formula) in pairs {
            for (a, b) in fused.iter().flatten().zip(formula.iter().flatten()) {
                assert!((a - b).abs() < 1e-10 * (1.0 + b.abs()), "{act:?}: {a} {b}");
            }
        }
    }
}
