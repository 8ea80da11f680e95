//! What goes wrong for users: signals, disks, files from elsewhere, slips of the hand.
//! Each time one clear error with the right exit code, and nothing half-written.
#![cfg(unix)]

mod checkpoints;
mod data;
mod disks;
mod download;
mod proofs;
mod records;
mod runs;
mod signals;
mod slips;

use detach_tests::program::{Done, Sandbox};

const MLP: &str = "train mlp --offline --data-dir digits --batch-size 8 --no-pictures";

/// A run of `mlp` with checkpoints of the steps 3, 6 and 8, in `run`.
fn trained(sandbox: &Sandbox) {
    sandbox.ok(&format!(
        "{MLP} --max-steps 8 --checkpoint-every 3 --out run -q"
    ));
}

/// A reader that has seen enough is no reason to panic, nor to lose a run.
#[test]
fn closed_pipes() {
    let sandbox = Sandbox::new();
    let train = "train gauss1d --max-steps 50 --log-every 1";
    for (words, code) in [
        ("recipes", 0),
        ("recipes dcgan", 0),
        ("info", 0),
        ("--help", 0),
        ("train --help", 0),
        (&format!("{train} --json --out json"), 0),
        (&format!("{train} --out lines"), 0),
        ("train nosuch", 2),
    ] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut command = sandbox.command(words);
        command
            .stdout(writer.try_clone().expect("another end"))
            .stderr(writer);
        let status = command.status().expect("the program starts");
        assert_eq!(status.code(), Some(code), "gan {words}");
    }
    for run in ["json", "lines"] {
        assert_eq!(sandbox.checkpoints(run), [50]);
    }
    // Half a pipe: the error is still told.
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut command = sandbox.command("train nosuch");
    command.stdout(writer);
    let child = command.stderr(std::process::Stdio::piped()).spawn();
    let output = child
        .and_then(std::process::Child::wait_with_output)
        .expect("the program starts");
    Done::from_output("train nosuch", output).failed(2, &["nosuch"]);
}
