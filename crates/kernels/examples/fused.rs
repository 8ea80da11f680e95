//! What one rounding for a product and its addition costs where no instruction has it: why the portable
//! level rounds twice.
//!
//! ```sh
//! cargo run --release -p detach-kernels --example fused
//! ```

use std::hint::black_box;
use std::time::Instant;

/// Columns of the portable tile, of which it has two rows.
const COLUMNS: usize = 16;
/// Terms of a sum.
const TERMS: usize = 512;

type Sums = [[f32; COLUMNS]; 2];
type Kernel = fn(&[[f32; 2]], &[[f32; COLUMNS]], &mut Sums);

#[inline(always)]
fn rounded_twice(a: f32, b: f32, c: f32) -> f32 {
    a * b + c
}

#[inline(always)]
fn by_the_library(a: f32, b: f32, c: f32) -> f32 {
    a.mul_add(b, c)
}

/// The product is exact in `f64`. Its sum is rounded to odd, by the error that the sum leaves, so that
/// the last rounding sees on which side of a tie it lay (Boldo & Melquiond, 2008).
#[inline(always)]
fn through_f64(a: f32, b: f32, c: f32) -> f32 {
    let (product, c) = (f64::from(a) * f64::from(b), f64::from(c));
    let sum = product + c;
    let c_seen = sum - product;
    let error = (product - (sum - c_seen)) + (c - c_seen);
    let bits = sum.to_bits();
    let odd = match error != 0.0 && bits & 1 == 0 {
        true if (error > 0.0) == (sum > 0.0) => bits + 1,
        true => bits - 1,
        false => bits,
    };
    f64::from_bits(odd) as f32
}

macro_rules! kernel {
    ($name:ident, $multiply_add:ident) => {
        #[inline(never)]
        fn $name(a: &[[f32; 2]], b: &[[f32; COLUMNS]], sums: &mut Sums) {
            for (a, b) in a.iter().zip(b) {
                for (sums, a) in sums.iter_mut().zip(a) {
                    for (sum, b) in sums.iter_mut().zip(b) {
                        *sum = $multiply_add(*a, *b, *sum);
                    }
                }
            }
        }
    };
}

kernel!(twice, rounded_twice);
kernel!(library, by_the_library);
kernel!(wide, through_f64);

fn main() {
    let number = |i: usize| (i * 7919 % 1009) as f32 / 504.5 - 1.0;
    let a: Vec<[f32; 2]> = (0..TERMS).map(|i| [number(i), number(3 * i + 1)]).collect();
    let b: Vec<[f32; COLUMNS]> = (0..TERMS)
        .map(|i| std::array::from_fn(|j| number(31 * i + 17 * j)))
        .collect();
    let mut results = Vec::new();
    let kernels: [(&str, Kernel); 3] = [
        ("two roundings", twice),
        ("one, through f64", wide),
        ("one, by the library", library),
    ];
    for (name, kernel) in kernels {
        let (mut best, mut sums) = (f64::INFINITY, Sums::default());
        for _ in 0..200 {
            sums = Sums::default();
            let start = Instant::now();
            kernel(black_box(&a), black_box(&b), black_box(&mut sums));
            best = best.min(start.elapsed().as_secs_f64());
        }
        let each = best * 1e9 / (2 * COLUMNS * TERMS) as f64;
        println!("{name:<20} {each:6.3} ns a multiply-add");
        results.push(sums);
    }
    assert_eq!(results[1], results[2], "both have one rounding");
}
