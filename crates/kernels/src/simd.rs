//! One source, several instruction sets, chosen when the program runs.
//!
//! `simd!` compiles a function once for the machine the binary was built for
//! and once more for every [`Level`] above it, and calls the best one the
//! processor has. Nothing but the instructions changes: no level contracts
//! `a * b + c` into one rounding, so a function made this way gives the same
//! bits at every level.
//!
//! Sums of products are the exception, and their tiles are written by hand: with AVX2,
//! with AVX-512 and on 64-bit ARM a product is added with one rounding,
//! in the same order, to the same bits. Processors without such an instruction (x86-64 before
//! 2013, WebAssembly) round twice and have other last bits.

use std::fmt;
use std::sync::OnceLock;

/// The instruction sets the fast CPU paths are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// What every processor of the target has.
    Portable,
    /// AVX2 and FMA: 8 `f32` to a register.
    Avx2,
    /// AVX-512 F, BW, DQ and VL: 16 `f32` to a register.
    Avx512,
}

impl Level {
    /// Whether sums of products are rounded once for each product, as on every level but the portable
    /// one of processors without an instruction for it. All such levels give the same bits.
    pub fn is_fused(self) -> bool {
        self > Self::Portable || FUSED
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Portable => "portable",
            Self::Avx2 => "AVX2",
            Self::Avx512 => "AVX-512",
        })
    }
}

/// Whether the portable level has an instruction that multiplies and adds with one rounding, as all
/// others have.
const FUSED: bool = cfg!(any(target_arch = "aarch64", target_feature = "fma"));

/// `a * b + c` in the tiles of the portable level: with one rounding where there is an instruction
/// for it. In software it would be exact too, and some forty times slower than the two roundings
/// (`examples/fused.rs`).
#[inline(always)]
pub(crate) fn multiply_add(a: f32, b: f32, c: f32) -> f32 {
    match FUSED {
        true => a.mul_add(b, c),
        false => a * b + c,
    }
}

impl Level {
    /// The level called `name` in any case: `portable`, `avx2` or `avx512`.
    pub fn named(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "portable" => Some(Self::Portable),
            "avx2" => Some(Self::Avx2),
            "avx512" => Some(Self::Avx512),
            _ => None,
        }
    }
}

/// The environment variable that holds the fast paths to a lower level than the
/// processor has: `portable`, `avx2` or `avx512`; empty is as good as unset. Those that are
/// [fused](Level::is_fused) give the same bits, the others differ in the last ones.
pub const LEVEL_VARIABLE: &str = "DETACH_SIMD";

/// The level the fast paths run at: the best this processor has, or what
/// [`LEVEL_VARIABLE`] asks for if that is less. It does not change while the program
/// runs.
///
/// # Panics
/// When the variable has another value than those three.
#[inline]
pub fn level() -> Level {
    static LEVEL: OnceLock<Level> = OnceLock::new();
    *LEVEL.get_or_init(|| {
        let asked = std::env::var_os(LEVEL_VARIABLE).filter(|name| !name.is_empty());
        asked.map_or(best(), |name| {
            let name = name.to_string_lossy();
            let level = Level::named(&name).unwrap_or_else(|| {
                panic!("{LEVEL_VARIABLE} is `{name}`; it takes portable, avx2 or avx512")
            });
            level.min(best())
        })
    })
}

/// The best level this processor has.
fn best() -> Level {
    #[cfg(target_arch = "x86_64")]
    {
        let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        let avx512 = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl");
        if avx2 && avx512 {
            return Level::Avx512;
        }
        if avx2 {
            return Level::Avx2;
        }
    }
    Level::Portable
}

/// Defines a function that is compiled for every [`Level`] and picks one when
/// called.
///
/// What the body calls must be inlined into it to be compiled along: mark it
/// `#[inline(always)]`, closures included. A generic parameter takes one bound.
macro_rules! simd {
    ($(#[$meta:meta])* $vis:vis fn $name:ident $(<$($g:ident: $bound:path),+>)? (
        $($arg:ident: $t:ty),* $(,)?
    ) $(-> $r:ty)? $body:block) => {
        $(#[$meta])*
        #[allow(unsafe_code)]
        $vis fn $name $(<$($g: $bound),+>)? ($($arg: $t),*) $(-> $r)? {
            #[inline(always)]
            fn portable $(<$($g: $bound),+>)? ($($arg: $t),*) $(-> $r)? $body

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            fn avx2 $(<$($g: $bound),+>)? ($($arg: $t),*) $(-> $r)? {
                portable($($arg),*)
            }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
            fn avx512 $(<$($g: $bound),+>)? ($($arg: $t),*) $(-> $r)? {
                portable($($arg),*)
            }

            #[cfg(target_arch = "x86_64")]
            match $crate::simd::level() {
                // SAFETY: the processor has the features `level` names.
                $crate::simd::Level::Avx512 => return unsafe { avx512($($arg),*) },
                // SAFETY: as above.
                $crate::simd::Level::Avx2 => return unsafe { avx2($($arg),*) },
                $crate::simd::Level::Portable => {}
            }
            portable($($arg),*)
        }
    };
}
pub(crate) use simd;

#[cfg(test)]
mod tests {
    use super::*;

    simd! {
        fn dot<T: Into<f32>>(x: Vec<T>, y: &[f32]) -> f32 {
            x.into_iter().zip(y).map(|(a, b)| a.into() * b).sum()
        }
    }

    #[test]
    fn the_macro_takes_generics_and_returns() {
        assert_eq!(dot(vec![1u8, 2, 3], &[1.0, 10.0, 100.0]), 321.0);
        assert!(Level::Portable < Level::Avx2 && level() >= Level::Portable);
    }

    #[test]
    fn the_variable_names_levels() {
        assert_eq!(Level::named("AVX2"), Some(Level::Avx2));
        assert_eq!(Level::named("portable"), Some(Level::Portable));
        for name in ["sse", "", " avx2", "avx-512"] {
            assert_eq!(Level::named(name), None, "{name}");
        }
    }
}
