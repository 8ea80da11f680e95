//! Checkpoints as files: what comes back, and what does not come in.

use detach_nn::{
    BatchNorm, Checkpoint, CheckpointError, Conv2d, Initialiser, Linear, Mode, Module, Name, Optim,
    Optimiser, Scheme, Sequential, Slot, State, gradients, parameters,
};
use detach_tensor::{Count, DType, Random, Stream};
use std::fs;
use std::path::PathBuf;

/// A folder of its own for a test, and a path in it.
fn place() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    (folder, path)
}

fn net(seed: u64, channels: usize, dtype: DType) -> Sequential {
    let init = Initialiser::new(Scheme::PyTorch, Random::new(seed, Stream::Init), dtype);
    Sequential::new()
        .push(Conv2d::new(2, channels, 3, &init))
        .push(BatchNorm::new(channels, &init))
        .push(detach_nn::Flatten)
        .push(Linear::new(4 * channels, 1, &init))
}

/// A network and its optimiser after three steps: nothing in them is a round number.
fn trained(dtype: DType) -> (Sequential, Optimiser) {
    let net = net(1, 3, dtype);
    let mut adam = Optimiser::new(&Optim::default(), &net);
    let random = Random::new(1, Stream::Noise);
    for _ in 0..3 {
        let x = random.normal(&[5, 2, 4, 4], dtype);
        let loss = net.forward(&x, Mode::train(&random)).square().mean();
        adam.step(&net, &gradients(&loss, &net));
    }
    (net, adam)
}

/// Name, shape and the bits of every value.
fn contents(state: &dyn State) -> Vec<(String, Vec<usize>, Vec<u64>)> {
    let mut out = Vec::new();
    state.visit(Name::ROOT, &mut |name, slot| {
        out.push(match slot {
            Slot::Param(p) | Slot::Buffer(p) => {
                let tensor = p.get();
                let bits = tensor.to_vec::<f64>().iter().map(|v| v.to_bits()).collect();
                (name.to_string(), tensor.shape().to_vec(), bits)
            }
            Slot::Count(count) => (name.to_string(), vec![], vec![count.get()]),
        });
    });
    out
}

fn checkpoint(net: &Sequential, adam: &Optimiser) -> Checkpoint {
    let mut checkpoint = Checkpoint::new();
    checkpoint.add("G", net);
    checkpoint.add("adam", adam);
    for (key, value) in [
        ("recipe", "dcgan"),
        ("step", "3"),
        ("format", "1"),
        ("a", "\"ü\n"),
    ] {
        checkpoint.metadata.insert(key.into(), value.into());
    }
    checkpoint
}

#[test]
fn bytes_in_memory_are_read_as_a_file_is() {
    let (_folder, path) = place();
    let (net, adam) = trained(DType::F32);
    checkpoint(&net, &adam).save(&path).unwrap();
    let bytes = fs::read(&path).unwrap();
    let of_bytes = Checkpoint::from_bytes(&bytes, "memory").unwrap();
    assert_eq!(of_bytes.metadata, Checkpoint::load(&path).unwrap().metadata);
    let other = self::net(2, 3, DType::F32);
    of_bytes.restore("G", &other).unwrap();
    assert_eq!(contents(&other), contents(&net));
    for length in [0, 8, 100, bytes.len() - 1] {
        let error = Checkpoint::from_bytes(&bytes[..length], "memory").unwrap_err();
        assert!(error.to_string().contains("memory"), "{error}");
    }
    let mut damaged = bytes;
    *damaged.last_mut().unwrap() ^= 1;
    let error = Checkpoint::from_bytes(&damaged, "memory").unwrap_err();
    assert!(matches!(error, CheckpointError::Damaged { .. }), "{error}");
}

#[test]
fn everything_comes_back_to_the_bit() {
    for dtype in [DType::F32, DType::F64] {
        let (_folder, path) = place();
        let (net, adam) = trained(dtype);
        let saved = checkpoint(&net, &adam);
        saved.save(&path).unwrap();

        let fresh = self::net(2, 3, dtype);
        let fresh_adam = Optimiser::new(&Optim::default(), &fresh);
        assert_ne!(contents(&fresh), contents(&net));
        let loaded = Checkpoint::load(&path).unwrap();
        loaded.restore("G", &fresh).unwrap();
        loaded.restore("adam", &fresh_adam).unwrap();
        assert_eq!(contents(&fresh), contents(&net));
        assert_eq!(contents(&fresh_adam), contents(&adam));
        assert_eq!(loaded.metadata, saved.metadata);
        assert!(loaded.names().eq(saved.names()));
        let weight = parameters(&fresh)[0].1.get();
        assert!(weight.value().layout().is_channels_last());
    }
}

#[test]
fn a_restored_run_goes_on_as_the_saved_one() {
    let (_folder, path) = place();
    let (net, mut adam) = trained(DType::F32);
    checkpoint(&net, &adam).save(&path).unwrap();
    let other = self::net(2, 3, DType::F32);
    let mut other_adam = Optimiser::new(&Optim::default(), &other);
    let loaded = Checkpoint::load(&path).unwrap();
    loaded.restore("G", &other).unwrap();
    loaded.restore("adam", &other_adam).unwrap();

    let random = Random::new(8, Stream::Noise);
    let step = |net: &Sequential, adam: &mut Optimiser| {
        let random = random.at(4);
        let x = random.normal(&[5, 2, 4, 4], DType::F32);
        let loss = net.forward(&x, Mode::train(&random)).square().mean();
        adam.step(net, &gradients(&loss, net));
    };
    step(&net, &mut adam);
    step(&other, &mut other_adam);
    assert_eq!(contents(&other), contents(&net));
}

#[test]
fn equal_states_are_equal_files() {
    let (_folder, path) = place();
    let bytes = || {
        let (net, adam) = trained(DType::F32);
        checkpoint(&net, &adam).save(&path).unwrap();
        fs::read(&path).unwrap()
    };
    let first = bytes();
    assert!((0..4).all(|_| bytes() == first));
}

#[test]
fn the_library_of_the_format_reads_it() {
    let (_folder, path) = place();
    let (net, adam) = trained(DType::F32);
    checkpoint(&net, &adam).save(&path).unwrap();
    let bytes = fs::read(&path).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let weight = file.tensor("G.0.weight").unwrap();
    assert_eq!(weight.shape(), [3, 2, 3, 3]);
    let values = parameters(&net)[0].1.get().to_vec::<f32>();
    let expected: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    assert_eq!(weight.data(), expected);
    let count = file.tensor("G.1.num_batches_tracked").unwrap();
    assert_eq!(
        (count.dtype(), count.shape()),
        (safetensors::Dtype::I64, &[][..])
    );
    assert_eq!(count.data(), 3_i64.to_le_bytes());
}

/// Replaces the file by `bytes` and loads it.
fn load_bytes(bytes: &[u8]) -> Result<Checkpoint, CheckpointError> {
    let (_folder, path) = place();
    fs::write(&path, bytes).unwrap();
    Checkpoint::load(&path)
}

#[test]
fn a_file_cut_off_anywhere_is_an_error() {
    let (_folder, path) = place();
    let (net, adam) = trained(DType::F32);
    checkpoint(&net, &adam).save(&path).unwrap();
    let bytes = fs::read(&path).unwrap();
    load_bytes(&bytes).unwrap();
    for eighth in 1..8 {
        let cut = &bytes[..bytes.len() * eighth / 8];
        let error = load_bytes(cut).unwrap_err();
        let message = error.to_string();
        assert!(
            matches!(error, CheckpointError::Truncated { .. }),
            "{message}"
        );
        assert!(message.contains("is cut off: it has") && message.contains("model.safetensors"));
    }
    for length in (0..40).chain([bytes.len() - 1]) {
        load_bytes(&bytes[..length]).unwrap_err();
    }
}

#[test]
fn foreign_files_are_errors() {
    let huge = [&u64::MAX.to_le_bytes()[..], b"{\"a\":1}"].concat();
    let bomb =
        header(r#"{"a":{"dtype":"F32","shape":[4000000000,4000000000,9],"data_offsets":[0,4]}}"#);
    let beyond =
        header(r#"{"a":{"dtype":"F32","shape":[4000000000],"data_offsets":[0,16000000000]}}"#);
    let gap = header(r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#);
    let extra = [&header("{}")[..], b"more"].concat();
    for (bytes, expected) in [
        (&b""[..], "it has 0 bytes"),
        (
            b"\x89PNG\r\n\x1a\n and so on",
            "does not start with a header",
        ),
        (
            b"PK\x03\x04, as torch.save writes it",
            "does not start with a header",
        ),
        (&huge, "does not start with a header"),
        (&header("{not json"), "its header is damaged"),
        (
            &header("{\"a\":{\"dtype\":\"F7\"}}"),
            "its header is damaged",
        ),
        (&bomb, "its header is damaged"),
        (&beyond, "is cut off"),
        (&gap, "its header is damaged"),
        (&extra, "4 bytes follow its last tensor"),
    ] {
        let message = load_bytes(bytes).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
    let (folder, path) = place();
    for path in [folder.path(), &path] {
        assert!(matches!(
            Checkpoint::load(path).unwrap_err(),
            CheckpointError::Read { .. }
        ));
    }
}

fn header(json: &str) -> Vec<u8> {
    [&(json.len() as u64).to_le_bytes()[..], json.as_bytes()].concat()
}

/// Restores what `saved` was saved as "G" to `target`, which must be refused, and must
/// leave it alone.
#[track_caller]
fn refused(saved: &dyn State, target: &dyn State) -> String {
    let mut checkpoint = Checkpoint::new();
    checkpoint.add("G", saved);
    checkpoint.add("Gx", &net(1, 3, DType::F32));
    let before = contents(target);
    let error = checkpoint.restore("G", target).unwrap_err();
    assert_eq!(contents(target), before, "something was written");
    error.to_string()
}

#[test]
fn only_the_same_network_takes_it() {
    let saved = net(1, 3, DType::F32);
    let message = refused(&saved, &net(2, 4, DType::F32));
    assert!(message.contains("`G.0.weight` is F32 [3, 2, 3, 3] and should be F32 [4, 2, 3, 3]"));
    assert!(
        message.contains("and 2 more; it was saved from a network of another size"),
        "{message}"
    );

    let message = refused(&saved, &net(2, 3, DType::F64));
    assert!(
        message.contains("`G.0.bias` is F32 [3] and should be F64 [3]"),
        "{message}"
    );

    let smaller = Sequential::new().push(detach_nn::Flatten);
    let message = refused(&saved, &smaller);
    assert!(
        message.contains("has `G.0.bias`, `G.0.weight`,"),
        "{message}"
    );
    assert!(
        message.contains("and 4 more, which this network has not"),
        "{message}"
    );

    let message = refused(&smaller, &saved);
    assert!(
        message.starts_with("the checkpoint lacks `G.0.bias`, `G.0.weight`,"),
        "{message}"
    );
}

#[test]
fn a_negative_count_is_refused() {
    struct Steps(Count);
    impl State for Steps {
        fn visit<'a>(&'a self, path: Name<'_>, f: &mut dyn FnMut(Name<'_>, Slot<'a>)) {
            f(path.dot("steps"), Slot::Count(&self.0));
        }
    }
    let message = refused(&Steps(Count::from(u64::MAX)), &Steps(Count::from(5)));
    assert!(
        message.contains("`G.steps` is a negative count"),
        "{message}"
    );
}

#[test]
#[should_panic(expected = "two tensors called `G.0.weight`")]
fn names_are_unique() {
    let net = net(1, 3, DType::F32);
    let mut checkpoint = Checkpoint::new();
    checkpoint.add("G", &net);
    checkpoint.add("G", &net);
}

#[test]
fn a_failed_write_leaves_what_was_there() {
    let (folder, path) = place();
    let mut checkpoint = Checkpoint::new();
    checkpoint.add("", &net(1, 3, DType::F32));
    let nowhere = folder.path().join("no/such/folder/x.safetensors");
    let message = checkpoint.save(&nowhere).unwrap_err().to_string();
    assert!(message.contains("cannot write checkpoint") && message.contains("no/such/folder"));

    // A rename onto a folder with something in it fails at the very end.
    fs::create_dir(&path).unwrap();
    fs::write(path.join("inside"), b"kept").unwrap();
    checkpoint.save(&path).unwrap_err();
    assert_eq!(fs::read(path.join("inside")).unwrap(), b"kept");
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        1,
        "a temporary file is left"
    );
}

#[cfg(unix)]
#[test]
fn others_may_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let (_folder, path) = place();
    Checkpoint::new().save(&path).unwrap();
    let plain = path.with_extension("plain");
    fs::write(&plain, b"").unwrap();
    let mode = |path| fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&path), mode(&plain));
}

#[test]
fn a_part_is_enough_for_its_own_state_alone() {
    let (_folder, path) = place();
    let (net, adam) = trained(DType::F32);
    checkpoint(&net, &adam).save(&path).unwrap();
    let whole = Checkpoint::load(&path).unwrap();
    let other = self::net(2, 3, DType::F32);
    let other_adam = Optimiser::new(&Optim::default(), &other);
    let states: [(&str, &dyn State, &dyn State); 2] =
        [("G", &net, &other), ("adam", &adam, &other_adam)];
    for (prefix, saved, target) in states {
        let part = Checkpoint::load_part(&path, prefix).unwrap();
        let inside = format!("{prefix}.");
        let of_whole = whole.names().filter(|name| name.starts_with(&inside));
        assert!(part.names().eq(of_whole));
        assert_eq!(part.metadata, whole.metadata);
        assert_ne!(contents(target), contents(saved));
        part.restore(prefix, target).unwrap();
        assert_eq!(contents(target), contents(saved));
    }
    let part = Checkpoint::load_part(&path, "G").unwrap();
    let message = part.restore("adam", &adam).unwrap_err().to_string();
    assert!(message.contains("lacks `adam.exp_avg.0.bias`"), "{message}");
}

#[test]
#[should_panic(expected = "stale handle")]
fn a_state_that_went_on_is_not_saved_as_it_was() {
    let (_folder, path) = place();
    let (net, adam) = trained(DType::F32);
    let checkpoint = checkpoint(&net, &adam);
    let bias = parameters(&net)[1].1;
    bias.set("a test", bias.get().square().value());
    checkpoint.save(&path).unwrap();
}
