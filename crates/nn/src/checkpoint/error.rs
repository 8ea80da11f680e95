//! What can go wrong with a checkpoint.

use detach_files::WriteError;
use std::io;
use std::path::PathBuf;

/// Why a checkpoint cannot be written, read or used.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The file cannot be written; an earlier file of that name is as it was.
    #[error("cannot write checkpoint: {0}")]
    Write(#[source] WriteError),
    /// The file cannot be read.
    #[error("cannot read checkpoint `{}`: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file ends too early.
    #[error(
        "checkpoint `{}` is cut off: it has {actual} of {expected} bytes; copy it again, or use an \
         earlier one", path.display()
    )]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Bytes that its header announces.
        expected: u64,
        /// Bytes that it has.
        actual: u64,
    },
    /// The file is not what was written.
    #[error(
        "checkpoint `{}` is damaged: {what} is not what was written there (its checksum differs); copy it \
         again, or use an earlier one", path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Which part of it.
        what: String,
    },
    /// The file is something else, or damaged.
    #[error(
        "`{}` is not a safetensors checkpoint: {reason}; pass a .safetensors file written by this \
         program or from PyTorch", path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What gave it away.
        reason: String,
    },
    /// The network has tensors that the checkpoint has not.
    #[error(
        "{checkpoint} lacks {names}; it was saved from another network: use the recipe and \
         settings it was trained with"
    )]
    Missing {
        /// Which checkpoint.
        checkpoint: String,
        /// The first few names.
        names: String,
    },
    /// The checkpoint has tensors that the network has not.
    #[error(
        "{checkpoint} has {names}, which this network has not; it was saved from another network: \
         use the recipe and settings it was trained with"
    )]
    Unexpected {
        /// Which checkpoint.
        checkpoint: String,
        /// The first few names.
        names: String,
    },
    /// A tensor is of another shape or type.
    #[error(
        "{checkpoint} does not fit: {tensors}; it was saved from a network of another size: use the \
         recipe and settings it was trained with"
    )]
    Different {
        /// Which checkpoint.
        checkpoint: String,
        /// The first few names, what the checkpoint has and what the network has.
        tensors: String,
    },
}
