//! Layers for images against PyTorch, in `f64` on drawn shapes: values, gradients, and second
//! derivatives along a direction.

mod case;

use case::{Case, Draws, Results};
use detach_nn::{
    AdaIn, AvgPool2d, ConditionalBatchNorm, Conv2d, ConvTranspose2d, Embedding, Initialiser,
    InstanceNorm2d, LayerNorm, Linear, MinibatchStddev, Mode, Module, Name, PixelNorm,
    ReflectionPad2d, ReplicationPad2d, Scheme, SelfAttention, Slot, SpectralNorm, State, Upsample,
};
use detach_tensor::{Act, Array, DType, Fir, Random, Stream, Tensor};
use detach_tests::golden::{norm, uniform};
use detach_tests::program::python;
use detach_tests::repository;
use serde_json::{Value, json};
use std::io::Write;
use std::process::{Command, Stdio};

fn init() -> Initialiser {
    Initialiser::new(Scheme::PyTorch, Random::new(7, Stream::Init), DType::F64)
}

fn module(layer: &impl Module, x: &Tensor) -> Tensor {
    layer.forward(x, Mode::batch_stats())
}

fn resized(draws: &mut Draws) -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, layer) in [
        ("nearest", Upsample::Nearest),
        ("bilinear", Upsample::Bilinear),
    ] {
        let x = draws.images();
        cases.push(draws.plain(json!({"layer": name}), &x, move |x| module(&layer, x)));
    }
    let x = draws.images();
    cases.push(draws.plain(json!({"layer": "average"}), &x, |x| module(&AvgPool2d, x)));
    let [up, down, len] = [[1, 3], [1, 3], [1, 8]].map(|range| draws.within(range));
    let taps = uniform(draws.tag(), len);
    let pad = [0; 2].map(|_| draws.within([4, 9]) as isize - 1);
    let fir = Fir::new(&taps).up(up).down(down).pad(pad);
    let attributes = json!({"layer": "resample", "up": up, "down": down, "pad": pad, "taps": taps});
    let x = draws.images();
    cases.push(draws.plain(attributes, &x, move |x| x.resample(&fir)));
    let cut = Fir::new(&[0.5, -1.0]).up(2).pad([-1, 2]);
    let attributes =
        json!({"layer": "resample", "up": 2, "down": 1, "pad": [-1, 2], "taps": [0.5, -1.0]});
    let x = draws.images();
    cases.push(draws.plain(attributes, &x, move |x| x.resample(&cut)));
    cases
}

fn padded(draws: &mut Draws) -> Vec<Case> {
    let mut cases = Vec::new();
    let x = draws.images();
    let [vertical, horizontal] =
        [x[2], x[3]].map(|size| [0; 2].map(|_| draws.within([0, size - 1])));
    // PyTorch begins with the last axis.
    let pads = [horizontal, vertical].concat();
    cases.push(
        draws.plain(json!({"layer": "reflect", "pads": pads}), &x, move |x| {
            x.pad_reflect([vertical, horizontal])
        }),
    );
    let pads = [0; 4].map(|_| draws.within([0, 5]));
    cases.push(
        draws.plain(json!({"layer": "replicate", "pads": pads}), &x, move |x| {
            x.pad_replicate([[pads[2], pads[3]], [pads[0], pads[1]]])
        }),
    );
    cases.push(
        draws.plain(json!({"layer": "reflect", "pads": [1, 1, 1, 1]}), &x, |x| {
            module(&ReflectionPad2d(1), x)
        }),
    );
    cases.push(draws.plain(
        json!({"layer": "replicate", "pads": [3, 3, 3, 3]}),
        &x,
        |x| module(&ReplicationPad2d(3), x),
    ));
    cases
}

fn normalised(draws: &mut Draws) -> Vec<Case> {
    let mut cases = Vec::new();
    let x = draws.images();
    let [n, c, h, w] = x;
    let named = |name: &str| json!({"layer": name});
    let norm = InstanceNorm2d::new(c);
    cases.push(draws.plain(named("instance_norm"), &x, move |x| module(&norm, x)));
    let norm = InstanceNorm2d::new(c).affine(&init());
    cases.push(
        draws.layer(named("instance_norm_affine"), &x, norm, |norm, x| {
            norm.forward_act(x, Act::Relu, Mode::eval())
        }),
    );
    let norm = LayerNorm::new(&[c, h, w], &init());
    cases.push(draws.layer(named("layer_norm"), &x, norm, module));
    let norm = LayerNorm::new(&[w], &init());
    cases.push(draws.layer(named("layer_norm"), &x, norm, module));
    cases.push(draws.plain(named("pixel_norm"), &x, |x| module(&PixelNorm, x)));
    cases.push(draws.plain(named("pixel_norm"), &[n, c], |x| module(&PixelNorm, x)));
    let (size, groups) = (draws.within([2, 4]), draws.within([1, 3]));
    let attributes = json!({"layer": "minibatch_stddev", "size": size});
    let many = [size * groups, c, h, w];
    cases.push(draws.plain(attributes, &many, move |x| {
        module(&MinibatchStddev(size), x)
    }));
    let classes: Vec<usize> = (0..n + 1).map(|_| draws.within([0, 2])).collect();
    let numbers: Vec<f64> = classes.iter().map(|class| *class as f64).collect();
    let norm = ConditionalBatchNorm::new(c, 3, &init());
    let attributes = json!({"layer": "conditional", "classes": classes});
    cases.push(
        draws.layer(attributes, &[n + 1, c, h, w], norm, move |norm, x| {
            let classes = Tensor::constant(Array::from_slice(&numbers, &[numbers.len()]));
            norm.forward(x, &classes, Mode::batch_stats())
        }),
    );
    cases
}

fn dilated(draws: &mut Draws) -> Vec<Case> {
    let [n, i, o, k] = [[1, 3], [1, 5], [1, 5], [1, 3]].map(|range| draws.within(range));
    let [stride, padding, dilation] = [[1, 3], [0, 3], [1, 3]].map(|range| draws.within(range));
    let side = (k - 1) * dilation + 1 + draws.within([0, 3]);
    let init = &init();
    let geometry = |more: &str, size: usize| {
        let mut geometry = json!({"stride": stride, "padding": padding, "dilation": dilation});
        if !more.is_empty() {
            geometry[more] = json!(size);
        }
        geometry
    };
    let conv = Conv2d::new(i, o, k, init).stride(stride).padding(padding);
    let conv = conv.dilation(dilation).without_bias();
    let attributes = json!({"layer": "dilated", "geometry": geometry("", 0)});
    let forward = draws.layer(attributes, &[n, i, side, side + 1], conv, module);
    // What is cut off must leave something.
    let small = [n, i, 3 + 2 * padding, 4 + 2 * padding];
    let more = draws.within([0, stride.max(dilation) - 1]);
    let up = ConvTranspose2d::new(i, o, k, init)
        .stride(stride)
        .padding(padding);
    let up = up.output_padding(more).dilation(dilation).without_bias();
    let attributes =
        json!({"layer": "dilated_transposed", "geometry": geometry("output_padding", more)});
    vec![forward, draws.layer(attributes, &small, up, module)]
}

/// AdaIN, whose style is trained here as a piece of the layer.
struct Styled(detach_nn::Param, AdaIn);

impl State for Styled {
    fn visit<'a>(&'a self, path: Name<'_>, f: &mut dyn FnMut(Name<'_>, Slot<'a>)) {
        f(path.dot("style"), Slot::Param(&self.0));
        self.1.visit(path, f);
    }
}

/// A table that is the input here.
fn embedding(draws: &mut Draws) -> Case {
    let (rows, features) = (draws.within([2, 5]), draws.within([1, 6]));
    let classes: Vec<usize> = (0..draws.within([1, 7]))
        .map(|_| draws.within([0, rows - 1]))
        .collect();
    let numbers: Vec<f64> = classes.iter().map(|class| *class as f64).collect();
    let attributes = json!({"layer": "embedding", "classes": classes});
    draws.plain(attributes, &[rows, features], move |x| {
        let classes = Tensor::constant(Array::from_slice(&numbers, &[numbers.len()]));
        x.gather(&classes)
    })
}

fn adaptive(draws: &mut Draws) -> Case {
    let x = draws.images();
    let style = draws.within([1, 5]);
    let given = detach_nn::Param::new(Array::zeros(&[x[0], style], DType::F64));
    let layer = Styled(given, AdaIn::new(style, x[1], &init()).around_one());
    draws.layer(
        json!({"layer": "adain"}),
        &x,
        layer,
        |Styled(style, adain), x| adain.forward(x, &style.get(), Act::Identity, Mode::eval()),
    )
}

fn spectral(draws: &mut Draws) -> Vec<Case> {
    let [n, i, o] = [[1, 3], [1, 5], [1, 5]].map(|range| draws.within(range));
    let side = draws.within([2, 5]);
    let init = &init();
    let images = [n, i, side, side + 1];
    let named = |name: &str| json!({"layer": name});
    let conv = SpectralNorm::new(Conv2d::new(i, o, 3, init).padding(1).without_bias(), init);
    let up = ConvTranspose2d::new(i, o, 2, init).stride(2).without_bias();
    let up = SpectralNorm::new(up, init);
    let linear = SpectralNorm::new(Linear::new(i, o, init).without_bias(), init);
    fn trained<L: Module>(layer: &L, x: &Tensor) -> Tensor {
        layer.forward(x, Mode::train(&Random::new(1, Stream::Dropout)))
    }
    vec![
        draws.layer(named("spectral_conv"), &images, conv, trained),
        draws.layer(named("spectral_transposed"), &images, up, trained),
        draws.layer(named("spectral_linear"), &[n, i], linear, trained),
    ]
}

fn attention(draws: &mut Draws) -> Case {
    let [n, h, w] = [[1, 3], [1, 3], [1, 3]].map(|range| draws.within(range));
    let layer = SelfAttention::new(8 * draws.within([1, 2]), &init());
    let channels = layer_channels(&layer);
    let x = [n, channels, 2 * h, 2 * w];
    draws.layer(json!({"layer": "attention"}), &x, layer, |layer, x| {
        layer.forward(x, Mode::train(&Random::new(1, Stream::Dropout)))
    })
}

/// From its first weight, `[C/8, C, 1, 1]`.
fn layer_channels(layer: &SelfAttention) -> usize {
    let shape = detach_nn::parameters(layer)[1].1.get().shape().to_vec();
    shape[1]
}

fn pytorch(cases: &[Case]) -> Option<Vec<Results>> {
    let mut script = Command::new(python(&["torch", "numpy"])?)
        .arg(repository().join("tests/golden/image_layers.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python runs");
    let asked: Value = cases.iter().map(Case::json).collect();
    let stdin = script.stdin.as_mut().expect("it is piped");
    stdin
        .write_all(asked.to_string().as_bytes())
        .expect("the script reads");
    let output = script.wait_with_output().expect("the script ends");
    assert!(output.status.success(), "image_layers.py failed");
    Some(serde_json::from_slice(&output.stdout).expect("results"))
}

#[test]
fn layers_are_those_of_pytorch() {
    let mut draws = Draws(1 << 20);
    let mut cases = Vec::new();
    for _ in 0..4 {
        cases.extend(resized(&mut draws));
        cases.extend(padded(&mut draws));
        cases.extend(normalised(&mut draws));
        cases.extend(dilated(&mut draws));
        cases.push(adaptive(&mut draws));
        cases.push(embedding(&mut draws));
        cases.extend(spectral(&mut draws));
        cases.push(attention(&mut draws));
    }
    let Some(theirs) = pytorch(&cases) else {
        println!("no Python with PyTorch: nothing compared");
        return;
    };
    for (case, theirs) in cases.iter().zip(theirs) {
        let ours = case.results();
        let names = |results: &Results| results.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&ours), names(&theirs), "{}", case.attributes);
        for (name, ours) in ours {
            let theirs = &theirs[&name];
            assert_eq!(ours.len(), theirs.len(), "{name} of {}", case.attributes);
            let apart: Vec<f64> = ours.iter().zip(theirs).map(|(a, b)| a - b).collect();
            let far = norm(&apart) / norm(theirs).max(1.0);
            let shape = &case.inputs[0].shape;
            assert!(
                far <= 1e-9,
                "{name} of {} on {shape:?}: {far:.1e} away",
                case.attributes
            );
        }
    }
}

/// Parameters of an attention over 64 channels, and their names.
#[test]
fn attention_has_its_published_size() {
    let layer = SelfAttention::new(64, &init());
    assert_eq!(detach_nn::count(&layer), 5121);
    let names: Vec<String> = detach_nn::parameters(&layer)
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(names[0], "gamma");
    assert_eq!(names[1], "theta.parametrizations.weight.original");
}

/// The table of an [`Embedding`] is what rows are picked of.
#[test]
fn an_embedding_picks_rows() {
    let layer = Embedding::new(3, 2, &init());
    let table = detach_nn::parameters(&layer)[0].1;
    table.set(
        "a test",
        &Array::from_slice(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &[3, 2]),
    );
    let rows = Tensor::constant(Array::from_slice(&[2.0, 0.0, 2.0], &[3]));
    let y = layer.forward(&rows, Mode::eval());
    assert_eq!(y.to_vec::<f64>(), [5.0, 6.0, 1.0, 2.0, 5.0, 6.0]);
}
