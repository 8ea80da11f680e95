//! Recipes: each file is one published system: options, presets, networks, and the training
//! step as its paper or tutorial writes it.
//!
//! Update order, which noise is used again, critic steps and loss weights are visible
//! in the recipe's `train_step`; no loop is shared that would hide them behind flags.
//! To add one: a file with an implementation of [`System`](crate::System), and its line below.

#[macro_use]
mod parts;
mod smoothed;

use crate::nearest::meant;
use crate::settings::{Preset, SampleMode, Settings};
use crate::setup::RecipeInfo;
use anyhow::{Result, anyhow};
use detach_nn::{Initialiser, Optim, State, Trained};

/// Declares the recipes' modules, and the registry of them in this order.
macro_rules! registry {
    ($(mod $file:ident: $system:ident;)*) => {
        $(mod $file;)*

        /// Every recipe there is. The command line, the tests and the documents follow.
        pub const RECIPES: &[&RecipeInfo] = &[$(&RecipeInfo::of::<$file::$system>()),*];
    };
}

registry! {
    mod dcgan_light: DcganLight;
    mod dcgan: Dcgan;
    mod dcgan64: Dcgan64;
    mod mlp: Mlp;
    mod mlp_relu: MlpRelu;
    mod keras_mlp: KerasMlp;
    mod wgan: Wgan;
    mod wgan_gp: WganGp;
    mod lsgan: Lsgan;
    mod began: Began;
    mod sagan: Sagan;
    mod cgan: Cgan;
    mod acgan: Acgan;
    mod infogan: Infogan;
    mod mlp_cgan: MlpCgan;
    mod gauss1d: Gauss1d;
    mod lab: Lab;
}

/// The recipe called `name`.
///
/// # Errors
/// When there is none, naming those there are.
pub fn find(name: &str) -> Result<&'static RecipeInfo> {
    if let Some(recipe) = RECIPES.iter().find(|recipe| recipe.name() == name) {
        return Ok(recipe);
    }
    let names = || RECIPES.iter().map(|recipe| recipe.name());
    let hint = meant(name, names());
    Err(anyhow!(
        "there is no recipe `{name}`{hint}; there are: {}",
        names().collect::<Vec<_>>().join(", ")
    ))
}

/// What `make` makes, with its optimiser, and an average beside it where `optim` wants one.
fn trained<N: State>(
    optim: &Optim,
    init: &Initialiser,
    make: impl Fn(&Initialiser) -> N,
) -> Trained<N> {
    let net = Trained::new(make(init), optim);
    match optim.ema > 0.0 {
        true => net.with_ema(make(&Initialiser::zeros(init.kind())), optim.ema),
        false => net,
    }
}

/// `settings` with pictures of ten rows of one point of noise each, a column a class, from the batch's own statistics
/// as published.
fn by_class(preset: Preset, mut settings: Settings) -> Settings {
    let pictures = &mut settings.pictures;
    (pictures.rows, pictures.columns) = (10, 10);
    pictures.mode = SampleMode::of(preset);
    settings
}
