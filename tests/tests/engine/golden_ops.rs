//! Single layers, losses and the optimiser against PyTorch, on shapes that are not
//! square, so that a swap of height and width shows.

use detach_nn::{
    BatchNorm, Conv2d, ConvTranspose2d, Initialiser, Linear, Mode, Module, Optim, Optimiser,
    Scheme, Slot, loss, parameters,
};
use detach_tensor::{Array, DType, Random, Stream, Tensor, grad};
use detach_tests::golden::{self, OpCase, distance};

/// Results by name, as in the golden.
type Results = Vec<(String, Vec<f64>)>;

/// A case with typed access to its parts.
struct Run<'a> {
    case: &'a OpCase,
    dtype: DType,
}

impl Run<'_> {
    fn array(&self, name: &str) -> Array {
        self.case.inputs[name].array(self.dtype)
    }

    fn variable(&self, name: &str) -> Tensor {
        Tensor::variable(self.array(name))
    }

    fn constant(&self, name: &str) -> Tensor {
        Tensor::constant(self.array(name))
    }

    fn number(&self, name: &str) -> f64 {
        let value = &self.case.attributes[name];
        value.as_f64().unwrap_or_else(|| panic!("{name}: {value}"))
    }

    fn count(&self, name: &str) -> usize {
        self.number(name) as usize
    }

    fn init(&self) -> Initialiser {
        Initialiser::new(Scheme::PyTorch, Random::new(0, Stream::Init), self.dtype)
    }

    fn results(&self) -> Results {
        match self.case.op.as_str() {
            "conv2d" | "conv_transpose2d" => self.convolution(),
            "batch_norm1d" | "batch_norm2d" => self.batch_norm(),
            "bce" => self.loss(loss::bce),
            "bce_with_logits" => self.loss(loss::bce_with_logits),
            "adam" => self.adam(),
            other => panic!("ops.json has `{other}`, which this test does not know"),
        }
    }

    fn convolution(&self) -> Results {
        let [w, b] = [self.array("w"), self.array("b")];
        let [kernel, stride, padding] = ["kernel", "stride", "padding"].map(|n| self.count(n));
        let (first, second) = (w.shape()[0], w.shape()[1]);
        let layer: Box<dyn Module> = match self.case.op.as_str() {
            "conv2d" => {
                let layer = Conv2d::new(second, first, kernel, &self.init());
                Box::new(layer.stride(stride).padding(padding))
            }
            _ => {
                let layer = ConvTranspose2d::new(first, second, kernel, &self.init());
                let extra = self.count("output_padding");
                Box::new(layer.stride(stride).padding(padding).output_padding(extra))
            }
        };
        set(&*layer, &[w, b]);
        let x = self.variable("x");
        let y = layer.forward(&x, Mode::eval());
        let mut results = vec![("y".to_owned(), y.to_vec())];
        results.extend(self.gradients(&y, "dy", &x, &*layer, ["dx", "dw", "db"]));
        results
    }

    /// Gradients of Σ y·dy with respect to `x` and the two parameters of `layer`.
    fn gradients(
        &self,
        y: &Tensor,
        dy: &str,
        x: &Tensor,
        layer: &dyn Module,
        names: [&str; 3],
    ) -> Results {
        let handles: Vec<Tensor> = parameters(layer).iter().map(|(_, p)| p.get()).collect();
        let loss = (y * self.constant(dy)).sum();
        let gradients = grad(&loss, &[x, &handles[0], &handles[1]], false);
        let named = names.into_iter().zip(&gradients);
        named
            .map(|(name, g)| (name.to_owned(), g.to_vec()))
            .collect()
    }

    /// Two training passes, as the running statistics remember the first.
    fn batch_norm(&self) -> Results {
        let gamma = self.array("gamma");
        let layer = BatchNorm::new(gamma.len(), &self.init());
        let layer = layer
            .eps(self.number("eps"))
            .momentum(self.number("momentum"));
        set(&layer, &[gamma, self.array("beta")]);
        let random = Random::new(0, Stream::Dropout);
        let mut results = Results::new();
        for n in [1, 2] {
            let x = self.variable(&format!("x{n}"));
            let y = layer.forward(&x, Mode::train(&random));
            results.push((format!("y{n}"), y.to_vec()));
            let names = ["x", "gamma", "beta"].map(|name| format!("d{name}{n}"));
            let names = names.each_ref().map(String::as_str);
            results.extend(self.gradients(&y, &format!("dy{n}"), &x, &layer, names));
        }
        detach_nn::State::visit(&layer, detach_nn::Name::ROOT, &mut |name, slot| {
            if let Slot::Buffer(running) = slot {
                results.push((name.to_string(), running.get().to_vec()));
            }
        });
        results
    }

    /// The mean over elements that each have a target of their own; our losses take
    /// one target for the whole batch.
    fn loss(&self, loss: fn(&Tensor, f64) -> Tensor) -> Results {
        let x = self.variable("x");
        let targets = self.case.inputs["target"].array(DType::F64).to_vec::<f64>();
        let one = |(i, target): (usize, &f64)| loss(&x.slice(0, i, 1), *target);
        let sum = targets.iter().enumerate().map(one).reduce(|a, b| a + b);
        let mean = sum.expect("there are elements") / targets.len() as f64;
        let dx = grad(&mean, &[&x], false).remove(0);
        vec![("loss".into(), mean.to_vec()), ("dx".into(), dx.to_vec())]
    }

    fn adam(&self) -> Results {
        let start = self.array("parameter");
        let layer = Linear::new(start.len(), 1, &self.init()).without_bias();
        let row = |x: &Array| Tensor::constant(x.clone()).reshape(&[1, x.len()]);
        set(&layer, &[row(&start).value().clone()]);
        let betas = &self.case.attributes["betas"];
        let beta = |i: usize| betas[i].as_f64().expect("a number");
        let optim = Optim {
            eps: self.number("eps"),
            ..Optim::adam(self.number("lr"), beta(0), beta(1))
        };
        let mut adam = Optimiser::new(&optim, &layer);
        let step = |t: usize| {
            adam.step(&layer, &[row(&self.array(&format!("grad{t}")))]);
            let (_, weight) = parameters(&layer).remove(0);
            (format!("parameter{t}"), weight.get().to_vec())
        };
        (1..=5).map(step).collect()
    }
}

fn set(layer: &dyn Module, values: &[Array]) {
    let parameters = parameters(layer);
    assert_eq!(parameters.len(), values.len());
    for ((_, parameter), values) in parameters.iter().zip(values) {
        parameter.set("a test", values);
    }
}

/// How far `ours` is from PyTorch's. Of a vector whose elements are cases of their own
/// (`each`), the farthest element counts, relatively where it is above 1; else the
/// distance of the vectors.
fn far(ours: &[f64], theirs: &[f64], each: bool) -> f64 {
    assert_eq!(ours.len(), theirs.len());
    if !each {
        return distance(ours, theirs);
    }
    let elements = ours.iter().zip(theirs);
    let distances = elements.map(|(a, b)| (a - b).abs() / b.abs().max(1.0));
    // A NaN must not disappear in a maximum.
    distances.fold(0.0, |worst, d| if d <= worst { worst } else { d })
}

/// Compares every result of every case; the results must be those of the golden, all
/// of them.
fn compare(dtype: DType, limit: impl Fn(&OpCase, &str) -> f64) {
    for (number, case) in golden::ops().cases.iter().enumerate() {
        let results = Run { case, dtype }.results();
        assert_eq!(results.len(), case.outputs.len(), "{}", case.op);
        for (name, ours) in results {
            let far = far(
                &ours,
                &case.outputs[&name].values,
                case.op.starts_with("bce"),
            );
            let what = format!("case {number}, {} in {dtype:?}, {name}", case.op);
            println!("{what}: {far:.1e}");
            assert!(
                far <= limit(case, &name),
                "{what} is {far:e} away from PyTorch's"
            );
        }
    }
}

#[test]
fn in_f64() {
    compare(DType::F64, |_, _| 1e-12);
}

#[test]
fn in_f32() {
    compare(DType::F32, |case, name| {
        match case.op.starts_with("batch_norm") && name.starts_with('d') {
            true => 1e-5,
            false => 2e-6,
        }
    });
}
