//! `dcgan-light`: a small all-convolutional GAN with smoothed labels; the default, as
//! it makes digits soonest. Its loop is in `smoothed.rs`.

use super::smoothed::{Published, Smoothed};
use crate::log::{DCGAN_EXAMPLE, DCGAN_EXAMPLE_FIELDS, PublishedLog};
use crate::nets::dcgan::{Size, light_discriminator, light_generator};
use crate::{About, ImageSize, Words};
use detach_nn::{Initialiser, Sequential};

/// The recipe in training.
pub(crate) type DcganLight = Smoothed<Light>;

/// What `dcgan-light` has of its own.
pub(crate) struct Light;

impl Published for Light {
    const ABOUT: About = About {
        name: "dcgan-light",
        summary: "small and all-convolutional, smoothed labels; digits within two minutes",
        step: "D on real + D on detached fakes, one step; G on fresh noise through the updated D",
        losses: &[
            "D: BCE(D(x), 0.9) + BCE(D(G(z)), 0.1), never below 0.650",
            "G: BCE(D(G(z′)), 0.9), never below 0.325",
        ],
        sources: &[
            "of the source: networks, labels, Adam 2e-4 with betas 0.5 and 0.999, batches of 64 with the short last \
             one, 50 epochs, an 8×8 picture from 64 fixed points of noise every epoch",
        ],
        detach: "the fakes that D learns from are detached as soon as they are made, so G's graph is never built for \
                 them; G's update goes through D and names G alone: D is frozen",
        notes: &[
            "D's BatchNorm sees three batches a step, so its running statistics move three times; \
             `fixed` leaves them alone in G's update (d-stats-in-g-step = false). Nothing reads them while D is not \
             evaluated in eval mode: losses and weights are the same either way.",
            "Pictures were published in train mode (the batch's own statistics); `fixed` takes them in eval mode.",
        ],
        log: Some(PublishedLog {
            of: "PyTorch's DCGAN example, of which it is a small relative; no line of its own source is known",
            of_zh: "PyTorch 的 DCGAN 示例，它是其小型的近亲；它自己的来源没有已知的日志行",
            format: DCGAN_EXAMPLE,
            fields: DCGAN_EXAMPLE_FIELDS,
        }),
        zh: Words {
            summary: "小型全卷积网络，标签平滑；两分钟内出数字",
            step: "D 用真样本与 detach 后的假样本做一次更新；G 用新噪声，经过更新后的 D",
            losses: &[
                "判别器：BCE(D(x), 0.9) + BCE(D(G(z)), 0.1)，不会低于 0.650",
                "生成器：BCE(D(G(z′)), 0.9)，不会低于 0.325",
            ],
            sources: &[
                "来自原教程：网络、标签、Adam 2e-4（betas 0.5 与 0.999）、批大小 64（保留最后不足的一批）、50 \
                 个 epoch、每个 epoch 用 64 个固定噪声点画一张 8×8 的图",
            ],
            detach: "D 所学的假样本一生成就被 detach，因此根本不会为它们建立 G 的计算图；G 的更新经过 D，但只对 \
                     G 求梯度：D 被冻结",
            notes: &[
                "D 的 BatchNorm 每步见到三批数据，因此它的运行统计量移动三次；`fixed` 在 G 的更新中不动它们（\
                 d-stats-in-g-step = false）。只要 D 不在 eval 模式下求值，就没有人读它们：两种做法的损失与权重\
                 都相同。",
                "发表的图片是在 train 模式下取的（用该批自身的统计量）；`fixed` 在 eval 模式下取。",
            ],
        },
    };
    const IMAGE: ImageSize = ImageSize {
        channels: 1,
        side: 28,
    };

    fn generator(channels: usize, size: Size, init: &Initialiser) -> Sequential {
        light_generator(channels, size, init)
    }

    fn discriminator(
        channels: usize,
        width: usize,
        batch_norm: bool,
        init: &Initialiser,
    ) -> Sequential {
        light_discriminator(channels, width, batch_norm, init)
    }
}
