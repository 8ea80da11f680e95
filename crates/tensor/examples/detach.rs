//! What `detach` does, on networks small enough to count by hand.
//!
//! ```text
//! cargo run -p detach-tensor --example detach
//! ```
//!
//! A generator G turns noise into fakes; a discriminator D answers with a number that
//! should be high for reals and low for fakes. They are trained in turn, and each
//! turn has one question to answer: **whose gradients, of whose loss?** Two tools
//! decide it, and this program shows that they are different tools:
//!
//! - `x.detach()` is about the *graph*: the same value, and no memory of where it came
//!   from. No gradient passes it, whoever asks.
//! - `wrt`, the list that `grad(loss, wrt, …)` is given, is about the *question*: only
//!   nodes on a path to something in the list are walked at all.
//!
//! Every claim below is asserted, so the program ends with an error if one is wrong.

use detach_tensor::trace::{self, Pass};
use detach_tensor::{Array, Tensor, grad};

/// Samples a batch.
const N: usize = 8;

/// What can be asked for, as the table's columns have it.
const COLUMNS: [&str; 4] = ["G.w", "G.b", "D.w1", "D.w2"];

/// Numbers in [-1, 1) that look random and are the same everywhere.
fn numbers(seed: usize, shape: &[usize]) -> Array {
    let len = shape.iter().product();
    let number = |i: usize| ((i + 1) * (2 * seed + 7) * 29 % 64) as f64 / 32.0 - 1.0;
    Array::from_slice(&(0..len).map(number).collect::<Vec<_>>(), shape)
}

/// The trained values, in the order of [`COLUMNS`].
struct Weights {
    g_w: Tensor,
    g_b: Tensor,
    d_w1: Tensor,
    d_w2: Tensor,
}

impl Weights {
    fn new() -> Self {
        // A variable is a leaf of the graph: something that gradients can be asked for.
        Self {
            g_w: Tensor::variable(numbers(1, &[4, 6])),
            g_b: Tensor::variable(numbers(2, &[1, 6])),
            d_w1: Tensor::variable(numbers(3, &[6, 5])),
            d_w2: Tensor::variable(numbers(4, &[5, 1])),
        }
    }

    /// Noise `[N, 4]` to fakes `[N, 6]`.
    fn generator(&self, z: &Tensor) -> Tensor {
        (z.matmul(&self.g_w) + self.g_b.expand(&[N, 6])).tanh()
    }

    /// Samples `[N, 6]` to logits `[N, 1]`; σ(logit) is the probability of "real".
    fn discriminator(&self, x: &Tensor) -> Tensor {
        x.matmul(&self.d_w1).leaky_relu(0.2).matmul(&self.d_w2)
    }

    /// D's loss: −ln σ(logit) for reals, −ln(1 − σ(logit)) for fakes.
    fn d_loss(&self, real: &Tensor, fake: &Tensor) -> Tensor {
        let on_real = (-self.discriminator(real)).softplus().mean();
        let on_fake = self.discriminator(fake).softplus().mean();
        on_real + on_fake
    }

    /// G's loss: −ln σ(logit) for its fakes, which is low when D takes them for real.
    fn g_loss(&self, fake: &Tensor) -> Tensor {
        (-self.discriminator(fake)).softplus().mean()
    }

    /// `wrt` of both networks: what `loss.backward()` of other libraries asks for.
    fn all(&self) -> [&Tensor; 4] {
        [&self.g_w, &self.g_b, &self.d_w1, &self.d_w2]
    }

    /// `wrt` of G alone.
    fn of_g(&self) -> [&Tensor; 2] {
        [&self.g_w, &self.g_b]
    }

    /// `wrt` of D alone.
    fn of_d(&self) -> [&Tensor; 2] {
        [&self.d_w1, &self.d_w2]
    }
}

/// What came back from one `grad`, and what it cost.
struct Answer {
    gradients: Vec<Tensor>,
    pass: Pass,
}

/// Differentiates, and prints a line of the table; `first` is the column where `wrt`
/// begins.
fn ask(title: &str, loss: &Tensor, wrt: &[&Tensor], first: usize) -> Answer {
    let answer = Answer {
        gradients: grad(loss, wrt, false),
        pass: trace::pass(loss, wrt),
    };
    print!("  {title:<26}");
    for column in 0..COLUMNS.len() {
        let asked = column
            .checked_sub(first)
            .and_then(|i| answer.gradients.get(i));
        match asked {
            Some(gradient) => print!("{:>9.5}", norm(gradient)),
            None => print!("{:>9}", "–"),
        }
    }
    println!("{:>7}{:>8}", answer.pass.nodes, answer.pass.bytes);
    answer
}

fn head(title: &str) {
    println!("\n{title}");
    print!("  {:<26}", "graph, and asked for");
    COLUMNS.iter().for_each(|column| print!("{column:>9}"));
    println!("{:>7}{:>8}", "nodes", "bytes");
}

fn norm(x: &Tensor) -> f64 {
    x.square().sum().item().sqrt()
}

/// The norms, to as many digits as the table has.
#[track_caller]
fn assert_norms(gradients: &[Tensor], expected: [f64; 4]) {
    let close = |(g, expected): (&Tensor, &f64)| (norm(g) - expected).abs() < 1e-5;
    assert!(
        gradients.iter().zip(&expected).all(close),
        "the norms are not {expected:?}"
    );
}

/// Bit for bit.
fn same(a: &[Tensor], b: &[Tensor]) -> bool {
    let bits = |t: &Tensor| {
        t.to_vec::<f64>()
            .into_iter()
            .map(f64::to_bits)
            .collect::<Vec<_>>()
    };
    a.iter().map(bits).eq(b.iter().map(bits))
}

/// ⟨a, b⟩: negative when a step down one is a step up the other.
fn dot(a: &[Tensor], b: &[Tensor]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a * b).sum().item()).sum()
}

/// D's turn: it should learn from the fakes, and G should not be touched.
fn d_step(weights: &Weights, real: &Tensor, fake: &Tensor) -> Vec<Tensor> {
    let attached = weights.d_loss(real, fake);
    let detached = weights.d_loss(real, &fake.detach());
    head("D's step: the loss is low when D tells reals from fakes");
    let everything = ask("D(fake), all", &attached, &weights.all(), 0);
    let cut = ask("D(fake.detach()), all", &detached, &weights.all(), 0);
    let d_alone = ask("D(fake), D's", &attached, &weights.of_d(), 2);
    let d_alone_cut = ask("D(fake.detach()), D's", &detached, &weights.of_d(), 2);

    // The fakes are the same numbers either way, so D learns the same.
    assert_eq!(attached.item(), detached.item());
    for answer in [
        &cut.gradients[2..],
        &d_alone.gradients,
        &d_alone_cut.gradients,
    ] {
        assert!(same(answer, &everything.gradients[2..]));
    }
    // Attached, the walk goes on through the fakes into G; detached, it ends there.
    assert_norms(&everything.gradients, [0.14515, 0.37689, 1.23994, 0.42305]);
    assert!(cut.gradients[..2].iter().all(|g| norm(g) == 0.0));

    // Of D's two branches: matmul, leaky_relu, matmul, softplus, and mean and reshape
    // for the loss, 6 each; a negation, the addition of both, and the leaves w1
    // and w2: 16. G adds matmul, expand, add, tanh and its own two leaves.
    assert_eq!(d_alone.pass.nodes, 2 * 6 + 1 + 1 + 2);
    assert_eq!(everything.pass.nodes, d_alone.pass.nodes + 6);
    assert_eq!(cut.pass.nodes, d_alone.pass.nodes);
    // Eight bytes each: z, w, b, z·w, z·w + b and the fakes are G's; only the fakes
    // themselves are still needed once they are detached.
    let of_g = 8 * (N * 4 + 4 * 6 + 6 + 3 * N * 6);
    assert_eq!(everything.pass.bytes - cut.pass.bytes, of_g - 8 * N * 6);

    // Asked for D alone, the walk does not enter G even if it could: `wrt` has cut it
    // already, and detaching changes nothing about the gradients or their cost.
    assert_eq!(d_alone.pass, d_alone_cut.pass);
    // What it does change is what the loss keeps alive: an attached loss holds G's
    // whole graph until it is dropped.
    println!(
        "  Asked for D alone, the walk is the same. But the loss D(fake) keeps {} bytes\n  \
         alive, and D(fake.detach()) keeps {}.",
        everything.pass.bytes, cut.pass.bytes
    );
    everything.gradients
}

/// G's turn: the gradient must pass through D, and D should not be touched.
fn g_step(weights: &Weights, fake: &Tensor) -> Vec<Tensor> {
    let attached = weights.g_loss(fake);
    let detached = weights.g_loss(&fake.detach());
    head("G's step: the loss is low when D takes the fakes for real");
    let everything = ask("D(fake), all", &attached, &weights.all(), 0);
    let g_alone = ask("D(fake), G's", &attached, &weights.of_g(), 0);
    let mistake = ask("D(fake.detach()), G's", &detached, &weights.of_g(), 0);

    // Freezing D is leaving it out of `wrt`. G's gradients still come *through* D's
    // weights; there is no flag on them, and none to forget to set back.
    assert!(same(&g_alone.gradients, &everything.gradients[..2]));
    assert_norms(&everything.gradients, [0.16158, 0.27634, 0.55607, 0.20790]);
    // Not asked for, D's two leaves are not visited. Their values are still read, so
    // the bytes are the same, but two products less are computed.
    assert_eq!(everything.pass.nodes, 2 + 7 + 6);
    assert_eq!(g_alone.pass.nodes, everything.pass.nodes - 2);
    assert_eq!(g_alone.pass.bytes, everything.pass.bytes);

    // Detached in the wrong step, nothing fails and nothing is learnt: no node leads
    // from this loss to G, and zeros come back.
    assert_eq!(attached.item(), detached.item());
    assert!(mistake.gradients.iter().all(|g| norm(g) == 0.0));
    assert_eq!(mistake.pass, Pass::default());
    println!("  Detached, the loss is the same number, and G does not learn from it.");
    g_alone.gradients
}

fn main() {
    let weights = Weights::new();
    let real = Tensor::constant(numbers(5, &[N, 6]));
    let z = Tensor::constant(numbers(6, &[N, 4]));
    // One forward pass of G serves both turns: detached for D's, attached for G's.
    let fake = weights.generator(&z);
    assert!(fake.is_tracked() && !fake.detach().is_tracked());
    assert!(
        fake.detach().value().shares_memory(fake.value()),
        "detaching copies nothing"
    );

    println!("Norms of gradients; nodes walked on the way back, and bytes they may read.");
    let wrong = d_step(&weights, &real, &fake);
    let right = g_step(&weights, &fake);

    // Why G must not have the gradients of the first line: they point the other way.
    let between = dot(&wrong[..2], &right);
    let cosine = between / (dot(&wrong[..2], &wrong[..2]) * dot(&right, &right)).sqrt();
    assert!(cosine < -0.5);
    println!(
        "\nThe gradients that D's loss has for G and those of G's own loss have cosine {cosine:.2}:\n\
         to add them up is to have G undo its own work. That is what `detach` prevents\n\
         where gradients pile up in the weights, and what `wrt` says here."
    );
}
