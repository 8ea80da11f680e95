//! Paths in files of text: as text where they are, else as the bytes that they are, so that none is lost.
//!
//! `#[serde(with = "crate::paths")]` for a field that is an `Option<PathBuf>`; [`Lossless`] for a value.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::path::{Path, PathBuf};

/// A path that is written as a text, or where it is none, as the list of its bytes.
#[derive(Clone, Copy, Debug)]
pub struct Lossless<'a>(pub &'a Path);

impl Serialize for Lossless<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.to_str() {
            Some(text) => serializer.serialize_str(text),
            None => serializer.collect_seq(self.0.as_os_str().as_encoded_bytes()),
        }
    }
}

/// Writes the path.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<S: Serializer>(path: &Option<PathBuf>, serializer: S) -> Result<S::Ok, S::Error> {
    match path {
        Some(path) => serializer.serialize_some(&Lossless(path)),
        None => serializer.serialize_none(),
    }
}

/// Reads a path.
///
/// # Errors
/// When it is neither text nor bytes.
pub fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<PathBuf>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "a path is a text, or a list of bytes")]
    enum Written {
        Text(PathBuf),
        Bytes(Vec<u8>),
    }
    let written = Option::<Written>::deserialize(deserializer)?;
    Ok(written.map(|written| match written {
        Written::Text(path) => path,
        Written::Bytes(bytes) => of_bytes(bytes),
    }))
}

#[cfg(unix)]
fn of_bytes(bytes: Vec<u8>) -> PathBuf {
    use std::os::unix::ffi::OsStringExt;
    std::ffi::OsString::from_vec(bytes).into()
}

/// Where paths are not bytes.
#[cfg(not(unix))]
fn of_bytes(bytes: Vec<u8>) -> PathBuf {
    String::from_utf8_lossy(&bytes).into_owned().into()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn any_path_comes_back() {
        #[derive(Serialize, Deserialize)]
        struct File {
            #[serde(default, with = "super", skip_serializing_if = "Option::is_none")]
            path: Option<PathBuf>,
        }
        for bytes in [
            &b"digits"[..],
            b"",
            b"u\xe9",
            b"\xff\x00\"",
            "größe".as_bytes(),
        ] {
            let path = Some(of_bytes(bytes.to_vec()));
            let toml = toml::to_string(&File { path: path.clone() }).expect("TOML");
            assert_eq!(toml::from_str::<File>(&toml).expect(&toml).path, path);
            let json = serde_json::to_string(&File { path: path.clone() }).expect("JSON");
            assert_eq!(serde_json::from_str::<File>(&json).expect(&json).path, path);
        }
        let none = toml::to_string(&File { path: None }).expect("TOML");
        assert_eq!(toml::from_str::<File>(&none).expect(&none).path, None);
    }
}
