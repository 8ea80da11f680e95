//! Finding a data set by downloading it: what is taken, what is waited for, and what is never taken instead.

use std::fs::{self, File};
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::lookup::{find, found, lookup};
use crate::server::{Answer, Server};
use detach_mnist::fetch::{FetchError, Fetcher, RemoteFile};
use detach_mnist::{Dataset, Error, FoundIn, Idx, Lookup, Split};
use sha2::{Digest, Sha256};

/// The packed bytes of a small data set, and a fetcher for it.
fn remote(url: &str) -> (Vec<(String, Vec<u8>)>, Fetcher) {
    let folder = tempfile::tempdir().unwrap();
    let paths = Dataset::synthetic(9, Split::Train, 20)
        .save(folder.path())
        .unwrap();
    let mut served = Vec::new();
    let mut files = Vec::new();
    for path in paths {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let mut unpacked = Vec::new();
        Idx::open(&path).unwrap().write(&mut unpacked).unwrap();
        let hash: String = Sha256::digest(&unpacked)
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        let unpacked = unpacked.len() as u64;
        files.push(RemoteFile {
            name: name.clone().into(),
            sha256: hash.into(),
            unpacked,
        });
        served.push((name, fs::read(&path).unwrap()));
    }
    let seconds = Duration::from_secs(5);
    let mirrors = vec![url.to_owned()];
    (
        served,
        Fetcher {
            mirrors,
            files,
            connect_timeout: seconds,
            stall_timeout: seconds,
            busy_timeout: Duration::ZERO,
        },
    )
}

#[test]
fn a_download_goes_where_the_next_lookup_finds_it() {
    for (has_data_folder, place_then) in [(true, FoundIn::Local), (false, FoundIn::Cache)] {
        let root = tempfile::tempdir().unwrap();
        if has_data_folder {
            fs::create_dir(root.path().join("data")).unwrap();
        }
        let served = remote("").0;
        let server = Server::start(move |request, _| {
            let file = served
                .iter()
                .find(|(name, _)| request.path.ends_with(name.as_str()));
            file.map_or(Answer::status("404 Not Found"), |(_, body)| {
                Answer::part(body, request)
            })
        });
        let lookup = Lookup {
            download: Some(remote(&server.url).1),
            ..lookup(&root)
        };
        let mut heard = 0;
        let first = lookup.find(Split::Train, &mut |_| heard += 1).unwrap();
        assert_eq!((found(&first), first.len()), (Some(FoundIn::Download), 20));
        assert!(
            heard > 0 && first.provenance.to_string().contains("downloaded to"),
            "{}",
            first.provenance
        );

        let again = find(&lookup).unwrap();
        assert_eq!(
            (found(&again), again.images == first.images),
            (Some(place_then), true)
        );
        assert_eq!(server.requests().len(), 2);
    }
}

#[test]
fn a_download_that_fails_ends_in_synthetic_digits_or_an_error_both_with_the_cause() {
    let root = tempfile::tempdir().unwrap();
    let server = Server::start(|_, _| Answer::status("503 Service Unavailable"));
    let lookup = Lookup {
        download: Some(remote(&server.url).1),
        ..lookup(&root)
    };
    let made = find(&lookup).unwrap();
    assert!(made.provenance.is_synthetic());
    assert!(
        made.provenance.to_string().contains("503"),
        "{}",
        made.provenance
    );

    let error = find(&Lookup {
        synthetic: None,
        ..lookup
    })
    .unwrap_err();
    assert!(matches!(error, Error::Nowhere { .. }), "{error}");
    assert!(error.to_string().contains("503"), "{error}");
}

/// A server of the small data set that answers `odd` where it answers at all.
fn serving(odd: impl Fn(&str) -> Option<Answer> + Send + 'static) -> Server {
    let served = remote("").0;
    Server::start(move |request, _| {
        if let Some(answer) = odd(&request.path) {
            return answer;
        }
        let file = served
            .iter()
            .find(|(name, _)| request.path.ends_with(name.as_str()));
        file.map_or(Answer::status("404 Not Found"), |(_, body)| {
            Answer::part(body, request)
        })
    })
}

/// A lookup below `root` that downloads from there.
fn downloading(root: &tempfile::TempDir, server: &Server) -> Lookup {
    Lookup {
        download: Some(remote(&server.url).1),
        ..lookup(root)
    }
}

const IMAGES: &str = "train-images-idx3-ubyte.gz";
const LABELS: &str = "train-labels-idx1-ubyte.gz";

#[test]
fn a_download_that_breaks_off_is_told_and_goes_on_the_next_time() {
    let root = tempfile::tempdir().unwrap();
    let (sender, breaks) = mpsc::channel::<()>();
    let server = serving(move |path| {
        let broken = path.ends_with(IMAGES) && breaks.try_recv().is_ok();
        broken.then(|| Answer::whole(&remote("").0[0].1).cut_after(100))
    });
    let lookup = downloading(&root, &server);
    sender.send(()).unwrap();
    let made = find(&lookup).unwrap();
    assert!(made.provenance.is_synthetic());
    let told = made.provenance.to_string();
    assert!(told.contains("broke off after 100"), "{told}");

    let data = find(&lookup).unwrap();
    assert_eq!((found(&data), data.len()), (Some(FoundIn::Download), 20));
    let resumed = server
        .requests()
        .iter()
        .any(|request| request.range == Some(100));
    assert!(resumed, "{:?}", server.requests());
}

/// The half that came is MNIST, even if the rest did not.
#[test]
fn what_came_before_a_download_broke_off_is_taken() {
    let root = tempfile::tempdir().unwrap();
    let server = serving(|_| None);
    let mut lookup = downloading(&root, &server);
    let fetcher = lookup.download.as_mut().unwrap();
    fetcher.files.push(RemoteFile {
        name: "t10k-images-idx3-ubyte.gz".into(),
        ..fetcher.files[0].clone()
    });
    let data = find(&lookup).unwrap();
    assert_eq!(
        (found(&data), data.labels.len()),
        (Some(FoundIn::Download), 20)
    );
    let told = data.provenance.to_string();
    assert!(told.contains("404"), "{told}");
}

#[test]
fn images_that_came_without_their_labels_are_better_than_made_ones() {
    let root = tempfile::tempdir().unwrap();
    let server = serving(|path| {
        path.ends_with(LABELS)
            .then(|| Answer::status("403 Forbidden"))
    });
    let data = find(&downloading(&root, &server)).unwrap();
    assert!(!data.provenance.is_synthetic());
    assert_eq!((data.len(), data.labels.len()), (20, 0));
    let told = data.provenance.to_string();
    assert!(told.contains("403"), "{told}");
}

/// The `.part` of the images, held as another process holds it.
fn held(lookup: &Lookup) -> File {
    let folder = lookup.download_folder();
    fs::create_dir_all(&folder).unwrap();
    let file = File::create(folder.join(format!("{IMAGES}.part"))).unwrap();
    file.lock().unwrap();
    file
}

#[test]
fn another_process_that_gets_no_further_is_an_error_and_no_reason_to_take_others() {
    let root = tempfile::tempdir().unwrap();
    let server = serving(|_| None);
    let lookup = downloading(&root, &server);
    let _other = held(&lookup);
    let error = find(&lookup).unwrap_err();
    assert!(
        matches!(error, Error::Fetch(FetchError::Busy { .. })),
        "{error}"
    );
}

/// Finds in a second thread; once that waits, `first` does what the first process does in its folder.
fn beside(lookup: &mut Lookup, first: impl FnOnce(File, &Path)) -> Dataset {
    let fetcher = lookup.download.as_mut().unwrap();
    fetcher.busy_timeout = Duration::from_secs(600);
    let other = held(lookup);
    let (told, heard) = mpsc::channel();
    let lookup = &*lookup;
    thread::scope(|scope| {
        let second = scope.spawn(move || {
            lookup.find(Split::Train, &mut |progress| {
                if progress.waiting {
                    let _ = told.send(progress.to_string());
                }
            })
        });
        let text = heard.recv().expect("it says that it waits");
        assert!(text.contains("another process"), "{text}");
        first(other, &lookup.download_folder());
        second.join().unwrap().unwrap()
    })
}

#[test]
fn a_second_process_takes_what_the_first_one_brings() {
    let root = tempfile::tempdir().unwrap();
    let server = serving(|_| None);
    let data = beside(&mut downloading(&root, &server), |other, folder| {
        let served = remote("").0;
        let part = folder.join(format!("{IMAGES}.part"));
        fs::write(&part, &served[0].1).unwrap();
        fs::rename(part, folder.join(IMAGES)).unwrap();
        fs::write(folder.join(LABELS), &served[1].1).unwrap();
        drop(other);
    });
    assert_eq!((data.len(), data.labels.len()), (20, 20));
    assert!(server.requests().is_empty());
}

#[test]
fn a_second_process_goes_on_where_the_first_one_gave_up() {
    let root = tempfile::tempdir().unwrap();
    let server = serving(|_| None);
    let data = beside(&mut downloading(&root, &server), |other, folder| {
        let part = folder.join(format!("{IMAGES}.part"));
        fs::write(part, &remote("").0[0].1[..200]).unwrap();
        drop(other);
    });
    assert_eq!(data.labels.len(), 20);
    assert_eq!(server.requests()[0].range, Some(200));
}

/// The first one found its file empty, and removed it: what the second one waited for has no name any more.
#[test]
fn a_second_process_writes_to_no_file_that_was_removed() {
    let root = tempfile::tempdir().unwrap();
    let server = serving(|_| None);
    let mut lookup = downloading(&root, &server);
    let data = beside(&mut lookup, |other, folder| {
        fs::remove_file(folder.join(format!("{IMAGES}.part"))).unwrap();
        drop(other);
    });
    assert_eq!(data.labels.len(), 20);
    assert!(lookup.download_folder().join(IMAGES).is_file());
}

#[test]
fn other_files_under_its_names_are_taken_or_told_but_never_replaced() {
    let root = tempfile::tempdir().unwrap();
    let server = serving(|_| None);
    let lookup = downloading(&root, &server);
    let folder = lookup.download_folder();
    fs::create_dir_all(&folder).unwrap();
    let own = Dataset::synthetic(3, Split::Train, 7).images;
    let own = Idx::new([7, 28, 28], own).unwrap();
    own.save(folder.join(IMAGES)).unwrap();
    assert_eq!(find(&lookup).unwrap().len(), 7);
    fs::write(folder.join(IMAGES), "no data set").unwrap();
    let error = find(&lookup).unwrap_err();
    assert!(error.to_string().contains(IMAGES), "{error}");
}

/// As some archives unpack it; the download puts its files beside.
#[test]
fn a_folder_of_a_files_name_is_in_no_downloads_way() {
    let root = tempfile::tempdir().unwrap();
    let server = serving(|_| None);
    let fetcher = remote(&server.url).1;
    let folder = root.path().join("raw");
    fs::create_dir_all(folder.join("train-images-idx3-ubyte")).unwrap();
    fetcher.fetch(&folder, &mut |_| {}).unwrap();
    assert_eq!(Dataset::open(&folder, Split::Train).unwrap().len(), 20);
}

#[test]
fn a_mirror_of_ones_own_is_asked_first_and_its_files_are_checked() {
    let good = serving(|_| None);
    let wrong = serving(|_| Some(Answer::whole(b"not what was asked for")));
    let fetch = |first: &Server, then: &Server| {
        let folder = tempfile::tempdir().unwrap();
        let fetcher = remote(&then.url).1.with_mirror(&*first.url);
        fetcher.fetch(folder.path(), &mut |_| {}).unwrap();
        assert_eq!(
            Dataset::open(folder.path(), Split::Train).unwrap().len(),
            20
        );
    };
    fetch(&good, &wrong);
    assert!(wrong.requests().is_empty());
    let before = good.requests().len();
    fetch(&wrong, &good);
    assert_eq!(wrong.requests().len(), 1);
    assert_eq!(good.requests().len(), before + 2);
}
