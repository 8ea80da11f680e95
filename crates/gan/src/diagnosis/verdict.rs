//! What is said of a run.

use serde::Serialize;

/// What a run is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Its scores are close to what real data comes to.
    Good,
    /// Both networks learn, and there is more to learn or no score that says otherwise.
    Alive,
    /// G makes one thing, few things or noise.
    Collapsed,
    /// D's gradient is 0: nothing moves it any more.
    DeadD,
    /// G's gradient is next to nothing, while D goes on.
    DeafG,
    /// D takes fakes for reals, or tells nothing apart, while fakes are far from reals.
    Overwhelmed,
    /// A number is not finite any more.
    Diverged,
    /// There are too few steps on record.
    TooEarly,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Good,
        Self::Alive,
        Self::Collapsed,
        Self::DeadD,
        Self::DeafG,
        Self::Overwhelmed,
        Self::Diverged,
        Self::TooEarly,
    ];

    /// The words that its sentence begins with.
    pub fn words(self) -> &'static str {
        match self {
            Self::Good => "Good",
            Self::Alive => "Alive, not finished",
            Self::Collapsed => "Collapsed",
            Self::DeadD => "D is dead",
            Self::DeafG => "G no longer hears D",
            Self::Overwhelmed => "D is overwhelmed",
            Self::Diverged => "Diverged",
            Self::TooEarly => "Too early to say",
        }
    }

    /// Whether it wants somebody to do something.
    pub fn is_failure(self) -> bool {
        !matches!(self, Self::Good | Self::Alive | Self::TooEarly)
    }
}

/// A number that was held against a limit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Check {
    /// What it is called, for programs and for links to its chart.
    pub id: &'static str,
    /// Whether it is on the right side of its limit.
    pub ok: bool,
    /// The number.
    pub value: f64,
    /// The limit.
    pub limit: f64,
    /// Both in words.
    pub text: String,
}

/// What is said of a run, and why.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// What it is like.
    pub kind: Kind,
    /// One sentence, which begins with [`Kind::words`].
    pub sentence: String,
    /// Why, as far as the record tells.
    pub cause: String,
    /// What to do.
    pub advice: String,
    /// The numbers that it rests on.
    pub checks: Vec<Check>,
    /// The last step on record.
    pub step: u64,
}

/// What was found, and what to do.
pub(super) struct Finding {
    pub(super) kind: Kind,
    /// What follows the words of the kind.
    pub(super) what: String,
    pub(super) cause: String,
    pub(super) advice: String,
}

impl Finding {
    pub(super) fn new(
        kind: Kind,
        what: String,
        cause: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            what,
            cause: cause.into(),
            advice: advice.into(),
        }
    }
}
