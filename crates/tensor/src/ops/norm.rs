//! Batch normalisation (Ioffe & Szegedy, arXiv:1502.03167) and instance normalisation (Ulyanov et
//! al., arXiv:1607.08022): the same over the batch and over each image by itself.
//!
//! Per channel, or per image and channel, over all other axes: x̂ = (x − μ) · r with
//! r = 1/√(σ² + ε) and the biased variance σ², then z = γ·x̂ + β and y = act(z). With m elements
//! in a mean and dz = act′(z)·dy,
//!
//! dβ = Σ dz,  dγ = Σ dz·x̂,  dx = γ·r · (dz − dβ/m − x̂·dγ/m):
//!
//! the total derivative, with μ and σ² as functions of x.
//!
//! The fused ops take two passes over memory. Each has a *reference formula* in plain
//! tensor operations, which is its golden and its second derivative.

mod reference;

use super::formula::derive;
use crate::array::result;
use crate::check::Case;
use crate::profile::timed;
use crate::{Array, Info, Layout, Op, Tensor, apply};
use detach_kernels::norm::{self, Norm};
use detach_kernels::{Act, Buffer};
use reference::{Constants, Over, reference_grad_affine, reference_grad_input};
pub use reference::{reference_batch_norm, reference_batch_norm_act, reference_instance_norm_act};

/// y of `[x, γ, β, statistics]`. The statistics are an input, so that forward and
/// backward share them, but not a path for gradients.
#[derive(Clone, Copy, Debug)]
struct Normalise(Constants);

/// dx of `[x, γ, β, statistics, dy, sums]`, where the sums are [`GradAffine`]'s of the same
/// inputs: shared with it, and no path for gradients either.
#[derive(Clone, Copy, Debug)]
struct GradInput(Constants);

/// dγ and dβ, in the shape of the statistics, of `[x, γ, β, statistics, dy]`.
#[derive(Clone, Copy, Debug)]
struct GradAffine(Constants);

impl Constants {
    fn geometry(self, x: &Array) -> Norm {
        let channels = x.shape()[1];
        let groups = match self.over {
            Over::Batch => 1,
            Over::Image => x.shape()[0],
        };
        Norm {
            groups,
            rows: x.len() / (groups * channels),
            channels,
            eps: self.eps,
            act: self.act,
        }
    }

    /// Statistics or sums of `x`.
    #[track_caller]
    fn pairs(self, x: &Array, run: impl FnOnce(&mut Buffer)) -> Array {
        let layout = Layout::contiguous(&self.rows_shape(x.shape(), 2));
        let mut out = result("normalise", &layout, x.kind());
        run(&mut out);
        Array::from_buffer(out, layout)
    }

    /// So many operations for each element of x, the activation's own in place of `plain` ones where there is one, and
    /// so many for each mean, of which those of the statistics themselves are no part.
    fn info(self, x: &[usize], [plain, activated]: [usize; 2], per_mean: usize) -> Info {
        let each = match self.act {
            Act::Identity => plain,
            _ => activated,
        };
        let means: usize = self.rows_shape(x, 1).iter().product();
        let elements: usize = x.iter().product();
        let over = match self.over {
            Over::Batch => "each channel",
            Over::Image => "each image's channels",
        };
        let act = match self.act {
            Act::Identity => String::new(),
            act => format!(", {act:?}"),
        };
        Info::of(each * elements + per_mean * means).set(format!("{over}, ε {:e}{act}", self.eps))
    }

    /// Mean and biased variance of `x`, which is stored channels-last.
    #[track_caller]
    fn statistics(self, name: &'static str, x: &Array) -> Array {
        let run = || self.pairs(x, |out| norm::stats(&self.geometry(x), &x.read(), out));
        timed(name, &[x], run, |y| [y])
    }

    /// The derivative of a gradient, `formula` of `[x, γ, β, dy]`, at the inputs `[x, γ, β,
    /// statistics, dy, …]`.
    fn derive(
        self,
        formula: fn(Self, &[Tensor]) -> Tensor,
        arg: usize,
        inputs: &[Tensor],
        upstream: &Tensor,
    ) -> Option<Tensor> {
        const OF_FORMULA: [usize; 4] = [0, 1, 2, 4];
        let arg = OF_FORMULA.iter().position(|&of| of == arg)?;
        let inputs = OF_FORMULA.map(|of| inputs[of].clone());
        Some(derive(|t| formula(self, t), &inputs, arg, upstream))
    }
}

#[track_caller]
fn result_like(x: &Array, run: impl FnOnce(&mut Buffer)) -> Array {
    let mut out = result("normalise", x.layout(), x.kind());
    run(&mut out);
    Array::from_buffer(out, *x.layout())
}

/// A batch's statistics `[2, C]`: mean and biased variance of each channel of `[N, C, …]`.
///
/// # Panics
/// When there are no channels, or no elements of them.
#[track_caller]
pub fn batch_statistics(x: &Array) -> Array {
    assert_channels("batch_statistics", x.shape());
    let x = x.channels_last();
    let any = Constants {
        over: Over::Batch,
        eps: 0.0,
        act: Act::Identity,
    };
    any.statistics("batch_statistics", &x)
}

/// # Panics
/// When a shape has no elements of channels to take statistics of.
#[track_caller]
fn assert_channels(op: &str, shape: &[usize]) {
    assert!(
        shape.len() >= 2 && !shape.contains(&0),
        "{op}: no statistics of {shape:?}; expected [N, C, …] with elements of each channel: leave \
         out empty batches"
    );
}

impl Op for Normalise {
    fn name(&self) -> &'static str {
        match (self.0.over, self.0.act) {
            (Over::Batch, Act::Identity) => "batch_norm",
            (Over::Batch, _) => "batch_norm_act",
            (Over::Image, Act::Identity) => "instance_norm",
            (Over::Image, _) => "instance_norm_act",
        }
    }

    fn forward(&self, inputs: &[&Array]) -> Array {
        let x = inputs[0].channels_last();
        let [gamma, beta, statistics] = [1, 2, 3].map(|i: usize| inputs[i].contiguous());
        let (geometry, affine) = (self.0.geometry(&x), [&*gamma.read(), &beta.read()]);
        result_like(&x, |out| {
            norm::forward(&geometry, &x.read(), &statistics.read(), affine, out);
        })
    }

    fn grad(&self, arg: usize, inputs: &[Tensor], y: &Tensor, dy: &Tensor) -> Option<Tensor> {
        let wanted: Vec<bool> = (0..inputs.len()).map(|i| i == arg).collect();
        self.grads(&wanted, inputs, y, dy).swap_remove(arg)
    }

    /// The sums that dγ and dβ are take a pass over x and dy, and dx needs them too.
    fn grads(
        &self,
        wanted: &[bool],
        inputs: &[Tensor],
        _: &Tensor,
        dy: &Tensor,
    ) -> Vec<Option<Tensor>> {
        let [x, gamma, beta, statistics] = [0, 1, 2, 3].map(|i: usize| &inputs[i]);
        let sums = apply(GradAffine(self.0), &[x, gamma, beta, statistics, dy]);
        let affine = |row| self.0.row(&sums, row, gamma);
        let to_x = || {
            let sums = sums.detach();
            apply(GradInput(self.0), &[x, gamma, beta, statistics, dy, &sums])
        };
        vec![
            wanted[0].then(to_x),
            wanted[1].then(|| affine(0)),
            wanted[2].then(|| affine(1)),
            None,
        ]
    }

    /// x − μ, times r, times γ, plus β, and act; r = 1/√(σ² + ε) is three for each mean.
    fn info(&self, inputs: &[&[usize]], _: &[usize]) -> Info {
        self.0.info(inputs[0], [4, 5], 3)
    }
}

impl Op for GradInput {
    fn name(&self) -> &'static str {
        match self.0.over {
            Over::Batch => "batch_norm_grad",
            Over::Image => "instance_norm_grad",
        }
    }

    fn forward(&self, inputs: &[&Array]) -> Array {
        let [x, dy] = [0, 4].map(|i: usize| inputs[i].channels_last());
        let [gamma, beta, statistics, sums] = [1, 2, 3, 5].map(|i: usize| inputs[i].contiguous());
        let (geometry, images) = (self.0.geometry(&x), [&*x.read(), &dy.read()]);
        let affine = [&*gamma.read(), &beta.read()];
        result_like(&x, |out| {
            let (statistics, sums) = (statistics.read(), sums.read());
            norm::grad_input(&geometry, images, &statistics, affine, &sums, out);
        })
    }

    fn grad(&self, arg: usize, inputs: &[Tensor], _: &Tensor, ddx: &Tensor) -> Option<Tensor> {
        self.0.derive(reference_grad_input, arg, inputs, ddx)
    }

    /// x̂ is two; dz − dβ/m − x̂·dγ/m, times γ·r, four; with an activation z is two more, act′(z) one and its product one.
    /// Of each mean: r, two quotients and γ·r.
    fn info(&self, inputs: &[&[usize]], _: &[usize]) -> Info {
        self.0.info(inputs[0], [6, 10], 6)
    }
}

impl Op for GradAffine {
    fn name(&self) -> &'static str {
        match self.0.over {
            Over::Batch => "batch_norm_grad_affine",
            Over::Image => "instance_norm_grad_affine",
        }
    }

    fn forward(&self, inputs: &[&Array]) -> Array {
        let [x, dy] = [0, 4].map(|i: usize| inputs[i].channels_last());
        let [gamma, beta, statistics] = [1, 2, 3].map(|i: usize| inputs[i].contiguous());
        let (geometry, images) = (self.0.geometry(&x), [&*x.read(), &dy.read()]);
        let affine = [&*gamma.read(), &beta.read()];
        self.0.pairs(&x, |out| {
            norm::grad_affine(&geometry, images, &statistics.read(), affine, out);
        })
    }

    fn grad(&self, arg: usize, inputs: &[Tensor], _: &Tensor, dd: &Tensor) -> Option<Tensor> {
        self.0.derive(reference_grad_affine, arg, inputs, dd)
    }

    /// x̂ is two; dz·x̂ and both sums three; with an activation z is two more, act′(z) one and its product one.
    fn info(&self, inputs: &[&[usize]], _: &[usize]) -> Info {
        self.0.info(inputs[0], [5, 9], 3)
    }
}

impl Tensor {
    /// Batch normalisation of `[N, C, …]` with the batch's own statistics, scaled by
    /// `gamma` `[C]` and shifted by `beta` `[C]`; also returns those statistics,
    /// `[2, C]`: mean and biased variance.
    ///
    /// # Panics
    /// When the shapes do not fit, or there is one element per channel only (its
    /// variance is 0, as PyTorch refuses it too).
    #[must_use]
    #[track_caller]
    pub fn batch_norm(&self, gamma: &Self, beta: &Self, eps: f64) -> (Self, Array) {
        self.batch_norm_act([gamma, beta], eps, Act::Identity)
    }

    /// `act` of [`Tensor::batch_norm`] with `affine` γ and β, in the same passes over
    /// memory.
    ///
    /// # Panics
    /// As [`Tensor::batch_norm`].
    #[must_use]
    #[track_caller]
    pub fn batch_norm_act(&self, affine: [&Self; 2], eps: f64, act: Act) -> (Self, Array) {
        let (shape, [gamma, beta]) = (self.shape(), affine);
        assert_channels("batch_norm", shape);
        let fits = gamma.shape() == [shape[1]] && beta.shape() == [shape[1]];
        assert!(
            fits,
            "batch_norm: x {shape:?} with gamma {:?} and beta {:?}; expected [N, C, …], [C] and [C]",
            gamma.shape(),
            beta.shape()
        );
        assert!(
            self.len() > shape[1],
            "batch_norm: one value per channel in {shape:?}: its variance is 0; use a larger batch"
        );
        let x = self.channels_last();
        let statistics = batch_statistics(x.value());
        let constant = Self::constant(statistics.clone());
        let y = apply(
            Normalise(Constants {
                over: Over::Batch,
                eps,
                act,
            }),
            &[&x, gamma, beta, &constant],
        );
        (y, statistics)
    }

    /// Instance normalisation of images `[N, C, H, W]`: each channel of each image by its own mean
    /// and biased variance.
    ///
    /// # Panics
    /// When this is no batch of images with pixels, or they have one pixel each, whose variance is
    /// 0, as PyTorch refuses it too.
    #[must_use]
    #[track_caller]
    pub fn instance_norm(&self, eps: f64) -> Self {
        assert_images(self.shape());
        let plain = |value| {
            let all = Array::full(value, &self.shape()[..2], self.kind());
            Self::constant(all)
        };
        self.instance_norm_act([&plain(1.0), &plain(0.0)], eps, Act::Identity)
    }

    /// `act` of [`Tensor::instance_norm`] scaled and shifted by `affine` γ and β, `[N, C]` each: one
    /// for each channel of each image, in the same passes over memory. What depends on a style
    /// there is adaptive instance normalisation (Huang & Belongie, arXiv:1703.06868).
    ///
    /// # Panics
    /// As [`Tensor::instance_norm`], and when the shapes do not fit.
    #[must_use]
    #[track_caller]
    pub fn instance_norm_act(&self, affine: [&Self; 2], eps: f64, act: Act) -> Self {
        let (shape, [gamma, beta]) = (self.shape(), affine);
        assert_images(shape);
        let fits = affine.iter().all(|affine| affine.shape() == &shape[..2]);
        assert!(
            fits,
            "instance_norm: x {shape:?} with gamma {:?} and beta {:?}; expected [N, C, H, W], [N, C] \
             and [N, C]",
            gamma.shape(),
            beta.shape()
        );
        let over = Over::Image;
        let constants = Constants { over, eps, act };
        let x = self.channels_last();
        let statistics = Self::constant(constants.statistics("instance_statistics", x.value()));
        apply(Normalise(constants), &[&x, gamma, beta, &statistics])
    }
}

/// # Panics
/// When a shape has no pixels of images to take statistics of, or one for each.
#[track_caller]
fn assert_images(shape: &[usize]) {
    assert!(
        shape.len() == 4 && !shape.contains(&0),
        "instance_norm: no statistics of {shape:?}; expected images [N, C, H, W] with pixels"
    );
    assert!(
        shape[2] * shape[3] > 1,
        "instance_norm: one pixel per channel in {shape:?}: its variance is 0; use larger images, or \
         no normalisation there"
    );
}

pub(crate) fn cases() -> Vec<Case> {
    let fused = |t: &[Tensor]| t[0].batch_norm(&t[1], &t[2], 1e-3).0;
    let formula = |t: &[Tensor]| reference_batch_norm(&t[0], &t[1], &t[2], 1e-3);
    let inputs = |case: Case, x: &[usize]| {
        case.input(x, (-2.0, 2.0))
            .channels_last()
            .input(&x[1..2], (0.5, 1.5))
            .input(&x[1..2], (-1.0, 1.0))
    };
    // Their shapes are such that no z comes near a kink, where a finite difference has
    // nothing to say.
    let activated = |name: &str, act: Act| {
        Case::new(name, move |t| {
            t[0].batch_norm_act([&t[1], &t[2]], 1e-3, act).0
        })
    };
    let leaky = Act::LeakyRelu(0.2);
    let instance = |name: &str, act: Act| {
        Case::new(name, move |t| {
            t[0].instance_norm_act([&t[1], &t[2]], 1e-3, act)
        })
        .input(&[2, 3, 3, 3], (-2.0, 2.0))
        .channels_last()
        .input(&[2, 3], (0.5, 1.5))
        .input(&[2, 3], (-1.0, 1.0))
    };
    vec![
        Case::new("instance_norm", |t| t[0].instance_norm(1e-3)).input(&[2, 3, 2, 3], (-2.0, 2.0)),
        instance("instance_norm + affine", Act::Identity),
        instance("instance_norm + relu", Act::Relu),
        instance("instance_norm + leaky_relu", leaky),
        instance("instance_norm + tanh", Act::Tanh),
        inputs(
            activated("batch_norm + relu of images", Act::Relu),
            &[3, 2, 3, 3],
        ),
        inputs(activated("batch_norm + relu of rows", Act::Relu), &[6, 4]),
        inputs(
            activated("batch_norm + leaky_relu of images", leaky),
            &[3, 2, 3, 3],
        ),
        inputs(activated("batch_norm + leaky_relu of rows", leaky), &[6, 4]),
        inputs(activated("batch_norm + tanh of rows", Act::Tanh), &[6, 4]),
        inputs(Case::new("batch_norm of images", fused), &[3, 2, 2, 3]),
        inputs(Case::new("batch_norm of rows", fused), &[6, 4]),
        inputs(
            Case::new("batch_norm, reference formula", formula),
            &[3, 2, 2, 3],
        ),
    ]
}

#[cfg(test)]
mod tests;
