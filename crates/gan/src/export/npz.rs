//! NumPy's `.npz` files: named arrays, each a `.npy` file in a zip archive. `np.load` takes them.

use super::npy::array;
use detach_files::WriteError;
use detach_nn::{Name, Slot, State};
use detach_tensor::DType;
use std::io::{self, Cursor, Write};
use std::path::Path;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

/// Writes the pieces of `state` under their names: parameters and buffers as `<f4`, counts as `<i8`. Equal states give equal
/// files.
///
/// # Errors
/// When the file cannot be written. What was there before stays then.
pub fn write(path: &Path, state: &dyn State) -> Result<(), WriteError> {
    detach_files::write(path, |out| out.write_all(&archive(state)?))
}

fn archive(state: &dyn State) -> io::Result<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(DateTime::default());
    let mut result = Ok(());
    state.visit(Name::ROOT, &mut |name, slot| {
        if result.is_ok() {
            result = zip
                .start_file(format!("{name}.npy"), options)
                .map_err(io::Error::from)
                .and_then(|()| zip.write_all(&member(slot)));
        }
    });
    result?;
    Ok(zip.finish()?.into_inner())
}

fn member(slot: Slot<'_>) -> Vec<u8> {
    match slot {
        Slot::Param(param) | Slot::Buffer(param) => {
            let value = param.get().value().to_dtype(DType::F32);
            value.write_le(|bytes| array("<f4", value.shape(), bytes))
        }
        Slot::Count(count) => array("<i8", &[], &count.get().to_le_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use detach_nn::{BatchNorm, Initialiser, Linear, Scheme, Sequential};
    use detach_tensor::{Random, Stream};

    #[test]
    fn equal_states_give_equal_files() {
        let net = || {
            let random = Random::new(1, Stream::Init);
            let init = Initialiser::new(Scheme::PyTorch, random, DType::F32);
            Sequential::new()
                .push(Linear::new(3, 2, &init))
                .push(BatchNorm::new(2, &init))
        };
        let bytes = archive(&net()).expect("an archive");
        assert_eq!(bytes, archive(&net()).expect("an archive"));
        let names = ["0.weight", "0.bias", "1.num_batches_tracked"];
        let text = String::from_utf8_lossy(&bytes);
        for name in names {
            assert!(text.contains(&format!("{name}.npy")), "{name}");
        }
    }
}
