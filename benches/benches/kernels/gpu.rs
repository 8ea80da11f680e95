//! Kernels of every family on a GPU, where there is one, beside the CPU and beside PyTorch on
//! the same GPU.

use crate::{Asked, Bench};
use detach_benches::cases::Kernel;
use detach_benches::ledger::Ceilings;
use detach_benches::pytorch::{PyTorch, scripts};
use detach_kernels::{Device, Matmul, Variant};
use std::cell::RefCell;
use std::path::Path;
use std::time::{Duration, Instant};

/// The table's name.
pub(crate) const FAMILY: &str = "devices";
/// The column whose ceilings are the CPU's.
pub(crate) const CPU: &str = "cpu";

/// A kernel or more of each family, at sizes of `dcgan` at batch 64.
const CASES: [&str; 10] = [
    "sgemm 1024 1024 1024",
    "sgemm 64 12544 100",
    "ct fprop 256 128 4 2 1 7 64",
    "ct wgrad 256 128 4 2 1 7 64",
    "bn 64 64 28",
    "adam 2100000",
    "relu 3211264",
    "sum 50176 64",
    "channels-last 64 64 28",
    "normal 1000000",
];

/// How products are rounded, by its name here and to PyTorch.
const MODES: [(&str, Matmul); 2] = [("fp32", Matmul::Fp32), ("tf32", Matmul::Tf32)];

/// Measures [`CASES`] on the first GPU; without one says so in a line and measures nothing.
/// The answer has the ceilings of a column, as PyTorch reaches them.
pub(crate) fn measure(bench: &mut Bench, asked: Asked) -> impl Fn(&str) -> Ceilings + use<> {
    let (mut devices, mut fp32) = (vec![(CPU.to_owned(), Device::Cpu)], None);
    for (name, matmul) in MODES {
        match Device::open("cuda:0", matmul) {
            Ok(device) => devices.push((format!("cuda {name}"), device)),
            Err(why) if name == "fp32" => {
                fp32 = Some(why);
                break;
            }
            Err(why) => eprintln!("devices: without {name}: {}", why.reason()),
        }
    }
    let mut ceilings = [Ceilings::default(); 2];
    match fp32 {
        Some(why) if asked.names => eprintln!("devices: no GPU: {}", why.reason()),
        Some(_) => {}
        None => {
            let pytorch = if asked.names { pytorch() } else { None };
            let pytorch = pytorch.map(RefCell::new);
            for case in CASES {
                kernel(bench, case, &devices, pytorch.as_ref());
            }
            if let Some(pytorch) = &pytorch
                && asked.figures
            {
                ceilings = reached(&mut pytorch.borrow_mut());
            }
        }
    }
    move |column: &str| ceilings[usize::from(column.ends_with("tf32"))]
}

/// PyTorch on the GPU. That it is not on the CPU either was said already.
fn pytorch() -> Option<PyTorch> {
    let python = std::env::var_os("PYTHON")?;
    PyTorch::start(Path::new(&python), &scripts(), "cuda").ok()
}

/// What PyTorch reaches in `fp32` and in `tf32`.
fn reached(pytorch: &mut PyTorch) -> [Ceilings; 2] {
    let bytes = pytorch.ask(1, "copy").ok();
    MODES.map(|(mode, _)| Ceilings {
        flops: pytorch
            .ask(1, &format!("peak {mode}"))
            .ok()
            .map(|tera| 1e3 * tera),
        bytes,
    })
}

/// A kernel on each device, then by PyTorch.
fn kernel(
    bench: &mut Bench,
    case: &str,
    devices: &[(String, Device)],
    pytorch: Option<&RefCell<PyTorch>>,
) {
    let words: Vec<&str> = case.split(' ').collect();
    let kernel = Kernel::parse(&words).unwrap_or_else(|error| panic!("{error}"));
    let (shape, work) = (kernel.to_string(), kernel.work());
    for (name, device) in devices {
        bench.measure([FAMILY, &shape, name], work, || {
            let mut call = kernel.call(Variant::Fast, *device);
            // As many calls as are timed are asked for, then waited for.
            move |calls| {
                device.synchronize();
                let start = Instant::now();
                (0..calls).for_each(|_| call());
                device.synchronize();
                start.elapsed()
            }
        });
    }
    for (mode, _) in MODES {
        let Some(pytorch) = pytorch else { return };
        let name = format!("PyTorch {mode}");
        bench.measure([FAMILY, &shape, &name], work, || {
            move |calls| {
                let mut pytorch = pytorch.borrow_mut();
                let ms = pytorch
                    .ask(1, &format!("matmul {mode}"))
                    .and_then(|_| pytorch.ask(calls, case))
                    .unwrap_or_else(|error| panic!("{case}: {error}"));
                Duration::from_secs_f64(ms / 1e3 * calls as f64)
            }
        });
    }
}
