//! The data that a run has on record, found again.

use super::config::Config;
use detach_data::{Find, Found, Named, NoSuchName, Place, Split, Wanted};

/// The names on record, one for each data set, or none where the data has a place instead.
///
/// # Errors
/// When there is no such name.
pub fn names(config: &Config) -> Result<Vec<Named>, NoSuchName> {
    match (&config.data_name, config.data_seed) {
        (Some(names), _) => names.split(',').map(str::parse).collect(),
        (None, Some(_)) => Ok(vec![Named::Digits]),
        (None, None) => Ok(Vec::new()),
    }
}

/// Puts on record what a run is trained on, but for the path that a user gave.
pub fn record(config: &mut Config, found: &[&Found]) {
    let Some(first) = found.first() else {
        return;
    };
    let sources: Vec<String> = found.iter().map(|found| found.dataset.source()).collect();
    config.data = sources.join("; ");
    config.data_checksum = Some(checksum(found));
    let names: Option<Vec<&str>> = found
        .iter()
        .map(|found| found.name.map(Named::name))
        .collect();
    // The seed alone is digits, as it was before data sets had names.
    let names = names.filter(|names| names[..] != [Named::Digits.name()]);
    config.data_name = names.map(|names| names.join(","));
    (config.data_path, config.data_seed) = match &first.place {
        Place::Made { seed } => (None, Some(*seed)),
        // From the root; as it is where there is no working folder.
        Place::Path(path) => {
            let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
            (Some(path), None)
        }
    };
}

/// The first data set that the record names, where it is still there: by the path that was given, from here, or by the
/// absolute one.
pub fn recorded(config: &Config, wanted: Wanted) -> Option<Found> {
    recorded_of(config, 0, wanted)
}

/// The data set of this number, from 0.
pub fn recorded_of(config: &Config, number: usize, wanted: Wanted) -> Option<Found> {
    let names = names(config).ok()?;
    let name = match &names[..] {
        [] => None,
        names => Some(*names.get(number)?),
    };
    let find = |path| Find::new(path, wanted).named(name);
    if let (Some(name), Some(seed)) = (name, config.data_seed) {
        let place = Place::Made { seed };
        return find(None).again(name, &place, Split::Train).ok();
    }
    let places = [&config.data_dir, &config.data_path];
    places.into_iter().flatten().find_map(|path| {
        let found = find(Some(path.clone())).find(Split::Train, &mut |_| ());
        found.ok().filter(|found| is_recorded(config, &[found]))
    })
}

/// Whether these are what the record is of. By content: the same data in another place is the same run.
pub fn is_recorded(config: &Config, found: &[&Found]) -> bool {
    let recorded = config.data_checksum;
    recorded.is_none_or(|recorded| recorded == checksum(found))
}

/// One for all data sets; of a single one its own.
fn checksum(found: &[&Found]) -> u32 {
    let all = found.iter().map(|found| found.dataset.checksum());
    all.fold(0, |before, checksum| before.rotate_left(1) ^ checksum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use detach_recipes::Preset;

    /// What is on record is found again, each data set of a run as itself.
    #[test]
    fn a_record_finds_its_data_again() {
        let setup = detach_recipes::find("dcgan64").expect("dcgan64");
        let mut config = Config::of(&setup.setup(Preset::AsPublished));
        let wanted = Wanted::new(3, 64);
        let [a, b] = Named::PAIR.map(|name| {
            let found = Find::new(None, wanted).named(Some(name));
            found.find(Split::Train, &mut |_| ()).expect("drawn here")
        });
        assert!(recorded(&config, wanted).is_none() && is_recorded(&config, &[&a, &b]));
        record(&mut config, &[&a, &b]);
        let text = toml::to_string(&config).expect("TOML");
        let mut config = Config::parse(&text).expect(&text);
        assert!(names(&config).is_ok_and(|names| names == Named::PAIR));
        for (number, found) in [&a, &b].into_iter().enumerate() {
            let again = recorded_of(&config, number, wanted).expect("on record");
            assert_eq!(again.dataset.checksum(), found.dataset.checksum());
        }
        assert!(recorded_of(&config, 2, wanted).is_none());
        // The other way round is another run, and so is one of them twice.
        assert!(is_recorded(&config, &[&a, &b]));
        assert!(!is_recorded(&config, &[&b, &a]) && !is_recorded(&config, &[&a, &a]));
        // A seed without a name is what it was before sets had names.
        config.data_name = None;
        assert!(names(&config).is_ok_and(|names| names == [Named::Digits]));
    }
}
