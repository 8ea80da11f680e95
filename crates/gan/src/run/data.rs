//! The data that a run has on record, found again.

use super::config::Config;
use detach_data::{Find, Found, Split, Wanted};
use std::path::PathBuf;

/// What the record names, where it is still there: by the path that was given, from here, or by the absolute one.
pub fn recorded(config: &Config, wanted: Wanted) -> Option<Found> {
    let find = |path: Option<&PathBuf>| Find::new(path.cloned(), wanted);
    if let Some(seed) = config.data_seed {
        return Some(find(None).made(seed, Split::Train));
    }
    let places = [&config.data_dir, &config.data_path];
    places.into_iter().flatten().find_map(|path| {
        let found = find(Some(path)).find(Split::Train, &mut |_| ()).ok()?;
        is_recorded(config, &found).then_some(found)
    })
}

/// Whether it is what the record is of. By content: the same data in another place is the same run.
pub fn is_recorded(config: &Config, found: &Found) -> bool {
    let recorded = config.data_checksum;
    recorded.is_none_or(|checksum| checksum == found.dataset.checksum())
}
