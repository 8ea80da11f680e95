//! A GAN on tensors of your own, without a recipe: points on a circle, learned from noise.
//!
//! ```sh
//! cargo run -p detach --example own_data
//! ```

use detach::nn::{Initialiser, LeakyReLU, Linear, Optim, Scheme, Sequential, Trained};
use detach::nn::{Mode, loss::bce_with_logits};
use detach::prelude::*;

fn main() {
    let init = Initialiser::new(Scheme::PyTorch, Random::new(1, Stream::Init), DType::F32);
    let net = |inputs, outputs| {
        let layer = |from, to| Linear::new(from, to, &init);
        let net = Sequential::new()
            .push(layer(inputs, 64))
            .push(LeakyReLU(0.2));
        net.push(layer(64, 64))
            .push(LeakyReLU(0.2))
            .push(layer(64, outputs))
    };
    let mut g = Trained::new(net(8, 2), &Optim::adam(1e-3, 0.5, 0.999));
    let mut d = Trained::new(net(2, 1), &Optim::adam(1e-3, 0.5, 0.999));

    // Any tensor [N, …] will do: here (cos φ, sin φ) for random angles φ.
    let reals = Random::new(2, Stream::Shuffle);
    let real_batch = || {
        let angles = reals.uniform(&[128, 1], DType::F64).to_vec::<f64>();
        let turn = |a: f64| (a * std::f64::consts::TAU).sin_cos();
        let points: Vec<f32> = angles
            .iter()
            .map(|a| turn(*a))
            .flat_map(|(y, x)| [x as f32, y as f32])
            .collect();
        Tensor::constant(Array::from_slice(&points, &[128, 2]))
    };
    let noise = Random::new(3, Stream::Noise);
    let radius_error = |points: &Tensor| {
        ((points.square().sum_axes(&[1]).sqrt() - 1.0)
            .square()
            .mean()
            .sqrt())
        .item()
    };

    let before = radius_error(&g.forward(&noise.normal(&[1000, 8], DType::F32), Mode::eval()));
    for step in 0..1500 {
        // D learns to tell reals from fakes; the fakes are detached, so that G is left alone.
        let (real, fake) = (
            real_batch(),
            g.forward(&noise.normal(&[128, 8], DType::F32), Mode::eval()),
        );
        let on_fake = bce_with_logits(&d.forward(&fake.detach(), Mode::eval()), 0.0);
        let d_loss = bce_with_logits(&d.forward(&real, Mode::eval()), 1.0) + on_fake;
        d.update(&d_loss);
        // G learns to be taken for real, through D as it is now; D is not named, so it is left alone.
        let g_loss = bce_with_logits(&d.forward(&fake, Mode::eval()), 1.0);
        g.update(&g_loss);
        if step % 300 == 0 {
            println!(
                "step {step:>4}: D {:.3}, G {:.3}",
                d_loss.item(),
                g_loss.item()
            );
        }
    }
    let after = radius_error(&g.forward(&noise.normal(&[1000, 8], DType::F32), Mode::eval()));
    println!("distance of samples from the circle: {before:.3} before, {after:.3} after");
    assert!(
        after < 0.2 && after < before / 3.0,
        "it has not learned the circle"
    );
}
