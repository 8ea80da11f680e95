//! How a product is cut into tiles and parts of k: a function of its sizes alone, so that
//! its bits are the same on every GPU.

use crate::Matmul;
use std::cell::Cell;

thread_local! {
    static FORCED: Cell<Option<Cut>> = const { Cell::new(None) };
}

/// A cut that is not chosen: the `tile`th of those that fit the operands, so many parts of k.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cut {
    pub(crate) tile: usize,
    pub(crate) splits: usize,
}

impl Cut {
    /// Runs `f` with every product of this thread cut so: small cases meet the tiles of
    /// large products.
    pub(crate) fn force<R>(self, f: impl FnOnce() -> R) -> R {
        struct Back(Option<Cut>);
        impl Drop for Back {
            fn drop(&mut self) {
                FORCED.set(self.0);
            }
        }
        let _back = Back(FORCED.replace(Some(self)));
        f()
    }
}

/// Multiprocessors that cuts are chosen for: those of an H100 or H200.
const PROCESSORS: usize = 132;
/// Parts of k start at multiples of it.
const DEPTH: usize = 32;
/// The shortest part of k worth a block's start and end.
const SHORTEST: usize = 64;
/// The most parts of k.
const MOST: usize = 256;

/// Sizes of `count` products.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) m: usize,
    pub(crate) n: usize,
    pub(crate) k: usize,
    pub(crate) count: usize,
}

/// What a block computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tile {
    /// Among the kernels of a form.
    pub(crate) index: usize,
    pub(crate) m: usize,
    pub(crate) n: usize,
    pub(crate) warps: usize,
    /// Bytes of shared memory that one tile of both operands takes, where they are copied there
    /// ahead of time.
    stage: usize,
    /// Blocks that a multiprocessor has room for, by their registers.
    resident: usize,
    /// Multiply-adds in a cycle when there are warps enough.
    rate: usize,
}

impl Tile {
    /// Bytes of dynamic shared memory.
    pub(crate) fn shared(&self) -> usize {
        const STAGES: usize = 4;
        STAGES * self.stage
    }
}

/// In single precision, four elements read at a time.
const FP32: [Tile; 2] = [
    Tile {
        index: 0,
        m: 128,
        n: 64,
        warps: 4,
        stage: 0,
        resident: 3,
        rate: 128,
    },
    Tile {
        index: 1,
        m: 64,
        n: 64,
        warps: 2,
        stage: 0,
        resident: 6,
        rate: 120,
    },
];
/// In single precision, one element read at a time.
const ANY: [Tile; 1] = [Tile {
    index: 2,
    m: 64,
    n: 64,
    warps: 8,
    stage: 0,
    resident: 3,
    rate: 64,
}];
/// In TF32.
const TF32: [Tile; 3] = [
    Tile {
        index: 3,
        m: 128,
        n: 128,
        warps: 4,
        stage: 20_480,
        resident: 2,
        rate: 520,
    },
    Tile {
        index: 4,
        m: 128,
        n: 64,
        warps: 4,
        stage: 15_360,
        resident: 3,
        rate: 420,
    },
    Tile {
        index: 5,
        m: 64,
        n: 64,
        warps: 4,
        stage: 10_240,
        resident: 4,
        rate: 300,
    },
];

/// How operands are read and multiplied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Means {
    /// One element at a time: any strides.
    Any,
    /// Four at a time.
    Fours,
    /// Four at a time, rounded to TF32.
    Tf32,
}

impl Means {
    /// Of operands that can be read four elements at a time, or cannot.
    pub(crate) fn of(fours: bool, matmul: Matmul) -> Self {
        match (fours, matmul) {
            (false, _) => Self::Any,
            (true, Matmul::Fp32) => Self::Fours,
            (true, Matmul::Tf32) => Self::Tf32,
        }
    }

    fn tiles(self) -> &'static [Tile] {
        match self {
            Self::Any => &ANY,
            Self::Fours => &FP32,
            Self::Tf32 => &TF32,
        }
    }
}

/// A cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) tile: Tile,
    /// Parts of k.
    pub(crate) splits: usize,
    /// How long each is; the last may be shorter.
    pub(crate) slice: usize,
}

impl Plan {
    /// The cut that is estimated to take the fewest cycles.
    pub(crate) fn of(shape: &Shape, means: Means) -> Self {
        let tiles = means.tiles();
        if let Some(cut) = FORCED.get() {
            return Self::split(tiles[cut.tile % tiles.len()], shape, cut.splits);
        }
        let mut best = (usize::MAX, Self::whole(tiles[0], shape));
        for &tile in tiles {
            let mut splits = 1;
            while splits <= MOST {
                let plan = Self::split(tile, shape, splits);
                let cycles = plan.cycles(shape);
                if cycles < best.0 {
                    best = (cycles, plan);
                }
                splits += splits.div_ceil(3);
            }
        }
        best.1
    }

    fn whole(tile: Tile, shape: &Shape) -> Self {
        Self {
            tile,
            splits: 1,
            slice: shape.k,
        }
    }

    /// At most this many parts of k, none too short.
    fn split(tile: Tile, shape: &Shape, splits: usize) -> Self {
        let slice = shape
            .k
            .div_ceil(splits)
            .max(SHORTEST)
            .next_multiple_of(DEPTH);
        match shape.k.div_ceil(slice) {
            0 | 1 => Self::whole(tile, shape),
            splits => Self {
                tile,
                splits,
                slice,
            },
        }
    }

    /// Cycles of the busiest multiprocessor. Twelve warps are taken to keep its units busy, fewer
    /// to leave them waiting; starting a block, and summing up the parts, take their time.
    fn cycles(&self, shape: &Shape) -> usize {
        /// Until a block computes, and from then until its sums are written.
        const BLOCK: usize = 1500;
        /// Another kernel, which reads the parts of a sum one after the other, some under way at a
        /// time; and the bytes that all multiprocessors together read or write in a cycle.
        const LAUNCH: usize = 2500;
        const PART: usize = 75;
        const BYTES: usize = 2000;
        let tile = self.tile;
        let tiles = shape.m.div_ceil(tile.m) * shape.n.div_ceil(tile.n) * shape.count;
        let each = (tiles * self.splits).div_ceil(PROCESSORS);
        let warps = (each.min(tile.resident) * tile.warps).min(12);
        let work = each * self.slice * tile.m * tile.n / tile.rate;
        let cycles = work * 4 * (warps + 3) / (5 * warps) + each.div_ceil(tile.resident) * BLOCK;
        let parts = 4 * (self.splits + 1) * shape.m * shape.n * shape.count;
        match self.splits {
            1 => cycles,
            _ => cycles + LAUNCH + PART * self.splits + 2 * parts / BYTES,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Products of `dcgan` at a batch of 64, of `mlp`, and others.
    const SHAPES: [[usize; 4]; 16] = [
        [64, 12544, 100, 1],
        [3136, 128, 1024, 4],
        [12544, 64, 512, 4],
        [3136, 256, 2048, 1],
        [256, 2048, 3136, 1],
        [12544, 128, 1024, 1],
        [128, 1024, 12544, 1],
        [3136, 128, 1024, 1],
        [128, 1024, 3136, 1],
        [3136, 64, 512, 4],
        [64, 1, 6272, 1],
        [64, 1024, 784, 1],
        [1024, 784, 64, 1],
        [1, 1, 0, 1],
        [1, 1, 1_000_000, 3],
        [4096, 4096, 4096, 1],
    ];

    fn shape([m, n, k, count]: [usize; 4]) -> Shape {
        Shape { m, n, k, count }
    }

    #[test]
    fn parts_make_the_whole() {
        for sizes in SHAPES {
            for means in [Means::Any, Means::Fours, Means::Tf32] {
                let plan = Plan::of(&shape(sizes), means);
                let k = sizes[2];
                assert!(plan.splits * plan.slice >= k, "{sizes:?} {plan:?}");
                let before_last = (plan.splits - 1) * plan.slice;
                assert!(before_last < k.max(1), "{sizes:?} {plan:?}: an empty part");
                let whole = plan.splits == 1 || plan.slice.is_multiple_of(DEPTH);
                assert!(whole, "{sizes:?} {plan:?}");
            }
        }
    }

    /// Where large products have few tiles, k is split.
    #[test]
    fn devices_are_filled() {
        for sizes in SHAPES
            .into_iter()
            .filter(|sizes| sizes.iter().product::<usize>() > 1 << 28)
        {
            for means in [Means::Fours, Means::Tf32] {
                let (shape, plan) = (shape(sizes), Plan::of(&shape(sizes), means));
                let tiles = shape.m.div_ceil(plan.tile.m) * shape.n.div_ceil(plan.tile.n);
                let blocks = tiles * shape.count * plan.splits;
                assert!(
                    blocks >= PROCESSORS * 2 / 3,
                    "{sizes:?} {plan:?}: {blocks} blocks"
                );
            }
        }
    }

    #[test]
    fn a_cut_is_forced_and_then_no_more() {
        let shape = shape(SHAPES[1]);
        let chosen = Plan::of(&shape, Means::Tf32);
        let cut = Cut { tile: 2, splits: 5 };
        let forced = cut.force(|| Plan::of(&shape, Means::Tf32));
        assert_eq!((forced.tile, forced.splits), (TF32[2], 5));
        assert_eq!(Plan::of(&shape, Means::Tf32), chosen);
    }
}
