//! Samples over time: fixed noise at steps further and further apart, as many as a page can carry.

use super::sheet::{GAP, Layout, Picture, columns_of, compact, decoded, scale_of};
use crate::run::Run;
use crate::run::folder::by_step;
use crate::show::picture::Image;
use detach_recipes::settings::PictureSource;
use detach_recipes::{DataKind, Setup};
use std::path::{Path, PathBuf};

/// The most moments of a film.
const MOST: usize = 40;
/// Characters that a film may take of its page.
const ROOM: usize = 1_150_000;
/// Characters for what else a run draws of itself.
const ROOM_FOR_FIGURES: usize = 400_000;
/// From one moment to the next a run has gone on by this factor, where it has many.
const FACTOR: f64 = 1.19;
/// Of so few, all are shown.
const FEW: usize = 12;
/// Of whole pictures there are at least so many, or pictures lose rows.
const ENOUGH: usize = 10;

/// A moment.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Steps done.
    pub step: u64,
    /// The samples.
    pub picture: Picture,
}

/// Moments in the order of their steps.
#[derive(Clone, Debug, Default)]
pub struct Film {
    /// The moments.
    pub frames: Vec<Frame>,
    /// Where the samples are in each, where they are images.
    pub layout: Option<Layout>,
    /// Whether all are of the same noise.
    pub is_followed: bool,
}

/// What a run draws of itself besides samples.
#[derive(Clone, Debug)]
pub struct Figure {
    /// What it is called.
    pub name: String,
    /// What it looks like now.
    pub picture: Picture,
}

/// The moments to show of these: where there are many, further and further apart.
fn apart(steps: &[u64]) -> Vec<usize> {
    if steps.len() <= FEW {
        return (0..steps.len()).collect();
    }
    let mut kept: Vec<usize> = Vec::new();
    for (i, step) in steps.iter().enumerate() {
        let is_far = |last: &usize| *step as f64 >= FACTOR * steps[*last] as f64;
        if kept.last().is_none_or(is_far) {
            kept.push(i);
        }
    }
    if kept.last() != Some(&(steps.len() - 1)) {
        kept.push(steps.len() - 1);
    }
    kept.drain(..kept.len().saturating_sub(MOST));
    kept
}

/// The moments to show of these pictures, as `read` reads them.
fn chosen<T>(found: &[(u64, PathBuf)], read: impl Fn(&Path) -> Option<T>) -> Vec<(u64, T)> {
    let steps: Vec<u64> = found.iter().map(|(step, _)| *step).collect();
    let chosen = apart(&steps).into_iter().map(|i| &found[i]);
    chosen
        .filter_map(|(step, path)| Some((*step, read(path)?)))
        .collect()
}

impl Film {
    /// The film of a run: of its [moments](super::moments), or of one that has none, of the pictures that its recipe takes.
    /// A picture that cannot be read, or is of another layout, is left out.
    pub(super) fn of(run: &Run, setup: &Setup) -> Self {
        let data = setup.data();
        let Ok([DataKind::Images(size), ..]) = data.as_deref() else {
            let whole = chosen(&by_step(&run.samples(), "png"), |path| {
                Picture::of_file(path).ok()
            });
            let frames = whole
                .into_iter()
                .map(|(step, picture)| Frame { step, picture });
            return Self::within(frames.collect(), None);
        };
        let tile = [size.side as u32; 2];
        let own = by_step(&run.moments(), "png");
        let settings = &setup.settings.pictures;
        let (found, columns, is_followed) = match own.is_empty() {
            false => (own, columns_of(setup.classes().ok().flatten()), true),
            true => {
                let is_fixed = settings.source == PictureSource::Fixed;
                (by_step(&run.samples(), "png"), settings.columns, is_fixed)
            }
        };
        let images = chosen(&found, |path| decoded(path).ok());
        Self {
            is_followed,
            ..Self::of_tiles(&images, columns as u32, tile)
        }
    }

    /// Of pictures of tiles: the rows that leave room for enough of them.
    fn of_tiles(images: &[(u64, Image)], columns: u32, tile: [u32; 2]) -> Self {
        let Some((_, last)) = images.last() else {
            return Self::default();
        };
        let Some(scale) = scale_of(last, columns, tile) else {
            return Self::default();
        };
        let size = |image: &Image| [image.width(), image.height()];
        let mut rows = (last.height() - GAP) / (tile[1] * scale + GAP);
        loop {
            let layout = Layout {
                columns,
                rows,
                tile,
            };
            let same = images.iter().filter(|(_, image)| size(image) == size(last));
            let frame = |(step, image): &(u64, Image)| Frame {
                step: *step,
                picture: Picture::of(&compact(image, layout, scale)),
            };
            let film = Self::within(same.map(frame).collect(), Some(layout));
            if rows == 1 || film.frames.len() >= images.len().min(ENOUGH) {
                return film;
            }
            rows = rows.div_ceil(2);
        }
    }

    /// As many of these moments as there is room for: every second one is left out until they fit.
    fn within(mut frames: Vec<Frame>, layout: Option<Layout>) -> Self {
        let length = |frames: &[Frame]| frames.iter().map(|f| f.picture.len()).sum::<usize>();
        while length(&frames) > ROOM && frames.len() > 1 {
            let last = frames.len() - 1;
            let mut i = 0;
            frames.retain(|_| {
                i += 1;
                (last + 1 - i).is_multiple_of(2)
            });
        }
        Self {
            frames,
            layout,
            is_followed: false,
        }
    }
}

/// What a run draws of itself besides samples, in the order of the names, as far as there is room.
pub(super) fn figures(run: &Run) -> Vec<Figure> {
    let entries = std::fs::read_dir(run.samples()).into_iter().flatten();
    let mut paths: Vec<(String, PathBuf)> = entries
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let name = path.file_name()?.to_str()?.strip_suffix(".png")?.to_owned();
            let is_sample =
                name.starts_with("step-") || ["latest", "interpolation"].contains(&&*name);
            (!is_sample).then_some((name, path))
        })
        .collect();
    paths.sort();
    let mut room = ROOM_FOR_FIGURES;
    let mut figures = Vec::new();
    for (name, path) in paths {
        let Ok(picture) = Picture::of_file(&path) else {
            continue;
        };
        if let Some(left) = room.checked_sub(picture.len()) {
            room = left;
            figures.push(Figure { name, picture });
        }
    }
    figures
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_further_and_further_apart() {
        let few = [5, 6, 7];
        assert_eq!(apart(&few), [0, 1, 2]);
        let many: Vec<u64> = (1..=1000).collect();
        let kept: Vec<u64> = apart(&many).into_iter().map(|i| many[i]).collect();
        assert!(kept.len() <= MOST && kept.contains(&1) && kept.ends_with(&[1000]));
        assert!(kept.iter().filter(|step| **step <= 100).count() > kept.len() / 2);
    }

    #[test]
    fn a_film_has_room_for_its_last_moment() {
        let uri = "x".repeat(ROOM / 4);
        let frame = |step| Frame {
            step,
            picture: Picture {
                uri: uri.clone(),
                width: 1,
                height: 1,
            },
        };
        let film = Film::within((1..=9).map(frame).collect(), None);
        let steps: Vec<u64> = film.frames.iter().map(|frame| frame.step).collect();
        assert_eq!(steps, [1, 5, 9]);
    }
}
