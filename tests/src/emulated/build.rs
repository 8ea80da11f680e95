//! Building the stand-in: every `.cu` in a namespace of its own, the engine around them, one
//! library. Once for each content of all that goes into it, whichever process comes first.

use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Mutex;

use super::{Variant, text_of};
use crate::repository;

/// The sources of all kernels.
pub fn kernels() -> Vec<PathBuf> {
    files_with(&repository().join("kernels"), &["cu"])
}

/// The files of a folder with one of these extensions, sorted.
fn files_with(folder: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .map(|entry| entry.expect("an entry of a folder").path())
        .filter(|path| {
            let extension = path.extension().and_then(|it| it.to_str());
            extension.is_some_and(|it| extensions.contains(&it))
        })
        .collect();
    files.sort();
    files
}

/// Where g++ has one of its own libraries.
pub(super) fn file_of_compiler(name: &str) -> PathBuf {
    let output = compiler()
        .arg(format!("-print-file-name={name}"))
        .output()
        .expect("g++ runs");
    let path = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    path.canonicalize().unwrap_or(path)
}

fn compiler() -> Command {
    Command::new(std::env::var_os("CXX").unwrap_or_else(|| "g++".into()))
}

fn emulator() -> PathBuf {
    repository().join("tests/emulator")
}

/// The stand-in driver with these kernels, `libcuda.so.1`, built if it is not there yet; `None`
/// and a line that says so where there is no g++.
///
/// # Panics
/// When something does not compile.
pub fn library(variant: Variant, sources: &[PathBuf]) -> Option<PathBuf> {
    let Ok(version) = compiler().arg("--version").output() else {
        println!("skipped: needs g++, for the emulated device");
        return None;
    };
    let flags = flags(variant);
    let build = Build {
        engine: folder().join(engine_hash(&version.stdout, &flags)),
        flags,
        sources,
    };
    let folder = folder().join(build.hash(&version.stdout));
    let library = folder.join("libcuda.so.1");
    fs::create_dir_all(&folder).expect("a folder below the target folder");
    let lock = File::create(folder.join("lock")).expect("a file to lock");
    lock.lock().expect("a lock between tests");
    if !library.is_file() {
        build.make(&folder, &library);
    }
    Some(library)
}

/// A program of C++ that calls the stand-in, built beside it.
///
/// # Panics
/// When it does not compile.
pub fn program(variant: Variant, library: &Path, source: &Path) -> PathBuf {
    let folder = library.parent().expect("a library lies in a folder");
    let stem = source.file_stem().expect("a source has a name");
    let path = folder.join(stem);
    let lock = File::create(folder.join("lock")).expect("a file to lock");
    lock.lock().expect("a lock between tests");
    if !path.is_file() {
        let partial = path.with_extension("partial");
        let mut command = compiler();
        command.args(flags(variant)).arg("-o").arg(&partial);
        succeed(command.arg(source).arg(library));
        fs::rename(&partial, &path).expect("a new name");
    }
    path
}

/// `TARGET/[TRIPLE/]PROFILE/emulator`, beside what cargo built this test with.
fn folder() -> PathBuf {
    let test = std::env::current_exe().expect("the path of this test");
    let profile = test.ancestors().nth(2);
    profile
        .expect("a test lies below its profile's folder")
        .join("emulator")
}

/// Every operation rounds by itself, as IEEE 754 has it.
fn flags(variant: Variant) -> Vec<String> {
    let mut flags: Vec<String> = "-std=c++17 -O2 -g -fPIC -fvisibility=hidden -ffp-contract=off \
        -fno-strict-aliasing -DDETACH_EMULATED -Wall -Wextra -Wno-unknown-pragmas"
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    flags.extend(variant.flags().iter().map(|&flag| flag.to_owned()));
    if has_fma() {
        flags.extend(["-mfma".to_owned(), "-mavx2".to_owned()]);
    }
    flags
}

#[cfg(target_arch = "x86_64")]
fn has_fma() -> bool {
    is_x86_feature_detected!("fma") && is_x86_feature_detected!("avx2")
}

#[cfg(not(target_arch = "x86_64"))]
fn has_fma() -> bool {
    false
}

/// The first twelve bytes of the SHA-256 of a compiler's version, its flags and the files that go into it.
fn digest(version: &[u8], flags: &[String], inputs: &[PathBuf]) -> String {
    let mut hash = Sha256::new();
    hash.update(version);
    hash.update(flags.join(" "));
    for path in inputs {
        hash.update(path.as_os_str().as_encoded_bytes());
        hash.update(fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())));
    }
    let digest = hash.finalize();
    digest
        .iter()
        .take(12)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Names the objects of the stand-in itself, which libraries of other kernels share.
fn engine_hash(version: &[u8], flags: &[String]) -> String {
    let inputs = files_with(&emulator(), &["h", "cpp"]);
    format!("engine-{}", digest(version, flags, &inputs))
}

struct Build<'a> {
    /// The folder of the stand-in's objects.
    engine: PathBuf,
    flags: Vec<String>,
    sources: &'a [PathBuf],
}

impl Build<'_> {
    /// Names the outcome: all that goes into it.
    fn hash(&self, version: &[u8]) -> String {
        let mut inputs = self.sources.to_vec();
        let mut folders: Vec<_> = inputs.iter().filter_map(|path| path.parent()).collect();
        let (kernels, emulator) = (repository().join("kernels"), emulator());
        folders.extend([kernels.as_path(), emulator.as_path()]);
        folders.sort();
        folders.dedup();
        let headers = folders
            .iter()
            .flat_map(|folder| files_with(folder, &["cuh", "h", "cpp"]));
        let headers: Vec<_> = headers.collect();
        inputs.extend(headers);
        digest(version, &self.flags, &inputs)
    }

    /// Compiles everything, two files at a time, and links it.
    fn make(&self, folder: &Path, library: &Path) {
        let mut jobs: Vec<_> = self.sources.to_vec();
        jobs.extend(
            files_with(&emulator(), &["cpp"])
                .into_iter()
                .filter(|path| {
                    let name = path.file_name().and_then(|name| name.to_str());
                    name != Some("check.cpp")
                }),
        );
        let objects = Mutex::new(Vec::new());
        let jobs = Mutex::new(jobs.into_iter());
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while let Some(source) = next(&jobs) {
                        let object = self.compile(folder, &source);
                        objects
                            .lock()
                            .expect("no panic holds the list")
                            .push(object);
                    }
                });
            }
        });
        let mut objects = objects.into_inner().expect("all are compiled");
        objects.sort();
        let partial = folder.join("libcuda.partial");
        let mut command = compiler();
        command
            .args(&self.flags)
            .args([
                "-shared",
                "-Wl,-soname,libcuda.so.1",
                "-Wl,-z,nodelete",
                "-o",
            ])
            .arg(&partial)
            .args(objects);
        succeed(&mut command);
        let plain_name = folder.join("libcuda.so");
        if !plain_name.exists() {
            fs::copy(&partial, &plain_name).expect("a copy");
        }
        fs::rename(&partial, library).expect("a new name");
    }

    fn compile(&self, folder: &Path, source: &Path) -> PathBuf {
        let stem = source.file_stem().expect("a source has a name");
        let stem = stem.to_str().expect("a name of letters");
        if source.extension().is_none_or(|it| it != "cu") {
            return self.compile_engine(source, stem);
        }
        let object = folder.join(format!("{stem}.o"));
        let mut command = compiler();
        command.args(&self.flags).arg("-I").arg(emulator());
        command.arg("-I").arg(repository().join("kernels"));
        command.arg("-c").arg(self.wrap(folder, source, stem));
        succeed(command.arg("-o").arg(&object));
        object
    }

    /// A file of the stand-in, once for all libraries: under a name of its own until it is whole, as others may be at it.
    fn compile_engine(&self, source: &Path, stem: &str) -> PathBuf {
        let object = self.engine.join(format!("{stem}.o"));
        if object.is_file() {
            return object;
        }
        fs::create_dir_all(&self.engine).expect("a folder below the target folder");
        let partial = tempfile::NamedTempFile::new_in(&self.engine).expect("a file there");
        // The engine itself is no business of the sanitizers.
        let is_engines = |flag: &&String| !flag.starts_with("-fsanitize");
        let mut command = compiler();
        command.args(self.flags.iter().filter(is_engines));
        command.arg("-c").arg(source).arg("-o").arg(partial.path());
        succeed(&mut command);
        partial.persist(&object).expect("a new name");
        object
    }

    /// A file that has the source in a namespace of its own, as modules have on the device,
    /// and enters its kernels into the list. Their names are read after the preprocessor,
    /// which knows those that macros make.
    fn wrap(&self, folder: &Path, source: &Path, stem: &str) -> PathBuf {
        let include = format!(
            "#include \"emulator.h\"\n#undef __global__\n#define __global__ __attribute__((used))\n\
             namespace {stem}_cu {{\n#include {source:?}\n"
        );
        let wrapper = folder.join(format!("{stem}.emulated.cpp"));
        fs::write(&wrapper, format!("{include}}}\n")).expect("a file in the target folder");
        let mut command = compiler();
        command.args(&self.flags).arg("-I").arg(emulator());
        command.arg("-I").arg(repository().join("kernels"));
        let output = succeed(command.args(["-E", "-P"]).arg(&wrapper));
        let entries: String = kernel_names(&String::from_utf8_lossy(&output.stdout))
            .iter()
            .map(|name| format!("EMU_KERNEL({name}, {:?})\n", shown(source)))
            .collect();
        fs::write(&wrapper, format!("{include}{entries}}}\n"))
            .expect("a file in the target folder");
        wrapper
    }
}

fn next(jobs: &Mutex<std::vec::IntoIter<PathBuf>>) -> Option<PathBuf> {
    jobs.lock().expect("no panic holds the list").next()
}

/// A path below the repository, as people write it.
fn shown(path: &Path) -> String {
    let short = path.strip_prefix(repository()).unwrap_or(path);
    short.display().to_string()
}

/// The names of `extern "C" __global__ void NAME(`, in preprocessed text.
fn kernel_names(text: &str) -> Vec<String> {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    words
        .match_indices("__attribute__((used)) void ")
        .filter_map(|(at, marker)| {
            let before = words[..at].trim_end();
            let rest = words[at + marker.len()..].trim_start();
            let name: String = rest
                .chars()
                .take_while(|it| it.is_alphanumeric() || *it == '_')
                .collect();
            (before.ends_with("extern \"C\"") && !name.is_empty()).then_some(name)
        })
        .collect()
}

/// # Panics
/// When the command fails; with what it printed.
fn succeed(command: &mut Command) -> Output {
    let output = command.output().expect("g++ runs");
    assert!(
        output.status.success(),
        "{command:?}:\n{}",
        text_of(&output)
    );
    output
}
