//! A replayed step in words and tables.

use crate::lesson::replay::{
    Beside, Change, Compared, Held, Layer, Off, Part, Proof, Rebuilt, Replay, Told,
};
use crate::show::text::{grouped, indented, short, table};

/// All of it.
pub(super) fn text(replay: &Replay, once: bool) -> String {
    let mut out = format!(
        "{}: {} {}, step {} again\n{}",
        replay.run,
        replay.recipe,
        replay.preset,
        replay.step,
        rebuilt(&replay.rebuilt)
    );
    if let Some(proof) = &replay.proof {
        out += &proven(proof, replay);
    }
    if let Some(compared) = &replay.edited {
        out += &format!("\n{}\n", changes(&compared.changes));
        out += &of_edit(compared, once);
    }
    match &replay.beside {
        None => {}
        Some(Beside::Refused(why)) => {
            out += &format!(
                "\nThe loop in which gradients add up cannot be made of this one: {why}\n"
            );
        }
        Some(Beside::Compared(compared)) => out += &beside(compared, once),
    }
    out
}

fn count(n: u64, what: &str) -> String {
    let s = if n == 1 { "" } else { "s" };
    format!(
        "{} {what}{s}",
        grouped(usize::try_from(n).unwrap_or(usize::MAX))
    )
}

fn rebuilt(rebuilt: &Rebuilt) -> String {
    let from = match rebuilt.from {
        0 => "its first weights".to_owned(),
        step => format!("the checkpoint of step {step}"),
    };
    let record = &rebuilt.record;
    let lines = count(record.lines as u64, "line");
    let record = match &record.differs {
        _ if record.lines == 0 => "no line of metrics.jsonl tells of these steps".to_owned(),
        None => format!("{lines} of metrics.jsonl, each number the same to the last digit"),
        Some(Off {
            step,
            name,
            was,
            is,
        }) => format!(
            "not as in metrics.jsonl: at step {step}, {name} was {was} and is {is}; these steps are not the run's to the bit"
        ),
    };
    let steps = count(rebuilt.steps, "step");
    let mut out = format!("rebuilt   {steps} from {from}\nrecord    {record}\n");
    if let Some([before, now]) = &rebuilt.arithmetic {
        out += &format!("computed  with {before}, and now with {now}: last digits differ\n");
    }
    out
}

fn proven(proof: &Proof, replay: &Replay) -> String {
    let mut out = match (&proof.saved, proof.checkpoint) {
        (Some(saved), Some(step)) => format!(
            "\nweights made again         {}\nin the checkpoint of {step:<5} {saved}\n",
            proof.weights
        ),
        _ => format!(
            "\nweights made again         {}\nThe run has no checkpoint at step {} or after: its metrics alone say what it was.\n",
            proof.weights, replay.step
        ),
    };
    out += &match (proof.same, &proof.first, proof.checkpoint) {
        (true, _, Some(_)) => {
            "the run's own weights, to the bit; its buffers and its optimisers' state, too\n"
                .to_owned()
        }
        (true, ..) => "the run's own numbers, to the last digit\n".to_owned(),
        (false, Some(first), _) => format!(
            "not the run: `{first}` is the first tensor that differs, {} of {} do\n",
            proof.differ[0], proof.differ[1]
        ),
        (false, None, _) => "not the run: its numbers were others\n".to_owned(),
    };
    if !proof.causes.is_empty() {
        let causes = proof.causes.iter().map(|cause| format!("  - {cause}\n"));
        out += &format!("It may be that\n{}", causes.collect::<String>());
    }
    out
}

fn changes(changes: &[Change]) -> String {
    let default =
        |value: &Option<String>| value.clone().unwrap_or_else(|| "its default".to_owned());
    let one = |change: &Change| {
        let (is, was) = (default(&change.is), default(&change.was));
        format!("{} = {is} (was {was})", change.key)
    };
    match changes {
        [] => "nothing changed".to_owned(),
        all => all.iter().map(one).collect::<Vec<_>>().join(", "),
    }
}

/// What the edit did.
fn of_edit(compared: &Compared, once: bool) -> String {
    let [plain, edited] = compared.weights.each_ref().map(|hash| &hash[..16]);
    let weights = match (compared.same, plain == edited) {
        (true, _) => format!("{edited}  the same to the bit"),
        (false, true) => format!("{edited}  the same to the bit; buffers are not"),
        (false, false) => format!("{edited}  instead of {plain}"),
    };
    let mut out = format!("  weights   {weights}\n");
    if let Some(first) = &compared.first {
        out += &format!("  first     {first}\n");
    }
    out += &format!("  why       {}\n", compared.why);
    if !compared.same {
        out += &format!("\n{}", indented(&layers(compared)));
    }
    for table in told(compared, once) {
        out += &format!("\n{}", indented(&table));
    }
    out
}

fn beside(compared: &Compared, once: bool) -> String {
    let own = match compared.is_run {
        true => "With detach kept, that step leaves the run's own weights",
        false => "With detach kept, that step is another than the run's already",
    };
    format!(
        "\nThe same where gradients add up: {}\n{own}; without it:\n{}",
        changes(&compared.both),
        of_edit(compared, once)
    )
}

/// What differs layer by layer, beside what the step changed.
fn layers(compared: &Compared) -> String {
    let head = ["", "difference", "step's change", "share"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for part in &compared.parts {
        match part.is_same() {
            true => rows.push(vec![format!("{}: the same to the bit", part.name)]),
            false => rows.extend(of_part(part)),
        }
    }
    table(&rows)
}

fn of_part(part: &Part) -> Vec<Vec<String>> {
    let row = |name: String, [difference, change]: [f64; 2]| {
        let share = match change == 0.0 {
            true => "-".to_owned(),
            false => short(Some(difference / change)),
        };
        let norm = |norm: f64| match norm {
            0.0 => "0".to_owned(),
            norm => format!("{norm:.2e}"),
        };
        vec![name, norm(difference), norm(change), share]
    };
    let mut rows = vec![row(part.name.clone(), [part.difference, part.change])];
    for layer in &part.layers {
        let name = format!("  {} {}", layer.at, layer.name);
        if layer
            .tensors
            .iter()
            .any(|tensor| tensor.held == Held::Weight)
        {
            rows.push(row(name.trim_end().to_owned(), layer.norms(Held::Weight)));
        }
        if has_other_buffers(layer) {
            rows.push(row(
                format!("  {} buffers", layer.at),
                layer.norms(Held::Buffer),
            ));
        }
    }
    rows
}

fn has_other_buffers(layer: &Layer) -> bool {
    let mut tensors = layer.tensors.iter();
    tensors.any(|tensor| tensor.held == Held::Buffer && !tensor.same)
}

/// What both told of the step and of those after it: losses step by step, everything at the end.
fn told(compared: &Compared, once: bool) -> Vec<String> {
    let Some((first, last)) = compared.told.first().zip(compared.told.last()) else {
        return Vec::new();
    };
    let then = &compared.weights_then;
    let mut differences = compared.told.iter().flat_map(|told| &told.numbers);
    if differences.all(|number| number.difference == Some(0.0)) && then[0] == then[1] {
        return vec![format!(
            "step {} to {}: every number is the same, and the weights after them are ({})\n",
            first.step,
            last.step,
            &then[0][..16]
        )];
    }
    let is_loss = |name: &&str| ["d_loss", "g_loss"].contains(name);
    let losses: Vec<&str> = first.numbers.iter().map(|number| number.name).collect();
    let losses: Vec<&str> = losses.into_iter().filter(is_loss).collect();
    let mut head = vec!["step".to_owned()];
    for loss in &losses {
        head.extend([
            (*loss).to_owned(),
            "edited".to_owned(),
            "difference".to_owned(),
        ]);
    }
    let mut rows = vec![head];
    for told in &compared.told {
        let mut row = vec![told.step.to_string()];
        for loss in &losses {
            row.extend(numbers(told, loss));
        }
        rows.push(row);
    }
    let mut all = vec![vec![
        format!("at step {}", last.step),
        "run".to_owned(),
        "edited".to_owned(),
        "difference".to_owned(),
    ]];
    for number in &last.numbers {
        all.push([vec![number.name.to_owned()], numbers(last, number.name)].concat());
    }
    let way = match once {
        true => "the edit in the first of these steps alone",
        false => "the edit in all of these steps",
    };
    let end = format!(
        "{way}; weights after them {} instead of {}\n",
        &then[1][..16],
        &then[0][..16]
    );
    vec![table(&rows), table(&all), end]
}

fn numbers(told: &Told, name: &str) -> Vec<String> {
    let number = told.numbers.iter().find(|number| number.name == name);
    let of =
        |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.5}"));
    let run = number.map(|number| number.run);
    let edited = number.and_then(|number| number.edited);
    let difference = match number.and_then(|number| number.difference) {
        None => "-".to_owned(),
        Some(0.0) => "0".to_owned(),
        Some(other) => format!("{other:+.2e}"),
    };
    vec![of(run), of(edited), difference]
}
