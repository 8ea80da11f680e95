//! Whole numbers in files: TOML has them up to 2⁶³ − 1, and greater ones are written as a text of digits.
//!
//! `#[serde(with = "detach_recipes::whole")]`, here `crate::whole`, for a field of any unsigned type.

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserializer, Serializer};
use std::fmt;
use std::marker::PhantomData;

const EXPECTED: &str = "a whole number from 0 on, or one as a text of digits";

/// Writes a number.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<T, S>(number: &T, serializer: S) -> Result<S::Ok, S::Error>
where
    T: Copy + TryInto<i64> + fmt::Display,
    S: Serializer,
{
    match (*number).try_into() {
        Ok(small) => serializer.serialize_i64(small),
        Err(_) => serializer.collect_str(number),
    }
}

/// Reads a number.
///
/// # Errors
/// When it is none, negative, or more than the type holds.
pub fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: TryFrom<u64>,
    D: Deserializer<'de>,
{
    deserializer.deserialize_any(Whole(PhantomData))
}

struct Whole<T>(PhantomData<T>);

impl<T: TryFrom<u64>> Visitor<'_> for Whole<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(EXPECTED)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        let wrong = |_| E::invalid_value(Unexpected::Unsigned(number), &EXPECTED);
        number.try_into().map_err(wrong)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        match u64::try_from(number) {
            Ok(number) => self.visit_u64(number),
            Err(_) => Err(E::invalid_value(Unexpected::Signed(number), &EXPECTED)),
        }
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        match text.parse() {
            Ok(number) => self.visit_u64(number),
            Err(_) => Err(E::invalid_value(Unexpected::Str(text), &EXPECTED)),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::settings::{Sampling, Settings};

    #[test]
    fn every_number_survives_a_table() {
        for number in [2, 1 << 62, i64::MAX as u64, 1 << 63, u64::MAX] {
            let mut settings = Settings {
                seed: number,
                epochs: number,
                batch_size: number as usize,
                sampling: Sampling::Endless { steps: number },
                ..Settings::default()
            };
            settings.pictures.every_steps = number;
            settings.pictures.columns = number as usize;
            let table = toml::Table::try_from(&settings).expect("a table");
            assert_eq!(
                table.clone().try_into::<Settings>().expect("settings"),
                settings
            );
            let text = toml::to_string(&settings).expect("TOML");
            assert_eq!(toml::from_str::<Settings>(&text).expect(&text), settings);
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        let text = toml::to_string(&Settings::default()).expect("TOML");
        for wrong in [
            "-1",
            "1.5",
            "\"\"",
            "\"-1\"",
            "\"18446744073709551616\"",
            "true",
            "[1]",
        ] {
            let text = text.replace("seed = 0", &format!("seed = {wrong}"));
            let error = toml::from_str::<Settings>(&text).expect_err(wrong);
            assert!(
                error.to_string().contains("whole number"),
                "{wrong}: {error}"
            );
        }
    }
}
