//! What is computed while somebody looks: every node, what it cost and how large its value is, and every backward pass
//! with the size of what it carried.
//!
//! [`record`] runs a closure and tells. The hooks are where an op leaves a value (`Tensor::made_by`), where a pass
//! visits a node ([`vjp`](crate::vjp)), and where a layer is at work ([`scope`]). Nodes are numbered as they are made,
//! so a layer's are a range of numbers: no node has a field for it. When nobody looks a hook is one load from the
//! thread's own memory, as [`profile`](crate::profile)'s is.
//!
//! Looking changes no value. What it takes itself is left out of all times; on a device they are times of handing work
//! over.

mod record;

use crate::array::{Array, Memory, result};
use crate::info::Info;
use detach_kernels::{Layout, reduce};
pub use record::{Edge, Noted, Record, Scope, Visit, Walk};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::rc::{Rc, Weak};
use std::time::{Duration, Instant};

thread_local! {
    /// One thread drives a graph, so what is recorded is the thread's own.
    static ON: Cell<bool> = const { Cell::new(false) };
    static RECORDER: RefCell<Option<Recorder>> = const { RefCell::new(None) };
}

/// Runs `f` and returns its result with what this thread computed.
///
/// # Panics
/// When somebody records this thread already.
#[track_caller]
pub fn record<R>(f: impl FnOnce() -> R) -> (R, Record) {
    /// Also where `f` does not return.
    struct Off;
    impl Drop for Off {
        fn drop(&mut self) {
            ON.set(false);
        }
    }
    assert!(
        !ON.get(),
        "trace::record inside of trace::record: take apart what the inner one records"
    );
    RECORDER.set(Some(Recorder::default()));
    ON.set(true);
    let off = Off;
    let result = f();
    drop(off);
    let record = RECORDER.take().map(|recorder| recorder.record);
    (result, record.unwrap_or_default())
}

/// Runs `f` as the work of `name`, if this thread is being recorded; else it is `f` alone. What is called inside has its
/// name behind this one.
pub fn scope<R>(name: impl Display, f: impl FnOnce() -> R) -> R {
    note(|recorder| recorder.enter(&name));
    let result = f();
    note(Recorder::leave);
    result
}

/// Tells the recorder something, if there is one.
#[inline]
pub(crate) fn note(what: impl FnOnce(&mut Recorder)) {
    if ON.get() {
        RECORDER.with_borrow_mut(|recorder| {
            if let Some(recorder) = recorder {
                recorder.clock.stopped(Instant::now());
                what(recorder);
                recorder.clock.goes_on();
            }
        });
    }
}

/// Tells that a pass over `needed` has come to node `id`, with `dy` for its output.
#[inline]
pub(crate) fn visit<N>(needed: &BTreeMap<u64, N>, id: u64, dy: Option<&Array>) {
    note(|recorder| {
        let ends = [needed.keys().next(), needed.keys().next_back()];
        recorder.visit(ends.map(|end| end == Some(&id)), id, dy);
    });
}

/// An op that was applied, and on what.
pub(crate) struct Applied<'a> {
    pub(crate) op: &'static str,
    pub(crate) info: Info,
    pub(crate) inputs: Vec<(Option<u64>, &'a Array)>,
    /// The node that was made of it, if one was.
    pub(crate) node: Option<u64>,
    pub(crate) output: &'a Array,
}

/// A clock that stands still while the recorder works.
struct Clock {
    begun: Instant,
    /// When it was stopped.
    at: Instant,
    lost: Duration,
}

impl Default for Clock {
    fn default() -> Self {
        let now = Instant::now();
        Self {
            begun: now,
            at: now,
            lost: Duration::ZERO,
        }
    }
}

impl Clock {
    fn stopped(&mut self, at: Instant) {
        self.at = at;
    }

    fn goes_on(&mut self) {
        self.lost += self.at.elapsed();
    }

    /// What it shows.
    fn now(&self) -> Duration {
        self.at.duration_since(self.begun).saturating_sub(self.lost)
    }
}

/// A value as it lies in a memory.
struct Value {
    shape: Vec<usize>,
    /// Its node, or those that it was computed from, where it is a constant.
    of: Vec<u64>,
}

/// A record in the making.
#[derive(Default)]
pub(crate) struct Recorder {
    record: Record,
    clock: Clock,
    /// When the last node was done, or the last piece of work began.
    since: Duration,
    /// A number above that of every node so far.
    next: u64,
    /// Each memory by its place, which no other takes as long as it is known here.
    known: BTreeMap<*const Memory, (usize, Weak<Memory>)>,
    /// What lies in each memory, in the order of making.
    values: Vec<Vec<Value>>,
    scopes: Vec<usize>,
    walks: Vec<usize>,
}

impl Recorder {
    fn memory(&mut self, array: &Array) -> usize {
        let memory = array.memory();
        let next = self.record.memories.len();
        let (place, _) = self
            .known
            .entry(Rc::as_ptr(memory))
            .or_insert_with(|| (next, Rc::downgrade(memory)));
        if *place == next {
            self.record.memories.push(array.memory_bytes());
            self.values.push(Vec::new());
        }
        *place
    }

    /// The nodes that a constant has its value from: of what lies in its memory, the last that has its shape, or else the last.
    fn sources(&self, array: &Array, memory: usize) -> Vec<u64> {
        let values = &self.values[memory];
        let alike = values.iter().rfind(|value| value.shape == array.shape());
        let value = alike.or(values.last());
        value.map_or_else(Vec::new, |value| value.of.clone())
    }

    fn edge(&mut self, node: Option<u64>, array: &Array) -> Edge {
        let memory = self.memory(array);
        if let Some(id) = node.filter(|id| !self.record.nodes.contains_key(id)) {
            let cut_from = self.sources(array, memory);
            let taken = Edge {
                node: None,
                cut_from,
                memory,
            };
            let noted = Noted {
                op: None,
                info: Info::default(),
                shape: array.shape().to_vec(),
                norm: norm(array),
                memory,
                inputs: Vec::from_iter((!taken.cut_from.is_empty()).then_some(taken)),
                time: Duration::ZERO,
            };
            self.insert(id, noted);
        }
        // What a rule detaches is no part of the value that it is a rule of.
        let cut_from = match node {
            None if self.walks.is_empty() => self.sources(array, memory),
            _ => Vec::new(),
        };
        Edge {
            node,
            cut_from,
            memory,
        }
    }

    fn insert(&mut self, id: u64, noted: Noted) {
        self.next = self.next.max(id + 1);
        self.values[noted.memory].push(Value {
            shape: noted.shape.clone(),
            of: vec![id],
        });
        self.record.nodes.insert(id, noted);
    }

    /// An op has left a value.
    pub(crate) fn made(&mut self, applied: Applied<'_>) {
        let Applied {
            op, info, output, ..
        } = applied;
        for walk in &self.walks {
            if let Some(visit) = self.record.walks[*walk].visits.last_mut() {
                visit.flops += info.flops;
            }
        }
        // What rules compute of constants are gradients, which are no values of the forward pass.
        if applied.node.is_none() && !self.walks.is_empty() {
            return;
        }
        let inputs = applied.inputs.into_iter();
        let inputs: Vec<Edge> = inputs.map(|(node, array)| self.edge(node, array)).collect();
        let memory = self.memory(output);
        let Some(id) = applied.node else {
            let of: BTreeSet<u64> = inputs.into_iter().flat_map(|edge| edge.cut_from).collect();
            self.values[memory].push(Value {
                shape: output.shape().to_vec(),
                of: Vec::from_iter(of),
            });
            return;
        };
        let now = self.clock.now();
        let noted = Noted {
            op: Some(op),
            info,
            shape: output.shape().to_vec(),
            norm: norm(output),
            memory,
            inputs,
            time: now.saturating_sub(self.since),
        };
        self.insert(id, noted);
        self.since = now;
    }

    fn enter(&mut self, name: &dyn Display) {
        let inside = self.scopes.last().copied();
        let above = inside.map_or("", |inside| &self.record.scopes[inside].path);
        let path = match (above, name.to_string()) {
            ("", name) => name,
            (above, name) if name.is_empty() => above.to_owned(),
            (above, name) => format!("{above}.{name}"),
        };
        self.scopes.push(self.record.scopes.len());
        self.record.scopes.push(Scope {
            path,
            inside,
            nodes: self.next..self.next,
        });
        self.since = self.clock.now();
    }

    fn leave(&mut self) {
        if let Some(scope) = self.scopes.pop() {
            self.record.scopes[scope].nodes.end = self.next;
        }
        self.since = self.clock.now();
    }

    /// A pass has come to a node, its last or its first; one may be both.
    fn visit(&mut self, [is_last, is_first]: [bool; 2], id: u64, dy: Option<&Array>) {
        let now = self.clock.now();
        match self.walks.last() {
            Some(walk) if !is_first => {
                if let Some(before) = self.record.walks[*walk].visits.last_mut() {
                    before.time = now.saturating_sub(before.time);
                    before.made.end = self.next;
                }
            }
            _ => {
                self.walks.push(self.record.walks.len());
                self.record.walks.push(Walk::default());
            }
        }
        if let Some(walk) = self.walks.last() {
            self.record.walks[*walk].visits.push(Visit {
                node: id,
                norm: dy.map(norm),
                flops: 0,
                // Until the next visit it is when it began; the last one is of a leaf, or of what is asked for itself.
                time: if is_last { Duration::ZERO } else { now },
                made: self.next..self.next,
            });
        }
        if is_last {
            self.walks.pop();
        }
        self.since = now;
    }
}

/// The norm of an array, computed by no op; no number where it has been overwritten, which is an error for who reads it only.
fn norm(array: &Array) -> f64 {
    if array.overwritten_by().is_some() {
        return f64::NAN;
    }
    let layout = Layout::contiguous(&vec![1; array.shape().len()]);
    let mut out = result("norm", &layout, array.kind());
    reduce::norm(array.view(&array.read()), &mut out, &layout);
    Array::from_buffer(out, layout).item()
}
