//! How a checkpoint proves itself: a checksum of each tensor, and one of the texts, in the file's header.

use super::Checkpoint;
use super::entry::Entry;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The text that holds the checksums: a JSON object of CRC-32C by name, in hexadecimal. A file of another program, or
/// of version 1, has none, and is taken as it is.
const KEY: &str = "crc32c";

/// The name of the texts' checksum; no tensor can have it.
const TEXTS: &str = "__metadata__";

/// What a file says of itself.
pub(super) struct Proof(Map<String, Value>);

impl Proof {
    /// The text to write for these tensors and texts.
    pub(super) fn write(
        tensors: &BTreeMap<String, Entry>,
        texts: &BTreeMap<String, String>,
    ) -> (String, String) {
        let of_tensors = tensors
            .iter()
            .map(|(name, entry)| (name.clone(), entry.checksum()));
        let all = of_tensors.chain([(TEXTS.to_owned(), of_texts(texts))]);
        let all: Map<String, Value> = all
            .map(|(name, checksum)| (name, Value::String(format!("{checksum:08x}"))))
            .collect();
        (KEY.to_owned(), Value::Object(all).to_string())
    }

    /// Takes it out of a file's texts; `None` where there is none.
    pub(super) fn take(texts: &mut BTreeMap<String, String>) -> Option<Self> {
        let text = texts.remove(KEY)?;
        // What is no object proves nothing, and fails every comparison.
        Some(Self(serde_json::from_str(&text).unwrap_or_default()))
    }

    /// What of `checkpoint`, which may be a part of the file, is not as it was written.
    pub(super) fn refutes(&self, checkpoint: &Checkpoint) -> Option<String> {
        let is = |name: &str, checksum: u32| {
            let written = self.0.get(name).and_then(Value::as_str);
            written.is_some_and(|written| written == format!("{checksum:08x}"))
        };
        if !is(TEXTS, of_texts(&checkpoint.metadata)) {
            return Some("its description".to_owned());
        }
        let mut tensors = checkpoint.tensors.iter();
        let damaged = tensors.find(|(name, entry)| !is(name, entry.checksum()));
        damaged.map(|(name, _)| format!("`{name}`"))
    }
}

fn of_texts(texts: &BTreeMap<String, String>) -> u32 {
    let mut checksum = 0;
    for text in texts.iter().flat_map(|(key, value)| [key, value]) {
        checksum = crc32c::crc32c_append(checksum, &(text.len() as u64).to_le_bytes());
        checksum = crc32c::crc32c_append(checksum, text.as_bytes());
    }
    checksum
}
