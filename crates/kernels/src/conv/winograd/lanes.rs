//! Sixteen channels at a time, in the registers of each level.

#![allow(unsafe_code)]

use std::ops::{Add, Mul, Sub};

/// Channels that go through a transform together.
pub(super) const LANES: usize = 16;

/// One value for each of [`LANES`] channels.
pub(super) trait Lanes:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<f32, Output = Self>
{
    const ZERO: Self;

    /// The first of `x`.
    ///
    /// # Panics
    /// When there are fewer.
    fn load(x: &[f32]) -> Self;

    /// # Panics
    /// As [`Lanes::load`].
    fn store(self, x: &mut [f32]);
}

/// Lanes as the compiler likes them.
#[derive(Clone, Copy)]
pub(super) struct Portable([f32; LANES]);

impl Lanes for Portable {
    const ZERO: Self = Self([0.0; LANES]);

    #[inline(always)]
    fn load(x: &[f32]) -> Self {
        let mut out = Self::ZERO;
        out.0.copy_from_slice(&x[..LANES]);
        out
    }

    #[inline(always)]
    fn store(self, x: &mut [f32]) {
        x[..LANES].copy_from_slice(&self.0);
    }
}

impl Mul<f32> for Portable {
    type Output = Self;
    #[inline(always)]
    fn mul(mut self, factor: f32) -> Self {
        for x in &mut self.0 {
            *x *= factor;
        }
        self
    }
}

macro_rules! portable {
    ($($trait:ident $name:ident $op:tt),+) => {$(
        impl $trait for Portable {
            type Output = Self;
            #[inline(always)]
            fn $name(mut self, other: Self) -> Self {
                for i in 0..LANES {
                    self.0[i] $op other.0[i];
                }
                self
            }
        }
    )+};
}
portable!(Add add +=, Sub sub -=);

#[cfg(target_arch = "x86_64")]
pub(super) use x86::{Avx2, Avx512};

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{LANES, Lanes};
    use std::arch::x86_64::*;
    use std::ops::{Add, Mul, Sub};

    /// One register. Only functions compiled for AVX-512 may make one.
    #[derive(Clone, Copy)]
    pub(in crate::conv::winograd) struct Avx512(__m512);

    /// Two registers. Only functions compiled for AVX2 may make one.
    #[derive(Clone, Copy)]
    pub(in crate::conv::winograd) struct Avx2(__m256, __m256);

    impl Lanes for Avx512 {
        // SAFETY: any bits are a vector of floats.
        const ZERO: Self = Self(unsafe { std::mem::transmute::<[f32; 16], __m512>([0.0; LANES]) });

        #[inline(always)]
        fn load(x: &[f32]) -> Self {
            let x = &x[..LANES];
            // SAFETY: there are sixteen elements, and this level has the instruction.
            Self(unsafe { _mm512_loadu_ps(x.as_ptr()) })
        }

        #[inline(always)]
        fn store(self, x: &mut [f32]) {
            let x = &mut x[..LANES];
            // SAFETY: as above.
            unsafe { _mm512_storeu_ps(x.as_mut_ptr(), self.0) }
        }
    }

    impl Lanes for Avx2 {
        const ZERO: Self = {
            // SAFETY: any bits are a vector of floats.
            let half = unsafe { std::mem::transmute::<[f32; 8], __m256>([0.0; 8]) };
            Self(half, half)
        };

        #[inline(always)]
        fn load(x: &[f32]) -> Self {
            let x = &x[..LANES];
            // SAFETY: there are sixteen elements, and this level has the instruction.
            unsafe {
                Self(
                    _mm256_loadu_ps(x.as_ptr()),
                    _mm256_loadu_ps(x.as_ptr().add(8)),
                )
            }
        }

        #[inline(always)]
        fn store(self, x: &mut [f32]) {
            let x = &mut x[..LANES];
            // SAFETY: as above.
            unsafe {
                _mm256_storeu_ps(x.as_mut_ptr(), self.0);
                _mm256_storeu_ps(x.as_mut_ptr().add(8), self.1);
            }
        }
    }

    // SAFETY of the arithmetic: whoever made the operands had the instructions.
    macro_rules! arithmetic {
        ($($trait:ident $name:ident $wide:ident $half:ident),+) => {$(
            impl $trait for Avx512 {
                type Output = Self;
                #[inline(always)]
                fn $name(self, other: Self) -> Self {
                    // SAFETY: as above.
                    Self(unsafe { $wide(self.0, other.0) })
                }
            }
            impl $trait for Avx2 {
                type Output = Self;
                #[inline(always)]
                fn $name(self, other: Self) -> Self {
                    // SAFETY: as above.
                    unsafe { Self($half(self.0, other.0), $half(self.1, other.1)) }
                }
            }
        )+};
    }
    arithmetic!(Add add _mm512_add_ps _mm256_add_ps, Sub sub _mm512_sub_ps _mm256_sub_ps);

    impl Mul<f32> for Avx512 {
        type Output = Self;
        #[inline(always)]
        fn mul(self, factor: f32) -> Self {
            // SAFETY: as above.
            Self(unsafe { _mm512_mul_ps(self.0, _mm512_set1_ps(factor)) })
        }
    }

    impl Mul<f32> for Avx2 {
        type Output = Self;
        #[inline(always)]
        fn mul(self, factor: f32) -> Self {
            // SAFETY: as above.
            unsafe {
                let factor = _mm256_set1_ps(factor);
                Self(_mm256_mul_ps(self.0, factor), _mm256_mul_ps(self.1, factor))
            }
        }
    }
}

/// Defines a function over `V: Lanes` that picks `V` for this processor when called.
/// What the body calls must be inlined into it, closures included.
macro_rules! by_lanes {
    ($(#[$meta:meta])* $vis:vis fn $name:ident <$v:ident> ($($arg:ident: $t:ty),* $(,)?) $body:block) => {
        $(#[$meta])*
        #[allow(unsafe_code)]
        $vis fn $name($($arg: $t),*) {
            #[inline(always)]
            fn body<$v: $crate::conv::winograd::lanes::Lanes>($($arg: $t),*) $body

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            fn avx2($($arg: $t),*) {
                body::<$crate::conv::winograd::lanes::Avx2>($($arg),*);
            }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
            fn avx512($($arg: $t),*) {
                body::<$crate::conv::winograd::lanes::Avx512>($($arg),*);
            }

            #[cfg(target_arch = "x86_64")]
            match $crate::simd::level() {
                // SAFETY: the processor has the features `level` names.
                $crate::simd::Level::Avx512 => return unsafe { avx512($($arg),*) },
                // SAFETY: as above.
                $crate::simd::Level::Avx2 => return unsafe { avx2($($arg),*) },
                $crate::simd::Level::Portable => {}
            }
            body::<$crate::conv::winograd::lanes::Portable>($($arg),*);
        }
    };
}
pub(super) use by_lanes;
