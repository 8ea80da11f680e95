//! Which optimisers cannot be.

use super::config::{Optim, OptimKind};

impl Optim {
    /// Whether this can be.
    ///
    /// # Errors
    /// When a number is out of its range, or the kind has no such thing: names the key, and
    /// what it may be.
    pub fn check(&self) -> Result<(), String> {
        self.check_ranges()?;
        let is_adam = matches!(self.kind, OptimKind::Adam | OptimKind::AdamKeras);
        let is_sgd = self.kind == OptimKind::Sgd;
        let refuse = |wrong: bool, why: &str| match wrong {
            true => Err(why.to_owned()),
            false => Ok(()),
        };
        refuse(
            is_adam && self.momentum != 0.0,
            "momentum is of sgd and rmsprop; Adam's is beta1",
        )?;
        refuse(
            !is_sgd && self.dampening != 0.0,
            "dampening is of sgd with momentum",
        )?;
        refuse(
            self.dampening != 0.0 && self.momentum == 0.0,
            "dampening is of momentum, which is 0",
        )?;
        refuse(
            self.nesterov && !(is_sgd && self.momentum > 0.0 && self.dampening == 0.0),
            "nesterov takes sgd with a momentum above 0 and a dampening of 0",
        )?;
        refuse(
            self.centred && self.kind != OptimKind::Rmsprop,
            "centred is of rmsprop",
        )?;
        refuse(self.amsgrad && !is_adam, "amsgrad is of adam")?;
        refuse(
            self.clip_norm != 0.0 && self.clip_value != 0.0,
            "clip-norm and clip-value: gradients are clipped one way or the other; leave one at 0",
        )
    }

    fn check_ranges(&self) -> Result<(), String> {
        let share = 0.0..1.0;
        let decays = [
            ("beta1", self.beta1),
            ("beta2", self.beta2),
            ("alpha", self.alpha),
            ("momentum", self.momentum),
            ("ema", self.ema),
        ];
        if let Some((key, value)) = decays.iter().find(|(_, value)| !share.contains(value)) {
            return Err(format!("{key} must be from 0 to below 1; it is {value}"));
        }
        if !(0.0..=1.0).contains(&self.dampening) {
            let value = self.dampening;
            return Err(format!("dampening must be from 0 to 1; it is {value}"));
        }
        let sizes = [
            ("lr", self.lr),
            ("eps", self.eps),
            ("weight-decay", self.weight_decay),
            ("clip-norm", self.clip_norm),
            ("clip-value", self.clip_value),
        ];
        let refused = |value: f64| !(value >= 0.0 && value.is_finite());
        match sizes.iter().find(|(_, value)| refused(*value)) {
            Some((key, value)) => Err(format!("{key} must be a number, 0 or above; it is {value}")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_is_refused() {
        let adam = Optim::default;
        let sgd = || Optim::sgd(0.1);
        adam().check().expect("the default");
        let wrong = [
            (
                Optim { lr: -1.0, ..adam() },
                "lr must be a number, 0 or above; it is -1",
            ),
            (
                Optim {
                    lr: f64::NAN,
                    ..adam()
                },
                "lr must be a number, 0 or above; it is NaN",
            ),
            (
                Optim {
                    beta1: 1.0,
                    ..adam()
                },
                "beta1 must be from 0 to below 1; it is 1",
            ),
            (
                Optim {
                    ema: -0.1,
                    ..adam()
                },
                "ema must be from 0 to below 1; it is -0.1",
            ),
            (
                Optim {
                    momentum: 0.9,
                    ..adam()
                },
                "Adam's is beta1",
            ),
            (
                Optim {
                    nesterov: true,
                    ..sgd()
                },
                "nesterov takes sgd with a momentum",
            ),
            (
                Optim {
                    amsgrad: true,
                    ..sgd()
                },
                "amsgrad is of adam",
            ),
            (
                Optim {
                    centred: true,
                    ..sgd()
                },
                "centred is of rmsprop",
            ),
            (
                Optim {
                    dampening: 0.1,
                    ..sgd()
                },
                "dampening is of momentum",
            ),
            (
                Optim {
                    dampening: 2.0,
                    ..sgd()
                },
                "dampening must be from 0 to 1; it is 2",
            ),
            (
                Optim {
                    clip_norm: 1.0,
                    clip_value: 1.0,
                    ..sgd()
                },
                "one way or the other",
            ),
        ];
        for (optim, why) in wrong {
            let error = optim.check().expect_err(why);
            assert!(error.contains(why), "{error}");
        }
    }
}
