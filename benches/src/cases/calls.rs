//! The buffers and the call behind each case.

use super::{Draw, Function, Kernel, Layer, Pass, Resampling, Sums, Writer};
use crate::operands::{random, view, zeros};
use detach_kernels::border::{self, Border, Edge};
use detach_kernels::conv::{self, Conv, Epilogue};
use detach_kernels::map::{self, Binary, Unary};
use detach_kernels::norm::{self, Norm};
use detach_kernels::optim::{self, Adam, Clip, Moving, RmsProp, Rule, Sgd, Update};
use detach_kernels::philox::{self, Distribution, Key};
use detach_kernels::reduce::{self, Reduction, Softmax};
use detach_kernels::resample::{self, Fir, Resample};
use detach_kernels::{Act, Buffer, Count, Device, Layout, Variant, copy, gemm};

/// A call of a kernel.
pub type Call = Box<dyn FnMut()>;

impl Kernel {
    /// The kernel by the implementation named, ready to run on `device`; on a GPU, which has
    /// one implementation, a call asks for it and does not wait.
    pub fn call(&self, variant: Variant, device: Device) -> Call {
        let run = Run { variant, device };
        match *self {
            Self::Product { m, n, k } => run.product([m, n, k]),
            Self::Conv(layer, pass) => run.convolution(layer, pass),
            Self::Norm([n, c, side]) => run.norm([1, n * side * side, c]),
            Self::InstanceNorm([n, c, side]) => run.norm([n, side * side, c]),
            Self::Optim(writer, ref lens) => run.writer(writer, lens),
            Self::Map(Function::ReluGradient, len) => run.relu_gradient(len),
            Self::Map(Function::Select, len) => run.select(len),
            Self::Map(function, len) => run.map(function, len),
            Self::Sum(sums, shape) => run.sum(sums, shape),
            Self::Softmax(shape) => run.softmax(shape),
            Self::Clone(len) => run.copy(&[len], Layout::contiguous(&[len])),
            Self::ChannelsLast([n, c, side]) => {
                let shape = [n, c, side, side];
                run.copy(&shape, Layout::channels_last(&shape))
            }
            Self::Resample(by, [n, c, side]) => run.resample(by, [n, c, side, side]),
            Self::Border([n, c, side]) => run.border([n, c, side, side]),
            Self::Random(draw, len) => run.random_numbers(draw, len),
        }
    }
}

const ADAM: Rule = Rule::Adam(Adam {
    beta1: 0.5,
    beta2: 0.999,
    eps: 1e-8,
    keras: false,
    amsgrad: false,
});
const RMS_PROP: Rule = Rule::RmsProp(RmsProp {
    alpha: 0.99,
    eps: 1e-8,
    momentum: 0.0,
    centred: false,
});
const SGD: Rule = Rule::Sgd(Sgd {
    momentum: 0.9,
    dampening: 0.0,
    nesterov: false,
});

/// Which implementation on which device.
#[derive(Clone, Copy)]
struct Run {
    variant: Variant,
    device: Device,
}

impl Run {
    fn random(self, len: usize) -> Buffer {
        random(self.device, len)
    }

    fn zeros(self, len: usize) -> Buffer {
        zeros(self.device, len)
    }

    fn product(self, [m, n, k]: [usize; 3]) -> Call {
        let [a, b] = [m * k, k * n].map(|len| self.random(len));
        let mut out = self.zeros(m * n);
        Box::new(move || {
            gemm::gemm_with(self.variant, view(&a, &[m, k]), view(&b, &[k, n]), &mut out);
        })
    }

    /// A transposed convolution's forward pass is dgrad, and its gradient in the input is
    /// fprop; `wgrad` is the same of both.
    fn convolution(self, layer: Layer, pass: Pass) -> Call {
        let ([i, o], kernel, variant) = (layer.channels, [layer.kernel; 2], self.variant);
        let (stride, padding) = ([layer.stride; 2], [layer.padding; 2]);
        let x = [layer.batch, i, layer.side, layer.side];
        let weight = |a, b| [a, b, kernel[0], kernel[1]];
        let conv = match layer.transposed {
            false => Conv::forward(&x, &weight(o, i), stride, padding),
            true => Conv::transposed(&x, &weight(i, o), stride, padding, [0; 2]),
        };
        let len = |shape: [usize; 4]| shape.iter().product::<usize>();
        let [big, small] = [conv.big_shape(), conv.small_shape()].map(len);
        let weight = len(conv.weight_shape());
        let none = Epilogue::NONE;
        match (pass, layer.transposed) {
            (Pass::Fprop, false) | (Pass::Dgrad, true) => {
                let (x, w, mut y) = (self.random(big), self.random(weight), self.zeros(small));
                Box::new(move || conv::fprop_with(variant, &conv, [&x, &w], &none, &mut y))
            }
            (Pass::Dgrad, false) | (Pass::Fprop, true) => {
                let (y, w, mut x) = (self.random(small), self.random(weight), self.zeros(big));
                Box::new(move || conv::dgrad_with(variant, &conv, [&y, &w], &none, &mut x))
            }
            (Pass::Wgrad, _) => {
                let (x, y, mut w) = (self.random(big), self.random(small), self.zeros(weight));
                Box::new(move || conv::wgrad_with(variant, &conv, &x, &y, &mut w))
            }
        }
    }

    fn norm(self, [groups, rows, channels]: [usize; 3]) -> Call {
        let norm = Norm {
            groups,
            rows,
            channels,
            eps: 1e-5,
            act: Act::Relu,
        };
        let (len, variant) = (groups * rows * channels, self.variant);
        let channels = groups * channels;
        let (x, dy) = (self.random(len), self.random(len));
        let (gamma, beta) = (self.random(channels), self.random(channels));
        let [mut stats, mut sums] = [2 * channels; 2].map(|len| self.zeros(len));
        let [mut y, mut dx] = [len; 2].map(|len| self.zeros(len));
        Box::new(move || {
            let (images, affine) = ([&x, &dy], [&gamma, &beta]);
            norm::stats_with(variant, &norm, &x, &mut stats);
            norm::forward_with(variant, &norm, &x, &stats, affine, &mut y);
            norm::grad_affine_with(variant, &norm, images, &stats, affine, &mut sums);
            norm::grad_input_with(variant, &norm, images, &stats, affine, &sums, &mut dx);
        })
    }

    fn writer(self, writer: Writer, lens: &[usize]) -> Call {
        let variant = self.variant;
        let mut parameters: Vec<Buffer> = lens.iter().map(|&len| self.random(len)).collect();
        match writer {
            Writer::Adam => self.optimiser(ADAM, Clip::None, parameters),
            Writer::ClippedAdam => self.optimiser(ADAM, Clip::Norm(1.0), parameters),
            Writer::RmsProp => self.optimiser(RMS_PROP, Clip::None, parameters),
            Writer::Sgd => self.optimiser(SGD, Clip::None, parameters),
            Writer::Average => {
                let mut averages: Vec<_> = lens.iter().map(|&len| self.zeros(len)).collect();
                let decay = 0.999.into();
                Box::new(move || {
                    let all = averages.iter_mut().zip(&parameters);
                    optim::average_with(variant, &decay, &mut all.collect::<Vec<_>>());
                })
            }
            Writer::Clamp => Box::new(move || {
                let all = parameters.iter_mut();
                optim::clamp_with(variant, 0.01, &mut all.collect::<Vec<_>>());
            }),
        }
    }

    fn optimiser(self, rule: Rule, clip: Clip, mut parameters: Vec<Buffer>) -> Call {
        let zeros = |param: &Buffer| {
            let state = rule.state().iter();
            state.map(|_| self.zeros(param.len())).collect()
        };
        let mut states: Vec<Vec<Buffer>> = parameters.iter().map(zeros).collect();
        let grads = parameters.iter().map(|param| self.random(param.len()));
        let grads: Vec<Buffer> = grads.collect();
        let update = Update {
            rule,
            lr: 2e-4.into(),
            step: Count::default(),
            weight_decay: 0.0,
            clip,
        };
        Box::new(move || {
            update.step.add(1);
            let all = parameters.iter_mut().zip(&mut states).zip(&grads);
            let all = all.map(|((param, state), grad)| Moving {
                param,
                state: state.iter_mut().collect(),
                grad,
            });
            optim::update_with(self.variant, &update, &mut all.collect::<Vec<_>>());
        })
    }

    fn map(self, function: Function, len: usize) -> Call {
        let op = match function {
            Function::LeakyRelu => Unary::LeakyRelu(0.2),
            Function::Tanh => Unary::Tanh,
            Function::Softplus => Unary::Softplus,
            Function::Elu => Unary::Elu(1.0),
            Function::Sin => Unary::Sin,
            Function::Erf => Unary::Erf,
            Function::Relu | Function::ReluGradient | Function::Select => Unary::Relu,
        };
        let (x, mut out) = (self.random(len), self.zeros(len));
        let layout = Layout::contiguous(&[len]);
        Box::new(move || map::unary_with(self.variant, op, view(&x, &[len]), &mut out, &layout))
    }

    fn relu_gradient(self, len: usize) -> Call {
        let (x, dy, mut out) = (self.random(len), self.random(len), self.zeros(len));
        let layout = Layout::contiguous(&[len]);
        Box::new(move || {
            let (dy, x) = (view(&dy, &[len]), view(&x, &[len]));
            map::binary_with(self.variant, Binary::ReluGrad, dy, x, &mut out, &layout);
        })
    }

    fn select(self, len: usize) -> Call {
        let (a, b, mut out) = (self.random(len), self.random(len), self.zeros(len));
        let layout = Layout::contiguous(&[len]);
        Box::new(move || {
            let operands = [&b, &a, &b].map(|x| view(x, &[len]));
            map::select_with(self.variant, operands, &mut out, &layout);
        })
    }

    fn softmax(self, [rows, columns]: [usize; 2]) -> Call {
        let len = rows * columns;
        let (x, dy, variant) = (self.random(len), self.random(len), self.variant);
        let [mut y, mut dx] = [len; 2].map(|len| self.zeros(len));
        Box::new(move || {
            reduce::softmax_with(variant, Softmax::Plain, columns, &x, &mut y);
            reduce::softmax_grad_with(variant, Softmax::Plain, columns, [&dy, &y], &mut dx);
        })
    }

    fn sum(self, sums: Sums, shape: [usize; 2]) -> Call {
        let [rows, columns] = shape;
        let to = match sums {
            Sums::Columns => [1, columns],
            Sums::Rows => [rows, 1],
            Sums::All => [1, 1],
        };
        let (x, mut out) = (self.random(rows * columns), self.zeros(to[0] * to[1]));
        let layout = Layout::contiguous(&to);
        Box::new(move || {
            let x = view(&x, &shape);
            reduce::reduce_with(self.variant, Reduction::Sum, x, &mut out, &layout);
        })
    }

    fn copy(self, shape: &[usize], layout: Layout) -> Call {
        let len = shape.iter().product();
        let (x, mut out, shape) = (self.random(len), self.zeros(len), shape.to_vec());
        Box::new(move || copy::copy_with(self.variant, view(&x, &shape), &mut out, &layout))
    }

    fn resample(self, by: Resampling, shape: [usize; 4]) -> Call {
        let smooth = Fir::new(&[0.125, 0.375, 0.375, 0.125]);
        let fir = match by {
            Resampling::Nearest => Fir::new(&[1.0; 2]).up(2).pad([1, 0]),
            Resampling::Average => Fir::new(&[0.5; 2]).down(2),
            Resampling::Up => smooth.up(2).pad([2, 1]),
            Resampling::Down => smooth.down(2).pad([1, 1]),
        };
        let of = Resample::new(&shape, &fir);
        let [from, to] = [of.in_shape(), of.out_shape()].map(|shape| shape.iter().product());
        let (x, mut y) = (self.random(from), self.zeros(to));
        Box::new(move || resample::resample_with(self.variant, &of, &x, &mut y))
    }

    fn border(self, shape: [usize; 4]) -> Call {
        let of = Border::new(&shape, [[3; 2]; 2], Edge::Reflect);
        let [small, large] = [of.in_shape(), of.out_shape()].map(|shape| shape.iter().product());
        let (x, mut y, mut back) = (self.random(small), self.zeros(large), self.zeros(small));
        Box::new(move || {
            border::pad_with(self.variant, &of, &x, &mut y);
            border::fold_with(self.variant, &of, &y, &mut back);
        })
    }

    fn random_numbers(self, draw: Draw, len: usize) -> Call {
        let distribution = match draw {
            Draw::Normal => Distribution::Normal,
            Draw::Uniform => Distribution::Uniform,
            Draw::Mask => Distribution::Bernoulli(0.7),
        };
        let mut out = self.zeros(len);
        let key = Key {
            seed: 1,
            stream: 2,
            step: 3.into(),
            draw: 4,
        };
        Box::new(move || philox::fill_with(self.variant, distribution, &key, &mut out))
    }
}
