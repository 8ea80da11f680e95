//! What a discriminator and a generator minimise: the pairs of losses that GANs are named after.

use crate::loss::{bce_with_logits, mse};
use detach_tensor::Tensor;
use serde::{Deserialize, Serialize};

/// A pair of losses on D's answers for reals and fakes, `[N, …]` each, without a σ at D's end.
///
/// sp is softplus, E the mean, D(x) and D(G) the answers for reals and fakes.
///
/// | | D minimises | G minimises |
/// |---|---|---|
/// | Wasserstein | E D(G) − E D(x) | −E D(G) |
/// | least squares | ½ E(D(x) − 1)² + ½ E D(G)² | ½ E(D(G) − 1)² |
/// | hinge | E relu(1 − D(x)) + E relu(1 + D(G)) | −E D(G) |
/// | logistic | E sp(−D(x)) + E sp(D(G)) | E sp(−D(G)) |
/// | saturating | as logistic | −E sp(D(G)) |
/// | relativistic | E sp(D(Gᵢ) − D(xᵢ)) | E sp(D(xᵢ) − D(Gᵢ)) |
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Adversarial {
    /// The difference of means: a distance while D is Lipschitz (Arjovsky et al., arXiv:1701.07875).
    Wasserstein,
    /// Squared distances from 1 and 0 (Mao et al., arXiv:1611.04076).
    LeastSquares,
    /// Margins of 1 (Lim & Ye, arXiv:1705.02894).
    Hinge,
    /// Cross-entropy of σ(D), with the G of §3 (Goodfellow et al., arXiv:1406.2661): −log D(G(z)).
    Logistic,
    /// The same as one game that both play: G minimises log(1 − D(G(z))).
    Saturating,
    /// Cross-entropy of σ(D(x) − D(G)), pairs by index (Jolicoeur-Martineau, arXiv:1807.00734; Huang et al.,
    /// arXiv:2501.05441).
    Relativistic,
}

impl Adversarial {
    /// D's loss, a scalar.
    ///
    /// # Panics
    /// When it is relativistic and there are not as many fakes as reals.
    #[must_use]
    #[track_caller]
    pub fn discriminator(self, real: &Tensor, fake: &Tensor) -> Tensor {
        match self {
            Self::Wasserstein => fake.mean() - real.mean(),
            Self::LeastSquares => mse(real, 1.0) * 0.5 + mse(fake, 0.0) * 0.5,
            Self::Hinge => (-real + 1.0).relu().mean() + (fake + 1.0).relu().mean(),
            Self::Logistic | Self::Saturating => {
                bce_with_logits(real, 1.0) + bce_with_logits(fake, 0.0)
            }
            Self::Relativistic => between_pairs(real, fake).softplus().mean(),
        }
    }

    /// G's loss, a scalar. What D says of reals is a constant in it, and only a relativistic G asks
    /// for it.
    ///
    /// # Panics
    /// As [`discriminator`](Self::discriminator).
    #[must_use]
    #[track_caller]
    pub fn generator(self, fake: &Tensor, real: impl FnOnce() -> Tensor) -> Tensor {
        match self {
            Self::Wasserstein | Self::Hinge => -fake.mean(),
            Self::LeastSquares => mse(fake, 1.0) * 0.5,
            Self::Logistic => bce_with_logits(fake, 1.0),
            Self::Saturating => -bce_with_logits(fake, 0.0),
            Self::Relativistic => (-between_pairs(&real().detach(), fake)).softplus().mean(),
        }
    }
}

/// D(Gᵢ) − D(xᵢ).
#[track_caller]
fn between_pairs(real: &Tensor, fake: &Tensor) -> Tensor {
    assert!(
        real.shape() == fake.shape(),
        "a relativistic loss of {:?} reals and {:?} fakes: it is of pairs, take as many of both",
        real.shape(),
        fake.shape()
    );
    fake - real
}
