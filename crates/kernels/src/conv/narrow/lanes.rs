//! A register of `f32`s for each instruction set, so that the tile is written once.

#![allow(unsafe_code)]

use crate::simd::multiply_add;

/// One register.
///
/// # Safety
/// Every method needs the processor to have the instruction set, and must be inlined
/// into a function compiled for it. Pointers must be valid for the elements named.
pub(super) trait Lanes: Copy {
    /// Elements of a register.
    const COUNT: usize;
    /// Asks for the line at an address that will be written.
    unsafe fn prefetch(at: *const f32);
    unsafe fn zero() -> Self;
    /// All lanes the one element at `from`.
    unsafe fn splat(from: *const f32) -> Self;
    unsafe fn load(from: *const f32) -> Self;
    /// The first `count` elements, then zeros.
    unsafe fn load_part(from: *const f32, count: usize) -> Self;
    unsafe fn store(self, to: *mut f32);
    /// Writes the first `count` lanes.
    unsafe fn store_part(self, to: *mut f32, count: usize);
    unsafe fn add(self, other: Self) -> Self;
    /// `self * b + sum`.
    unsafe fn mul_add(self, b: Self, sum: Self) -> Self;
    /// Negative lanes multiplied by `slope`.
    unsafe fn bend(self, slope: f32) -> Self;
}

/// What every processor has.
#[derive(Clone, Copy)]
pub(super) struct Portable([f32; 8]);

impl Lanes for Portable {
    const COUNT: usize = 8;
    #[inline(always)]
    unsafe fn prefetch(_: *const f32) {}
    #[inline(always)]
    unsafe fn zero() -> Self {
        Self([0.0; 8])
    }
    #[inline(always)]
    unsafe fn splat(from: *const f32) -> Self {
        // SAFETY: the caller's promise.
        Self([unsafe { *from }; 8])
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller's promise.
        Self(unsafe { *from.cast() })
    }
    #[inline(always)]
    unsafe fn load_part(from: *const f32, count: usize) -> Self {
        // SAFETY: lanes from `count` on are not read; the others are the caller's
        // promise.
        Self(std::array::from_fn(|i| match i < count {
            true => unsafe { *from.add(i) },
            false => 0.0,
        }))
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller's promise.
        unsafe { *to.cast() = self.0 };
    }
    #[inline(always)]
    unsafe fn store_part(self, to: *mut f32, count: usize) {
        for (i, x) in self.0.into_iter().enumerate().take(count) {
            // SAFETY: the caller's promise.
            unsafe { *to.add(i) = x };
        }
    }
    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] + other.0[i]))
    }
    #[inline(always)]
    unsafe fn mul_add(self, b: Self, sum: Self) -> Self {
        Self(std::array::from_fn(|i| {
            multiply_add(self.0[i], b.0[i], sum.0[i])
        }))
    }
    #[inline(always)]
    unsafe fn bend(self, slope: f32) -> Self {
        Self(self.0.map(|x| if x < 0.0 { x * slope } else { x }))
    }
}

#[cfg(target_arch = "x86_64")]
pub(super) use x86::{Ymm, Zmm};

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::Lanes;
    use std::arch::x86_64::*;

    /// AVX2 and FMA.
    #[derive(Clone, Copy)]
    pub(in super::super) struct Ymm(__m256);

    /// All ones in the first `count` lanes.
    #[inline(always)]
    unsafe fn first(count: usize) -> __m256i {
        // SAFETY: the caller has AVX2.
        unsafe {
            let lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
            _mm256_cmpgt_epi32(_mm256_set1_epi32(count as i32), lanes)
        }
    }

    // SAFETY (all blocks): the caller has the instruction set and vouches for the
    // pointers; masked lanes are neither read nor written.
    impl Lanes for Ymm {
        const COUNT: usize = 8;
        #[inline(always)]
        unsafe fn prefetch(at: *const f32) {
            unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) }
        }
        #[inline(always)]
        unsafe fn zero() -> Self {
            Self(unsafe { _mm256_setzero_ps() })
        }
        #[inline(always)]
        unsafe fn splat(from: *const f32) -> Self {
            Self(unsafe { _mm256_broadcast_ss(&*from) })
        }
        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            Self(unsafe { _mm256_loadu_ps(from) })
        }
        #[inline(always)]
        unsafe fn load_part(from: *const f32, count: usize) -> Self {
            Self(unsafe { _mm256_maskload_ps(from, first(count)) })
        }
        #[inline(always)]
        unsafe fn store(self, to: *mut f32) {
            unsafe { _mm256_storeu_ps(to, self.0) }
        }
        #[inline(always)]
        unsafe fn store_part(self, to: *mut f32, count: usize) {
            unsafe { _mm256_maskstore_ps(to, first(count), self.0) }
        }
        #[inline(always)]
        unsafe fn add(self, other: Self) -> Self {
            Self(unsafe { _mm256_add_ps(self.0, other.0) })
        }
        #[inline(always)]
        unsafe fn mul_add(self, b: Self, sum: Self) -> Self {
            Self(unsafe { _mm256_fmadd_ps(self.0, b.0, sum.0) })
        }
        #[inline(always)]
        unsafe fn bend(self, slope: f32) -> Self {
            unsafe {
                let negative = _mm256_cmp_ps::<_CMP_LT_OQ>(self.0, _mm256_setzero_ps());
                let scaled = _mm256_mul_ps(self.0, _mm256_set1_ps(slope));
                Self(_mm256_blendv_ps(self.0, scaled, negative))
            }
        }
    }

    /// AVX-512 F.
    #[derive(Clone, Copy)]
    pub(in super::super) struct Zmm(__m512);

    // SAFETY (all blocks): as above.
    impl Lanes for Zmm {
        const COUNT: usize = 16;
        #[inline(always)]
        unsafe fn prefetch(at: *const f32) {
            unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) }
        }
        #[inline(always)]
        unsafe fn zero() -> Self {
            Self(unsafe { _mm512_setzero_ps() })
        }
        #[inline(always)]
        unsafe fn splat(from: *const f32) -> Self {
            Self(unsafe { _mm512_set1_ps(*from) })
        }
        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            Self(unsafe { _mm512_loadu_ps(from) })
        }
        #[inline(always)]
        unsafe fn load_part(from: *const f32, count: usize) -> Self {
            let mask = ((1_u32 << count.min(16)) - 1) as u16;
            Self(unsafe { _mm512_maskz_loadu_ps(mask, from) })
        }
        #[inline(always)]
        unsafe fn store(self, to: *mut f32) {
            unsafe { _mm512_storeu_ps(to, self.0) }
        }
        #[inline(always)]
        unsafe fn store_part(self, to: *mut f32, count: usize) {
            let mask = ((1_u32 << count.min(16)) - 1) as u16;
            unsafe { _mm512_mask_storeu_ps(to, mask, self.0) }
        }
        #[inline(always)]
        unsafe fn add(self, other: Self) -> Self {
            Self(unsafe { _mm512_add_ps(self.0, other.0) })
        }
        #[inline(always)]
        unsafe fn mul_add(self, b: Self, sum: Self) -> Self {
            Self(unsafe { _mm512_fmadd_ps(self.0, b.0, sum.0) })
        }
        #[inline(always)]
        unsafe fn bend(self, slope: f32) -> Self {
            unsafe {
                let negative = _mm512_cmp_ps_mask::<_CMP_LT_OQ>(self.0, _mm512_setzero_ps());
                let slope = _mm512_set1_ps(slope);
                Self(_mm512_mask_mul_ps(self.0, negative, self.0, slope))
            }
        }
    }
}
