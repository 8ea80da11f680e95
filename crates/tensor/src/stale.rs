//! What is known of a write in place, and what is said to whoever comes too late for the values before it.

use std::panic::Location;

/// A line of a program.
pub(crate) type Place = &'static Location<'static>;

/// A write in place that is about to happen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Writing<'a> {
    /// Who writes: `Optimiser::step`.
    pub(crate) by: &'a str,
    /// What is written, where that has a name: "`4.weight` of `d`".
    pub(crate) to: &'a str,
    /// The line that has it written.
    pub(crate) at: Place,
}

impl<'a> Writing<'a> {
    /// A write by the caller to something without a name.
    #[track_caller]
    pub(crate) fn new(by: &'a str) -> Self {
        Self {
            by,
            to: "",
            at: Location::caller(),
        }
    }
}

/// The last write to a piece of memory.
#[derive(Debug, Default)]
pub(crate) struct Written {
    by: String,
    to: String,
    at: Option<Place>,
}

impl Written {
    /// Remembers `write`, in the memory of the one before.
    pub(crate) fn remember(&mut self, write: &Writing<'_>) {
        for (kept, new) in [(&mut self.by, write.by), (&mut self.to, write.to)] {
            kept.clear();
            kept.push_str(new);
        }
        self.at = Some(write.at);
    }

    /// "`Optimiser::step` (`4.weight` of `d`, at src/train.rs:31:14)"
    pub(crate) fn told(&self) -> String {
        format!("`{}`{}", self.by, self.details(1))
    }

    /// " (`4.weight` of `d`, at src/train.rs:31:14, the last of 2 writes)"
    fn details(&self, writes: u64) -> String {
        let to = (!self.to.is_empty()).then(|| self.to.clone());
        let at = self.at.map(|at| format!("at {at}"));
        let last = (writes > 1).then(|| format!("the last of {writes} writes"));
        let known: Vec<String> = [to, at, last].into_iter().flatten().collect();
        match known.is_empty() {
            true => String::new(),
            false => format!(" ({})", known.join(", ")),
        }
    }
}

/// A handle that somebody tries to read too late.
pub(crate) struct Late<'a> {
    /// Its shape.
    pub(crate) shape: &'a [usize],
    /// The op that kept it for its derivative rule, if one did.
    pub(crate) saved_by: Option<&'static str>,
    /// Where the gradient is asked for, if one is.
    pub(crate) asked_at: Option<Place>,
    /// How often its memory was written since it was made.
    pub(crate) writes: u64,
}

impl Late<'_> {
    /// What saved the value, what wrote to it, and which line to change.
    #[cold]
    pub(crate) fn message(&self, last: &Written) -> String {
        let shape = self.shape;
        let Some(op) = self.saved_by else {
            return format!(
                "stale handle: an array {shape:?} was read after `{}` wrote to it{}; fetch the array again \
                 after the write",
                last.by,
                last.details(self.writes)
            );
        };
        let write = last.details(self.writes);
        let asked = self.asked_at.map(|at| format!(" asked for at {at}"));
        format!(
            "`{op}` saved its operand {shape:?} for its derivative rule, but `{}` has written to it since{write}: \
             the gradient{} would mix old and new values. Ask for it above that write: take all gradients of a graph \
             before stepping any of its parameters. Or run the forward pass again below the write",
            last.by,
            asked.unwrap_or_default()
        )
    }
}
