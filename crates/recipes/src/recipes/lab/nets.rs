//! Whose networks and settings a loop has.

use super::Options;
use super::switches::{DTurn, GFakes, Order, StatisticsOfD, ZeroGrad};
use crate::nets::dcgan::{self, Size};
use crate::nets::mlp;
use crate::recipes::find;
use crate::{DataKind, Generator, Preset, Settings, Setup};
use detach_nn::{Initialiser, Sequential};
use serde::{Deserialize, Serialize};

/// A published loop of one G and one D.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Published {
    DcganLight,
    Dcgan,
    Dcgan64,
    Mlp,
    /// `mlp` with its other order.
    MlpGFirst,
    MlpRelu,
    KerasMlp,
    Gauss1d,
}

impl Published {
    /// The recipe as it is published.
    fn setup(self) -> Setup {
        let (name, order) = match self {
            Self::DcganLight => ("dcgan-light", None),
            Self::Dcgan => ("dcgan", None),
            Self::Dcgan64 => ("dcgan64", None),
            Self::Mlp => ("mlp", None),
            Self::MlpGFirst => ("mlp", Some("g-first")),
            Self::MlpRelu => ("mlp-relu", None),
            Self::KerasMlp => ("keras-mlp", None),
            Self::Gauss1d => ("gauss1d", None),
        };
        let mut setup = find(name)
            .expect("a recipe of the registry")
            .setup(Preset::AsPublished);
        if let Some(order) = order {
            setup.choose("order", order).expect("a published order");
        }
        setup
    }

    /// What it is trained on.
    pub(super) fn data(self) -> DataKind {
        let data = self.setup().data().expect("a published recipe");
        data[0]
    }

    fn order(self) -> Order {
        match self {
            Self::MlpGFirst | Self::MlpRelu => Order::GFirst,
            _ => Order::DFirst,
        }
    }

    fn d_turn(self) -> DTurn {
        match self {
            Self::KerasMlp => DTurn::Apart,
            Self::MlpGFirst | Self::MlpRelu => DTurn::Halved,
            _ => DTurn::Together,
        }
    }

    fn g_fakes(self) -> GFakes {
        match self {
            Self::Dcgan | Self::MlpGFirst | Self::MlpRelu => GFakes::Same,
            Self::KerasMlp => GFakes::Recomputed,
            Self::DcganLight | Self::Dcgan64 | Self::Mlp | Self::Gauss1d => GFakes::Fresh,
        }
    }

    /// Its settings, and its loop with no switch moved.
    pub(super) fn published(self) -> (Settings, Options) {
        let setup = self.setup();
        let of = |key: &str| setup.options().get(key).cloned();
        let number = |key: &str| of(key).and_then(|it| it.as_float());
        let size = |key: &str| usize::try_from(of(key)?.as_integer()?).ok();
        let sizes = |key: &str| of(key).or_else(|| of("widths"))?.try_into().ok();
        let optim = |key: &str| {
            of(key)
                .and_then(|it| it.try_into().ok())
                .expect("an optimiser")
        };
        let options = Options {
            r#loop: self,
            order: self.order(),
            d_turn: self.d_turn(),
            d_steps: size("d-steps").unwrap_or(1) as u64,
            detach_d: true,
            detach_g: false,
            detach_real: false,
            g_fakes: self.g_fakes(),
            zero_grad: ZeroGrad::EachTurn,
            freeze_d: true,
            retain_graph: true,
            statistics_of_d: StatisticsOfD::Moved,
            generator_loss: of("generator-loss")
                .and_then(|it| it.try_into().ok())
                .expect("a loss"),
            targets: of("targets")
                .and_then(|it| it.try_into().ok())
                .unwrap_or(crate::options::Targets::HARD),
            log_eps: number("log-eps").unwrap_or(0.0),
            latent: size("latent").expect("noise"),
            width: size("width"),
            g_widths: sizes("g-widths"),
            d_widths: sizes("d-widths"),
            bn_eps: number("bn-eps"),
            dropout: number("dropout"),
            last_relu: of("last-relu").and_then(|it| it.as_bool()),
            g: optim("g"),
            d: optim("d"),
        };
        (setup.settings, options)
    }
}

/// What [`Options::settled`](crate::Options::settled) has seen to.
const SETTLED: &str = "a setting of the loop's networks";

pub(super) fn generator(o: &Options, init: &Initialiser) -> Generator {
    let size = || Size {
        latent: o.latent,
        width: o.width.expect(SETTLED),
        batch_norm: true,
    };
    let widths = || o.g_widths.as_deref().expect(SETTLED);
    let net = match o.r#loop {
        Published::DcganLight => dcgan::light_generator(1, size(), init),
        Published::Dcgan => dcgan::generator(1, size(), init),
        Published::Dcgan64 => dcgan::rgb_generator(3, size(), init),
        Published::Mlp | Published::MlpGFirst | Published::MlpRelu => {
            mlp::generator(o.latent, widths(), o.bn_eps, init)
        }
        Published::KerasMlp => mlp::keras_generator(o.latent, widths(), init),
        Published::Gauss1d => mlp::small(o.latent, widths(), init),
    };
    Generator {
        net,
        latent: o.latent,
    }
}

pub(super) fn discriminator(o: &Options, init: &Initialiser) -> Sequential {
    let width = || o.width.expect(SETTLED);
    let dropout = || o.dropout.expect(SETTLED);
    let widths = || o.d_widths.as_deref().expect(SETTLED);
    match o.r#loop {
        Published::DcganLight => dcgan::light_discriminator(1, width(), true, init),
        Published::Dcgan => dcgan::discriminator(1, width(), true, dropout(), init),
        Published::Dcgan64 => dcgan::rgb_discriminator(3, width(), true, init),
        Published::Mlp | Published::MlpGFirst => mlp::discriminator(widths(), init),
        Published::MlpRelu => mlp::relu_discriminator(widths(), o.last_relu.expect(SETTLED), init),
        Published::KerasMlp => mlp::keras_discriminator(widths(), dropout(), init),
        Published::Gauss1d => mlp::small(1, widths(), init),
    }
}
