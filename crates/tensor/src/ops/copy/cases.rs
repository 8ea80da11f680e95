//! The cases of the family.

use super::step;
use crate::Tensor;
use crate::check::Case;

pub(crate) fn cases() -> Vec<Case> {
    let range = (-2.0, 2.0);
    let s = &[2, 3, 4][..];
    let image = &[2, 3, 2, 4][..];
    vec![
        Case::new("reshape", |x| x[0].reshape(&[6, 4])).input(s, range),
        Case::new("flatten images", |x| x[0].reshape(&[2, 24]))
            .input(image, range)
            .channels_last(),
        Case::new("channels_last", |x| x[0].channels_last()).input(image, range),
        Case::new("squeeze", |x| x[0].squeeze(&[0, 2])).input(&[1, 3, 1, 4], range),
        Case::new("permute", |x| x[0].permute(&[2, 0, 1])).input(s, range),
        Case::new("expand", |x| x[0].expand(&[4, 2, 5, 3])).input(&[2, 1, 3], range),
        Case::new("expand channels", |x| x[0].expand_channels(&[2, 3, 2, 2])).input(&[3], range),
        Case::new("slice", |x| x[0].slice(1, 1, 2)).input(s, range),
        Case::new("pad", |x| x[0].pad(1, 2, 1)).input(s, range),
        Case::new("concat", |x| Tensor::concat(&[&x[0], &x[1], &x[0]], 1))
            .input(s, range)
            .input(&[2, 1, 4], range),
        Case::new("gather", |x| x[0].gather(&x[1]))
            .input(&[4, 3], range)
            .index(&[2.0, 0.0, 2.0, 3.0, 1.0]),
    ]
    .into_iter()
    .chain(step::cases())
    .collect()
}
