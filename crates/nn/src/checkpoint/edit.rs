//! Checkpoints of other versions: tensors under other names.

use super::Checkpoint;

impl Checkpoint {
    /// Gives every tensor the name that `new` makes of its own, and leaves out those of which it makes
    /// none: for files of a version that named them otherwise.
    ///
    /// # Panics
    /// When two get the same name.
    #[track_caller]
    pub fn rename(&mut self, new: impl Fn(&str) -> Option<String>) {
        for (old, entry) in std::mem::take(&mut self.tensors) {
            if let Some(name) = new(&old) {
                assert!(
                    !self.tensors.contains_key(&name),
                    "two tensors called `{name}` in one checkpoint"
                );
                self.tensors.insert(name, entry);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Initialiser, Linear};
    use detach_tensor::DType;

    #[test]
    fn names_change_and_values_stay() {
        let mut checkpoint = Checkpoint::new();
        checkpoint.add("a", &Linear::new(2, 3, &Initialiser::zeros(DType::F32)));
        checkpoint.rename(|name| Some(format!("b.{}", name.strip_prefix("a.")?)));
        let names: Vec<&str> = checkpoint.names().collect();
        assert_eq!(names, ["b.bias", "b.weight"]);
        checkpoint.rename(|name| (name != "b.bias").then(|| name.to_owned()));
        let names: Vec<&str> = checkpoint.names().collect();
        assert_eq!(names, ["b.weight"]);
    }
}
