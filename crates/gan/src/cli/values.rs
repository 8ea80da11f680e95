//! Values of flags that are one of a few names.

use crate::study::Sampler;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use detach_data::Named;
use detach_recipes::settings::{MatmulMode, Preset, SampleMode};
use serde::de::DeserializeOwned;
use serde::de::value::Error;
use serde::de::value::StrDeserializer;

/// A parser of `T` by the names that its files have, with all of them in help and errors.
fn by_name<T: DeserializeOwned + Clone + Send + Sync + 'static>(
    names: &'static [&'static str],
) -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(names).map(|name| {
        let name: StrDeserializer<'_, Error> = StrDeserializer::new(&name);
        T::deserialize(name).unwrap_or_else(|e| unreachable!("a name of the list: {e}"))
    })
}

/// `--preset`.
pub(super) fn preset() -> impl TypedValueParser<Value = Preset> {
    by_name(&["as-published", "fixed"])
}

/// `--matmul`.
pub(super) fn matmul() -> impl TypedValueParser<Value = MatmulMode> {
    by_name(&["fp32", "tf32"])
}

/// `--data`.
pub(super) fn data() -> impl TypedValueParser<Value = Named> {
    PossibleValuesParser::new(Named::ALL.map(Named::name)).map(|name| {
        name.parse()
            .unwrap_or_else(|e| unreachable!("a name of the list: {e}"))
    })
}

/// `--sampler`.
pub(super) fn sampler() -> impl TypedValueParser<Value = Sampler> {
    by_name(&["tpe", "random"])
}

/// A number above 0.
pub(super) fn positive() -> impl TypedValueParser<Value = f64> {
    clap::builder::StringValueParser::new().try_map(|text| match text.parse::<f64>() {
        Ok(number) if number > 0.0 && number.is_finite() => Ok(number),
        _ => Err("give a number above 0"),
    })
}

/// `--mode`.
pub(super) fn sample_mode() -> impl TypedValueParser<Value = SampleMode> {
    by_name(&["eval", "batch"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_a_list_is_one() {
        let command = clap::Command::new("x")
            .arg(
                clap::Arg::new("preset")
                    .long("preset")
                    .value_parser(preset()),
            )
            .arg(
                clap::Arg::new("matmul")
                    .long("matmul")
                    .value_parser(matmul()),
            )
            .arg(
                clap::Arg::new("mode")
                    .long("mode")
                    .value_parser(sample_mode()),
            )
            .arg(
                clap::Arg::new("sampler")
                    .long("sampler")
                    .value_parser(sampler()),
            );
        for (preset, matmul, mode, sampler) in [
            ("as-published", "fp32", "eval", "tpe"),
            ("fixed", "tf32", "batch", "random"),
        ] {
            let words = [
                "x",
                "--preset",
                preset,
                "--matmul",
                matmul,
                "--mode",
                mode,
                "--sampler",
                sampler,
            ];
            let matches = command.clone().try_get_matches_from(words).expect("names");
            let taken = matches.get_one::<Preset>("preset").expect("one");
            assert_eq!(taken.name(), preset);
        }
    }
}
