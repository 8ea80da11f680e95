//! The download, against a server on the loopback device.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::server::{Answer, Request, Server};
use detach_mnist::fetch::{FetchError, Fetched, Fetcher, RemoteFile};
use detach_mnist::synth::Synth;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

/// A file as a mirror has it, a folder to put it in, and a fetcher that knows its hash.
struct Scene {
    folder: TempDir,
    file: RemoteFile,
    packed: Vec<u8>,
    unpacked: Vec<u8>,
}

impl Scene {
    fn new() -> Self {
        let unpacked = Synth::new(5).range(0..200).0;
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&unpacked).unwrap();
        let packed = encoder.finish().unwrap();
        let hash: String = Sha256::digest(&unpacked)
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        let file = RemoteFile {
            name: "images-idx3-ubyte.gz".into(),
            sha256: hash.into(),
            unpacked: unpacked.len() as u64,
        };
        Self {
            folder: tempfile::tempdir().unwrap(),
            file,
            packed,
            unpacked,
        }
    }

    fn fetch(&self, mirrors: &[&str]) -> Result<Fetched, FetchError> {
        let fetcher = Fetcher {
            mirrors: mirrors.iter().map(ToString::to_string).collect(),
            files: vec![self.file.clone()],
            connect_timeout: Duration::from_secs(5),
            stall_timeout: Duration::from_secs(5),
            busy_timeout: Duration::ZERO,
        };
        fetcher.fetch(self.folder.path(), &mut |_| {})
    }

    fn target(&self) -> PathBuf {
        self.folder.path().join(&*self.file.name)
    }

    fn part(&self) -> PathBuf {
        self.folder.path().join(format!("{}.part", self.file.name))
    }

    /// The right file is there under its final name, and nothing else is.
    #[track_caller]
    fn assert_done(&self) {
        assert!(
            fs::read(self.target()).unwrap() == self.packed,
            "the content differs"
        );
        assert_eq!(names(self.folder.path()), [&*self.file.name]);
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn ranges(server: &Server) -> Vec<Option<usize>> {
    server
        .requests()
        .iter()
        .map(|request| request.range)
        .collect()
}

#[test]
fn a_file_is_downloaded_checked_and_named() {
    let scene = Scene::new();
    let body = scene.packed.clone();
    let server = Server::start(move |request, _| Answer::part(&body, request));
    let mut reports = Vec::new();
    let fetcher = Fetcher {
        mirrors: vec![server.url.clone()],
        files: vec![scene.file.clone()],
        ..Fetcher::mnist()
    };
    let fetched = fetcher
        .fetch(scene.folder.path(), &mut |p| {
            reports.push((p.file.to_owned(), p.bytes, p.total));
        })
        .unwrap();
    scene.assert_done();
    assert_eq!(fetched.downloaded, [scene.target()]);

    let path = "/mnist/images-idx3-ubyte.gz".to_owned();
    assert_eq!(server.requests(), [Request { path, range: None }]);
    let size = scene.packed.len() as u64;
    assert_eq!(
        reports.first(),
        Some(&(scene.file.name.to_string(), 0, Some(size)))
    );
    assert_eq!(
        reports.last(),
        Some(&(scene.file.name.to_string(), size, Some(size)))
    );
    assert!(reports.is_sorted_by_key(|report| report.1));
}

#[test]
fn a_download_that_breaks_off_goes_on_where_it_stopped() {
    let scene = Scene::new();
    let body = scene.packed.clone();
    let half = body.len() / 2;
    let server = Server::start(move |request, before| {
        let answer = Answer::part(&body, request);
        if before == 0 {
            answer.cut_after(half)
        } else {
            answer
        }
    });

    let error = scene.fetch(&[&server.url]).unwrap_err().to_string();
    assert!(
        error.contains("broke off") && error.contains("run again"),
        "{error}"
    );
    assert_eq!(names(scene.folder.path()), ["images-idx3-ubyte.gz.part"]);
    assert!(fs::read(scene.part()).unwrap() == scene.packed[..half]);

    scene.fetch(&[&server.url]).unwrap();
    scene.assert_done();
    assert_eq!(ranges(&server), [None, Some(half)]);
}

#[test]
fn a_download_that_breaks_off_goes_on_at_the_next_mirror() {
    let scene = Scene::new();
    let (body, same) = (scene.packed.clone(), scene.packed.clone());
    let breaking = Server::start(move |request, _| Answer::part(&body, request).cut_after(1000));
    let good = Server::start(move |request, _| Answer::part(&same, request));
    scene.fetch(&[&breaking.url, &good.url]).unwrap();
    scene.assert_done();
    assert_eq!(
        (ranges(&breaking), ranges(&good)),
        (vec![None], vec![Some(1000)])
    );
}

#[test]
fn a_server_without_ranges_makes_it_start_again() {
    let scene = Scene::new();
    fs::write(scene.part(), &scene.packed[..1234]).unwrap();
    let body = scene.packed.clone();
    let server = Server::start(move |_, _| Answer::whole(&body));
    scene.fetch(&[&server.url]).unwrap();
    scene.assert_done();
    assert_eq!(ranges(&server), [Some(1234)]);
}

#[test]
fn a_range_that_the_server_refuses_makes_it_start_again() {
    let scene = Scene::new();
    let too_long = scene.packed.len() + 10;
    fs::write(scene.part(), vec![7; too_long]).unwrap();
    let body = scene.packed.clone();
    let server = Server::start(move |request, _| Answer::part(&body, request));
    scene.fetch(&[&server.url]).unwrap();
    scene.assert_done();
    assert_eq!(ranges(&server), [Some(too_long), None]);
}

#[test]
fn a_range_other_than_the_one_asked_for_makes_it_start_again() {
    let scene = Scene::new();
    fs::write(scene.part(), &scene.packed[..500]).unwrap();
    let body = scene.packed.clone();
    let server = Server::start(move |request, before| {
        let other = Request {
            range: Some(100),
            ..request.clone()
        };
        Answer::part(&body, if before == 0 { &other } else { request })
    });
    let fetcher = Fetcher {
        mirrors: vec![server.url.clone()],
        files: vec![scene.file.clone()],
        ..Fetcher::mnist()
    };
    let mut first = None;
    fetcher
        .fetch(scene.folder.path(), &mut |p| {
            first.get_or_insert(p.bytes);
        })
        .unwrap();
    assert_eq!(first, Some(0), "bytes from another place were taken");
    scene.assert_done();
    assert_eq!(ranges(&server), [Some(500), None]);
}

#[test]
fn a_beginning_that_belongs_to_another_file_is_given_up() {
    let scene = Scene::new();
    fs::write(scene.part(), vec![7; 500]).unwrap();
    let body = scene.packed.clone();
    let server = Server::start(move |request, _| Answer::part(&body, request));
    scene.fetch(&[&server.url]).unwrap();
    scene.assert_done();
    assert_eq!(ranges(&server), [Some(500), None]);
}

#[test]
fn a_wrong_hash_is_refused_and_nothing_is_left() {
    let scene = Scene::new();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    let mut content = scene.unpacked.clone();
    content[100] ^= 1;
    encoder.write_all(&content).unwrap();
    let body = encoder.finish().unwrap();
    let server = Server::start(move |request, _| Answer::part(&body, request));
    let error = scene.fetch(&[&server.url]).unwrap_err().to_string();
    assert!(error.contains("SHA-256 differs"), "{error}");
    assert!(
        names(scene.folder.path()).is_empty(),
        "{:?}",
        names(scene.folder.path())
    );
    assert_eq!(ranges(&server), [None]);
}

#[test]
fn a_page_instead_of_a_file_is_refused() {
    let scene = Scene::new();
    let server = Server::start(|_, _| Answer::whole(b"<html>Please log in to this network</html>"));
    let error = scene.fetch(&[&server.url]).unwrap_err().to_string();
    assert!(error.contains("is not the file"), "{error}");
    assert!(names(scene.folder.path()).is_empty());
}

#[test]
fn the_next_mirror_is_asked_and_preferred_from_then_on() {
    let scene = Scene::new();
    let body = scene.packed.clone();
    let gone = Server::start(|_, _| Answer::status("404 Not Found"));
    let good = Server::start(move |request, _| Answer::part(&body, request));
    let second = RemoteFile {
        name: "other-idx3-ubyte.gz".into(),
        ..scene.file.clone()
    };
    let fetcher = Fetcher {
        // One address ends in a slash and one does not: both are folders.
        mirrors: vec![gone.url.clone(), good.url.trim_end_matches('/').to_owned()],
        files: vec![scene.file.clone(), second],
        ..Fetcher::mnist()
    };
    let fetched = fetcher.fetch(scene.folder.path(), &mut |_| {}).unwrap();
    assert_eq!(fetched.downloaded.len(), 2);
    assert_eq!(
        names(scene.folder.path()),
        ["images-idx3-ubyte.gz", "other-idx3-ubyte.gz"]
    );
    assert_eq!((gone.requests().len(), good.requests().len()), (1, 2));
}

#[test]
fn when_no_mirror_answers_the_error_names_them_all() {
    let scene = Scene::new();
    // A port that was free a moment ago: nobody listens there.
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let gone = Server::start(|_, _| Answer::status("503 Service Unavailable"));
    let error = scene
        .fetch(&[&format!("http://{closed}/"), &gone.url])
        .unwrap_err()
        .to_string();
    assert!(
        error.contains(&closed.to_string()) && error.contains("503"),
        "{error}"
    );
    assert!(error.contains("check the network"), "{error}");
    assert!(names(scene.folder.path()).is_empty());
}

#[test]
fn a_server_that_sends_without_end_is_stopped() {
    let scene = Scene::new();
    let flood = vec![0x1f; 4 * scene.unpacked.len()];
    let server = Server::start(move |_, _| Answer::whole(&flood));
    let error = scene.fetch(&[&server.url]).unwrap_err().to_string();
    assert!(error.contains("sends more than"), "{error}");
    assert!(names(scene.folder.path()).is_empty());
}

#[test]
fn what_is_there_is_not_asked_for_again() {
    let scene = Scene::new();
    let server = Server::start(|_, _| Answer::status("500 Internal Server Error"));
    fs::write(scene.target(), &scene.packed).unwrap();
    assert_eq!(
        scene.fetch(&[&server.url]).unwrap().present,
        [scene.target()]
    );

    fs::remove_file(scene.target()).unwrap();
    let raw = scene.folder.path().join("images-idx3-ubyte");
    fs::write(&raw, &scene.unpacked).unwrap();
    assert_eq!(scene.fetch(&[&server.url]).unwrap().present, [raw]);
    assert!(server.requests().is_empty());
}

#[test]
fn a_file_of_the_same_name_and_other_content_is_left_alone() {
    let scene = Scene::new();
    let server = Server::start(|_, _| Answer::status("500 Internal Server Error"));
    fs::write(scene.target(), b"someone's own").unwrap();
    let error = scene.fetch(&[&server.url]).unwrap_err();
    assert!(matches!(error, FetchError::Foreign { .. }), "{error}");
    assert_eq!(fs::read(scene.target()).unwrap(), b"someone's own");
}

#[test]
fn two_downloads_of_one_file_do_not_mix() {
    let scene = Scene::new();
    let server = Server::start(|_, _| Answer::status("500 Internal Server Error"));
    let other = File::create(scene.part()).unwrap();
    other.lock().unwrap();
    let error = scene.fetch(&[&server.url]).unwrap_err();
    assert!(matches!(error, FetchError::Busy { .. }), "{error}");
    assert!(server.requests().is_empty());
}

#[test]
fn a_folder_that_cannot_be_made_is_an_error_with_its_name() {
    let scene = Scene::new();
    let file = scene.folder.path().join("file");
    fs::write(&file, b"").unwrap();
    let error = Fetcher::mnist()
        .fetch(file.join("raw"), &mut |_| {})
        .unwrap_err();
    assert!(matches!(error, FetchError::Local { .. }), "{error}");
    assert!(error.to_string().contains("file"), "{error}");
}
