//! `dcgan64`: the all-convolutional GAN of the DCGAN paper, RGB at 64×64, with the loop of
//! `dcgan-light` (`smoothed.rs`).

use super::smoothed::{Published, Smoothed};
use crate::log::{DCGAN_EXAMPLE, DCGAN_EXAMPLE_FIELDS, PublishedLog};
use crate::nets::dcgan::{Size, rgb_discriminator, rgb_generator};
use crate::{About, ImageSize, Words};
use detach_nn::{Initialiser, Sequential};

/// The recipe in training.
pub(crate) type Dcgan64 = Smoothed<Rgb>;

/// What `dcgan64` has of its own.
pub(crate) struct Rgb;

impl Published for Rgb {
    const ABOUT: About = About {
        name: "dcgan64",
        summary: "RGB at 64×64, no biases, five convolutions each; the paper's size",
        step: "D on real + D on detached fakes, one step; G on fresh noise through the updated D",
        losses: &[
            "D: BCE(D(x), 0.9) + BCE(D(G(z)), 0.1)",
            "G: BCE(D(G(z′)), 0.9)",
        ],
        sources: &[
            "of the source: the networks, and nothing else",
            "our choice: the loop of `dcgan-light` with its labels, optimisers, batches and pictures",
        ],
        detach: "the fakes that D learns from are detached as soon as they are made; G's update names G alone",
        notes: &[
            "Only the networks are published; the loop is that of `dcgan-light`, which is our choice.",
            "Digits are enlarged to 64×64 (bilinear) and shown in all three channels; `--data shapes` has coloured images of this \
             size, and is what is trained on where no data is found.",
            "D's BatchNorm sees three batches a step, so its running statistics move three times; \
             `fixed` leaves them alone in G's update (d-stats-in-g-step = false). Nothing reads them while D is not \
             evaluated in eval mode: losses and weights are the same either way.",
            "Pictures were published in train mode (the batch's own statistics); `fixed` takes them in eval mode.",
        ],
        log: Some(PublishedLog {
            of: "PyTorch's DCGAN example, which has these networks",
            of_zh: "PyTorch 的 DCGAN 示例，网络与它相同",
            format: DCGAN_EXAMPLE,
            fields: DCGAN_EXAMPLE_FIELDS,
        }),
        zh: Words {
            summary: "64×64 的 RGB 图像，没有偏置，各五层卷积；论文的尺寸",
            step: "D 用真样本与 detach 后的假样本做一次更新；G 用新噪声，经过更新后的 D",
            losses: &[
                "判别器：BCE(D(x), 0.9) + BCE(D(G(z)), 0.1)",
                "生成器：BCE(D(G(z′)), 0.9)",
            ],
            sources: &[
                "来自原教程：网络，此外什么也没有",
                "我们的选择：`dcgan-light` 的训练循环，连同它的标签、优化器、批和图片",
            ],
            detach: "D 所学的假样本一生成就被 detach；G 的更新只对 G 求梯度",
            notes: &[
                "发表的只有网络；训练循环是 `dcgan-light` 的，这是我们的选择。",
                "数字被放大到 64×64（双线性），三个通道相同；`--data shapes` 有这个尺寸的彩色图像，找不到数据时\
                 就用它训练。",
                "D 的 BatchNorm 每步见到三批数据，因此它的运行统计量移动三次；`fixed` 在 G 的更新中不动它们（\
                 d-stats-in-g-step = false）。只要 D 不在 eval 模式下求值，就没有人读它们：两种做法的损失与权重\
                 都相同。",
                "发表的图片是在 train 模式下取的（用该批自身的统计量）；`fixed` 在 eval 模式下取。",
            ],
        },
    };
    const IMAGE: ImageSize = ImageSize {
        channels: 3,
        side: 64,
    };

    fn generator(channels: usize, size: Size, init: &Initialiser) -> Sequential {
        rgb_generator(channels, size, init)
    }

    fn discriminator(
        channels: usize,
        width: usize,
        batch_norm: bool,
        init: &Initialiser,
    ) -> Sequential {
        rgb_discriminator(channels, width, batch_norm, init)
    }
}
