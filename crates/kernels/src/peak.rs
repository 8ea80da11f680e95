//! The processor's own ceiling: multiply-adds per second with nothing in the way.

#[cfg(target_arch = "x86_64")]
use crate::simd::Level;
use crate::simd::level;
use std::sync::Barrier;
use std::thread::ScopedJoinHandle;
use std::time::{Duration, Instant};

/// Vectors that accumulate side by side. A multiply-add waits four cycles for the
/// one before it in the same register and two start each cycle: eight would do,
/// twelve leave room, and with both factors they fit the 16 registers of AVX2.
const CHAINS: usize = 12;
/// Multiply-adds of each vector between two looks at the clock.
const ROUNDS: usize = 5_000;
/// A thread's rate is that of its best window: a ceiling is what the processor does
/// when nobody takes time away from it. The first windows also let it settle on
/// its clock for wide instructions.
const WINDOWS: usize = 20;
const WINDOW: Duration = Duration::from_millis(3);

/// GFLOP/s of `f32` on `threads` threads at once, in registers only, with the widest
/// fused multiply-add of [`level()`], which is two operations. Where there is none
/// (portable), a multiplication and an addition.
///
/// It takes about 60 ms. What a kernel reaches is a share of this, measured in the
/// same minute: clocks follow heat and neighbours.
///
/// # Panics
/// When there are no threads.
pub fn fma_peak(threads: usize) -> f64 {
    assert!(threads > 0, "fma_peak: no threads");
    let start = Barrier::new(threads);
    std::thread::scope(|scope| {
        let run = || scope.spawn(|| one_thread(&start));
        let running: Vec<_> = (0..threads).map(|_| run()).collect();
        let rates = running.into_iter().map(ScopedJoinHandle::join);
        rates
            .map(|rate| rate.expect("arithmetic does not panic"))
            .sum()
    })
}

fn one_thread(start: &Barrier) -> f64 {
    start.wait();
    let rates = (0..WINDOWS).map(|_| repeat(WINDOW));
    rates.fold(0.0, f64::max)
}

/// Runs for about this long; GFLOP/s.
fn repeat(time: Duration) -> f64 {
    let (start, mut rounds) = (Instant::now(), 0);
    let mut lanes = 0;
    while start.elapsed() < time {
        lanes = std::hint::black_box(multiply_add(std::hint::black_box(ROUNDS)));
        rounds += ROUNDS;
    }
    let operations = 2 * rounds * CHAINS * lanes;
    operations as f64 / start.elapsed().as_secs_f64() / 1e9
}

/// `rounds` multiply-adds of every chain at the best level; returns the lanes of one.
#[allow(unsafe_code)]
fn multiply_add(rounds: usize) -> usize {
    match level() {
        // SAFETY: the processor has the features `level` names.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => unsafe { avx512(rounds) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => unsafe { avx2(rounds) },
        _ => portable(rounds),
    }
}

/// A chain's factor and summand: x ← x·A + B goes to B / (1 − A) = 2 and stays, far
/// from infinities and from numbers too small for the fast path.
const A: f32 = 0.5;
const B: f32 = 1.0;

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn avx512(rounds: usize) -> usize {
    use std::arch::x86_64::{_mm512_fmadd_ps, _mm512_reduce_add_ps, _mm512_set1_ps};
    let (a, b) = (_mm512_set1_ps(A), _mm512_set1_ps(B));
    let mut chains = [_mm512_set1_ps(0.0); CHAINS];
    for _ in 0..rounds {
        for x in &mut chains {
            *x = _mm512_fmadd_ps(*x, a, b);
        }
    }
    std::hint::black_box(chains.map(|x| _mm512_reduce_add_ps(x)));
    16
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2(rounds: usize) -> usize {
    use std::arch::x86_64::{_mm256_cvtss_f32, _mm256_fmadd_ps, _mm256_set1_ps};
    let (a, b) = (_mm256_set1_ps(A), _mm256_set1_ps(B));
    let mut chains = [_mm256_set1_ps(0.0); CHAINS];
    for _ in 0..rounds {
        for x in &mut chains {
            *x = _mm256_fmadd_ps(*x, a, b);
        }
    }
    std::hint::black_box(chains.map(|x| _mm256_cvtss_f32(x)));
    8
}

/// Four lanes, which is what every 64-bit processor has; no fused operation, as only
/// some have one.
fn portable(rounds: usize) -> usize {
    let mut chains = [[0.0_f32; 4]; CHAINS];
    for _ in 0..rounds {
        for x in &mut chains {
            *x = x.map(|x| x * A + B);
        }
    }
    std::hint::black_box(chains);
    4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_a_rate() {
        let peak = fma_peak(1);
        // A processor that adds fewer than 10 million numbers a second runs no tests.
        assert!(peak.is_finite() && peak > 0.01, "{peak} GFLOP/s");
    }

    #[test]
    #[should_panic(expected = "no threads")]
    fn no_threads_have_no_peak() {
        fma_peak(0);
    }
}
