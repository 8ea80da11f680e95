//! Data sets as Keras ships them: NumPy arrays `x_train`, `y_train`, `x_test` and `y_test` in a zip archive.

mod npy;
mod zip;

use crate::dataset::{Dataset, Wanted};
use crate::error::{Error, NpzError};
use crate::image::Image;
use crate::memory::InMemory;
use detach_mnist::Split;
use flate2::CrcReader;
use npy::Header;
use std::io::{Read, Seek};
use std::path::Path;
use zip::{Zip, up_to};

/// The greatest label that is taken for a class.
const MAX_LABEL: i128 = u16::MAX as i128;

/// An array of a member, its elements in C's order.
struct Array {
    header: Header,
    bytes: Vec<u8>,
}

/// Reads one half of the file at `path`.
pub(crate) fn open(path: &Path, split: Split, wanted: Wanted) -> Result<InMemory, Error> {
    let read = |cause| Error::Read {
        path: path.to_owned(),
        cause,
    };
    let file = detach_files::open(path).map_err(read)?;
    let mut set = parse(file, split).map_err(|cause| match cause {
        NpzError::Io(cause) => read(cause),
        NpzError::Missing { wanted, .. } if split == Split::Test => Error::NotThere {
            path: path.to_owned(),
            reason: format!("it has no {wanted}"),
        },
        cause => Error::Npz {
            path: path.to_owned(),
            cause,
        },
    })?;
    set.set_source(format!("{} from {}", names(split)[0], path.display()));
    Ok(set.fitted(wanted))
}

/// The arrays of images and labels.
fn names(split: Split) -> [&'static str; 2] {
    match split {
        Split::Train => ["x_train", "y_train"],
        Split::Test => ["x_test", "y_test"],
    }
}

fn parse(file: impl Read + Seek, split: Split) -> Result<InMemory, NpzError> {
    let mut zip = Zip::open(file)?;
    let [images, labels] = names(split);
    let Some(images) = array(&mut zip, images, |header| layout(header).is_some(), IMAGES)? else {
        let there = zip.members.iter().take(10);
        return Err(NpzError::Missing {
            wanted: images,
            there: there.map(|member| member.name.clone()).collect(),
        });
    };
    let images = into_images(images);
    let of_labels =
        |header: &Header| is_integer(header) && matches!(header.shape[..], [_] | [_, 1]);
    let Some(labels) = array(&mut zip, labels, of_labels, LABELS)? else {
        return Ok(images);
    };
    let labels = into_labels(&labels, images.len())?;
    let classes = labels.iter().max().map_or(0, |label| *label as usize + 1);
    Ok(images.with_labels(labels, classes))
}

/// What images and labels must be, in words.
const IMAGES: &str =
    "uint8 of shape [N, H, W], [N, H, W, C] or [N, C, H, W] with N at least 1 and C 1 or 3";
const LABELS: &str = "integers of shape [N] or [N, 1]";

/// The array called `name`, where there is one. Its bytes are read only if its header says that it is `usable`.
fn array<R: Read + Seek>(
    zip: &mut Zip<R>,
    name: &str,
    usable: impl Fn(&Header) -> bool,
    expected: &'static str,
) -> Result<Option<Array>, NpzError> {
    let is_it = |member: &&zip::Member| member.name.strip_suffix(".npy") == Some(name);
    let Some(member) = zip.members.iter().find(is_it).cloned() else {
        return Ok(None);
    };
    let mut reader = CrcReader::new(zip.read(&member)?);
    let header = Header::read(name, &mut reader)?;
    let Some(width) = header.width().filter(|_| usable(&header)) else {
        return Err(NpzError::Array {
            name: name.to_owned(),
            found: describe(&header),
            expected,
        });
    };
    let damaged = |what: String| NpzError::Damaged {
        name: name.to_owned(),
        what,
    };
    let expected = header.count() * width as u64;
    if header.len + expected != member.len {
        let len = member.len;
        return Err(damaged(format!(
            "its {len} bytes are not {}",
            describe(&header)
        )));
    }
    // One byte more than expected: it tells a member that goes on from one that ends.
    let bytes = up_to(&mut reader, expected + 1).map_err(|cause| damaged(cause.to_string()))?;
    if bytes.len() as u64 != expected {
        return Err(damaged(format!("{} bytes of {expected}", bytes.len())));
    }
    if reader.crc().sum() != member.crc {
        return Err(damaged("its CRC-32 differs".to_owned()));
    }
    let bytes = match header.is_fortran {
        true => from_fortran(&bytes, &header.shape, width),
        false => bytes,
    };
    Ok(Some(Array { header, bytes }))
}

fn describe(header: &Header) -> String {
    format!("{} of shape {:?}", header.dtype, header.shape)
}

fn is_integer(header: &Header) -> bool {
    let mut kind = header.dtype.chars().skip(1);
    matches!(kind.next(), Some('i' | 'u' | 'b'))
}

/// Elements of `width` bytes whose first axis is the fastest, as those whose last one is.
fn from_fortran(bytes: &[u8], shape: &[usize], width: usize) -> Vec<u8> {
    let mut strides = Vec::new();
    let mut stride = width;
    for size in shape {
        strides.push(stride);
        stride *= size;
    }
    let mut out = Vec::with_capacity(bytes.len());
    let mut index = vec![0; shape.len()];
    let mut at = 0;
    while out.len() < bytes.len() {
        out.extend_from_slice(&bytes[at..at + width]);
        for axis in (0..shape.len()).rev() {
            index[axis] += 1;
            at += strides[axis];
            if index[axis] < shape[axis] {
                break;
            }
            at -= strides[axis] * shape[axis];
            index[axis] = 0;
        }
    }
    out
}

/// `[C, H, W]` of the images in such an array and whether their channels come last, if it holds images.
fn layout(header: &Header) -> Option<([usize; 3], bool)> {
    let found = match header.shape[..] {
        [_, height, width] => ([1, height, width], false),
        [_, height, width, channels @ (1 | 3)] => ([channels, height, width], true),
        [_, channels @ (1 | 3), height, width] => ([channels, height, width], false),
        _ => return None,
    };
    (header.dtype == "|u1" && header.count() > 0).then_some(found)
}

/// # Panics
/// If the array has no [`layout`].
fn into_images(array: Array) -> InMemory {
    let (shape, channels_last) = layout(&array.header).expect("a header that was usable");
    if !channels_last || shape[0] == 1 {
        return InMemory::new(shape, array.bytes, "");
    }
    let mut set = InMemory::empty(shape, "");
    for pixels in array.bytes.chunks_exact(shape.iter().product()) {
        set.push(&Image::from_channels_last(shape, pixels).bytes);
    }
    set.shrink_to_fit();
    set
}

/// The labels `[N]` or `[N, 1]`, integers of any width and order of bytes.
fn into_labels(array: &Array, images: usize) -> Result<Vec<u32>, NpzError> {
    let Header { dtype, shape, .. } = &array.header;
    let labels = shape[0];
    if labels != images {
        return Err(NpzError::Count { images, labels });
    }
    let is_signed = dtype[1..].starts_with('i');
    let is_big = dtype.starts_with('>');
    let width = array.bytes.len() / labels;
    let label = |bytes: &[u8]| {
        let mut value = [0; 16];
        value[..width].copy_from_slice(bytes);
        if is_big {
            value[..width].reverse();
        }
        if is_signed && value[width - 1] >= 0x80 {
            value[width..].fill(0xff);
        }
        match i128::from_le_bytes(value) {
            label @ 0..=MAX_LABEL => Ok(label as u32),
            label => Err(NpzError::Label(label)),
        }
    };
    array.bytes.chunks_exact(width).map(label).collect()
}
