//! The loop as lines, each with the switch that it holds.

use super::Options;
use super::switches::{DTurn, GFakes, Order, StatisticsOfD, ZeroGrad};
use crate::recipe::{Line, Turn};

/// One step as it is set, turn by turn in the order in which they run.
pub(super) fn lines(o: &Options) -> Vec<Line> {
    let line = |turn, switch, text: String| Line { turn, text, switch };
    let fakes = line(None, None, "z = noise(n); fake = G(z)".to_owned());
    let mut lines = Vec::new();
    if o.zero_grad == ZeroGrad::OnceAStep {
        let text = "G.zero_grad(); D.zero_grad()".to_owned();
        lines.push(line(None, Some("zero-grad"), text));
    }
    let [first, second] = match o.order {
        Order::DFirst => [Turn::D, Turn::G],
        Order::GFirst => [Turn::G, Turn::D],
    };
    let again = match o.g_fakes {
        GFakes::Same => "fake, again the same".to_owned(),
        GFakes::Recomputed => "fake = G(z), of the same noise".to_owned(),
        GFakes::Fresh => "z = noise(n); fake = G(z), fresh".to_owned(),
    };
    let times = match o.d_steps {
        1 => String::new(),
        times => format!(", {times} times, on a batch and fakes each"),
    };
    let order = format!("{first:?} first{times}");
    lines.push(line(Some(first), Some("order"), order));
    lines.push(fakes);
    lines.extend(turn(o, first));
    lines.push(line(Some(second), Some("g-fakes"), again));
    lines.extend(turn(o, second));
    lines
}

fn turn(o: &Options, turn: Turn) -> Vec<Line> {
    let line = |switch, text: &str| Line {
        turn: Some(turn),
        text: text.to_owned(),
        switch: Some(switch),
    };
    let learns_from = |is_detached| match is_detached {
        true => "fake.detach()",
        false => "fake",
    };
    let mut lines = Vec::new();
    match turn {
        Turn::D => {
            lines.push(line(
                "detach-d",
                &format!("D(x), D({})", learns_from(o.detach_d)),
            ));
            lines.push(line(
                "d-turn",
                match o.d_turn {
                    DTurn::Together => "L_D = loss(D(x), real) + loss(D(fake), fake)",
                    DTurn::Halved => "L_D = (loss(D(x), real) + loss(D(fake), fake)) / 2",
                    DTurn::Apart => "L_D = loss(D(x), real), a step; loss(D(fake), fake), another",
                },
            ));
        }
        Turn::G => {
            lines.push(line("detach-g", &format!("D({})", learns_from(o.detach_g))));
            lines.push(line(
                "statistics-of-d",
                match o.statistics_of_d {
                    StatisticsOfD::Moved => "D in train mode: its running statistics move",
                    StatisticsOfD::Kept => "D in train mode, its running statistics left alone",
                    StatisticsOfD::Used => "D in eval mode: its running statistics are used",
                },
            ));
            lines.push(line(
                "freeze-d",
                match o.freeze_d {
                    true => "L_G = loss(D(fake), real), D's weights left out",
                    false => "L_G = loss(D(fake), real), D's weights walked too",
                },
            ));
        }
    }
    let (who, lower) = match turn {
        Turn::D => ("D", "d"),
        Turn::G => ("G", "g"),
    };
    lines.push(line(
        "zero-grad",
        &match o.zero_grad {
            ZeroGrad::EachTurn => {
                format!("step {who} down grad(L_{who}, {lower}): nothing is kept")
            }
            ZeroGrad::OnceAStep | ZeroGrad::Never => {
                format!("L_{who}.backward() adds to what there is; step {who} down the sum")
            }
        },
    ));
    lines
}
