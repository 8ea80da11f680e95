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
use std::fs::File;
use std::io::{Read, Seek};
use std::path::Path;
use zip::{Zip, up_to};

/// The greatest label that is taken for a class.
const MAX_LABEL: i64 = u16::MAX as i64;

/// An array of a member, its bytes little-endian and in C's order.
struct Array {
    name: String,
    header: Header,
    bytes: Vec<u8>,
}

/// Reads one half of the file at `path`.
pub(crate) fn open(path: &Path, split: Split, wanted: Wanted) -> Result<InMemory, Error> {
    let read = |cause| Error::Read {
        path: path.to_owned(),
        cause,
    };
    let file = File::open(path).map_err(read)?;
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
    let Some(images) = array(&mut zip, images, "images")? else {
        let there = zip.members.iter().take(10);
        return Err(NpzError::Missing {
            wanted: images,
            there: there.map(|member| member.name.clone()).collect(),
        });
    };
    let labels = array(&mut zip, labels, "labels")?;
    let set = into_images(images)?;
    let Some(labels) = labels else {
        return Ok(set);
    };
    let labels = into_labels(&labels, set.len())?;
    let classes = labels.iter().max().map_or(0, |label| *label as usize + 1);
    Ok(set.with_labels(labels, classes))
}

/// The array called `name`, where there is one.
fn array<R: Read + Seek>(
    zip: &mut Zip<R>,
    name: &str,
    what: &'static str,
) -> Result<Option<Array>, NpzError> {
    let is_it = |member: &&zip::Member| member.name.strip_suffix(".npy") == Some(name);
    let Some(member) = zip.members.iter().find(is_it).cloned() else {
        return Ok(None);
    };
    let mut reader = CrcReader::new(zip.read(&member)?);
    let header = Header::read(name, &mut reader)?;
    let width = width(&header.dtype).ok_or_else(|| NpzError::Array {
        name: name.to_owned(),
        found: describe(&header),
        expected: match what {
            "images" => "uint8",
            _ => "integers, little-endian",
        },
    })?;
    let damaged = |what: String| NpzError::Damaged {
        name: name.to_owned(),
        what,
    };
    let expected = header.count() * width;
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
    Ok(Some(Array {
        name: name.to_owned(),
        header,
        bytes,
    }))
}

/// Bytes of an integer of this type.
fn width(dtype: &str) -> Option<u64> {
    match dtype {
        "|u1" | "|i1" => Some(1),
        "<u2" | "<i2" => Some(2),
        "<u4" | "<i4" => Some(4),
        "<u8" | "<i8" => Some(8),
        _ => None,
    }
}

fn describe(header: &Header) -> String {
    format!("{} of shape {:?}", header.dtype, header.shape)
}

fn into_images(array: Array) -> Result<InMemory, NpzError> {
    let shape = match array.header.shape[..] {
        [_, height, width] => Some(([1, height, width], false)),
        [_, height, width, channels @ (1 | 3)] => Some(([channels, height, width], true)),
        [_, channels @ (1 | 3), height, width] => Some(([channels, height, width], false)),
        _ => None,
    };
    let usable = shape.filter(|_| array.header.dtype == "|u1" && !array.bytes.is_empty());
    let Some((shape, channels_last)) = usable else {
        return Err(NpzError::Array {
            found: describe(&array.header),
            name: array.name,
            expected: "uint8 of shape [N, H, W], [N, H, W, C] or [N, C, H, W] with N at least 1 and C 1 or 3",
        });
    };
    if !channels_last || shape[0] == 1 {
        return Ok(InMemory::new(shape, array.bytes, ""));
    }
    let mut set = InMemory::empty(shape, "");
    for pixels in array.bytes.chunks_exact(shape.iter().product()) {
        set.push(&Image::from_channels_last(shape, pixels).bytes);
    }
    set.shrink_to_fit();
    Ok(set)
}

/// The labels `[N]` or `[N, 1]`.
fn into_labels(array: &Array, images: usize) -> Result<Vec<u32>, NpzError> {
    let Header { dtype, shape, .. } = &array.header;
    let ([labels] | [labels, 1]) = shape[..] else {
        return Err(NpzError::Array {
            name: array.name.clone(),
            found: describe(&array.header),
            expected: "integers of shape [N] or [N, 1]",
        });
    };
    if labels != images {
        return Err(NpzError::Count { images, labels });
    }
    let signed = dtype[1..].starts_with('i');
    let width = array.bytes.len() / labels;
    let label = |bytes: &[u8]| {
        let negative = signed && bytes[width - 1] >= 0x80;
        let mut value = [if negative { 0xff } else { 0 }; 8];
        value[..width].copy_from_slice(bytes);
        match i64::from_le_bytes(value) {
            label @ 0..=MAX_LABEL => Ok(label as u32),
            label => Err(NpzError::Label(label)),
        }
    };
    array.bytes.chunks_exact(width).map(label).collect()
}
