//! What else writes all parameters of a network at once.

use super::cpu::{self, Piece};
use super::{cuda, reference};
use crate::{Buffer, DType, Device, Real, Scalar, Variant, dispatch};

/// Moves each average towards its values (both of one length), in one pass over memory:
/// `e ← e + (1 − decay)(p − e)`, exactly p at decay 0. A captured step reads the decay anew at
/// every replay.
///
/// # Panics
/// When lengths, types or devices differ.
#[track_caller]
pub fn average(decay: &Scalar, all: &mut [(&mut Buffer, &Buffer)]) {
    average_with(Variant::Fast, decay, all);
}

/// [`average`] by the implementation of one's choice.
///
/// # Panics
/// As [`average`].
#[track_caller]
pub fn average_with(variant: Variant, decay: &Scalar, all: &mut [(&mut Buffer, &Buffer)]) {
    let Some((_, first)) = all.first() else {
        return;
    };
    let kind = (first.device(), first.dtype());
    for (e, p) in &*all {
        assert_eq!(e.len(), p.len(), "average: elements of average and value");
        assert_eq!((e.device(), e.dtype()), kind, "average: device and type");
        assert_eq!((p.device(), p.dtype()), kind, "average: device and type");
    }
    match (kind.0, variant, kind.1) {
        (Device::Cpu, Variant::Fast, DType::F32) => {
            let decay = decay.get();
            let pieces = all.iter_mut().map(|(e, p)| Piece {
                param: e.as_mut_slice(),
                grad: p.as_slice(),
                ..Piece::default()
            });
            cpu::for_each(3, pieces, |piece| cpu::average(piece, decay));
        }
        (Device::Cpu, _, dtype) => dispatch!(dtype, T => {
            let weight = 1.0 - decay.get();
            for (e, p) in all {
                for (e, &p) in e.as_mut_slice::<T>().iter_mut().zip(p.as_slice::<T>()) {
                    *e = reference::lerp(*e, p, weight);
                }
            }
        }),
        (Device::Cuda(device), ..) => cuda::average(device, decay, all),
    }
}

/// Brings every element into [−limit, limit], in place, in one pass over memory.
///
/// # Panics
/// When `limit` is negative or NaN, or types or devices differ.
#[track_caller]
pub fn clamp(limit: f64, all: &mut [&mut Buffer]) {
    clamp_with(Variant::Fast, limit, all);
}

/// [`clamp`] by the implementation of one's choice.
///
/// # Panics
/// As [`clamp`].
#[track_caller]
pub fn clamp_with(variant: Variant, limit: f64, all: &mut [&mut Buffer]) {
    assert!(limit >= 0.0, "clamp: to a distance of {limit} from 0");
    let Some(first) = all.first() else {
        return;
    };
    let kind = (first.device(), first.dtype());
    for x in &*all {
        assert_eq!((x.device(), x.dtype()), kind, "clamp: device and type");
    }
    match (kind.0, variant, kind.1) {
        (Device::Cpu, Variant::Fast, DType::F32) => {
            let pieces = all.iter_mut().map(|x| Piece {
                param: x.as_mut_slice(),
                ..Piece::default()
            });
            cpu::for_each(2, pieces, |piece| cpu::clamp(piece, limit as f32));
        }
        (Device::Cpu, _, dtype) => dispatch!(dtype, T => {
            let limit = T::of(limit);
            for x in all.iter_mut().flat_map(|x| x.as_mut_slice::<T>()) {
                // A NaN stays.
                if *x > limit {
                    *x = limit;
                } else if *x < -limit {
                    *x = -limit;
                }
            }
        }),
        (Device::Cuda(device), ..) => cuda::clamp(device, limit, all),
    }
}
