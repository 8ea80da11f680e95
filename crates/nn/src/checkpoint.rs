//! Checkpoints: states in a safetensors file.
//!
//! The format is a length, a JSON header and the values, little-endian and in
//! row-major order of PyTorch's shapes, so `safetensors.torch.load_file` reads what is
//! written here. Equal states and metadata give equal files, byte for byte. Checksums in the header tell a file
//! that is damaged from one that is whole.

mod edit;
mod entry;
mod error;
mod proof;

pub use error::CheckpointError;

use crate::module::{Slot, State};
use entry::Entry;
use proof::Proof;
use safetensors::tensor::Metadata;
use serde_json::{Map, Value, json};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io::{Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// The longest header that is read; safetensors' own limit.
const MAX_HEADER: u64 = 100_000_000;

/// Named tensors and texts, in memory. [`Checkpoint::add`] and [`Checkpoint::save`], or
/// [`Checkpoint::load`] and [`Checkpoint::restore`].
#[derive(Clone, Debug, Default)]
pub struct Checkpoint {
    /// Texts beside the tensors: what the file is, and where training stands.
    pub metadata: BTreeMap<String, String>,
    tensors: BTreeMap<String, Entry>,
    origin: Option<PathBuf>,
}

impl Checkpoint {
    /// A checkpoint without anything in it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the values of `state`, as `prefix.name`; with the empty prefix, as `name`.
    ///
    /// They are not copied: a checkpoint is to be saved before the state is next written
    /// to, and stops with an error when it is not.
    ///
    /// # Panics
    /// When a name is there already.
    #[track_caller]
    pub fn add(&mut self, prefix: &str, state: &dyn State) {
        state.visit(prefix.into(), &mut |name, slot| {
            let name = name.to_string();
            let new = !self.tensors.contains_key(&name);
            assert!(new, "two tensors called `{name}` in one checkpoint");
            self.tensors.insert(name, Entry::of(slot));
        });
    }

    /// Adds every tensor of `with` whose name is not here.
    pub fn complete(&mut self, with: &Self) {
        for (name, entry) in &with.tensors {
            if !self.tensors.contains_key(name) {
                self.tensors.insert(name.clone(), entry.clone());
            }
        }
    }

    /// The tensors' names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// Writes the file: all of it, or nothing ([`detach_files::write()`]).
    ///
    /// # Errors
    /// When the system refuses; a file that was at `path` is then still there.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), CheckpointError> {
        let (header, entries) = self.layout();
        detach_files::write(path.as_ref(), |out| {
            out.write_all(&(header.len() as u64).to_le_bytes())?;
            out.write_all(&header)?;
            entries.iter().try_for_each(|entry| entry.write(out))
        })
        .map_err(CheckpointError::Write)
    }

    /// The header, and the tensors in the order of the file: as safetensors does it,
    /// the widest types first, which aligns all, and then by name.
    fn layout(&self) -> (Vec<u8>, Vec<&Entry>) {
        let mut order: Vec<(&String, &Entry)> = self.tensors.iter().collect();
        order.sort_by_key(|(_, entry)| Reverse(entry.dtype));
        let mut header = Map::new();
        let mut texts = self.metadata.clone();
        texts.extend([Proof::write(&self.tensors, &self.metadata)]);
        header.insert("__metadata__".to_owned(), json!(texts));
        let mut start = 0;
        for (name, entry) in &order {
            let end = start + entry.len();
            let info = json!({
                "dtype": entry.dtype.to_string(),
                "shape": entry.shape,
                "data_offsets": [start, end],
            });
            header.insert((*name).clone(), info);
            start = end;
        }
        let mut header = Value::Object(header).to_string().into_bytes();
        header.resize(header.len().next_multiple_of(8), b' ');
        (header, order.into_iter().map(|(_, entry)| entry).collect())
    }

    /// Reads a file. Nothing is allocated that the size of the file does not back.
    ///
    /// # Errors
    /// When the file cannot be read, is cut off or damaged, or is not a checkpoint.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, CheckpointError> {
        Self::load_part(path, "")
    }

    /// Reads of a file what [`Checkpoint::restore`] needs for `prefix` alone.
    ///
    /// # Errors
    /// As [`Checkpoint::load`].
    pub fn load_part(path: impl AsRef<Path>, prefix: &str) -> Result<Self, CheckpointError> {
        let path = path.as_ref();
        let read = |source| CheckpointError::Read {
            path: path.to_owned(),
            source,
        };
        let mut file = detach_files::open(path).map_err(read)?;
        let size = file.metadata().map_err(read)?.len();
        Self::read_part(&mut file, size, path, prefix)
    }

    /// Reads the bytes of a file that is in memory; errors call it `name`.
    ///
    /// # Errors
    /// As [`Checkpoint::load`].
    pub fn from_bytes(bytes: &[u8], name: impl AsRef<Path>) -> Result<Self, CheckpointError> {
        Self::read_part(
            &mut Cursor::new(bytes),
            bytes.len() as u64,
            name.as_ref(),
            "",
        )
    }

    fn read_part(
        file: &mut (impl Read + Seek),
        size: u64,
        path: &Path,
        prefix: &str,
    ) -> Result<Self, CheckpointError> {
        let read = |source| CheckpointError::Read {
            path: path.to_owned(),
            source,
        };
        let header = read_header(file, size, path)?;
        let texts = header.metadata().iter().flatten();
        let mut out = Self {
            metadata: texts.map(|(k, v)| (k.clone(), v.clone())).collect(),
            origin: Some(path.to_owned()),
            ..Self::default()
        };
        for name in header.offset_keys() {
            let Some(info) = header.info(&name) else {
                continue;
            };
            let (start, end) = info.data_offsets;
            if !is_inside(&name, prefix) {
                let length = (end - start) as i64;
                file.seek(SeekFrom::Current(length)).map_err(read)?;
                continue;
            }
            let length = end - start;
            let entry = Entry::read(info.dtype, &info.shape, length, file).map_err(read)?;
            out.tensors.insert(name, entry);
        }
        let proof = Proof::take(&mut out.metadata);
        match proof.and_then(|proof| proof.refutes(&out)) {
            None => Ok(out),
            Some(what) => Err(CheckpointError::Damaged {
                path: path.to_owned(),
                what,
            }),
        }
    }

    /// The names of the tensors with an infinity or a NaN in them.
    pub fn not_finite(&self) -> impl Iterator<Item = &str> {
        let tensors = self.tensors.iter();
        let bad = tensors.filter(|(_, entry)| !entry.is_finite());
        bad.map(|(name, _)| name.as_str())
    }

    /// Writes the tensors called `prefix.…` (all, with the empty prefix) to `state`:
    /// its names, shapes and types must be exactly theirs.
    ///
    /// # Errors
    /// When they are not; nothing is written then.
    pub fn restore(&self, prefix: &str, state: &dyn State) -> Result<(), CheckpointError> {
        let mut slots: BTreeMap<String, Slot<'_>> = BTreeMap::new();
        state.visit(prefix.into(), &mut |name, slot| {
            slots.insert(name.to_string(), slot);
        });
        let mine = |name: &&String| is_inside(name, prefix);

        let missing = slots
            .keys()
            .filter(|&name| !self.tensors.contains_key(name));
        if let Some(names) = first_few(missing.map(|name| format!("`{name}`"))) {
            let checkpoint = self.to_string();
            return Err(CheckpointError::Missing { checkpoint, names });
        }
        let unexpected = self.tensors.keys().filter(mine);
        let unexpected = unexpected.filter(|&name| !slots.contains_key(name));
        if let Some(names) = first_few(unexpected.map(|name| format!("`{name}`"))) {
            let checkpoint = self.to_string();
            return Err(CheckpointError::Unexpected { checkpoint, names });
        }
        let pairs = || {
            slots
                .iter()
                .map(|(name, slot)| (name, slot, &self.tensors[name]))
        };
        let different = pairs().filter_map(|(name, slot, entry)| entry.differs(name, slot));
        if let Some(tensors) = first_few(different) {
            let checkpoint = self.to_string();
            return Err(CheckpointError::Different {
                checkpoint,
                tensors,
            });
        }
        for (_, slot, entry) in pairs() {
            entry.write_to(slot);
        }
        Ok(())
    }
}

impl std::fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.origin {
            Some(path) => write!(f, "checkpoint `{}`", path.display()),
            None => f.write_str("the checkpoint"),
        }
    }
}

/// Whether [`Checkpoint::restore`] needs the tensor `name` for `prefix`.
fn is_inside(name: &str, prefix: &str) -> bool {
    let inside = name.strip_prefix(prefix);
    prefix.is_empty() || inside.is_some_and(|rest| rest.starts_with('.'))
}

/// The first five of `items` in a sentence; `None` when there is none.
fn first_few(items: impl Iterator<Item = String>) -> Option<String> {
    const SHOWN: usize = 5;
    let items: Vec<String> = items.collect();
    let shown = items[..items.len().min(SHOWN)].join(", ");
    match items.len() {
        0 => None,
        1..=SHOWN => Some(shown),
        n => Some(format!("{shown} and {} more", n - SHOWN)),
    }
}

/// Reads and checks everything before the values, so that reading those can only fail
/// by the disk.
fn read_header(file: &mut impl Read, size: u64, path: &Path) -> Result<Metadata, CheckpointError> {
    let foreign = |reason: String| CheckpointError::Foreign {
        path: path.to_owned(),
        reason,
    };
    let truncated = |expected| CheckpointError::Truncated {
        path: path.to_owned(),
        expected,
        actual: size,
    };
    let mut read = |bytes: &mut [u8]| {
        file.read_exact(bytes)
            .map_err(|source| CheckpointError::Read {
                path: path.to_owned(),
                source,
            })
    };
    if size < 9 {
        return Err(foreign(format!("it has {size} bytes")));
    }
    let mut start = [0; 9];
    read(&mut start)?;
    let [length @ .., brace] = start;
    let length = u64::from_le_bytes(length);
    if brace != b'{' || !(1..=MAX_HEADER).contains(&length) {
        return Err(foreign("it does not start with a header".to_owned()));
    }
    let values = 8 + length;
    if values > size {
        return Err(truncated(values));
    }
    let mut header = vec![brace; length as usize];
    read(&mut header[1..])?;
    let header: Metadata = serde_json::from_slice(&header)
        .map_err(|error| foreign(format!("its header is damaged ({error})")))?;
    let expected = values + header.data_len() as u64;
    match size.cmp(&expected) {
        std::cmp::Ordering::Less => Err(truncated(expected)),
        std::cmp::Ordering::Equal => Ok(header),
        std::cmp::Ordering::Greater => {
            let extra = size - expected;
            Err(foreign(format!("{extra} bytes follow its last tensor")))
        }
    }
}
