//! Formulas of a page as MathML, which browsers draw by themselves.

use anyhow::{Result, anyhow};
use math_core::{LatexToMathML, MathDisplay};
use pulldown_cmark::{Event, Options, Parser};

/// A page's Markdown with `$…$` and `$$…$$` as MathML.
///
/// # Errors
/// When a formula is not understood: with the formula.
pub(crate) fn rendered(text: &str) -> Result<String> {
    let latex = LatexToMathML::new(Default::default()).map_err(|e| anyhow!("{e:?}"))?;
    let mut out = String::new();
    let mut done = 0;
    let options = Options::ENABLE_MATH | Options::ENABLE_TABLES;
    for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
        let (formula, display) = match event {
            Event::InlineMath(formula) => (formula, MathDisplay::Inline),
            Event::DisplayMath(formula) => (formula, MathDisplay::Block),
            _ => continue,
        };
        let converted = latex.convert_with_local_state(&formula, display);
        let converted = converted.map_err(|e| anyhow!("the formula `{formula}`: {e}"))?;
        out += &text[done..range.start];
        out += &inert(&converted.mathml);
        done = range.end;
    }
    Ok(out + &text[done..])
}

/// Elements in which Markdown finds nothing: of what is between tags, signs that mean something to it are entities.
fn inert(elements: &str) -> String {
    let mut out = String::new();
    let mut is_tag = false;
    for c in elements.chars() {
        match c {
            '<' => is_tag = true,
            '>' => is_tag = false,
            '\n' => continue,
            '*' | '_' | '`' | '[' | ']' | '|' | '~' | '\\' | '$' | '!' if !is_tag => {
                out += &format!("&#{};", u32::from(c));
                continue;
            }
            _ => {}
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The page as a browser is given it.
    fn html(text: &str) -> String {
        let mut html = String::new();
        let rendered = rendered(text).unwrap();
        let events = Parser::new_ext(&rendered, Options::ENABLE_TABLES);
        pulldown_cmark::html::push_html(&mut html, events);
        html
    }

    #[test]
    fn formulas_are_elements_and_code_is_code() {
        let html = html("a $x_1$ `$y$`\n\n$$\\frac{1}{2}$$\n");
        assert_eq!(html.matches("<math").count(), 2, "{html}");
        assert!(
            html.contains("<code>$y$</code>") && html.contains("<mfrac>"),
            "{html}"
        );
    }

    #[test]
    fn markdown_finds_nothing_in_a_formula() {
        let html = html("| a |\n|---|\n| $*a* \\| \\text{**b**} [c](d)$ |\n");
        for element in ["<em>", "<strong>", "<a "] {
            assert!(!html.contains(element), "{html}");
        }
        let [opened, closed] = ["<math", "</math>"].map(|tag| html.matches(tag).count());
        assert_eq!((opened, closed), (1, 1), "{html}");
    }

    #[test]
    fn a_formula_that_is_none_is_named() {
        let error = rendered("$\\nosuchthing$").unwrap_err().to_string();
        assert!(error.contains("nosuchthing"), "{error}");
    }
}
