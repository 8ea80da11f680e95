//! Against PyTorch and NumPy, where `PYTHON` (or `python3`) has them.

use crate::contents;
use detach_data::{Antialias, Resize, Split, Wanted, open};
use std::path::Path;
use std::process::Command;

/// What the script prints, or nothing where Python or its packages are missing.
fn python(script: &str, folder: &Path) -> Option<String> {
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let output = Command::new(&python)
        .args(["-c", script])
        .current_dir(folder)
        .output();
    match output {
        Ok(output) if output.status.success() => Some(String::from_utf8(output.stdout).unwrap()),
        Ok(output) if String::from_utf8_lossy(&output.stderr).contains("ModuleNotFoundError") => {
            eprintln!("skipped: {python} has no PyTorch or NumPy");
            None
        }
        Ok(output) => panic!("{python}: {}", String::from_utf8_lossy(&output.stderr)),
        Err(cause) => {
            eprintln!("skipped: {python}: {cause}");
            None
        }
    }
}

fn image(height: usize, width: usize) -> Vec<f32> {
    let value = |i| ((i / width * 7 + i % width * 13) % 32) as f32 / 16.0 - 1.0;
    (0..height * width).map(value).collect()
}

const SIZES: &[[usize; 4]] = &[
    [28, 28, 14, 14],
    [28, 28, 9, 13],
    [218, 178, 64, 64],
    [64, 100, 63, 2],
    [5, 4, 11, 17],
    [28, 28, 64, 64],
    [33, 7, 32, 8],
];

#[test]
fn resized_images_are_those_of_pytorch_in_float64() {
    let script = format!(
        "
import torch, torch.nn.functional as F
for h, w, a, b in {SIZES:?}:
    x = torch.tensor([[((i * 7 + j * 13) % 32) / 16 - 1 for j in range(w)] for i in range(h)], dtype=torch.float64)
    for antialias in True, False:
        y = F.interpolate(x[None, None], size=(a, b), mode='bilinear', antialias=antialias, align_corners=False)
        print(*y.flatten().tolist())
"
    );
    let folder = tempfile::tempdir().unwrap();
    let Some(printed) = python(&script, folder.path()) else {
        return;
    };
    let mut lines = printed.lines();
    let mut expected = || -> Vec<f64> {
        let line = lines.next().expect("a line for each image");
        line.split(' ')
            .map(|value| value.parse().unwrap())
            .collect()
    };
    let farthest = |values: &[f32], expected: &[f64]| {
        assert_eq!(values.len(), expected.len());
        let pairs = values.iter().zip(expected);
        pairs
            .map(|(a, b)| (f64::from(*a) - b).abs())
            .fold(0.0, f64::max)
    };
    for [height, width, tall, wide] in SIZES.iter().copied() {
        let image = image(height, width);
        let mut out = vec![9.0; tall * wide];
        Antialias::new([height, width], [tall, wide]).floats(&image, &mut out);
        let far = farthest(&out, &expected());
        assert!(far < 1e-6, "{height}×{width} to {tall}×{wide}: {far}");
        let plain = expected();
        if (height, tall) == (width, wide) {
            Resize::new(height, tall).all(&image, &mut out);
            let far = farthest(&out, &plain);
            assert!(far < 1e-5, "{height}×{width} to {tall}×{wide}: {far}");
        }
    }
}

#[test]
fn archives_of_numpy_are_read() {
    let script = "
import numpy as np
x = (np.arange(3 * 28 * 28) * 7 % 256).astype(np.uint8).reshape(3, 28, 28)
for save, name in (np.savez, 'stored.npz'), (np.savez_compressed, 'deflated.npz'):
    save(name, x_train=x, y_train=np.array([5, 0, 4], dtype=np.uint8), x_test=x[:1], y_test=np.array([[3]]))
print('ok')
";
    let folder = tempfile::tempdir().unwrap();
    if python(script, folder.path()).is_none() {
        return;
    }
    for name in ["stored.npz", "deflated.npz"] {
        let path = folder.path().join(name);
        let set = open(&path, Split::Train, Wanted::new(1, 28)).unwrap();
        assert_eq!((set.len(), set.shape(), set.classes()), (3, [1, 28, 28], 6));
        let expected = (0..3 * 784).map(|i| (i * 7 % 256) as u8).collect();
        assert_eq!(contents(&*set), (expected, vec![5, 0, 4]));
        let test = open(&path, Split::Test, Wanted::new(1, 28)).unwrap();
        assert_eq!((test.len(), contents(&*test).1), (1, vec![3]));
    }
}
