//! What each implementation of a family changes: the ladder from the plain loop to the fast
//! path, in words for the closing table of `cargo bench`.

/// A family and its implementations, slowest first, under the names of its `VARIANTS`, each
/// with what it does differently from the one before.
type Ladder = (&'static str, &'static [(&'static str, &'static str)]);

/// Every family's ladder.
const LADDERS: [Ladder; 10] = [
    (
        "gemm",
        &[
            (
                "reference",
                "three plain loops, rows shared among the threads; every step of k loads and \
                 stores a row of the result",
            ),
            (
                "blocked matrixmultiply",
                "the matrixmultiply crate's kernel on 16 blocks, shared among the threads: both \
                 operands are packed to stay in caches, sums stay in registers",
            ),
            (
                "register tiles",
                "tiles as large as the vector registers allow; only the right operand is packed, \
                 the left is read where it lies",
            ),
        ],
    ),
    (
        "conv",
        &[
            (
                "reference",
                "plain loops over images, pixels and kernel rows, images shared among the threads",
            ),
            (
                "im2col",
                "patches gathered into a matrix, a band at a time, and products of register tiles",
            ),
            (
                "direct, Winograd or im2col by geometry",
                "with few channels, sums straight from the image; with kernel 4 and stride 2, \
                 Winograd's F(3,2) and F(2,2), with kernel 3 and stride 1 its F(2,3), which \
                 multiply less than the direct algorithm whose operations are counted here",
            ),
        ],
    ),
    (
        "map",
        &[
            (
                "reference",
                "one number at a time at any strides, functions from the system's library, one \
                 thread",
            ),
            (
                "fast",
                "vectors and polynomials, chunks shared among the threads",
            ),
        ],
    ),
    (
        "reduce",
        &[
            (
                "reference",
                "one number at a time onto its total, one thread",
            ),
            (
                "fast",
                "axes merged, many accumulators side by side, fixed chunks shared among the \
                 threads",
            ),
        ],
    ),
    (
        "copy",
        &[
            (
                "reference",
                "one number at a time at any strides, one thread",
            ),
            (
                "fast",
                "runs where both orders agree, tiles transposed in registers where they do not, \
                 shared among the threads",
            ),
        ],
    ),
    (
        "norm",
        &[
            (
                "reference",
                "a pass for every sum, channel by channel in strides, f64, one thread",
            ),
            (
                "fast",
                "two passes over memory forward and two backward, all channels of a tile at once, \
                 ReLU's derivative computed again instead of read",
            ),
        ],
    ),
    (
        "optim",
        &[
            ("reference", "one number at a time, one thread"),
            (
                "fast",
                "every stream read once and written once in vectors, chunks shared among the \
                 threads",
            ),
        ],
    ),
    (
        "philox",
        &[
            ("reference", "a block of four numbers at a time, one thread"),
            (
                "fast",
                "sixteen blocks side by side in vector registers, chunks shared among the threads",
            ),
        ],
    ),
    (
        "resample",
        &[
            ("reference", "every tap of a pixel, one number at a time"),
            (
                "fast",
                "rows added up in vectors, then pixels along the sum, rows of the result shared \
                 among the threads",
            ),
        ],
    ),
    (
        "border",
        &[
            ("reference", "one number at a time"),
            (
                "fast",
                "rows copied and added in vectors, shared among the threads",
            ),
        ],
    ),
];

/// What an implementation does differently from the one before it.
pub fn words(family: &str, implementation: &str) -> Option<&'static str> {
    let (_, rungs) = LADDERS.iter().find(|(name, _)| *name == family)?;
    let (_, words) = rungs.iter().find(|(name, _)| *name == implementation)?;
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use detach_kernels::families;

    /// A new family or implementation needs its words; see `LADDERS`.
    #[test]
    fn every_implementation_has_its_words() {
        let ours = LADDERS.map(|(family, rungs)| {
            let names: Vec<&str> = rungs.iter().map(|(name, _)| *name).collect();
            (family, names)
        });
        let kernels: Vec<_> = families()
            .iter()
            .map(|(family, names)| (*family, names.to_vec()))
            .collect();
        assert_eq!(ours.to_vec(), kernels);
    }
}
