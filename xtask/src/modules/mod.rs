//! The modules of one crate, and which of them import which.
//!
//! No parser of Rust: `use` declarations and paths are found among the words and signs of a
//! text without comments and literals ([`scan()`]), and names are looked up through re-exports
//! as rustc would ([`Crate::imports`]). What is only there for tests is left out. Methods and
//! traits in scope are no imports, so neither counts.

mod scan;

use crate::tree::Tree;
use scan::{Mention, Text, scan};
use std::collections::BTreeMap;

/// A module by the names from the crate's root on; the root is empty.
pub(crate) type Path = Vec<String>;

/// The modules of a crate.
pub(crate) struct Crate {
    modules: BTreeMap<Path, Module>,
}

#[derive(Default)]
struct Module {
    /// The file that its text is in.
    file: String,
    text: Text,
}

/// One module names what another defines.
#[derive(Debug, PartialEq)]
pub(crate) struct Import {
    pub(crate) from: Path,
    pub(crate) to: Path,
    /// Where it does: the file, and the line from 1 on.
    pub(crate) file: String,
    pub(crate) line: usize,
}

/// What a path leads to.
#[derive(Clone)]
enum Found {
    Module(Path),
    /// Something in the module.
    Item(Path),
}

impl Found {
    fn module(self) -> Path {
        match self {
            Self::Module(path) | Self::Item(path) => path,
        }
    }
}

/// Re-exports of re-exports that are followed: a chain that is longer leads in a circle.
const DEEPEST: usize = 16;

impl Crate {
    /// The crate whose sources are in `folder`: `crates/tensor/src/`.
    pub(crate) fn read(tree: &Tree, folder: &str) -> Self {
        let mut modules: BTreeMap<Path, Module> = BTreeMap::new();
        let mut tests: Vec<Path> = Vec::new();
        for file in &tree.files {
            let (Some(name), Some(code)) = (file.path.strip_prefix(folder), &file.code) else {
                continue;
            };
            for (inside, text) in scan(code) {
                let path: Path = [module_of(name), inside].concat();
                let for_tests = text.tests.iter().map(|test| child(&path, test));
                tests.extend(for_tests);
                let file = file.path.clone();
                modules.insert(path, Module { file, text });
            }
        }
        modules.retain(|path, _| !tests.iter().any(|test| path.starts_with(test)));
        let mut this = Self { modules };
        this.place_exported_macros();
        this
    }

    /// `#[macro_export]` puts a macro into the root, wherever it is written.
    fn place_exported_macros(&mut self) {
        let mut exported: Vec<Mention> = Vec::new();
        for (path, module) in &self.modules {
            exported.extend(module.text.macros.iter().map(|name| Mention {
                path: [&["crate".to_owned()], &path[..], std::slice::from_ref(name)].concat(),
                name: Some(name.clone()),
                line: 0,
            }));
        }
        if let Some(root) = self.modules.get_mut(&Path::new()) {
            root.text.names.extend(exported);
        }
    }

    /// Every import of one module by another, in order of files and lines.
    pub(crate) fn imports(&self) -> Vec<Import> {
        let mut imports: Vec<Import> = Vec::new();
        for (from, module) in &self.modules {
            let text = &module.text;
            let mentions = text.names.iter().chain(&text.globs).chain(&text.paths);
            for mention in mentions.filter(|mention| mention.line > 0) {
                let Some(to) = self.resolve(from, &mention.path, 0).map(Found::module) else {
                    continue;
                };
                imports.push(Import {
                    from: from.clone(),
                    to,
                    file: module.file.clone(),
                    line: mention.line,
                });
            }
        }
        imports.retain(|import| import.from != import.to);
        imports.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
        imports
    }

    /// What `path`, written in the module `from`, leads to; `None` outside of the crate.
    fn resolve(&self, from: &[String], path: &[String], depth: usize) -> Option<Found> {
        let (first, mut rest) = path.split_first()?;
        let mut found = match first.as_str() {
            "crate" => Found::Module(Path::new()),
            "self" => Found::Module(from.to_vec()),
            "super" => Found::Module(parent(from)?),
            name => self.look_up(from, name, depth)?,
        };
        while let (Found::Module(module), Some((next, after))) = (&found, rest.split_first()) {
            found = match next.as_str() {
                "super" => Found::Module(parent(module)?),
                "self" => found,
                name => self
                    .look_up(module, name, depth)
                    .unwrap_or_else(|| Found::Item(module.clone())),
            };
            rest = after;
        }
        Some(found)
    }

    /// What `name` means in `module`, if it is a module or was imported there.
    fn look_up(&self, module: &[String], name: &str, depth: usize) -> Option<Found> {
        if depth > DEEPEST {
            return None;
        }
        let inside = child(module, name);
        if self.modules.contains_key(&inside) {
            return Some(Found::Module(inside));
        }
        let text = &self.modules.get(module)?.text;
        if text.defines.iter().any(|defined| defined == name) {
            return Some(Found::Item(module.to_vec()));
        }
        let named = |mention: &&Mention| mention.name.as_deref() == Some(name);
        if let Some(mention) = text.names.iter().find(named) {
            // `use foo::foo;` names what is outside, not itself.
            let itself = mention.path == [name.to_owned()];
            return match itself {
                true => Some(Found::Item(module.to_vec())),
                false => self.resolve(module, &mention.path, depth + 1),
            };
        }
        let globs = text.globs.iter();
        let mut globs =
            globs.filter_map(|glob| match self.resolve(module, &glob.path, depth + 1)? {
                Found::Module(path) if path != module => self.look_up(&path, name, depth + 1),
                _ => None,
            });
        globs.next()
    }
}

fn parent(module: &[String]) -> Option<Path> {
    module.split_last().map(|(_, parent)| parent.to_vec())
}

fn child(module: &[String], name: &str) -> Path {
    [module, &[name.to_owned()]].concat()
}

/// The module that a file of `src/` is: `a/b.rs` and `a/b/mod.rs` are `a::b`.
fn module_of(name: &str) -> Path {
    let path = name.trim_end_matches(".rs");
    let path = path.strip_suffix("/mod").unwrap_or(path);
    let is_root = |name: &&str| !(path == "lib" || path == "main") || *name != path;
    path.split('/')
        .filter(is_root)
        .map(ToOwned::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `file:line: from -> to` of a crate with these files.
    fn imports(files: &[(&str, &str)]) -> Vec<String> {
        let files: Vec<(String, &str)> = files
            .iter()
            .map(|(name, text)| (format!("crates/x/src/{name}"), *text))
            .collect();
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (&**path, *text)).collect();
        let tree = Tree::of_texts(&files);
        let imports = Crate::read(&tree, "crates/x/src/").imports();
        let line = |import: Import| {
            let file = import.file.trim_start_matches("crates/x/src/").to_owned();
            let [from, to] = [import.from, import.to].map(|path| path.join("::"));
            format!("{file}:{}: {from} -> {to}", import.line)
        };
        imports.into_iter().map(line).collect()
    }

    #[test]
    fn every_way_to_name_a_module_is_an_import() {
        for text in [
            "use crate::b::B;",
            "use crate::{c::C, b::{self as other, B}};",
            "use super::b;",
            "pub(crate) use super::b::*;",
            "fn f() { crate::b::g::<u8>(); }",
            "fn f(x: &super::b::B) {}",
            "macro_rules! m { () => { $crate::b::g() } }",
        ] {
            let found = imports(&[("lib.rs", ""), ("a.rs", text), ("b.rs", ""), ("c.rs", "")]);
            assert!(
                found.contains(&"a.rs:1: a -> b".to_owned()),
                "{text}: {found:?}"
            );
        }
    }

    #[test]
    fn re_exports_are_looked_through() {
        let files = [
            ("lib.rs", "pub use b::{B as Bee, inner::*};\nmod a; mod b;"),
            (
                "a.rs",
                "use crate::Bee;\nuse crate::{\n    C,\n};\nfn f() { Bee::new() }",
            ),
            ("b/mod.rs", "pub struct B;\npub mod inner;"),
            ("b/inner.rs", "pub use super::c::C;"),
            ("b/c.rs", "pub struct C;"),
        ];
        assert_eq!(
            imports(&files),
            [
                "a.rs:1: a -> b",
                "a.rs:3: a -> b::c",
                "a.rs:5: a -> b",
                "b/inner.rs:1: b::inner -> b::c",
                "lib.rs:1:  -> b",
                "lib.rs:1:  -> b::inner",
            ]
        );
    }

    #[test]
    fn exported_macros_are_where_they_are_written() {
        let files = [
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "use crate::m;\nfn f() { crate::m!(); }"),
            ("b.rs", "#[macro_export]\nmacro_rules! m { () => {} }"),
        ];
        assert_eq!(imports(&files), ["a.rs:1: a -> b", "a.rs:2: a -> b"]);
    }

    #[test]
    fn what_is_no_import_is_none() {
        for text in [
            "#[cfg(test)]\nmod tests { use crate::b::B; }",
            "#[cfg(test)]\nmod t;\n",
            "#[cfg(test)]\n#[allow(dead_code)]\nuse crate::b::B;",
            "// use crate::b::B;",
            "const X: &str = \"crate::b::B\";",
            "use std::b::B;\nfn f() { std::b::g() }",
            "use other::b;\nfn f() { b::g() }",
            "fn f() { x.b::<u8>() }",
        ] {
            let files = [
                ("lib.rs", ""),
                ("a.rs", text),
                ("b.rs", ""),
                ("a/t.rs", "use crate::b::B;"),
            ];
            let found = imports(&files[..3 + usize::from(text.contains("mod t;"))]);
            assert_eq!(found, [""; 0], "{text}");
        }
    }

    #[test]
    fn modules_within_a_file_are_modules() {
        let text = "mod inner { use super::super::b::B; fn f() { super::g() } }";
        let found = imports(&[("lib.rs", ""), ("a.rs", text), ("b.rs", "")]);
        assert_eq!(found, ["a.rs:1: a::inner -> b", "a.rs:1: a::inner -> a"]);
    }

    #[test]
    fn re_exports_in_a_circle_end() {
        let files = [
            ("lib.rs", "pub use a::X;"),
            ("a.rs", "pub use crate::b::X;"),
            ("b.rs", "pub use crate::a::X;"),
        ];
        imports(&files);
    }
}
