//! The crate from outside, as its users see it.

mod folder;
mod made;
mod npz;
mod open;
mod pytorch;

use detach_data::{Dataset, Find, Lookup, Wanted};
use png::{BitDepth, ColorType};
use std::fs::{self, File};
use std::path::Path;
use tempfile::TempDir;

/// Writes a PNG image `[H, W, C]`, grey or RGB as its bytes are many. The folder is made where it is missing.
fn put(path: impl AsRef<Path>, [height, width]: [usize; 2], bytes: &[u8]) {
    let path = path.as_ref();
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut encoder = png::Encoder::new(File::create(path).unwrap(), width as u32, height as u32);
    encoder.set_color(match bytes.len() / (height * width) {
        1 => ColorType::Grayscale,
        _ => ColorType::Rgb,
    });
    encoder.set_depth(BitDepth::Eight);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(bytes).unwrap();
    writer.finish().unwrap();
}

/// A search that knows nothing outside `root`.
fn find(root: &TempDir, wanted: Wanted) -> Find {
    Find {
        lookup: Lookup {
            local: root.path().join("data"),
            cache: Some(root.path().join("cache")),
            ..Lookup::new(None)
        },
        ..Find::new(None, wanted)
    }
}

/// All images, one after the other, and their labels.
fn contents(set: &dyn Dataset) -> (Vec<u8>, Vec<u32>) {
    let pixels = set.shape().iter().product::<usize>();
    let mut bytes = vec![7; set.len() * pixels];
    let read = |(index, image)| set.read(index, image);
    let labels = bytes.chunks_mut(pixels).enumerate().map(read).collect();
    (bytes, labels)
}
