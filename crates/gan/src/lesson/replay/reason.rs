//! Why a step with an edit left other weights than the step without, or the same: read off what both were seen to do.

use super::difference::{Tensor, mover};
use super::edit::Change;
use super::made::{Held, Made};
use crate::lesson::microscope::{Reach, Seen, cosine};
use crate::lesson::variants::{is, text};
use crate::show::text::short;
use detach_recipes::{Setup, Turn};
use serde::Serialize;

/// What the two steps' updates show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// Nothing was changed: the run's step is so already.
    NothingChanged,
    /// The edit decides what a backward pass may reach, and no update asks for more than its own weights' gradients.
    NobodyAsks,
    /// Every update had the same gradient to the bit.
    SameGradients,
    /// An update had another gradient, and its weights come out the same all the same.
    SameMoves,
    /// No weight differs, and a buffer does.
    BuffersAlone,
    /// The step has other updates, or the same in another order.
    OtherUpdates,
    /// An update had another gradient: both losses pull at its network, as gradients add up and nothing was detached.
    BothPulls,
    /// An update had another gradient.
    OtherGradient,
    /// An update had the same gradient, and its optimiser made another move of it.
    OtherMove,
}

/// Two steps from the same state, the second with an edit.
pub(super) struct Pair<'a> {
    pub(super) plain: (&'a Setup, &'a Made),
    pub(super) edited: (&'a Setup, &'a Made),
    pub(super) changes: &'a [Change],
    /// The first tensor that differs.
    pub(super) first: Option<&'a Tensor>,
}

/// Switches that decide how far a backward pass may go, and nothing of what an update asks it for.
const REACH: [&str; 4] = ["detach-d", "detach-real", "freeze-d", "retain-graph"];

impl Pair<'_> {
    /// The reason, and a sentence that tells it.
    pub(super) fn reason(&self) -> (Reason, String) {
        let other = self.other_update();
        let is_in_order = self.order(self.plain.1) == self.order(self.edited.1);
        match self.first {
            _ if self.changes.is_empty() => (
                Reason::NothingChanged,
                "the run's step is so already: nothing was changed".to_owned(),
            ),
            None if other.is_none() && self.is_of_reach() => (Reason::NobodyAsks, self.reach()),
            None if other.is_none() => (Reason::SameGradients, self.same_gradients()),
            None => (Reason::SameMoves, self.same_moves()),
            Some(tensor) if tensor.held != Held::Weight => {
                (Reason::BuffersAlone, Self::buffers_alone(tensor, other))
            }
            Some(_) if !is_in_order => (Reason::OtherUpdates, self.other_updates()),
            Some(tensor) => self.other_weights(tensor, other),
        }
    }

    fn buffers_alone(tensor: &Tensor, other: Option<usize>) -> String {
        let gradients = match other {
            None => ": every gradient is the same to the bit",
            Some(_) => "",
        };
        format!(
            "no weight differs{gradients}. `{}` does, of which no gradient is taken: it counts where a later pass reads it",
            tensor.name
        )
    }

    /// The first update whose gradient is not the same in both.
    fn other_update(&self) -> Option<usize> {
        let (plain, edited) = (&self.plain.1.updates, &self.edited.1.updates);
        let most = plain.len().max(edited.len());
        (0..most).find(|place| plain.get(*place) != edited.get(*place))
    }

    fn order(&self, made: &Made) -> String {
        let who = made.updates.iter().map(|update| network(update.who));
        who.collect::<Vec<_>>().join(" ")
    }

    /// Whether the edit is of nothing but a backward pass's reach, in a loop where gradients do not add up.
    fn is_of_reach(&self) -> bool {
        let setup = self.edited.0;
        let keys = || self.changes.iter().map(|change| &*change.key);
        setup.recipe().name() == "lab"
            && text(setup, "zero-grad") == "each-turn"
            && keys().all(|key| REACH.contains(&key))
    }

    fn turn(&self, turn: Turn) -> Option<&Seen> {
        let turns = self.edited.1.turns.iter();
        turns.rev().find(|seen| seen.turn == turn)
    }

    fn reach(&self) -> String {
        const OWN: &str = "each update takes the gradients of its own network's weights alone and keeps none for the next";
        let has = |key: &str| self.changes.iter().any(|change| change.key == key);
        let on_g = self.turn(Turn::D).map(|seen| seen.on_g);
        let on_d = self.turn(Turn::G).map(|seen| seen.on_d);
        match (on_g, on_d) {
            (Some(Reach::Norm(norm)), _) if has("detach-d") => format!(
                "D's loss reaches G's weights now (‖∂L_D/∂G‖ {}), and nobody asks for it: {OWN}. It would count where gradients add up",
                short(Some(norm))
            ),
            (Some(Reach::Overwritten), _) if has("detach-d") => format!(
                "D's loss leads into G now, past values that G's update has overwritten, and nobody asks for the way: {OWN}"
            ),
            (_, Some(Reach::Norm(norm))) if has("freeze-d") => format!(
                "G's loss reaches D's weights (‖∂L_G/∂D‖ {}), and nobody asks for it: {OWN}. It would count where gradients add up \
                 and are there still in D's next turn: never zeroed, or with G first",
                short(Some(norm))
            ),
            _ => format!(
                "the edit decides how far a backward pass may go, and nobody asks it to: {OWN}"
            ),
        }
    }

    fn same_gradients(&self) -> String {
        match self.plain.1.updates.len() {
            1 => "the step's update had the same gradient to the bit".to_owned(),
            many => format!("all {many} updates of the step had the same gradients to the bit"),
        }
    }

    fn same_moves(&self) -> String {
        "a gradient is another, and the move that is made of it rounds to the same weights"
            .to_owned()
    }

    fn other_updates(&self) -> String {
        format!(
            "the step has other updates: {} instead of {}",
            self.order(self.edited.1),
            self.order(self.plain.1)
        )
    }

    /// Of steps with the same updates, one of which left a weight that differs.
    fn other_weights(&self, tensor: &Tensor, other: Option<usize>) -> (Reason, String) {
        let name = tensor.name.as_str();
        let who = mover(name);
        let updates = &self.edited.1.updates;
        let moved = updates.iter().position(|update| Some(update.who) == who);
        match (other, moved) {
            (Some(other), Some(moved)) if other <= moved => self.other_gradient(other),
            (Some(other), None) => self.other_gradient(other),
            _ => (Reason::OtherMove, self.other_move(who.unwrap_or_default())),
        }
    }

    fn other_move(&self, who: &str) -> String {
        let keys = self.changes.iter().map(|change| &*change.key);
        let own: Vec<&str> = keys
            .filter(|key| key.split('.').next() == Some(who))
            .collect();
        let by = match own.is_empty() {
            true => String::new(),
            false => format!(" ({})", own.join(", ")),
        };
        format!(
            "{}'s gradient is the same to the bit, and its optimiser makes another move of it{by}",
            network(who)
        )
    }

    /// The update of this number is the first with another gradient.
    fn other_gradient(&self, place: usize) -> (Reason, String) {
        let (plain, edited) = (&self.plain.1.updates[place], &self.edited.1.updates[place]);
        let who = network(edited.who);
        let cosine = self.cosine(edited.who);
        let at = cosine.map_or_else(String::new, |cosine| {
            format!(", at a cosine of {cosine:.3} to it")
        });
        if who == "G"
            && let Some([by_d, by_g]) = self.both_pulls()
        {
            let own = at.replace(" to it", " to its own");
            return (
                Reason::BothPulls,
                format!(
                    "gradients add up and D's loss reaches G, so that G goes down both losses at once: ‖∂L_D/∂G‖ {} beside ‖∂L_G/∂G‖ \
                     {}{own}",
                    short(Some(by_d)),
                    short(Some(by_g))
                ),
            );
        }
        let of = updates_of(place, self.edited.1.updates.len());
        let text = match edited.norm == 0.0 {
            true => {
                format!("{of}, {who}'s, has no gradient: no loss of its reaches {who}'s weights")
            }
            false => format!(
                "{of}, {who}'s, is the first with another gradient: its norm is {} instead of {}{at}",
                short(Some(edited.norm)),
                short(Some(plain.norm))
            ),
        };
        (Reason::OtherGradient, text)
    }

    fn cosine(&self, who: &str) -> Option<f64> {
        let last = |made: &Made| made.last.get(who).cloned();
        cosine(&last(self.edited.1)?, &last(self.plain.1)?)
    }

    /// The norms of D's and of G's loss's gradient in G, where G goes down both in the step with the edit and did not before.
    fn both_pulls(&self) -> Option<[f64; 2]> {
        let adds_both = |setup: &Setup| {
            setup.recipe().name() == "lab"
                && text(setup, "zero-grad") != "each-turn"
                && !is(setup, "detach-d")
        };
        let is_new = adds_both(self.edited.0) && !adds_both(self.plain.0);
        let norm = |turn| self.turn(turn).and_then(|seen| seen.on_g.norm());
        is_new.then_some([norm(Turn::D)?, norm(Turn::G)?])
    }
}

fn updates_of(place: usize, all: usize) -> String {
    match all {
        1 => "the update".to_owned(),
        _ => format!("update {} of {all}", place + 1),
    }
}

/// An optimiser's network as one calls it.
fn network(who: &str) -> String {
    who.to_uppercase()
}
