//! Downloads that cannot be: from where they were tried, and what is taken instead. No test reaches a network.

use detach_tests::program::{Done, Sandbox};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};

const IMAGES: &str = "train-images-idx3-ubyte.gz";

/// The address of a mirror that has nothing, and the paths that it is asked for.
fn empty_mirror() -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!(
        "http://{}/mnist",
        listener.local_addr().expect("its address")
    );
    let (sender, asked) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
            let first = lines.next().unwrap_or_default();
            lines.find(String::is_empty);
            let path = first.split(' ').nth(1).unwrap_or_default();
            // A client that hangs up early is a client's right.
            let _ = (&stream).write_all(
                b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            );
            if sender.send(path.to_owned()).is_err() {
                return;
            }
        }
    });
    (url, asked)
}

/// `gan` where all but this machine lies behind a proxy that is not there.
fn cut_off(sandbox: &Sandbox, words: &str) -> Command {
    let mut command = sandbox.command(words);
    for name in ["ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY"] {
        command.env_remove(name.to_ascii_lowercase());
        command.env(name, "http://127.0.0.1:1");
    }
    command
}

#[test]
fn a_mirror_is_asked_before_those_that_are_built_in() {
    let sandbox = Sandbox::new();
    let (url, asked) = empty_mirror();
    let words = format!("data fetch --out there --mirror {url}");
    let done = Done::of(cut_off(&sandbox, &words), &words);
    done.failed(1, &[&url, "404", "storage.googleapis.com"]);
    let at = |text: &str| done.stderr.find(text).expect(text);
    assert!(at(&url) < at("ossci-datasets"), "{done}");
    assert_eq!(asked.recv().expect("a request"), format!("/mnist/{IMAGES}"));

    // By the variable, and with a slash at its end.
    let mut command = cut_off(&sandbox, "data fetch --out there");
    command.env("GAN_MIRROR", format!("{url}/"));
    Done::of(command, "by variable").failed(1, &[&url, "404"]);
    assert_eq!(asked.recv().expect("a request"), format!("/mnist/{IMAGES}"));
}

#[test]
fn a_mirror_that_is_empty_is_none_and_one_that_is_no_address_is_refused() {
    let sandbox = Sandbox::new();
    let words = "data fetch --out there";
    let unset = Done::of(cut_off(&sandbox, words), words);
    unset.failed(1, &["cannot download", "ossci-datasets"]);
    for empty in ["", " "] {
        let mut command = cut_off(&sandbox, words);
        command.env("GAN_MIRROR", empty);
        assert_eq!(Done::of(command, words).stderr, unset.stderr);
    }
    for mirror in ["mnist", "file:///mnist", "https://", "http:///mnist"] {
        for words in ["data fetch", "train mlp"] {
            sandbox
                .gan(&format!("{words} --mirror {mirror}"))
                .failed(2, &["--mirror", mirror]);
        }
    }
}

/// Said even where nothing else is: these are not the digits that were meant.
#[test]
fn what_is_taken_instead_is_said_aloud() {
    let sandbox = Sandbox::new();
    let (url, asked) = empty_mirror();
    let words = format!("train mlp --max-steps 1 --no-pictures -q --out run --mirror {url}");
    let done = Done::of(cut_off(&sandbox, &words), &words);
    assert_eq!(done.code, Some(0), "{done}");
    for part in ["WARN", IMAGES, &*url, "404", "synthetic digits"] {
        assert!(done.stderr.contains(part), "no {part}: {done}");
    }
    assert_eq!(asked.recv().expect("a request"), format!("/mnist/{IMAGES}"));
}
