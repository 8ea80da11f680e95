//! Every optimiser against PyTorch, and `f32` against `f64`.

use detach_nn::{Name, Optimiser, Param, Slot, State};
use detach_tensor::{DType, Tensor};
use detach_tests::golden::{
    self, OPTIM_GRADIENT_TAG, OPTIM_PARAMETER_TAG, OptimCase, Optims, by_formula,
};

/// Parameters alone.
struct Parameters(Vec<Param>);

impl State for Parameters {
    fn visit<'a>(&'a self, path: Name<'_>, f: &mut dyn FnMut(Name<'_>, Slot<'a>)) {
        for (k, param) in self.0.iter().enumerate() {
            f(path.dot(k), Slot::Param(param));
        }
    }
}

/// Calls `see` with the parameters after each step.
fn steps(golden: &Optims, case: &OptimCase, dtype: DType, mut see: impl FnMut(usize, &[Vec<f64>])) {
    let of = |first: u64, scale| -> Vec<_> {
        let shapes = (first..).zip(&golden.shapes);
        let one = |(tag, shape): (u64, &Vec<usize>)| by_formula(tag, shape, scale, 0.0, dtype);
        shapes.map(one).collect()
    };
    let start = of(OPTIM_PARAMETER_TAG, 1.0);
    let net = Parameters(start.into_iter().map(Param::new).collect());
    let mut optimiser = Optimiser::new(&case.optim, &net);
    for (t, scale) in golden.scales.iter().enumerate() {
        let gradients = of(OPTIM_GRADIENT_TAG + 10 * t as u64, *scale);
        let gradients: Vec<Tensor> = gradients.into_iter().map(Tensor::constant).collect();
        optimiser.step(&net, &gradients);
        let now: Vec<Vec<f64>> = net.0.iter().map(|p| p.get().to_vec()).collect();
        see(t + 1, &now);
    }
}

/// The largest distance of any element, relative to the largest of its parameter.
fn far(ours: &[Vec<f64>], theirs: &[Vec<f64>]) -> f64 {
    let mut worst = 0.0;
    for (ours, theirs) in ours.iter().zip(theirs) {
        assert_eq!(ours.len(), theirs.len());
        let size = theirs.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
        for (a, b) in ours.iter().zip(theirs) {
            let distance = (a - b).abs() / size;
            // A NaN must not disappear in a maximum.
            worst = if distance <= worst { worst } else { distance };
        }
    }
    worst
}

fn compare(dtype: DType, limit: f64) {
    let golden = golden::optim();
    assert!(golden.cases.len() >= 11);
    for case in &golden.cases {
        let mut compared = 0;
        steps(&golden, case, dtype, |step, ours| {
            let Some(theirs) = case.after.get(&step) else {
                return;
            };
            let far = far(ours, theirs);
            println!("{}, {dtype:?}, step {step}: {far:.1e}", case.name);
            assert!(far <= limit, "{}, step {step}: {far:e}", case.name);
            compared += 1;
        });
        assert_eq!(compared, case.after.len(), "{}", case.name);
    }
}

#[test]
fn in_f64() {
    compare(DType::F64, 1e-12);
}

#[test]
fn in_f32() {
    compare(DType::F32, 5e-7);
}
