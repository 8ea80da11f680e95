//! The recipes in a browser's engine train to the bits of the portable path.

use detach_recipes::RECIPES;
use detach_tests::program::skipped;
use detach_tests::repository;
use std::path::PathBuf;
use std::process::Command;

const STEPS: u32 = 20;
/// The two that take long in one thread without a wide register.
const SLOW: [&str; 2] = ["dcgan", "dcgan64"];

const SCRIPT: &str = r#"
const [file, steps, ...recipes] = process.argv.slice(1);
const bytes = require("fs").readFileSync(file);
WebAssembly.instantiate(bytes, {}).then(({ instance }) => {
  const { detach_recipes, detach_weights_after } = instance.exports;
  console.log(detach_recipes());
  for (const recipe of recipes)
    console.log(BigInt.asUintN(64, detach_weights_after(Number(recipe), Number(steps))).toString());
});
"#;

/// The module, where one was built: `cargo xtask web`.
fn module() -> Option<PathBuf> {
    let path = repository().join("target/wasm32-unknown-unknown/web/detach_web.wasm");
    path.is_file().then_some(path)
}

#[test]
fn node_trains_to_the_same_bits() {
    let Some(module) = module() else {
        return skipped("needs the module for browsers (cargo xtask web)");
    };
    if !Command::new("node")
        .arg("--version")
        .output()
        .is_ok_and(|run| run.status.success())
    {
        return skipped("needs node");
    }
    let quick = |(i, recipe): (usize, &&detach_recipes::RecipeInfo)| {
        (!SLOW.contains(&recipe.name())).then_some(i)
    };
    let chosen: Vec<usize> = RECIPES.iter().enumerate().filter_map(quick).collect();
    assert!(chosen.len() >= 5);
    let output = Command::new("node")
        .args(["-e", SCRIPT])
        .arg(&module)
        .arg(STEPS.to_string())
        .args(chosen.iter().map(usize::to_string))
        .output()
        .expect("node runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let mut lines = said.lines();
    assert_eq!(
        lines.next(),
        Some(RECIPES.len().to_string().as_str()),
        "an old module?"
    );
    // Which instructions a process uses is settled when it starts.
    let ours = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "--nocapture", "--ignored", "web::portable"])
        .env("DETACH_SIMD", "portable")
        .env(
            "RECIPES",
            chosen
                .iter()
                .map(usize::to_string)
                .collect::<Vec<_>>()
                .join(" "),
        )
        .output()
        .expect("this test runs");
    let ours = String::from_utf8_lossy(&ours.stdout).into_owned();
    for (i, there) in chosen.iter().zip(lines) {
        let name = RECIPES[*i].name();
        let line = format!("hash {i} {there}");
        println!("{name}: {there}");
        assert!(
            ours.lines().any(|l| l.ends_with(&line)),
            "{name}: {there}, and here\n{ours}"
        );
    }
}

/// Not a test by itself: the other half of the one above, in a process of its own.
#[test]
#[ignore = "run by `node_trains_to_the_same_bits`"]
fn portable() {
    let recipes = std::env::var("RECIPES").unwrap_or_default();
    for i in recipes
        .split_whitespace()
        .map(|i| i.parse().expect("a number"))
    {
        println!("\nhash {i} {}", detach_web::weights_after(i, STEPS));
    }
}
