//! `report.html` and `compare.html`: one file each, whole, that say what a run is like.

use detach_gan::diagnosis::Kind;
use detach_tests::browser::Browser;
use detach_tests::page::{between, is_whole};
use detach_tests::program::Sandbox;
use std::fs;

/// A folder with a short run of `mlp` in `run`, and its page.
fn trained(more: &str) -> (Sandbox, String) {
    let sandbox = Sandbox::new();
    sandbox.ok(&format!(
        "train mlp --offline --data-dir digits --batch-size 8 --max-steps 12 --log-every 2 --set pictures.every-steps=5 \
         --out run -q {more}"
    ));
    let page = fs::read_to_string(sandbox.path("run/report.html")).expect("a page");
    (sandbox, page)
}

#[test]
fn a_run_ends_with_its_page() {
    let (sandbox, page) = trained("");
    is_whole(&page);
    let verdict = between(&page, "<h1 class=\"verdict\">", "</h1>");
    assert!(
        Kind::ALL.iter().any(|kind| verdict.contains(kind.words())),
        "{verdict}"
    );
    for id in ["evolve", "losses", "latent", "copies", "settings", "again"] {
        assert!(
            page.contains(&format!("<section class=\"part\" id=\"{id}\"")),
            "no {id}"
        );
        assert!(page.contains(&format!("href=\"#{id}\"")), "no way to {id}");
    }
    // What is not as published says what was, and pictures of three steps are there.
    assert!(page.contains("published 64") && page.matches("data-step=\"").count() >= 2);
    // The same page can be had again, and elsewhere.
    sandbox.ok("report run --out page.html");
    let again = fs::read_to_string(sandbox.path("page.html")).expect("a page");
    is_whole(&again);
    assert_eq!(
        again.matches("<section").count(),
        page.matches("<section").count()
    );
}

#[test]
fn the_command_on_a_page_makes_the_same_run() {
    let (sandbox, page) = trained("--set d.lr=1e-3 --seed 3");
    let command = between(&page, "<pre class=\"cmd\" id=\"cmd\">", "</pre>");
    let command = command
        .replace("&#39;", "'")
        .replace("&#34;", "\"")
        .replace("&quot;", "\"");
    let line = command.strip_prefix("gan ").expect("a command");
    let done = sandbox
        .shell(&format!("\"$gan\" {line} --out again -q"))
        .output();
    let done = done.expect("a shell");
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    assert_eq!(sandbox.hash("again", 12), sandbox.hash("run", 12), "{line}");
    assert!(
        page.contains(&sandbox.hash("run", 12)),
        "the hash stands on the page"
    );
}

#[test]
fn numbers_have_a_page_too() {
    let sandbox = Sandbox::new();
    sandbox.ok("train gauss1d --max-steps 40 --set pictures.every-steps=10 --out run -q");
    let page = fs::read_to_string(sandbox.path("run/report.html")).expect("a page");
    is_whole(&page);
    assert!(
        page.matches("data-step=\"").count() >= 3,
        "histograms over time"
    );
    for id in ["latent", "copies"] {
        assert!(!page.contains(&format!("id=\"{id}\"")), "{id} of numbers");
    }
}

#[test]
fn a_run_that_has_hardly_begun_has_a_page() {
    let (sandbox, _) = trained("");
    let run = sandbox.path("run");
    for gone in ["metrics.jsonl", "detail.jsonl", "checkpoints", "samples"] {
        let path = run.join(gone);
        let _ = fs::remove_dir_all(&path).or_else(|_| fs::remove_file(&path));
        sandbox.ok("report run");
        is_whole(&fs::read_to_string(run.join("report.html")).expect("a page"));
    }
}

#[test]
fn scores_on_record_stand_beside_their_floor() {
    let (sandbox, _) = trained("");
    let line = |step: u64, fid: f64| {
        format!(
            r#"{{"version":1,"step":{step},"epoch":0.5,"samples":500,"classifier":"9c41</script>e07b","scores":{{"fid":{fid},"kid":0.4,"precision":0.66,"recall":0.84,"entropy":0.96}},"floor":{{"fid":2.8,"kid":0.03,"precision":0.88,"recall":0.89,"entropy":1.0}},"classes":[30,40,50,60,70,50,50,50,50,50]}}"#
        )
    };
    let text = format!("{}\n{}\n", line(6, 95.5), line(12, 51.8));
    fs::write(sandbox.path("run/scores.jsonl"), text).expect("a file");
    sandbox.ok("report run");
    let page = fs::read_to_string(sandbox.path("run/report.html")).expect("a page");
    is_whole(&page);
    assert!(
        page.contains("51.8") && page.contains("real 2.80"),
        "a score and its floor"
    );
    assert!(page.contains("id=\"quality\"") && page.contains("id=\"c-fid\""));
}

/// Names come from users, and a page sets them as text.
#[cfg(unix)]
#[test]
fn a_name_is_a_text_on_a_page() {
    let (sandbox, _) = trained("");
    let name = "<script><b>&'\"";
    fs::rename(sandbox.path("run"), sandbox.path(name)).expect("another name");
    let again = "train mlp --offline --data-dir digits --batch-size 8 --max-steps 4 --out other -q";
    sandbox.ok(again);
    for (runs, file) in [("\"$name\"", "one.html"), ("\"$name\" other", "two.html")] {
        let script = format!("\"$gan\" report {runs} --out {file}");
        let done = sandbox
            .shell(&script)
            .env("name", name)
            .output()
            .expect("a shell");
        assert!(
            done.status.success(),
            "{}",
            String::from_utf8_lossy(&done.stderr)
        );
        let page = fs::read_to_string(sandbox.path(file)).expect("a page");
        is_whole(&page);
        assert!(!page.contains("<script><b>"), "a name is markup in {file}");
    }
}

#[test]
fn several_runs_stand_side_by_side() {
    let (sandbox, _) = trained("");
    sandbox.ok("train mlp-relu --offline --data-dir digits --batch-size 8 --max-steps 12 --out other --no-report -q");
    assert!(
        !sandbox.path("other/report.html").exists(),
        "no page was wanted"
    );
    sandbox.ok("report run other");
    let page = fs::read_to_string(sandbox.path("compare.html")).expect("a page");
    is_whole(&page);
    for part in [
        "A · run",
        "B · other",
        "id=\"x-d\"",
        "id=\"x-g\"",
        "Where they differ",
    ] {
        assert!(page.contains(part), "no {part}");
    }
    sandbox.ok("compare mlp mlp-relu --offline --data-dir digits --set batch-size=8 --max-steps 6 --out both -q");
    let page = fs::read_to_string(sandbox.path("both/compare.html")).expect("a page");
    is_whole(&page);
    assert!(page.contains("energy"), "scores of the comparison");
}

#[test]
fn a_page_that_cannot_be_written_stops_no_run() {
    let sandbox = Sandbox::new();
    let words = "train mlp --offline --data-dir digits --batch-size 8 --max-steps 4 --set pictures.every-steps=1 --out run -q";
    sandbox.ok(words);
    let page = sandbox.path("run/report.html");
    fs::remove_file(&page).expect("a page");
    fs::create_dir(&page).expect("a folder in its place");
    let done = sandbox.ok("train --resume run --max-steps 8");
    assert!(done.stderr.contains("report.html"), "{done}");
    assert_eq!(sandbox.checkpoints("run").last(), Some(&8));
}

#[test]
fn a_wrong_line_says_what_is_wrong() {
    let sandbox = Sandbox::new();
    sandbox.gan("report nowhere").failed(1, &["nowhere"]);
    sandbox
        .gan("report nowhere --out page.txt")
        .failed(2, &[".html"]);
}

#[test]
fn a_browser_shows_pages_to_everybody() {
    let Some(browser) = Browser::find() else {
        return;
    };
    let (sandbox, _) = trained("");
    let line = r#"{"version":1,"step":12,"epoch":0.5,"samples":500,"classifier":"9c41e07b","scores":{"fid":51.8,"kid":0.4,"precision":0.66,"recall":0.84},"reach":{"fid":0.9},"floor":{"fid":2.8,"kid":0.03,"precision":0.88,"recall":0.89},"classes":[30,40,50,60,70,50,50,50,50,50]}"#;
    fs::write(sandbox.path("run/scores.jsonl"), format!("{line}\n")).expect("a file");
    sandbox
        .ok("train wgan --offline --data-dir digits --batch-size 8 --max-steps 6 --out critic -q");
    sandbox.ok("train gauss1d --max-steps 40 --set pictures.every-steps=10 --out numbers -q");
    sandbox.ok("report run");
    sandbox.ok("report run critic numbers");
    let pages = [
        "run/report.html",
        "critic/report.html",
        "numbers/report.html",
        "compare.html",
    ];
    browser.check("pages.cjs", pages.map(|page| sandbox.path(page)));
}
