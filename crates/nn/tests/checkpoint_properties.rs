//! Properties of checkpoints: any tensors come back, and no file makes loading panic.

use detach_nn::{Checkpoint, Initialiser, Linear, Name, Param, Scheme, Slot, State};
use detach_tensor::{Array, Count, DType, Random, Stream};
use proptest::prelude::*;
use std::fs;
use std::path::PathBuf;

/// A folder of its own for a test, and a path in it.
fn place() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    (folder, path)
}

/// Any named tensors.
#[derive(Debug)]
struct Named(Vec<(String, Param)>, Count);

impl Named {
    fn new(values: &[(String, Vec<usize>, DType)], at: impl Fn(usize) -> f64) -> Self {
        let make = |(name, shape, dtype): &(String, Vec<usize>, DType)| {
            let numbers: Vec<f64> = (0..shape.iter().product()).map(&at).collect();
            let array = Array::from_f64(&numbers, shape, *dtype).channels_last();
            (name.clone(), Param::new(array))
        };
        Self(values.iter().map(make).collect(), Count::default())
    }

    /// The bits of every value, and the count.
    fn bits(&self) -> (Vec<Vec<u64>>, u64) {
        let bits = |p: &Param| {
            p.get()
                .to_vec::<f64>()
                .iter()
                .map(|v| v.to_bits())
                .collect()
        };
        (self.0.iter().map(|(_, p)| bits(p)).collect(), self.1.get())
    }
}

impl State for Named {
    fn visit<'a>(&'a self, path: Name<'_>, f: &mut dyn FnMut(Name<'_>, Slot<'a>)) {
        for (name, param) in &self.0 {
            f(path.dot(name.as_str()), Slot::Param(param));
        }
        f(path.dot("count"), Slot::Count(&self.1));
    }
}

proptest! {
    // No file of failures: a seed that fails is shown, and tests write nothing here.
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_tensors_come_back(
        tensors in prop::collection::btree_map(
            "[ -~äß\n]{0,8}=",
            (prop::collection::vec(1_usize..5, 0..5), any::<bool>()),
            0..6,
        ),
        count in 0..=i64::MAX as u64,
        seed in any::<u32>(),
        text in any::<String>(),
    ) {
        let tensors: Vec<(String, Vec<usize>, DType)> = tensors
            .into_iter()
            .map(|(name, (shape, wide))| (name, shape, if wide { DType::F64 } else { DType::F32 }))
            .collect();
        let saved = Named::new(&tensors, |i| (f64::from(seed) + i as f64).sin() * 1e-3);
        saved.1.set(count);
        let (_folder, path) = place();
        let mut checkpoint = Checkpoint::new();
        checkpoint.add("p", &saved);
        checkpoint.metadata.insert("text".into(), text.clone());
        checkpoint.save(&path).unwrap();

        let target = Named::new(&tensors, |_| 0.0);
        let loaded = Checkpoint::load(&path).unwrap();
        loaded.restore("p", &target).unwrap();
        prop_assert_eq!(target.bits(), saved.bits());
        prop_assert_eq!(&loaded.metadata["text"], &text);
    }

    #[test]
    fn no_bytes_make_it_panic(
        json in "[{}\\[\\]\":,a-z0-9_ ]{0,60}",
        tail in prop::collection::vec(any::<u8>(), 0..40),
        flip in any::<prop::sample::Index>(),
    ) {
        let (_folder, path) = place();
        let length = (json.len() as u64 + 1).to_le_bytes();
        fs::write(&path, [&length, &b"{"[..], json.as_bytes(), &tail].concat()).unwrap();
        let _ = Checkpoint::load(&path);

        let random = Random::new(1, Stream::Init);
        let net = Linear::new(3, 2, &Initialiser::new(Scheme::PyTorch, random, DType::F32));
        let mut checkpoint = Checkpoint::new();
        checkpoint.add("", &net);
        checkpoint.save(&path).unwrap();
        let mut bytes = fs::read(&path).unwrap();
        // Only the header can be wrong; values are whatever they are.
        let end = 8 + u64::from_le_bytes(*bytes.first_chunk().unwrap()) as usize;
        let at = flip.index(end);
        bytes[at] ^= 1 << (at % 8);
        fs::write(&path, &bytes).unwrap();
        if let Ok(loaded) = Checkpoint::load(&path) {
            let _ = loaded.restore("", &net);
        }
    }
}
