//! Colours by hue and lightness, with arithmetic that rounds the same way everywhere.

/// Red, green and blue, 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Colour([f32; 3]);

impl Colour {
    /// The colour of `hue`, 0 to 6 around the wheel, whose luma (Rec. 601) is `luma`, 0 to 1: the pure hue, mixed with black or
    /// white. `vivid`, 0 to 1, is how far it is from the grey of that luma.
    ///
    /// Luma, and not the value of HSV, so that what stands out in colour does so in grey.
    pub(super) fn new(hue: f32, luma: f32, vivid: f32) -> Self {
        let pure = [
            ((hue - 3.0).abs() - 1.0).clamp(0.0, 1.0),
            (2.0 - (hue - 2.0).abs()).clamp(0.0, 1.0),
            (2.0 - (hue - 4.0).abs()).clamp(0.0, 1.0),
        ];
        let of_pure = 0.299 * pure[0] + 0.587 * pure[1] + 0.114 * pure[2];
        Self(pure.map(|channel| {
            let coloured = match of_pure > luma {
                true => channel * luma / of_pure,
                false => channel + (1.0 - channel) * (luma - of_pure) / (1.0 - of_pure),
            };
            luma + (coloured - luma) * vivid
        }))
    }

    /// This colour where `share` is 0, `other` where it is 1.
    pub(super) fn mixed(self, other: Self, share: f32) -> Self {
        let Self(mut channels) = self;
        for (channel, other) in channels.iter_mut().zip(other.0) {
            *channel += (other - *channel) * share;
        }
        Self(channels)
    }

    /// As bytes.
    pub(super) fn bytes(self) -> [u8; 3] {
        self.0
            .map(|channel| (channel.clamp(0.0, 1.0) * 255.0 + 0.5) as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_has_the_luma_that_was_asked_for() {
        for step in 0..60 {
            let hue = step as f32 / 10.0;
            for luma in [0.05, 0.3, 0.6, 0.95] {
                for vivid in [0.0, 0.5, 1.0] {
                    let Colour([r, g, b]) = Colour::new(hue, luma, vivid);
                    let is = 0.299 * r + 0.587 * g + 0.114 * b;
                    assert!((is - luma).abs() < 1e-5, "{hue} {luma} {vivid}: {is}");
                    assert!([r, g, b].iter().all(|x| (-1e-6..=1.0 + 1e-6).contains(x)));
                }
            }
        }
    }
}
