//! The packages of the repository.

use crate::tree::Tree;
use toml::Table;

/// A `Cargo.toml` that describes a package.
#[derive(Debug)]
pub(crate) struct Package {
    /// `crates/tensor`.
    pub(crate) folder: String,
    /// `detach-tensor`.
    pub(crate) name: String,
    pub(crate) manifest: Table,
}

impl Package {
    /// Where its manifest is: `crates/tensor/Cargo.toml`.
    pub(crate) fn path(&self) -> String {
        format!("{}/Cargo.toml", self.folder)
    }

    /// Whether it is a workspace of its own, and no member of ours.
    pub(crate) fn stands_alone(&self) -> bool {
        self.manifest.contains_key("workspace")
    }
}

/// Every package in the tree. A manifest that does not parse is left to cargo,
/// which says more about it.
pub(crate) fn packages(tree: &Tree) -> Vec<Package> {
    let package = |path: &str, text: &str| {
        let folder = path.strip_suffix("/Cargo.toml")?;
        let manifest: Table = text.parse().ok()?;
        let name = manifest.get("package")?.get("name")?.as_str()?.to_owned();
        Some(Package {
            folder: folder.to_owned(),
            name,
            manifest,
        })
    };
    tree.files
        .iter()
        .filter_map(|file| package(&file.path, file.text.as_deref()?))
        .collect()
}
