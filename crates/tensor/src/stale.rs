//! What is known of a write in place, and what is said to whoever comes too late for the values before it.

use std::cell::Cell;
use std::panic::Location;

/// A line of a program.
pub(crate) type Place = &'static Location<'static>;

/// The derivative rule that a backward pass runs on this thread. What it reads, its op has saved.
#[derive(Clone, Copy)]
pub(crate) struct RunningRule {
    /// Whose rule it is.
    pub(crate) op: &'static str,
    /// Where the gradient is asked for.
    pub(crate) asked_at: Place,
}

thread_local! {
    static RUNNING: Cell<Option<RunningRule>> = const { Cell::new(None) };
}

impl RunningRule {
    /// That of `op`, for a gradient that is asked for at `asked_at`.
    pub(crate) fn of(op: &'static str, asked_at: Place) -> Self {
        Self { op, asked_at }
    }

    /// That of this thread, if one runs.
    pub(crate) fn of_thread() -> Option<Self> {
        RUNNING.get()
    }

    /// What `rule` answers, running as this.
    pub(crate) fn run<R>(self, rule: impl FnOnce() -> R) -> R {
        /// Puts back what ran before, also when the rule panics: an op's rule may take a gradient itself.
        struct Before(Option<RunningRule>);
        impl Drop for Before {
            fn drop(&mut self) {
                RUNNING.set(self.0);
            }
        }
        let _before = Before(RUNNING.replace(Some(self)));
        rule()
    }
}

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
    /// The derivative rule that reads it, if one does.
    pub(crate) rule: Option<RunningRule>,
    /// How often its memory was written since it was made.
    pub(crate) writes: u64,
}

impl Late<'_> {
    /// What saved the value, what wrote to it, and which line to change.
    #[cold]
    pub(crate) fn message(&self, last: &Written) -> String {
        let shape = self.shape;
        let Some(RunningRule { op, asked_at }) = self.rule else {
            return format!(
                "stale handle: an array {shape:?} was read after `{}` wrote to it{}; fetch the array again \
                 after the write",
                last.by,
                last.details(self.writes)
            );
        };
        let write = last.details(self.writes);
        format!(
            "`{op}` saved its operand {shape:?} for its derivative rule, but `{}` has written to it since{write}: \
             the gradient asked for at {asked_at} would mix old and new values. Ask for it above that write: take all gradients of a graph \
             before stepping any of its parameters. Or run the forward pass again below the write",
            last.by
        )
    }
}
