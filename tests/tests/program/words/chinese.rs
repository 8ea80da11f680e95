//! The Chinese texts say what the English ones do: every field is there, with the same numbers.

use detach_recipes::RECIPES;
use detach_tests::program::Sandbox;
use detach_tests::repository;
use std::fs;

fn has_chinese(text: &str) -> bool {
    text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c))
}

/// The numbers in a text, sorted.
fn numbers(text: &str) -> Vec<String> {
    let is_part = |c: char| c.is_ascii_digit() || c == '.';
    let runs = text.split(|c| !is_part(c));
    let mut numbers: Vec<String> = runs
        .map(|run| run.trim_matches('.').to_owned())
        .filter(|run| !run.is_empty())
        .collect();
    numbers.sort();
    numbers
}

#[test]
fn every_recipe_says_in_chinese_what_it_says_in_english() {
    for recipe in RECIPES {
        let (name, en, zh) = (recipe.name(), recipe.about.en(), recipe.about.zh);
        let single = |text| [text];
        let fields: [(&str, &[&str], &[&str]); 6] = [
            ("summary", &single(en.summary), &single(zh.summary)),
            ("step", &single(en.step), &single(zh.step)),
            ("losses", en.losses, zh.losses),
            ("sources", en.sources, zh.sources),
            ("detach", &single(en.detach), &single(zh.detach)),
            ("notes", en.notes, zh.notes),
        ];
        for (field, en, zh) in fields {
            assert_eq!(en.len(), zh.len(), "{name}, {field}: as many items");
            assert!(has_chinese(&zh.concat()), "{name}, {field}: {zh:?}");
            for (en, zh) in en.iter().zip(zh) {
                assert_eq!(numbers(en), numbers(zh), "{name}, {field}:\n{en}\n{zh}");
            }
        }
    }
    for log in RECIPES
        .iter()
        .filter_map(|recipe| recipe.about.log.as_ref())
    {
        assert!(has_chinese(log.of_zh), "{}", log.of_zh);
    }
    // The comparison can fail: another number, and one that is missing.
    assert_ne!(numbers("eps 1e-5"), numbers("eps 1e-6"));
    assert_ne!(numbers("50 epochs of 64."), numbers("50 个 epoch"));
    assert_eq!(numbers("[0.5, 1): 5,000."), ["0.5", "000", "1", "5"]);
}

/// The command says all of it, and headings in that language.
#[test]
fn recipes_are_listed_and_explained_in_chinese() {
    let sandbox = Sandbox::new();
    let list = sandbox.ok("recipes --lang zh").stdout;
    let one = sandbox.ok("recipes mlp --lang zh").stdout;
    for recipe in RECIPES {
        assert!(list.contains(recipe.about.zh.summary), "{list}");
        assert!(!list.contains(recipe.about.summary), "{list}");
    }
    for heading in ["生成器", "判别器", "损失", "说明", "1,510,032 个参数"] {
        assert!(one.contains(heading), "no {heading} in\n{one}");
    }
    let english = ["Generator", "Losses", "Notes", "One step"];
    assert!(!english.iter().any(|word| one.contains(word)), "{one}");
    let refused = sandbox.gan("recipes mlp --lang fr");
    refused.failed(2, &["fr", "zh"]);
}

/// The blocks of code in a document, each with its language.
fn blocks(text: &str) -> Vec<&str> {
    text.split("```").skip(1).step_by(2).collect()
}

/// The commands of both READMEs are the same, and so are headings in number, tables in their numbers, and links.
#[test]
fn the_chinese_readme_has_the_same_commands() {
    let read = |name: &str| fs::read_to_string(repository().join(name)).expect(name);
    let (en, zh) = (read("README.md"), read("README.zh.md"));
    assert!(has_chinese(&zh));
    assert_eq!(blocks(&en), blocks(&zh));
    assert!(blocks(&en).len() > 10, "there are some");
    let count =
        |text: &str, start: &str| text.lines().filter(|line| line.starts_with(start)).count();
    for start in ["## ", "| ", "```", "!["] {
        assert_eq!(
            count(&en, start),
            count(&zh, start),
            "lines that start with {start}"
        );
    }
    let links = |text: &str| -> Vec<String> {
        let ends = text.split("](").skip(1);
        let mut links: Vec<String> = ends
            .filter_map(|rest| rest.split(')').next())
            .filter(|link| !link.starts_with("README"))
            .map(str::to_owned)
            .collect();
        links.sort();
        links
    };
    assert_eq!(links(&en), links(&zh));
    assert!(en.contains("](README.zh.md)") && zh.contains("](README.md)"));
    for recipe in RECIPES {
        let row = format!("| `{}` | {} |", recipe.name(), recipe.about.zh.summary);
        assert!(zh.contains(&row), "README.zh.md lacks the row\n{row}");
    }
    let outside =
        |text: &str| -> Vec<String> { text.split("```").step_by(2).flat_map(numbers).collect() };
    let sorted = |mut all: Vec<String>| {
        all.sort();
        all
    };
    assert_eq!(
        sorted(outside(&en)),
        sorted(outside(&zh)),
        "numbers in the text"
    );
}
