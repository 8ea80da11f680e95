//! The plain loop, for either type and any strides.

use super::Reduction;
use crate::walk::offsets;
use crate::{Buffer, Layout, Real, View};

pub(super) fn reduce<T: Real>(op: Reduction, x: View<'_>, out: &mut Buffer, out_layout: &Layout) {
    let xs = x.buffer.as_slice::<T>();
    let mut totals = vec![op.start(); out_layout.len()];
    // An axis of size 1 repeated to the operand's size: every element of the
    // operand beside the total it goes to.
    let targets = out_layout.expand(x.layout.shape());
    for (at, x) in offsets(&targets).zip(offsets(&x.layout)) {
        let (total, x) = (totals[at], xs[x].f64());
        totals[at] = match op {
            Reduction::Sum | Reduction::Mean => total + x,
            Reduction::Norm => total + x * x,
            Reduction::Max if x > total || x.is_nan() => x,
            Reduction::Max => total,
        };
    }
    let count = x.layout.len() / out_layout.len();
    for (o, total) in out.as_mut_slice::<T>().iter_mut().zip(totals) {
        *o = T::of(op.finish(total, count));
    }
}
