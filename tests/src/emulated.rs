//! The CUDA path without a GPU. `tests/emulator` has a stand-in for the driver that runs the
//! kernels' own source on the CPU; this builds it with g++ and runs a test again in a child
//! process that finds it where the driver would be.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};

mod build;

pub use build::{kernels, library, program};

/// How the kernels and the stand-in are compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// As they are.
    Plain,
    /// Under ThreadSanitizer, with every CUDA thread a thread to it: reports a missing
    /// barrier, whatever the numbers say. Ten times slower and more.
    Thread,
    /// Under AddressSanitizer, with every device allocation and shared array fenced in.
    Address,
}

impl Variant {
    fn flags(self) -> &'static [&'static str] {
        match self {
            Variant::Plain => &[],
            Variant::Thread => &["-fsanitize=thread", "-DEMU_THREAD"],
            Variant::Address => &["-fsanitize=address", "-DEMU_ADDRESS"],
        }
    }

    /// The sanitizer's runtime, which must be in the process before anything else.
    fn runtime(self) -> Option<&'static str> {
        match self {
            Variant::Plain => None,
            Variant::Thread => Some("libtsan.so"),
            Variant::Address => Some("libasan.so"),
        }
    }
}

/// The name of the test that a child process is to run.
const CHILD: &str = "EMU_TEST";

/// Runs `body` on the emulated device: all `kernels/*.cu`, with `environment` (`EMU_ORDER`,
/// `EMU_CAPABILITY`, `EMU_DRIVER`, `EMU_DEVICES`, or anything else).
///
/// To be called by a test, once and as the last thing it does: the test runs again, alone, in
/// a child process, which gets as far as here and runs `body`. Where g++ is missing, the test
/// says so and passes. Where a real device is and nothing asks for an emulated one in
/// particular (`Variant::Plain`, no `environment`, no `EMU=1`), `body` runs on that, in this
/// process.
///
/// # Panics
/// When the kernels do not compile, or the child fails, with what it printed; and when a test calls it twice: its child
/// would run both bodies, and so would the second's.
pub fn run<F: FnOnce()>(variant: Variant, environment: &[(&str, &str)], body: F) {
    if in_child() {
        static RUNS: AtomicBool = AtomicBool::new(false);
        assert!(!RUNS.swap(true, Ordering::Relaxed), "once a test");
        return body();
    }
    let wanted = variant != Variant::Plain || !environment.is_empty();
    if !wanted && real_device() && std::env::var_os("EMU").is_none() {
        return body();
    }
    let Some(library) = library(variant, &kernels()) else {
        return;
    };
    let output = child(variant, &library, environment, &name::<F>());
    assert!(
        output.status.success(),
        "on the emulated device ({variant:?}, {environment:?}):\n{}",
        text_of(&output)
    );
}

/// Whether this process is a test that [`run`] or [`child`] started.
pub fn in_child() -> bool {
    std::env::var_os(CHILD).is_some()
}

/// All that a process printed.
pub fn text_of(output: &Output) -> String {
    let stdout = String::from_utf8_lossy(&output.stdout);
    format!("{stdout}{}", String::from_utf8_lossy(&output.stderr))
}

/// The test that calls. The harness names its threads after the tests; where it runs them
/// in its own thread, a closure's type has the name of the function around it.
fn name<F>() -> String {
    let thread = std::thread::current();
    if let Some(name) = thread.name().filter(|name| *name != "main") {
        return name.to_owned();
    }
    let path = std::any::type_name::<F>();
    let path = path.split("::{{closure}}").next().unwrap_or(path);
    path.split_once("::")
        .map_or(path, |(_, name)| name)
        .to_owned()
}

/// Runs the test called `name` again, alone, in a child process with `library`; see
/// [`in_child`].
pub fn child(variant: Variant, library: &Path, environment: &[(&str, &str)], name: &str) -> Output {
    let test = std::env::current_exe().expect("the path of this test");
    let mut command = under(variant, library, &test);
    command
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .arg("--include-ignored")
        .env(CHILD, name)
        .envs(environment.iter().copied());
    command.output().expect("this test starts again")
}

/// A command that finds `library` where it looks for the driver.
pub fn under(variant: Variant, library: &Path, program: &Path) -> Command {
    let mut command = fixed_addresses(variant);
    let folder = library.parent().expect("a library lies in a folder");
    let mut search = vec![folder.to_owned()];
    if let Some(own) = std::env::var_os("LD_LIBRARY_PATH") {
        search.extend(std::env::split_paths(&own));
    }
    command
        .env("EMU", "1")
        .env(
            "LD_LIBRARY_PATH",
            std::env::join_paths(search).expect("a search path"),
        )
        // Threads that the kernels do not have are not looked at: their locks are unknown.
        .env(
            "TSAN_OPTIONS",
            "ignore_noninstrumented_modules=1:halt_on_error=1:exitcode=66",
        )
        // The stacks of the engine outlive it; what tests leak is theirs to check.
        .env("ASAN_OPTIONS", "detect_leaks=0:quarantine_size_mb=64");
    if let Some(runtime) = variant.runtime() {
        let mut preload = OsString::from("LD_PRELOAD=");
        preload.push(build::file_of_compiler(runtime));
        command.arg(preload);
    }
    command.arg(program);
    command
}

/// `env`, for the variables that only the program is to have. ThreadSanitizer knows a few
/// places in memory where things may lie; where the system spreads them wider than its
/// usual 28 bits, `setarch` holds it back.
fn fixed_addresses(variant: Variant) -> Command {
    let bits = fs::read_to_string("/proc/sys/vm/mmap_rnd_bits").unwrap_or_default();
    let wide = bits.trim().parse().is_ok_and(|bits: u32| bits > 28);
    if variant != Variant::Thread || !wide {
        return Command::new("env");
    }
    let mut command = Command::new("setarch");
    command.args([std::env::consts::ARCH, "-R", "env"]);
    command
}

/// NVIDIA's kernel module lists its devices here.
fn real_device() -> bool {
    fs::read_dir("/proc/driver/nvidia/gpus").is_ok_and(|mut devices| devices.next().is_some())
}
