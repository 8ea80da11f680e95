//! Scores as comma-separated values (RFC 4180): one line a number, which is how spreadsheets pivot and data frames group.

use super::Scored;
use crate::score::interval::Estimate;

const HEAD: &str = "path,recipe,preset,steps,samples,classifier,score,class,value,reach,floor";

/// All of it.
pub(super) fn of(all: &[Scored]) -> String {
    let mut out = format!("{HEAD}\r\n");
    for scored in all {
        let who = who(scored);
        let (quality, floor) = (&scored.quality, &scored.bench.floor);
        let mut line =
            |name: &str, class: Option<usize>, estimate: &Estimate, floor: Option<f64>| {
                let class = class.map_or(String::new(), |class| class.to_string());
                let number = |x: Option<f64>| x.map_or(String::new(), |x| x.to_string());
                let numbers = [Some(estimate.value), estimate.reach, floor].map(number);
                out += &format!("{who},{name},{class},{}\r\n", numbers.join(","));
            };
        for (name, value) in quality.numbers() {
            line(name, None, &value, Some(floor.value(name)));
        }
        for class in &quality.classes {
            line("share", Some(class.class), &class.share, Some(class.real));
            if let Some(asked) = &class.asked {
                line("accuracy", Some(class.class), &asked.accuracy, None);
            }
        }
        if let Some(accuracy) = &quality.accuracy {
            line("accuracy", None, accuracy, None);
        }
    }
    out
}

/// What was scored, as the first values of each of its lines.
fn who(scored: &Scored) -> String {
    let run = scored.run.as_ref();
    let of_run = |text: &dyn Fn(&crate::run::Config, u64) -> String| {
        run.map_or(String::new(), |(config, steps)| text(config, *steps))
    };
    let values = [
        scored.path.display().to_string(),
        of_run(&|config, _| config.recipe.clone()),
        of_run(&|config, _| config.preset.to_string()),
        of_run(&|_, steps| steps.to_string()),
        scored.quality.samples.to_string(),
        format!("{:08x}", scored.bench.classifier.hash()),
    ];
    values.map(|value| quoted(&value)).join(",")
}

fn quoted(value: &str) -> String {
    match value.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", value.replace('"', "\"\"")),
        false => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comma_and_a_quote_are_quoted() {
        let all = ["plain", "a,b", "say \"so\""].map(quoted);
        assert_eq!(all, ["plain", "\"a,b\"", "\"say \"\"so\"\"\""]);
    }
}
