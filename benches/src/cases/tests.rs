//! Every case is prepared and run.

use super::*;

fn parse(name: &str) -> Result<Kernel, String> {
    Kernel::parse(&name.split(' ').collect::<Vec<_>>())
}

#[test]
fn every_kind_of_case_runs() {
    for name in [
        "sgemm 3 4 5",
        "c fprop 2 3 4 2 1 8 2",
        "c dgrad 2 3 4 2 1 8 2",
        "c wgrad 2 3 3 1 1 8 2",
        "ct fprop 3 2 4 2 1 4 2",
        "ct dgrad 3 2 4 2 1 4 2",
        "ct wgrad 3 2 4 2 1 4 2",
        "bn 2 3 4",
        "in 2 3 4",
        "adam 5 7",
        "clipped-adam 5 7",
        "rmsprop 5 7",
        "sgd 5 7",
        "average 5 7",
        "clamp 5 7",
        "relu 9",
        "leaky-relu 9",
        "tanh 9",
        "softplus 9",
        "relu-gradient 9",
        "elu 9",
        "sin 9",
        "erf 9",
        "select 9",
        "sum 5 3",
        "sum-rows 5 3",
        "sum-all 5 3",
        "softmax 5 3",
        "clone 9",
        "channels-last 2 3 4",
        "normal 9",
        "uniform 9",
        "mask 9",
        "upsample 2 3 4",
        "average-pool 2 3 4",
        "fir-up 2 3 4",
        "fir-down 2 3 4",
        "reflect 2 3 4",
    ] {
        let kernel = parse(name).expect("a case");
        for variant in [Variant::Reference, Variant::Peer, Variant::Fast] {
            kernel.call(variant, Device::Cpu)();
        }
    }
}

#[test]
fn work_is_that_of_the_direct_algorithm() {
    let work = |name: &str| parse(name).expect("a case").work();
    assert_eq!(work("sgemm 2 3 5").flops, 60.0);
    assert_eq!(work("sgemm 2 3 5").bytes, 4.0 * 31.0);
    // Each of 7×7 pixels of 128 channels meets 64·16 weights, in 64 images.
    let down = work("c fprop 64 128 4 2 1 14 64");
    assert_eq!(down.flops, 2.0 * (64 * 49 * 128 * 64 * 16) as f64);
    let up = work("ct fprop 128 64 4 2 1 7 64");
    assert_eq!((up.flops, up.bytes), (down.flops, down.bytes));
    assert_eq!(work("adam 5 7").bytes, 4.0 * 7.0 * 12.0);
    assert_eq!(work("relu-gradient 5").bytes, 4.0 * 15.0);
    assert_eq!((work("sum 5 3").flops, work("sum 5 3").bytes), (0.0, 60.0));
}

#[test]
fn a_case_is_shown_as_people_write_it() {
    let shown = |name: &str| parse(name).expect("a case").to_string();
    assert_eq!(shown("sgemm 2 3 5"), "2×5 · 5×3");
    assert_eq!(
        shown("ct dgrad 256 128 4 2 1 7 64"),
        "CT 256→128 k4, 7→14, dgrad"
    );
    assert_eq!(shown("sum-rows 5 3"), "sum of rows [5, 3]");
    assert_eq!(shown("adam 2000000 100000"), "Adam, 2,100,000 numbers");
    assert_eq!(shown("normal 999"), "normal, 999 numbers");
}

#[test]
fn what_is_no_case_is_an_error() {
    for name in [
        "sgemm 3 4",
        "c sprop 2 3 4 2 1 8 2",
        "adam x",
        "adam",
        "dance",
    ] {
        assert!(parse(name).is_err(), "{name}");
    }
}
