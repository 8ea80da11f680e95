//! A step as an SVG file.

use super::Level;
use super::draw::escaped;
use super::graph::StepGraph;
use super::picture::picture;
use super::words;

/// What every page has of colours.
const TOKENS: &str = include_str!("../../../templates/base.css");
/// How the picture looks, in these.
pub(super) const STYLE: &str = include_str!("../../../templates/graph.css");

/// The step as an SVG file: its turns under each other. It takes the theme of whoever shows it.
pub fn svg(step: &StepGraph, level: Level) -> String {
    const HEAD: f64 = 40.0;
    let title = format!("{}, step {}", step.name, step.step);
    let (mut body, mut y, mut width) = (String::new(), 44.0, 400.0_f64);
    for (number, turn) in step.turns.iter().enumerate() {
        let picture = picture(turn, number, level);
        let class = words::class(Some(&turn.who));
        let head = format!("{} {}", words::mark(class), turn.name);
        body += &format!(
            r#"<text class="turn k-{class}" x="16" y="{:.1}">{}</text><g transform="translate(0 {:.1})">{}</g>"#,
            y + 22.0,
            escaped(&head),
            y + HEAD,
            picture.body
        );
        y += HEAD + picture.size[1];
        width = width.max(picture.size[0]);
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"graph\" viewBox=\"0 0 {width:.0} {y:.0}\" width=\"{width:.0}\" \
         height=\"{y:.0}\" role=\"img\"><title>{title}</title>\n<style>{}</style>\n<rect class=\"ground\" width=\"100%\" \
         height=\"100%\"/><text class=\"head\" x=\"16\" y=\"30\">{title}</text>{body}</svg>\n",
        style(),
        title = escaped(&title),
    )
}

/// The picture's look with the colours in place of their names, in light and, where that is wanted, in dark.
fn style() -> String {
    let [mut light, mut dark] = [STYLE.to_owned(), STYLE.to_owned()];
    for piece in TOKENS.split("--").skip(1) {
        let Some((name, rest)) = piece.split_once(": light-dark(") else {
            continue;
        };
        if let Some((of_light, of_dark)) = rest
            .split_once(')')
            .and_then(|(pair, _)| pair.split_once(", "))
        {
            let name = format!("var(--{name})");
            light = light.replace(&name, of_light);
            dark = dark.replace(&name, of_dark);
        }
    }
    for style in [&mut light, &mut dark] {
        *style = style.replace("var(--sans)", "system-ui, sans-serif");
        *style = style.replace("var(--mono)", "ui-monospace, monospace");
    }
    format!("{light}@media (prefers-color-scheme: dark) {{ {dark} }}")
}
