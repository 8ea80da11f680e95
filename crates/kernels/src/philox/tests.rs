use super::*;
use crate::testing::{bits, poisoned, same_bits_on_any_threads};

fn key() -> Key {
    Key {
        seed: 0x0123_4567_89AB_CDEF,
        stream: 3,
        step: Count::from(1 << 33 | 5),
        draw: 2,
    }
}

const ALL: [Distribution; 3] = [
    Distribution::Uniform,
    Distribution::Normal,
    Distribution::Bernoulli(0.7),
];

/// The known answers published with the algorithm.
#[test]
fn known_answers() {
    assert_eq!(
        philox4x32([0; 4], [0; 2]),
        [0x6627_E8D5, 0xE169_C58D, 0xBC57_AC4C, 0x9B00_DBD8]
    );
    assert_eq!(
        philox4x32([u32::MAX; 4], [u32::MAX; 2]),
        [0x408F_276D, 0x41C8_3B0E, 0xA20B_C7C6, 0x6D54_51FD]
    );
    assert_eq!(
        philox4x32(
            [0x243F_6A88, 0x85A3_08D3, 0x1319_8A2E, 0x0370_7344],
            [0xA409_3822, 0x299F_31D0]
        ),
        [0xD16C_FE09, 0x94FD_CCEB, 0x5001_E420, 0x2412_6EA1]
    );
}

#[test]
fn keys_have_counters_of_their_own() {
    let of = |stream, step: u64, draw| Key {
        seed: 7,
        stream,
        step: step.into(),
        draw,
    };
    let mut seen = std::collections::HashSet::new();
    for stream in [0, 1, MAX_STREAM] {
        for step in [0, 1, 1 << 16, 1 << 32, 1 << 47, MAX_STEP] {
            for draw in [0, 1, 1 << 16, u32::MAX] {
                let (cipher, counter) = of(stream, step, draw).words();
                assert_eq!(cipher, [7, 0]);
                assert!(seen.insert(counter), "{stream} {step} {draw}");
            }
        }
    }
    assert_ne!(block(&key(), 0), block(&key(), 1));
    assert_ne!(block(&key(), 0), block(&Key { seed: 1, ..key() }, 0));
}

#[test]
fn fast_is_the_reference_to_the_bit() {
    for len in [0, 1, 3, 63, 64, 65, 20_000, 100_003] {
        for distribution in ALL {
            let run = |variant, dtype| {
                let mut out = poisoned(dtype, len);
                fill_with(variant, distribution, &key(), &mut out);
                out
            };
            let fast = run(Variant::Fast, DType::F32);
            let what = format!("{len} of {distribution:?}");
            assert!(
                bits(&fast) == bits(&run(Variant::Reference, DType::F32)),
                "{what}"
            );
            let wide = run(Variant::Fast, DType::F64).to_vec::<f32>();
            assert!(fast.to_vec::<f32>() == wide, "{what}: f64");
        }
    }
}

#[test]
fn threads_do_not_change_bits() {
    for distribution in ALL {
        same_bits_on_any_threads(|| {
            let mut out = poisoned(DType::F32, 200_001);
            fill_with(Variant::Fast, distribution, &key(), &mut out);
            out
        });
    }
}

/// Moments, to five standard errors.
#[test]
fn distributions_have_their_moments() {
    let n = 400_000;
    let draw = |distribution| {
        let mut out = poisoned(DType::F64, n);
        fill_with(Variant::Fast, distribution, &key(), &mut out);
        out.to_vec::<f64>()
    };
    let mean = |x: &[f64], power: i32| x.iter().map(|x| x.powi(power)).sum::<f64>() / n as f64;
    let close = |value: f64, expected: f64, variance: f64| {
        let error = (variance / n as f64).sqrt();
        assert!(
            (value - expected).abs() < 5.0 * error,
            "{value} and not {expected} ± {error}"
        );
    };
    let x = draw(Distribution::Uniform);
    assert!(x.iter().all(|x| (0.0..1.0).contains(x)));
    close(mean(&x, 1), 0.5, 1.0 / 12.0);
    close(mean(&x, 2), 1.0 / 3.0, 4.0 / 45.0);
    let x = draw(Distribution::Normal);
    close(mean(&x, 1), 0.0, 1.0);
    close(mean(&x, 2), 1.0, 2.0);
    close(mean(&x, 3), 0.0, 15.0);
    close(mean(&x, 4), 3.0, 96.0);
    // Neighbours come from one pair of words and must not know of each other.
    let products: Vec<f64> = x.windows(2).map(|w| w[0] * w[1]).collect();
    close(mean(&products, 1), 0.0, 1.0);
    let x = draw(Distribution::Bernoulli(0.7));
    assert!(x.iter().all(|x| *x == 0.0 || *x == 1.0 / 0.7));
    close(mean(&x, 1), 1.0, 0.3 / 0.7);
}

#[test]
fn a_mask_is_where_the_uniform_number_is_low() {
    let mut u = poisoned(DType::F32, 1000);
    uniform(&key(), &mut u);
    for keep in [0.25, 0.5, 0.700_000_01, 1.0] {
        let mut mask = poisoned(DType::F32, 1000);
        bernoulli(&key(), keep, &mut mask);
        let expected: Vec<f32> = u
            .to_vec::<f64>()
            .iter()
            .map(|u| if *u < keep { (1.0 / keep) as f32 } else { 0.0 })
            .collect();
        assert_eq!(mask.to_vec::<f32>(), expected);
    }
}

#[test]
fn integers() {
    let words: Vec<u32> = Ints::new(key()).take(9).collect();
    assert_eq!(words[..4], block(&key(), 0));
    assert_eq!(words[4..8], block(&key(), 1));
    assert_eq!(words[8], block(&key(), 2)[0]);
}

#[test]
#[should_panic(expected = "keep 0 is not in (0, 1]")]
fn something_must_be_kept() {
    bernoulli(&key(), 0.0, &mut poisoned(DType::F32, 4));
}

#[test]
#[should_panic(expected = "stream 65536 (at most 65535)")]
fn streams_must_not_run_into_steps() {
    let key = Key {
        stream: MAX_STREAM + 1,
        ..key()
    };
    uniform(&key, &mut poisoned(DType::F32, 4));
}
