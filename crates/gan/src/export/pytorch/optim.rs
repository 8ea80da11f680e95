//! An optimiser in Python.

use anyhow::{Result, ensure};
use detach_nn::{Optim, OptimKind, Schedule};

/// The optimiser of the network called `net` in the script, whose settings lie in the table `key`.
///
/// # Errors
/// When a setting has no counterpart in the script, naming it.
pub(super) fn of(optim: &Optim, net: &str, key: &str) -> Result<String> {
    for (setting, is_there) in [
        ("schedule", optim.schedule != Schedule::Constant),
        ("clip-norm", optim.clip_norm != 0.0),
        ("clip-value", optim.clip_value != 0.0),
        ("ema", optim.ema != 0.0),
    ] {
        ensure!(
            !is_there,
            "no part of a script does what {key}.{setting} says; train without it"
        );
    }
    let Optim { lr, eps, .. } = optim;
    let mut call = match optim.kind {
        OptimKind::Rmsprop => {
            format!(
                "RMSprop({net}.parameters(), lr={lr:?}, alpha={:?}, eps={eps:?}",
                optim.alpha
            )
        }
        OptimKind::Sgd => format!("SGD({net}.parameters(), lr={lr:?}"),
        OptimKind::AdamKeras => {
            let plain = Optim::adam_keras(*lr, optim.beta1, optim.beta2);
            let plain = Optim { eps: *eps, ..plain };
            ensure!(
                *optim == plain,
                "no part of a script does what {key} says beside lr, beta1, beta2 and eps with Keras' Adam; train without it"
            );
            return Ok(format!(
                "AdamKeras({net}.parameters(), lr={lr:?}, betas=({:?}, {:?}), eps={eps:?})",
                optim.beta1, optim.beta2
            ));
        }
        OptimKind::Adam => format!(
            "Adam({net}.parameters(), lr={lr:?}, betas=({:?}, {:?}), eps={eps:?}",
            optim.beta1, optim.beta2
        ),
    };
    for (name, value) in [
        ("weight_decay", optim.weight_decay),
        ("momentum", optim.momentum),
        ("dampening", optim.dampening),
    ] {
        if value != 0.0 {
            call += &format!(", {name}={value:?}");
        }
    }
    for (name, is_set) in [
        ("nesterov", optim.nesterov),
        ("centered", optim.centred),
        ("amsgrad", optim.amsgrad),
    ] {
        if is_set {
            call += &format!(", {name}=True");
        }
    }
    Ok(format!("torch.optim.{call})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn optimisers() {
        let of = |optim: &Optim| of(optim, "G", "g").expect("an optimiser");
        assert_eq!(
            of(&Optim::adam(2e-4, 0.5, 0.999)),
            "torch.optim.Adam(G.parameters(), lr=0.0002, betas=(0.5, 0.999), eps=1e-8)"
        );
        let centred = Optim {
            centred: true,
            weight_decay: 0.1,
            ..Optim::rmsprop(5e-5)
        };
        assert_eq!(
            of(&centred),
            "torch.optim.RMSprop(G.parameters(), lr=5e-5, alpha=0.99, eps=1e-8, weight_decay=0.1, centered=True)"
        );
        let averaged = Optim {
            ema: 0.99,
            ..Optim::default()
        };
        let error = super::of(&averaged, "G", "g").expect_err("no average");
        assert!(error.to_string().contains("g.ema"), "{error}");
    }
}
