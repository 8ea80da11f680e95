//! Synthetic digits as files, written as they are made.

use std::io;
use std::path::Path;

use super::Synth;
use crate::error::Error;
use crate::idx::Idx;
use crate::split::{PIXELS, SIDE, Split};

/// Images that are made between two writes.
const PIECE: u64 = 256;

impl Synth {
    /// The most digits of one split that its file of images can hold.
    pub fn most() -> u64 {
        Idx::most(&[SIDE, SIDE])
    }

    /// The index of the first digit of a split. The two splits of one seed share no image.
    pub fn first(split: Split) -> u64 {
        match split {
            Split::Train => 0,
            Split::Test => 1 << 32,
        }
    }

    /// Writes `count` digits of a split into `folder`, as [`Dataset::save`](crate::Dataset::save) writes those of
    /// [`Dataset::synthetic`](crate::Dataset::synthetic), and holds few of them at a time. The folder is made where
    /// it is missing. `progress` hears how many images were made since it heard last; an error of its own ends the
    /// work, and nothing is left of the file that was being written.
    ///
    /// # Errors
    /// [`Error::Idx`] where there are more than [`most`](Self::most), before anything is made; [`Error::Write`].
    pub fn save(
        &self,
        split: Split,
        count: usize,
        folder: &Path,
        progress: &mut dyn FnMut(u64) -> io::Result<()>,
    ) -> Result<(), Error> {
        let path = |what: &str| folder.join(format!("{}-{what}-ubyte.gz", split.stem()));
        let shape = [count, SIDE, SIDE];
        Idx::check(&shape).map_err(|cause| Error::Idx {
            path: path("images-idx3"),
            cause,
        })?;
        std::fs::create_dir_all(folder)
            .map_err(|cause| Error::Write(detach_files::WriteError::new(folder, cause)))?;
        let first = Self::first(split);
        let indices = first..first + count as u64;
        Idx::save_pieces(path("images-idx3"), &shape, |out| {
            let mut images = Vec::with_capacity(PIECE as usize * PIXELS);
            for start in indices.clone().step_by(PIECE as usize) {
                images.clear();
                let piece = start..(start + PIECE).min(indices.end);
                let made = piece.end - piece.start;
                piece.for_each(|index| images.extend_from_slice(&self.image(index)));
                out.write_all(&images)?;
                progress(made)?;
            }
            Ok(())
        })?;
        Idx::save_pieces(path("labels-idx1"), &[count], |out| {
            let labels: Vec<u8> = indices.clone().map(|index| self.label(index)).collect();
            out.write_all(&labels)
        })
    }
}
