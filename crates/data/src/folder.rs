//! Folders of PNG images, with a sub-folder for each class or without classes.

use crate::dataset::{Dataset, Wanted};
use crate::decode::decode;
use crate::error::Error;
use crate::image::Image;
use crate::memory::InMemory;
use detach_mnist::Split;
use rayon::prelude::*;
use std::io;
use std::path::{Path, PathBuf};

/// Files that an error names.
const NAMED: usize = 10;

/// Pictures that are decoded at once, on all threads.
const AT_ONCE: usize = 256;

/// The pictures of a folder, class after class.
#[derive(Debug, Default)]
pub(crate) struct Pictures {
    files: Vec<PathBuf>,
    /// `[N]`, or empty.
    labels: Vec<u32>,
    classes: usize,
}

/// What lies in a folder, in the order of names.
#[derive(Debug, Default)]
struct Listing {
    pictures: Vec<PathBuf>,
    folders: Vec<PathBuf>,
}

/// The pictures of `split` in `folder`: those of its `train` or `test` where it has a `train`, and all of them for
/// training where not. Where it holds one folder and nothing else, as archives do, that one is meant. `Err(reason)` inside `Ok`
/// says why there are none.
pub(crate) fn locate(folder: &Path, split: Split) -> Result<Result<Pictures, String>, Error> {
    let folder = &unwrapped(folder)?;
    let [train, test] = halves(&list(folder)?);
    let folder = match (split, train, test) {
        (Split::Train, Some(train), _) => train,
        (Split::Test, _, Some(test)) => test,
        (Split::Test, _, None) => return Ok(Err("it has no folder called test".to_owned())),
        (Split::Train, None, _) => folder.to_owned(),
    };
    let listing = list(&folder)?;
    let mut classes = Vec::new();
    for path in listing.folders {
        let pictures = list(&path)?.pictures;
        classes.push((path, pictures));
    }
    let full = classes.iter().find(|(_, pictures)| !pictures.is_empty());
    match (full, listing.pictures.is_empty()) {
        (None, true) => Ok(Err("it has no PNG image".to_owned())),
        (None, false) => Ok(Ok(Pictures {
            files: listing.pictures,
            ..Pictures::default()
        })),
        (Some((class, _)), false) => Err(Error::Mixed {
            path: folder,
            images: listing.pictures.len(),
            folder: name(class),
        }),
        (Some(_), true) => of_classes(classes).map(Ok),
    }
}

/// Folders that an archive wraps around its only one. More of them than these are no archive's.
const WRAPPINGS: usize = 4;

/// The folder in `folder`, or in the one in it, and so on, that holds more than one other folder.
fn unwrapped(folder: &Path) -> Result<PathBuf, Error> {
    let mut folder = folder.to_owned();
    for _ in 0..WRAPPINGS {
        let listing = list(&folder)?;
        let ([only], []) = (&listing.folders[..], &listing.pictures[..]) else {
            break;
        };
        // One folder of pictures is one class.
        if halves(&listing) != [None, None] || !list(only)?.pictures.is_empty() {
            break;
        }
        folder.clone_from(only);
    }
    Ok(folder)
}

/// The folders of training and test images: `train` and `test`, or what else they are called where there are no others.
fn halves(listing: &Listing) -> [Option<PathBuf>; 2] {
    const OTHERS: [&str; 3] = ["val", "valid", "validation"];
    let names = [["train", "training"], ["test", "testing"]];
    let folders = || listing.folders.iter();
    // `Train` beside `Car` and `Plane` is a class.
    let no_classes = folders().all(|path| {
        let name = name(path).to_ascii_lowercase();
        names.as_flattened().contains(&&*name) || OTHERS.contains(&&*name)
    });
    names.map(|names| {
        let exact = folders().find(|path| name(path) == names[0]);
        let other = || {
            let called = |path: &&PathBuf| {
                let name = name(path);
                names.iter().any(|wanted| name.eq_ignore_ascii_case(wanted))
            };
            folders().find(called).filter(|_| no_classes)
        };
        exact.or_else(other).cloned()
    })
}

fn of_classes(classes: Vec<(PathBuf, Vec<PathBuf>)>) -> Result<Pictures, Error> {
    let mut out = Pictures {
        classes: classes.len(),
        ..Pictures::default()
    };
    for (label, (path, pictures)) in (0..).zip(classes) {
        if pictures.is_empty() {
            return Err(Error::EmptyClass { path });
        }
        out.labels
            .extend(std::iter::repeat_n(label, pictures.len()));
        out.files.extend(pictures);
    }
    Ok(out)
}

/// What is in `folder`, by name; hidden files and folders are not, nor what macOS adds to archives.
fn list(folder: &Path) -> Result<Listing, Error> {
    let read = |cause: io::Error| Error::Read {
        path: folder.to_owned(),
        cause,
    };
    let mut out = Listing::default();
    for entry in std::fs::read_dir(folder).map_err(read)? {
        let path = entry.map_err(read)?.path();
        let extension = path.extension();
        let called = name(&path);
        if called.starts_with('.') || called == "__MACOSX" {
            continue;
        } else if path.is_dir() {
            out.folders.push(path);
        } else if extension.is_some_and(|extension| extension.eq_ignore_ascii_case("png")) {
            out.pictures.push(path);
        }
    }
    out.pictures.sort_unstable();
    out.folders.sort_unstable();
    Ok(out)
}

fn name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

impl Pictures {
    /// Reads all pictures of `folder` as they are wanted: of the side that is asked for, or of the first one's size.
    pub(crate) fn read(self, folder: &Path, wanted: Wanted) -> Result<InMemory, Error> {
        let mut failures = Failures::default();
        let size = match wanted.side {
            Some(side) => [side; 2],
            None => self.first_size(),
        };
        let read = |path: &PathBuf| {
            let image = decode(path)?;
            let image = if wanted.is_grey() {
                image.into_grey()
            } else {
                image
            };
            let resized = image.shape[1..] != size;
            Ok((image.fitted(size), resized))
        };
        let mut set = InMemory::empty([1, size[0], size[1]], "");
        let mut resized = false;
        for files in self.files.chunks(AT_ONCE) {
            let images: Vec<Result<(Image, bool), String>> = files.par_iter().map(read).collect();
            for (file, image) in files.iter().zip(images) {
                match image {
                    Err(what) => failures.add(file.strip_prefix(folder).unwrap_or(file), &what),
                    Ok(_) if failures.count > 0 => {}
                    Ok((image, changed)) => {
                        resized |= changed;
                        push(&mut set, image);
                    }
                }
            }
        }
        if failures.count > 0 {
            return Err(Error::Images {
                folder: folder.to_owned(),
                count: failures.count,
                all: self.files.len(),
                files: failures.files,
            });
        }
        set.shrink_to_fit();
        let of = match self.classes {
            0 => String::new(),
            1 => "1 class of ".to_owned(),
            classes => format!("{classes} classes of "),
        };
        let [height, width] = size;
        let how = match resized {
            true => format!(", resized to {height}×{width}"),
            false => String::new(),
        };
        set.set_source(format!("{of}PNG images from {}{how}", folder.display()));
        Ok(match self.classes {
            0 => set,
            classes => set.with_labels(self.labels, classes),
        })
    }

    /// Height and width of the first picture that can be read.
    fn first_size(&self) -> [usize; 2] {
        let first = self.files.iter().find_map(|path| decode(path).ok());
        first.map_or([1, 1], |image| [image.shape[1], image.shape[2]])
    }
}

/// Adds an image. The set is grey until the first one in colour comes.
fn push(set: &mut InMemory, image: Image) {
    let [channels, height, width] = set.shape();
    let image = match (channels, image.shape[0]) {
        (1, 3) => {
            *set = set.map([3, height, width], Image::into_colour);
            image
        }
        (3, _) => image.into_colour(),
        _ => image,
    };
    set.push(&image.bytes);
}

/// Files that cannot be used.
#[derive(Default)]
struct Failures {
    count: usize,
    files: Vec<String>,
}

impl Failures {
    fn add(&mut self, file: &Path, what: &str) {
        self.count += 1;
        if self.files.len() < NAMED {
            self.files.push(format!("{} ({what})", file.display()));
        }
    }
}
