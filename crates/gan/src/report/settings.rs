//! The settings of a run, and what of them is not the published one.

use anyhow::Result;
use detach_recipes::{Preset, Setup};

/// A setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its key, such as `pictures.rows`.
    pub key: String,
    /// Its value in TOML.
    pub value: String,
    /// What was published, where this is something else; empty where it was published without.
    pub published: Option<String>,
}

/// Every setting of `setup` beside those of `preset`; first what is otherwise there.
///
/// # Errors
/// When a setting is no TOML.
pub fn beside(setup: &Setup, preset: Preset) -> Result<Vec<Setting>> {
    let pairs = |setup: &Setup| -> Result<Vec<(String, String)>> {
        let lines = setup.lines()?.into_iter();
        let pair = |line: String| {
            let (key, value) = line.split_once(" = ").unwrap_or((&line, ""));
            (key.to_owned(), value.to_owned())
        };
        Ok(lines.map(pair).collect())
    };
    let published = pairs(&setup.recipe().setup(preset))?;
    let setting = |(key, value): (String, String)| {
        let other = published.iter().find(|(known, _)| *known == key);
        let other = other.map_or("", |(_, value)| value);
        let published = (other != value).then(|| other.to_owned());
        Setting {
            key,
            value,
            published,
        }
    };
    let mut all: Vec<Setting> = pairs(setup)?.into_iter().map(setting).collect();
    all.sort_by_key(|setting| setting.published.is_none());
    Ok(all)
}

/// The settings that are not alike in all of these, by key, each with its value in every one of them; empty where one
/// has no such setting.
///
/// # Errors
/// When a setting is no TOML.
pub fn different(setups: &[&Setup]) -> Result<Vec<(String, Vec<String>)>> {
    let all: Vec<Vec<Setting>> = setups
        .iter()
        .map(|setup| beside(setup, Preset::AsPublished))
        .collect::<Result<_>>()?;
    let mut keys: Vec<&String> = all.iter().flatten().map(|setting| &setting.key).collect();
    keys.sort();
    keys.dedup();
    let value = |settings: &Vec<Setting>, key: &str| {
        let setting = settings.iter().find(|setting| setting.key == key);
        setting.map_or(String::new(), |setting| setting.value.clone())
    };
    let row = |key: &String| {
        let values: Vec<String> = all.iter().map(|settings| value(settings, key)).collect();
        (key.clone(), values)
    };
    let rows = keys.into_iter().map(row);
    Ok(rows
        .filter(|(_, values)| values.iter().any(|value| *value != values[0]))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use detach_recipes::find;

    #[test]
    fn what_is_not_as_published_stands_first() {
        let mut setup = find("dcgan").expect("dcgan").setup(Preset::AsPublished);
        let same = beside(&setup, Preset::AsPublished).expect("settings");
        assert!(same.iter().all(|setting| setting.published.is_none()));
        setup.set("epochs=5").expect("a setting");
        let all = beside(&setup, Preset::AsPublished).expect("settings");
        let expected = Setting {
            key: "epochs".to_owned(),
            value: "5".to_owned(),
            published: Some("100".to_owned()),
        };
        assert_eq!((&all[0], all.len()), (&expected, same.len()));
        assert_eq!(all[1].published, None);
    }

    #[test]
    fn two_recipes_differ_in_what_one_of_them_has() {
        let setups =
            ["dcgan", "mlp"].map(|name| find(name).expect(name).setup(Preset::AsPublished));
        let rows = different(&[&setups[0], &setups[1]]).expect("settings");
        let row = |key: &str| rows.iter().find(|(known, _)| known == key);
        assert_eq!(
            row("epochs").map(|(_, v)| &v[..]),
            Some(&["100".to_owned(), "50".to_owned()][..])
        );
        assert!(row("d-widths").is_some_and(|(_, v)| v[0].is_empty()));
        assert!(rows.iter().all(|(_, values)| values[0] != values[1]));
        assert!(
            different(&[&setups[0], &setups[0]])
                .expect("settings")
                .is_empty()
        );
    }
}
