//! `cargo xtask web`: the recipes as a module for browsers.

use crate::command;
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where Debian's `rustc-web` and `rust-web-src` put the compiler and the standard library's sources.
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_SOURCES: &str = "/usr/lib/rustlib/src/rust/library";

const HINT: &str = "install the target: `rustup target add wasm32-unknown-unknown`, or on Debian \
                    `apt-get install rustc-web rust-web-src`";

/// Builds the module, and prints where it is.
pub(crate) fn build(root: &Path) -> Result<()> {
    let mut cargo = command::cargo();
    cargo.current_dir(root);
    cargo.args([
        "build",
        "--profile",
        "web",
        "--package",
        "detach-web",
        "--lib",
    ]);
    cargo.args(["--target", "wasm32-unknown-unknown"]);
    // Panic texts name source files: where they lay on the machine that built them is nobody's affair.
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")));
    let mut flags = format!(
        "-Ctarget-feature=+simd128 --remap-path-prefix={}/=",
        root.display()
    );
    for registry in home
        .iter()
        .flat_map(|home| std::fs::read_dir(home.join("registry/src")))
    {
        for source in registry.flatten() {
            flags += &format!(" --remap-path-prefix={}/=", source.path().display());
        }
    }
    if !has_target()? {
        debian(&mut cargo, &mut flags)?;
    }
    cargo.env("RUSTFLAGS", flags);
    let status = cargo.status().with_context(|| command::could_not(&cargo))?;
    if !status.success() {
        bail!("the module was not built; {HINT}");
    }
    println!("{}", module(root).display());
    Ok(())
}

/// Where the module is.
fn module(root: &Path) -> PathBuf {
    root.join("target/wasm32-unknown-unknown/web/detach_web.wasm")
}

/// Whether the compiler in use has the target's standard library.
fn has_target() -> Result<bool> {
    let output = Command::new("rustc")
        .args([
            "--print",
            "target-libdir",
            "--target",
            "wasm32-unknown-unknown",
        ])
        .output()
        .context("rustc does not run")?;
    let folder = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    Ok(output.status.success() && folder.is_dir())
}

/// Debian's compiler builds the standard library from its sources, and the linker is that of the
/// toolchain in use.
fn debian(cargo: &mut Command, flags: &mut String) -> Result<()> {
    if !Path::new(DEBIAN_SOURCES).is_dir() {
        bail!("there is no standard library for wasm32-unknown-unknown here; {HINT}");
    }
    let output = Command::new("rustc")
        .args(["--print", "sysroot"])
        .output()
        .context("rustc does not run")?;
    let sysroot = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    let linkers = std::fs::read_dir(sysroot.join("lib/rustlib")).context("no rustlib")?;
    let linker = linkers
        .flatten()
        .map(|host| host.path().join("bin/rust-lld"))
        .find(|path| path.is_file())
        .context("the toolchain in use has no rust-lld")?;
    cargo.args(["-Zbuild-std=std,panic_abort", "-Zbuild-std-features="]);
    cargo.env("RUSTC", DEBIAN_RUSTC);
    // For -Zbuild-std alone; the sources are stable Rust.
    cargo.env("RUSTC_BOOTSTRAP", "1");
    cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
    *flags += " --remap-path-prefix=/usr/lib/rustlib/src/rust/=rust/";
    Ok(())
}
