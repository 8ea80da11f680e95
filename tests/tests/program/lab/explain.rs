//! `gan explain`: a step as a graph, with its costs, its norms, its owners and its cuts.

use super::lab;
use detach_gan::lesson::explain::{Kind, Node, Place, StepGraph, TurnGraph, explain};
use detach_gan::lesson::microscope::look;
use detach_nn::{Name, Slot, parameters};
use detach_recipes::{Preset, RECIPES, Recipe, Setup, Trainer, Turn, find};
use detach_tensor::{DType, Tensor};
use detach_tests::browser::Browser;
use detach_tests::page::{is_well_formed, is_whole};
use detach_tests::program::Sandbox;
use detach_tests::training::{narrow, of_setup};
use serde_json::Value;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::rc::Rc;

/// Before the first step, on 16 digits in batches of 4.
fn trainer(mut setup: Setup) -> Trainer {
    setup.settings.batch_size = 4;
    of_setup(&setup, 16, DType::F32)
}

fn of(setup: Setup) -> StepGraph {
    explain(&mut trainer(setup), "a test")
}

fn published(name: &str) -> Setup {
    find(name).expect("a recipe").setup(Preset::AsPublished)
}

fn turn<'a>(step: &'a StepGraph, who: &str) -> &'a TurnGraph {
    step.turns.iter().find(|turn| turn.who == who).expect(who)
}

fn is_of(node: &Node, network: &str) -> bool {
    node.parameter
        .as_deref()
        .is_some_and(|name| name.starts_with(network))
}

#[test]
fn the_first_convolution_of_dcgan() {
    let step = of(published("dcgan"));
    let d = turn(&step, "d");
    let convs: Vec<&Node> = d
        .nodes
        .iter()
        .filter(|node| node.op == Some("conv fprop") && node.shape == [4, 64, 14, 14])
        .collect();
    assert_eq!(convs.len(), 2, "on reals and on fakes");
    let by_hand = 2 * 4 * 64 * 14 * 14 * 16;
    for conv in &convs {
        assert_eq!(conv.forward.flops, by_hand);
        assert_eq!(conv.geometry, "4×4 stride 2 pad 1");
    }
    // Of data and of what is detached nobody asks for the gradient: wgrad alone, at the same cost; and the two are added.
    let back = convs
        .iter()
        .map(|conv| conv.back.expect("visited").cost.flops);
    assert_eq!(back.sum::<u64>(), 2 * by_hand + 64 * 16);
    let call = d
        .calls
        .iter()
        .find(|call| call.network.as_deref() == Some("discriminator"));
    let layers = &call.expect("D's").layers;
    let named = |layer: usize| (&*layers[layer].path, &*layers[layer].name);
    // The activation is D's layer 1, and taken over.
    assert_eq!(named(0), ("0", "Conv 1→64, LeakyReLU 0.2"));
    assert_eq!(
        [named(1), named(2)],
        [("2", "Dropout 0.3"), ("3", "Conv 64→128")]
    );
    // In G's turn the same convolution is asked for its input's gradient, and not for its weight's.
    let g = turn(&step, "g");
    let conv = g
        .nodes
        .iter()
        .find(|node| node.op == Some("conv fprop") && node.shape == [4, 64, 14, 14]);
    let back = conv.and_then(|conv| conv.back).expect("visited");
    assert_eq!(back.cost.flops, by_hand);
}

/// The norms at parameters are those of the gradients that the optimisers were given, under their names.
#[test]
fn norms_at_parameters_are_those_of_their_gradients() {
    let mut beside = trainer(published("dcgan"));
    let given: Rc<RefCell<Vec<Vec<f64>>>> = Rc::default();
    for (_, optimiser) in beside.recipe_mut().optimisers() {
        let given = Rc::clone(&given);
        optimiser.watch(Box::new(move |gradients| {
            given
                .borrow_mut()
                .push(gradients.iter().map(|one| one.norm().item()).collect());
        }));
    }
    beside.step();
    let step = of(published("dcgan"));
    for ((turn, given), network) in step
        .turns
        .iter()
        .zip(given.take())
        .zip(["discriminator", "generator"])
    {
        let networks = beside.recipe().networks();
        let (_, net) = networks
            .iter()
            .find(|(name, _)| *name == network)
            .expect(network);
        let names = parameters(*net)
            .into_iter()
            .map(|(name, _)| format!("{network}.{name}"));
        let expected: BTreeMap<String, f64> = names.zip(given).collect();
        let told = turn.parameters().filter(|(_, node)| node.back.is_some());
        let told: BTreeMap<String, f64> = told
            .map(|(name, node)| {
                (
                    name.to_owned(),
                    node.back.and_then(|back| back.norm).expect("a norm"),
                )
            })
            .collect();
        assert_eq!(told, expected, "{network}");
    }
}

/// In D's turn one value is cut, nothing of G is visited, and what that spares is what the microscope sees when `detach` is gone.
#[test]
fn in_ds_turn_there_is_one_cut() {
    let step = of(lab("dcgan", &["width=8"]));
    let d = turn(&step, "d");
    let [cut] = &d.cuts[..] else {
        panic!("one cut: {:?}", d.cuts)
    };
    assert_eq!(cut.whose, ["generator"]);
    assert_eq!(d.nodes[cut.from].shape, [4, 1, 28, 28]);
    assert_eq!(d.nodes[cut.from].place, Place::Behind);
    let behind = d.nodes.iter().filter(|node| node.place == Place::Behind);
    assert_eq!(behind.clone().count(), cut.spared.nodes);
    assert!(behind.clone().any(|node| is_of(node, "generator")));
    assert!(
        behind
            .clone()
            .all(|node| node.back.is_none() && !is_of(node, "discriminator"))
    );
    let into: Vec<Kind> = d
        .calls
        .iter()
        .enumerate()
        .filter(|(place, _)| d.cut_into(*place).is_some())
        .map(|(_, call)| call.kind)
        .collect();
    assert_eq!(into, [Kind::Network], "one call has the cut before it");
    let walks = |changes: &[&str]| {
        let mut trainer = trainer(lab("dcgan", changes));
        look(&mut trainer, &[Turn::D, Turn::G]).turns[0].all
    };
    let (kept, gone) = (walks(&["width=8"]), walks(&["width=8", "detach-d=false"]));
    assert_eq!((d.walked.nodes, d.walked.bytes), (kept.nodes, kept.bytes));
    assert_eq!(
        (cut.spared.nodes, cut.spared.bytes),
        (gone.nodes - kept.nodes, gone.bytes - kept.bytes)
    );
}

#[test]
fn without_detach_g_is_in_ds_turn() {
    let step = of(lab("dcgan", &["width=8", "detach-d=false"]));
    let d = turn(&step, "d");
    assert!(d.cuts.is_empty(), "{:?}", d.cuts);
    let of_g = d.nodes.iter().filter(|node| is_of(node, "generator"));
    assert!(of_g.clone().count() > 0);
    // They are there, and D's update does not ask for them.
    assert!(
        of_g.clone()
            .all(|node| node.place == Place::Here && node.back.is_none())
    );
    let step = of(lab("dcgan", &["width=8", "detach-g=true"]));
    let g = turn(&step, "g");
    assert_eq!(
        (g.walked.nodes, g.cuts.len()),
        (0, 1),
        "G's loss does not lead to G"
    );
    assert!(g.nodes.iter().all(|node| node.back.is_none()));
}

/// Every weight, buffer and moment.
fn state(recipe: &dyn Recipe) -> Vec<(String, Vec<f32>)> {
    let mut all = Vec::new();
    recipe.visit(Name::ROOT, &mut |name, slot| {
        if let Slot::Param(values) | Slot::Buffer(values) = slot {
            all.push((name.to_string(), values.get().to_vec()));
        }
    });
    all
}

fn small(info: &'static detach_recipes::RecipeInfo) -> Setup {
    let mut setup = info.setup(Preset::AsPublished);
    for change in narrow(info) {
        setup.set(change).expect(change);
    }
    setup
}

/// Of every recipe: the step is the same to the bit, each update has its turn, and each layer that reads parameters is
/// called as they are.
#[test]
fn every_recipe_can_be_told() {
    for info in RECIPES {
        let name = info.name();
        let (mut plain, mut told) = (trainer(small(info)), trainer(small(info)));
        plain.step();
        let step = explain(&mut told, name);
        assert!(
            state(plain.recipe()) == state(told.recipe()),
            "{name}: other weights"
        );
        let who: Vec<&str> = step.turns.iter().map(|turn| &*turn.who).collect();
        assert!(who.contains(&"d") && who.contains(&"g"), "{name}: {who:?}");
        for turn in &step.turns {
            assert!(turn.walked.nodes > 0 && turn.loss.is_finite(), "{name}");
            assert_eq!(
                turn.calls.last().map(|call| call.kind),
                Some(Kind::Loss),
                "{name}"
            );
            names_are_paths(name, turn);
        }
        let own = step.turns.iter().find(|turn| turn.who == "d").expect("D's");
        let networks = told.recipe().networks();
        for (parameter, _) in parameters(networks[1].1) {
            let full = format!("discriminator.{parameter}");
            let mut all = own.parameters();
            // InfoGAN's D is not asked for the code of reals; of fakes it is.
            assert!(
                all.any(|(name, node)| name == full && node.back.is_some()),
                "{name}: {full}"
            );
        }
    }
}

/// A layer's path is where its parameters are, and each network has calls.
fn names_are_paths(recipe: &str, turn: &TurnGraph) {
    for call in turn.calls.iter().filter(|call| call.kind == Kind::Network) {
        let network = call
            .network
            .as_deref()
            .unwrap_or_else(|| panic!("{recipe}: a call of no network"));
        for layer in &call.layers {
            assert!(
                !layer.name.is_empty(),
                "{recipe}: {network}.{} has no name",
                layer.path
            );
            let reads = turn
                .edges
                .iter()
                .filter(|edge| layer.nodes.contains(&edge.to));
            let parameters = reads.filter_map(|edge| turn.nodes[edge.from].parameter.as_deref());
            for parameter in parameters {
                let path = format!("{network}.{}.", layer.path);
                assert!(
                    parameter.starts_with(&path),
                    "{recipe}: {parameter} in {path}"
                );
            }
        }
    }
}

/// A penalty's inner gradient is a call of its own, and the fakes that it is of are detached, too.
#[test]
fn a_penalty_is_a_gradient_on_the_way() {
    let step = of(small(find("wgan-gp").expect("wgan-gp")));
    let d = turn(&step, "d");
    assert_eq!(d.times, 5, "critic steps that are alike");
    let gradient = d
        .calls
        .iter()
        .find(|call| call.kind == Kind::Gradient)
        .expect("a gradient");
    assert_eq!(gradient.network.as_deref(), Some("discriminator"));
    assert!(
        gradient.layers.iter().any(|layer| layer.back.is_some()),
        "it is differentiated again"
    );
    let [cut] = &d.cuts[..] else {
        panic!("one value is detached")
    };
    assert_eq!(cut.to.len(), 2, "D has it, and the point between has it");
}

/// What is made of parameters alone is known: a transposed weight, a repeated bias; a product with data is not.
#[test]
fn what_is_of_parameters_alone() {
    let step = of(published("mlp"));
    let d = turn(&step, "d");
    let found = |op: &str, wanted: bool| {
        let mut all = (0..d.nodes.len()).filter(|node| d.nodes[*node].op == Some(op));
        all.all(|node| d.is_of_parameters(node) == wanted)
    };
    assert!(found("permute", true) && found("expand", true));
    assert!(found("matmul", false) && found("add", false));
}

/// A loop with two updates of D has two turns of its, each with a name.
#[test]
fn turns_have_names_of_their_own() {
    let step = of(published("keras-mlp"));
    let names: Vec<&str> = step.turns.iter().map(|turn| &*turn.name).collect();
    assert_eq!(names, ["D's turn 1", "D's turn 2", "G's turn"]);
    let cuts: Vec<usize> = step.turns.iter().map(|turn| turn.cuts.len()).collect();
    assert_eq!(cuts, [0, 1, 0], "of reals nothing is cut");
}

/// A norm of a tensor that nobody recorded.
#[test]
fn norms_of_values_are_theirs() {
    let values = Rc::new(RefCell::new(None));
    let mut beside = trainer(published("mlp"));
    let to = Rc::clone(&values);
    beside.step_shown(Box::new(move |loss: &Tensor| {
        to.borrow_mut().get_or_insert_with(|| loss.item());
    }));
    let step = of(published("mlp"));
    let d = turn(&step, "d");
    assert_eq!(Some(d.loss), values.take());
    let last = d.nodes.last().expect("the loss");
    assert!((last.norm - d.loss.abs()).abs() < 1e-6 && last.shape.is_empty());
}

const SMALL: &str = "--set width=8 --batch-size 4";

#[test]
fn files_of_every_form() {
    let sandbox = Sandbox::new();
    let text = sandbox.ok(&format!("explain dcgan {SMALL}")).stdout;
    assert!(
        text.contains("D's turn") && text.contains("G's turn") && text.contains('✂'),
        "{text}"
    );
    let ops = sandbox
        .ok(&format!("explain dcgan {SMALL} --level ops --turn d"))
        .stdout;
    assert!(
        ops.contains("conv fprop") && !text.contains("conv fprop") && !ops.contains("G's turn")
    );
    for form in ["html", "svg", "dot", "json"] {
        sandbox.ok(&format!("explain dcgan {SMALL} --out step.{form}"));
    }
    let read = |form: &str| fs::read_to_string(sandbox.path(&format!("step.{form}"))).expect(form);
    is_whole(&read("html"));
    let svg = read("svg");
    is_well_formed(&svg);
    assert!(
        svg.contains(".detach()") && svg.matches("class=\"stroke\"").count() == 2,
        "one cut is drawn"
    );
    // Op by op, too, D's weights are asked for in its own turn, and a transposed weight is beside the gradient's way.
    sandbox.ok(&format!(
        "explain dcgan {SMALL} --turn d --level ops --out step.svg"
    ));
    let ops = read("svg");
    is_well_formed(&ops);
    assert!(ops.contains("matmul") && !ops.contains("not asked for"));
    let dot = read("dot");
    assert_eq!(dot.matches('{').count(), dot.matches('}').count());
    assert!(dot.contains("detach"));
    let json: Value = serde_json::from_str(&read("json")).expect("JSON");
    assert_eq!(json["turns"][0]["cuts"][0]["whose"][0], "generator");
    let told: Value =
        serde_json::from_str(&sandbox.ok(&format!("explain dcgan {SMALL} --json")).stdout)
            .expect("JSON");
    assert_eq!(told["turns"][0]["loss"], json["turns"][0]["loss"]);
}

/// Steps of a run, made again from the checkpoint before them: the losses are those that it went on with.
#[test]
fn of_a_run() {
    let sandbox = Sandbox::new();
    let small =
        "--offline --data-dir digits --batch-size 8 --log-every 1 --no-pictures --no-report -q";
    sandbox.ok(&format!(
        "train dcgan --set width=8 {small} --max-steps 5 --out run"
    ));
    let metrics = sandbox.metrics("run");
    for step in [1, 4, 5] {
        let done = sandbox.ok(&format!("explain run --step {step} --json"));
        let seen: Value = serde_json::from_str(&done.stdout).expect("JSON");
        let turns = seen["turns"].as_array().expect("turns");
        let losses: Vec<Option<f64>> = turns.iter().map(|turn| turn["loss"].as_f64()).collect();
        assert_eq!(losses, metrics[step - 1].losses().map(Some), "step {step}");
    }
    let next: Value = serde_json::from_str(&sandbox.ok("explain run --json").stdout).expect("JSON");
    assert_eq!(next["step"], 6);
    sandbox
        .gan("explain run --step 7")
        .failed(1, &["5 steps done"]);
    sandbox.gan("explain run --seed 3").failed(2, &["--seed"]);
}

#[test]
fn slips_are_told() {
    let sandbox = Sandbox::new();
    sandbox
        .gan("explain dcgn")
        .failed(1, &["did you mean `dcgan`?"]);
    sandbox
        .gan("explain dcgan --out step.txt")
        .failed(2, &[".html"]);
    sandbox
        .gan("explain dcgan --set depth=3")
        .failed(2, &["depth"]);
    sandbox.gan("explain dcgan --step 0").failed(2, &["--step"]);
}

#[test]
fn pages_fold_by_script_and_by_keys() {
    let Some(browser) = Browser::find() else {
        return;
    };
    let sandbox = Sandbox::new();
    sandbox.ok(&format!("explain dcgan {SMALL} --out dcgan.html"));
    sandbox.ok(
        "explain keras-mlp --set g-widths=[16] --set d-widths=[16] --batch-size 4 --out two.html",
    );
    browser.check(
        "step.cjs",
        ["dcgan.html", "two.html"].map(|page| sandbox.path(page)),
    );
}
