//! What the name of a file says of it.

use crate::split::Split;

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    Images,
    Labels,
}

/// The name of a file of a data set, e.g. `PREFIX-train-images-idx3-ubyte.gz`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Name<'a> {
    /// What it begins with, e.g. `emnist-letters`; empty for MNIST's own names.
    pub(super) prefix: &'a str,
    pub(super) holds: Holds,
    pub(super) is_packed: bool,
    /// Whether it is spelt as MNIST's are: small letters, dashes.
    pub(super) is_usual: bool,
}

impl<'a> Name<'a> {
    /// Takes the name of a file of `split` apart.
    ///
    /// Archives differ in what they do to names: letters may be capital, dots and underscores stand for dashes. The `.gz` and
    /// the prefix with its dash may be missing, test images are called `t10k` or `test`, and QMNIST's labels are
    /// `idx2-int`. Hidden files are what a system left beside others.
    pub(super) fn of(name: &'a str, split: Split) -> Option<Self> {
        const TYPES: [&str; 6] = ["ubyte", "byte", "short", "int", "float", "double"];
        if name.starts_with('.') {
            return None;
        }
        // As many bytes as the name has, so that the prefix is found in it again.
        let usual = name.to_ascii_lowercase().replace(['.', '_'], "-");
        let packed = usual.strip_suffix("-gz");
        let rest = packed.unwrap_or(&usual);
        let rest = TYPES.iter().find_map(|kind| rest.strip_suffix(kind))?;
        let (rest, rank) = rest.strip_suffix('-')?.rsplit_once("-idx")?;
        let (rest, holds) = match rank {
            "3" | "4" => (rest.strip_suffix("-images")?, Holds::Images),
            "1" | "2" => (rest.strip_suffix("-labels")?, Holds::Labels),
            _ => return None,
        };
        let stems: &[&str] = match split {
            Split::Train => &["train"],
            Split::Test => &["t10k", "test"],
        };
        let prefix = stems.iter().find_map(|stem| rest.strip_suffix(stem))?;
        let prefix = match prefix {
            "" => "",
            prefix => prefix.strip_suffix('-')?,
        };
        let is_usual = name.strip_suffix(".gz").unwrap_or(name) == packed.unwrap_or(&usual);
        Some(Self {
            prefix: &name[..prefix.len()],
            holds,
            is_packed: packed.is_some(),
            is_usual,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(name: &str, split: Split) -> Option<(&str, Holds, bool, bool)> {
        let name = Name::of(name, split)?;
        Some((name.prefix, name.holds, name.is_packed, name.is_usual))
    }

    #[test]
    fn names_as_archives_have_them() {
        use Holds::{Images, Labels};
        for (name, expected) in [
            ("train-images-idx3-ubyte", ("", Images, false, true)),
            ("train-images-idx3-ubyte.gz", ("", Images, true, true)),
            ("train-images.idx3-ubyte", ("", Images, false, false)),
            ("train.images.idx3.ubyte.gz", ("", Images, true, false)),
            ("train_images_idx3_ubyte", ("", Images, false, false)),
            ("TRAIN-IMAGES-IDX3-UBYTE.GZ", ("", Images, true, false)),
            ("Train-Labels-Idx1-Ubyte", ("", Labels, false, false)),
            (
                "EMNIST-letters-train-images-idx3-ubyte",
                ("EMNIST-letters", Images, false, false),
            ),
            (
                "qmnist-train-labels-idx2-int.gz",
                ("qmnist", Labels, true, true),
            ),
            (
                "my.set_train-images-idx4-ubyte",
                ("my.set", Images, false, false),
            ),
        ] {
            assert_eq!(of(name, Split::Train), Some(expected), "{name}");
            assert_eq!(of(name, Split::Test), None, "{name}");
        }
        for name in ["t10k-labels-idx1-ubyte", "Test-labels.idx1-ubyte.gz"] {
            let holds = of(name, Split::Test).map(|found| found.1);
            assert_eq!(holds, Some(Labels), "{name}");
        }
    }

    #[test]
    fn names_of_other_files() {
        for name in [
            "",
            "train",
            "train-images",
            "train-images-idx3-ubyte.part",
            "train-images-idx3-ubyte.gz.part",
            "train-images-idx1-ubyte",
            "train-labels-idx3-ubyte",
            "._train-images-idx3-ubyte",
            ".train-images-idx3-ubyte",
            "straintrain-images-idx3-ubyte",
            "train-images-idx3-ubyte (1).gz",
            "train-images-idx-ubyte",
            "数train-images-idx3-ubyte",
        ] {
            assert_eq!(of(name, Split::Train), None, "{name}");
        }
    }

    proptest! {
        #[test]
        fn any_prefix_is_found_in_its_name(
            prefix in "[^.][^-]{0,9}", capital in any::<bool>(), packed in any::<bool>(),
        ) {
            let end = match capital {
                true => "-TRAIN-LABELS-IDX2-INT",
                false => "-train-labels-idx2-int",
            };
            let suffix = if packed { ".gz" } else { "" };
            let name = format!("{prefix}{end}{suffix}");
            let found = of(&name, Split::Train);
            prop_assert_eq!(found.map(|found| (found.0, found.1)), Some((&*prefix, Holds::Labels)));
        }

        #[test]
        fn any_name_is_taken_apart_or_left(name in ".{0,40}") {
            let _ = of(&name, Split::Test);
        }
    }
}
