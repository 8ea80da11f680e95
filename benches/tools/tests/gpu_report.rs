//! The report from a GPU, on the emulated device: that it finds nothing wrong, says what it
//! found, and says of what was not measured that it was not.

use detach_bench_tools::gpu::{Plan, run};
use detach_tests::emulated::{self, Variant};
use detach_tests::program;

#[test]
fn a_report_is_written() {
    emulated::run(Variant::Plain, &[], || {
        let folder = tempfile::tempdir().expect("a folder");
        let plan = Plan {
            device: "cuda:0".to_owned(),
            out: folder.path().join("report"),
            python: None,
            gan: program::gan().to_owned(),
            quick: true,
            only_correct: false,
        };
        let report = run(&plan).unwrap_or_else(|error| panic!("{error:#}"));
        let wrong = report.cases.iter().chain(&report.ops);
        let wrong: Vec<_> = wrong.filter(|one| !one.passes).collect();
        assert!(report.is_right(), "{wrong:?} {:?}", report.parity);
        assert!(report.cases.len() > 100 && report.ops.len() > 20);
        assert!(report.goals.len() >= 2, "{:?}", report.goals);
        assert!(report.goals.iter().all(|goal| goal.verdict() != "NO"));
        for kernel in &report.kernels {
            assert!(kernel.us > 0.0 && kernel.floor_us.is_none(), "{kernel:?}");
        }
        let text = std::fs::read_to_string(plan.out.join("gpu-report.md")).expect("Markdown");
        assert!(text.contains("0 of "), "{text}");
        let json = std::fs::read(plan.out.join("gpu-report.json")).expect("JSON");
        let json: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
        assert_eq!(json["pytorch"], serde_json::Value::Null);
    });
}
