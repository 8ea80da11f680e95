//! What `gan recipes` says around a recipe's own words, in each language.

use detach_recipes::{About, PublishedLog, Words};

/// The languages that recipes are explained in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Lang {
    /// English
    #[default]
    En,
    /// Chinese (中文)
    Zh,
}

/// Headings, and sentences with a place `{}` for what belongs into them.
pub(super) struct Headings {
    pub(super) generator: &'static str,
    pub(super) discriminator: &'static str,
    /// Behind the title of a discriminator.
    pub(super) to_logits: &'static str,
    pub(super) parameters: &'static str,
    pub(super) step: &'static str,
    pub(super) listing: &'static str,
    pub(super) losses: &'static str,
    pub(super) detach: &'static str,
    pub(super) settings: &'static str,
    pub(super) sources: &'static str,
    pub(super) changes: &'static str,
    pub(super) no_changes: &'static str,
    pub(super) log: &'static str,
    pub(super) notes: &'static str,
    /// Below the list of all recipes.
    pub(super) more: &'static str,
    /// Between a name and what it is.
    pub(super) colon: &'static str,
}

const EN: Headings = Headings {
    generator: "Generator",
    discriminator: "Discriminator",
    to_logits: " (to logits; σ is in the loss)",
    parameters: ", {} parameters",
    step: "One step: ",
    listing: "As it is set, line by line, with the switch that each holds",
    losses: "Losses",
    detach: "Where to see `detach` and freezing: ",
    settings: "Settings as published",
    sources: "Whose numbers",
    changes: "`--preset fixed` changes",
    no_changes: "`--preset fixed` changes nothing here.",
    log: "A line of the published log (`gan train {} --log-style published`)",
    notes: "Notes",
    more: "`gan recipes NAME` explains one; `gan train NAME` trains it.",
    colon: ": ",
};

const ZH: Headings = Headings {
    generator: "生成器",
    discriminator: "判别器",
    to_logits: "（输出 logit；σ 在损失里）",
    parameters: "，{} 个参数",
    step: "一步：",
    listing: "当前设置下的一步，逐行列出，每行带有它的开关",
    losses: "损失",
    detach: "哪里能看到 `detach` 与冻结：",
    settings: "发表时的设置",
    sources: "数值的出处",
    changes: "`--preset fixed` 改变的设置",
    no_changes: "`--preset fixed` 在这里什么也不改变。",
    log: "发表的日志中的一行（`gan train {} --log-style published`）",
    notes: "说明",
    more: "`gan recipes NAME --lang zh` 解释其中一个；`gan train NAME` 训练它。",
    colon: "：",
};

impl Lang {
    /// What is said around a recipe's words.
    pub(super) fn headings(self) -> &'static Headings {
        match self {
            Self::En => &EN,
            Self::Zh => &ZH,
        }
    }

    /// Whose log line it is.
    pub(super) fn source(self, log: &PublishedLog) -> &'static str {
        match self {
            Self::En => log.of,
            Self::Zh => log.of_zh,
        }
    }

    /// A recipe's words.
    pub(super) fn words(self, about: &About) -> Words {
        match self {
            Self::En => about.en(),
            Self::Zh => about.zh,
        }
    }
}
