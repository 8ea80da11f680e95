//! TensorBoard event files, so that `tensorboard --logdir runs` shows every run.
//!
//! A file is a sequence of records: the length as `u64`, its checksum, that
//! many bytes of an `Event` in protocol buffers, their checksum; all numbers
//! little-endian. A checksum is CRC-32C, rotated right by 15 bits and shifted by a
//! constant, because a checksum of data that holds checksums is weak.

use super::machine::host;
use byteorder::{ByteOrder, LittleEndian};
use detach_files::WriteError;
use prost::Message;
use std::fs::{self, File};
use std::io::{BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What the name of an event file starts with: TensorBoard looks for `tfevents`.
const PREFIX: &str = "events.out.tfevents.";

/// `tensorflow.Event`, as far as it is written here.
#[derive(Clone, PartialEq, Message)]
struct Event {
    /// Seconds since 1970.
    #[prost(double, tag = "1")]
    wall_time: f64,
    #[prost(int64, tag = "2")]
    step: i64,
    #[prost(oneof = "What", tags = "3, 5, 7")]
    what: Option<What>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum What {
    #[prost(string, tag = "3")]
    FileVersion(String),
    #[prost(message, tag = "5")]
    Summary(Summary),
    #[prost(message, tag = "7")]
    SessionLog(SessionLog),
}

#[derive(Clone, PartialEq, Message)]
struct Summary {
    #[prost(message, repeated, tag = "1")]
    value: Vec<Value>,
}

#[derive(Clone, PartialEq, Message)]
struct Value {
    #[prost(string, tag = "1")]
    tag: String,
    #[prost(oneof = "Kind", tags = "2, 4")]
    kind: Option<Kind>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Kind {
    #[prost(float, tag = "2")]
    SimpleValue(f32),
    #[prost(message, tag = "4")]
    Image(ImageSummary),
}

/// `tensorflow.Summary.Image`.
#[derive(Clone, PartialEq, Message)]
struct ImageSummary {
    #[prost(int32, tag = "1")]
    height: i32,
    #[prost(int32, tag = "2")]
    width: i32,
    #[prost(int32, tag = "3")]
    colorspace: i32,
    #[prost(bytes = "vec", tag = "4")]
    encoded_image_string: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct SessionLog {
    #[prost(int32, tag = "1")]
    status: i32,
}

impl SessionLog {
    /// TensorBoard forgets what earlier files say of this step and later ones.
    const START: i32 = 1;
}

/// Writes one event file. Dropping it flushes what is left, without a word on
/// failure: call [`EventWriter::flush`] where it matters.
#[derive(Debug)]
pub struct EventWriter {
    path: PathBuf,
    out: BufWriter<File>,
    /// Of the last event, since 1970.
    time: Duration,
}

impl EventWriter {
    /// Starts a file `events.out.tfevents.<seconds>.<host>` in `folder`. TensorBoard reads files in the order of their
    /// names, and of two events the later one counts: so neither goes back behind earlier files, whatever the clock says.
    ///
    /// `first_step` is 0 for a new run. A run that is resumed starts a file of
    /// its own beside the earlier ones and passes the step it goes on from:
    /// what those recorded past its checkpoint is then shown once, not twice.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn create(folder: &Path, first_step: u64) -> Result<Self, WriteError> {
        let begun = now().max(latest(folder) + Duration::from_secs(1));
        let (path, file) = create_unused(folder, begun.as_secs())?;
        let mut writer = Self {
            path,
            out: BufWriter::new(file),
            time: begun,
        };
        writer.event(0, What::FileVersion("brain.Event:2".to_owned()))?;
        if first_step > 0 {
            let status = SessionLog::START;
            writer.event(first_step, What::SessionLog(SessionLog { status }))?;
        }
        writer.flush()?;
        Ok(writer)
    }

    /// The file that is being written.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Records one number, such as `loss/d`, at `step`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn scalar(&mut self, tag: &str, step: u64, value: f64) -> Result<(), WriteError> {
        self.value(tag, step, Kind::SimpleValue(value as f32))
    }

    /// Records a picture of `width` × `height` pixels, given as the bytes of a
    /// PNG file.
    ///
    /// # Errors
    /// When the file cannot be written.
    ///
    /// # Panics
    /// When `png` is no PNG file, or a side is 2³¹ or more.
    #[track_caller]
    pub fn image(
        &mut self,
        tag: &str,
        step: u64,
        png: &[u8],
        width: u32,
        height: u32,
    ) -> Result<(), WriteError> {
        let side = |side| i32::try_from(side).expect("a picture's side is below 2^31");
        let image = ImageSummary {
            height: side(height),
            width: side(width),
            colorspace: colorspace(png),
            encoded_image_string: png.to_vec(),
        };
        self.value(tag, step, Kind::Image(image))
    }

    /// Hands all that was recorded to the operating system, where TensorBoard
    /// sees it.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn flush(&mut self) -> Result<(), WriteError> {
        let result = self.out.flush();
        result.map_err(|cause| WriteError::new(&self.path, cause))
    }

    fn value(&mut self, tag: &str, step: u64, kind: Kind) -> Result<(), WriteError> {
        let value = vec![Value {
            tag: tag.to_owned(),
            kind: Some(kind),
        }];
        self.event(step, What::Summary(Summary { value }))
    }

    fn event(&mut self, step: u64, what: What) -> Result<(), WriteError> {
        self.time = self.time.max(now());
        let event = Event {
            wall_time: self.time.as_secs_f64(),
            step: i64::try_from(step).unwrap_or(i64::MAX),
            what: Some(what),
        };
        let result = self.out.write_all(&record(&event.encode_to_vec()));
        result.map_err(|cause| WriteError::new(&self.path, cause))
    }
}

/// The latest moment that the event files in `folder` know of: the seconds in their names, and when they were
/// last written to.
fn latest(folder: &Path) -> Duration {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let moments = entries.filter_map(|entry| {
        let name = entry.file_name();
        let seconds = name.to_str()?.strip_prefix(PREFIX)?.split('.').next()?;
        let named = Duration::from_secs(seconds.parse().ok()?);
        let written = entry.metadata().and_then(|meta| meta.modified()).ok();
        let written = written.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        Some(named.max(written.unwrap_or_default()))
    });
    moments.max().unwrap_or_default()
}

/// Creates the file of the first free second from `seconds` on: an earlier file is never touched.
fn create_unused(folder: &Path, seconds: u64) -> Result<(PathBuf, File), WriteError> {
    let mut seconds = seconds;
    loop {
        let path = folder.join(format!("{PREFIX}{seconds}.{}", host()));
        match File::create_new(&path) {
            Ok(file) => return Ok((path, file)),
            Err(cause) if cause.kind() == ErrorKind::AlreadyExists => seconds += 1,
            Err(cause) => return Err(WriteError::new(&path, cause)),
        }
    }
}

fn now() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

/// TensorFlow's number for the color type in the PNG's header: 1 gray, 2 gray
/// and alpha, 3 RGB, 4 RGBA.
#[track_caller]
fn colorspace(png: &[u8]) -> i32 {
    const COLOR_TYPE: usize = 25;
    assert!(
        png.starts_with(b"\x89PNG\r\n\x1a\n") && png.len() > COLOR_TYPE,
        "an image summary takes the bytes of a PNG file"
    );
    match png[COLOR_TYPE] {
        0 => 1,
        4 => 2,
        6 => 4,
        _ => 3,
    }
}

fn record(data: &[u8]) -> Vec<u8> {
    let mut length = [0; 8];
    LittleEndian::write_u64(&mut length, data.len() as u64);
    let checksum = |bytes: &[u8]| masked(crc32c::crc32c(bytes)).to_le_bytes();
    [&length[..], &checksum(&length), data, &checksum(data)].concat()
}

fn masked(crc: u32) -> u32 {
    crc.rotate_right(15).wrapping_add(0xa282_ead8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    /// The smallest gray PNG: 1 × 1, as `picture` writes it.
    fn png() -> Vec<u8> {
        crate::show::picture::Image::filled(1, 1, &[200]).to_png()
    }

    /// Takes a file apart again, checking every length and checksum.
    fn parse(mut bytes: &[u8]) -> Vec<Event> {
        let mut events = Vec::new();
        while !bytes.is_empty() {
            let length = LittleEndian::read_u64(bytes) as usize;
            let unmask = |at: usize| {
                let sum = LittleEndian::read_u32(&bytes[at..]).wrapping_sub(0xa282_ead8);
                sum.rotate_left(15)
            };
            assert_eq!(unmask(8), crc32c::crc32c(&bytes[..8]));
            let data = &bytes[12..12 + length];
            assert_eq!(unmask(12 + length), crc32c::crc32c(data));
            events.push(Event::decode(data).unwrap());
            bytes = &bytes[16 + length..];
        }
        events
    }

    /// Two runs in one folder: steps 0 to 4, then resumed at step 3.
    fn write_two(folder: &Path) -> [PathBuf; 2] {
        let mut first = EventWriter::create(folder, 0).unwrap();
        for step in 0..5 {
            first.scalar("loss/d", step, 0.5 * step as f64).unwrap();
        }
        first.image("samples", 4, &png(), 1, 1).unwrap();
        first.flush().unwrap();
        let mut second = EventWriter::create(folder, 3).unwrap();
        second.scalar("loss/d", 3, 100.0).unwrap();
        second.flush().unwrap();
        [first.path().to_owned(), second.path().to_owned()]
    }

    #[test]
    fn records_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let [first, second] = write_two(folder.path());
        let events = parse(&fs::read(first).unwrap());
        assert_eq!(events.len(), 7);
        let version = What::FileVersion("brain.Event:2".to_owned());
        assert_eq!(events[0].what, Some(version));
        assert!(events[0].wall_time > 1.7e9);
        let Some(What::Summary(summary)) = &events[4].what else {
            panic!("{:?}", events[4]);
        };
        assert_eq!(events[4].step, 3);
        assert_eq!(summary.value[0].tag, "loss/d");
        assert_eq!(summary.value[0].kind, Some(Kind::SimpleValue(1.5)));
        let Some(What::Summary(summary)) = &events[6].what else {
            panic!("{:?}", events[6]);
        };
        let Some(Kind::Image(image)) = &summary.value[0].kind else {
            panic!("{summary:?}");
        };
        assert_eq!((image.width, image.height, image.colorspace), (1, 1, 1));
        assert_eq!(image.encoded_image_string, png());

        let events = parse(&fs::read(second).unwrap());
        let status = SessionLog::START;
        let start = What::SessionLog(SessionLog { status });
        assert_eq!((events[1].step, &events[1].what), (3, &Some(start)));
    }

    #[test]
    fn the_checksum_is_the_published_one() {
        // CRC-32C of 32 zero bytes (RFC 3720, B.4), and how it is masked.
        assert_eq!(crc32c::crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(masked(0x8a91_36aa), 0x0fd7_fffa);
    }

    #[test]
    fn a_resumed_run_leaves_earlier_files_alone() {
        let folder = tempfile::tempdir().unwrap();
        let mut first = EventWriter::create(folder.path(), 0).unwrap();
        first.scalar("x", 1, 1.0).unwrap();
        first.flush().unwrap();
        let before = fs::read(first.path()).unwrap();
        let second = EventWriter::create(folder.path(), 1).unwrap();
        assert_ne!(first.path(), second.path());
        assert_eq!(fs::read(first.path()).unwrap(), before);
        for writer in [&first, &second] {
            let name = writer.path().file_name().unwrap().to_str().unwrap();
            assert!(name.starts_with("events.out.tfevents.1"), "{name}");
        }
    }

    #[test]
    fn names_and_times_do_not_go_back_with_the_clock() {
        let folder = tempfile::tempdir().unwrap();
        let ahead = now() + Duration::from_secs(100_000);
        for name in [
            format!("{PREFIX}{}.elsewhere.123.v2", ahead.as_secs()),
            format!("{PREFIX}1.old"),
            format!("{PREFIX}soon"),
            "events".to_owned(),
        ] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let paths = write_two(folder.path());
        let names = paths
            .each_ref()
            .map(|path| path.file_name().unwrap().to_owned());
        assert!(names[0].to_str().unwrap() > format!("{PREFIX}{}", ahead.as_secs()).as_str());
        assert!(names[0] < names[1], "{names:?}");
        let times = paths
            .iter()
            .flat_map(|path| parse(&fs::read(path).unwrap()));
        let times: Vec<f64> = times.map(|event| event.wall_time).collect();
        assert!(
            times.is_sorted() && times[0] > ahead.as_secs_f64(),
            "{times:?}"
        );
        // Those that were written to while the clock was ahead, whatever their names say.
        let folder = tempfile::tempdir().unwrap();
        let file = File::create(folder.path().join(format!("{PREFIX}1.old"))).unwrap();
        file.set_modified(UNIX_EPOCH + ahead).unwrap();
        let events = parse(&fs::read(&write_two(folder.path())[0]).unwrap());
        assert!(events[0].wall_time > ahead.as_secs_f64());
    }

    #[test]
    fn a_missing_folder_is_an_error_with_a_hint() {
        let folder = tempfile::tempdir().unwrap();
        let error = EventWriter::create(&folder.path().join("gone"), 0).unwrap_err();
        assert!(error.to_string().contains("create the folder"), "{error}");
    }

    #[test]
    #[should_panic(expected = "the bytes of a PNG file")]
    fn pixels_in_place_of_a_png_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = EventWriter::create(folder.path(), 0).unwrap();
        let _ = writer.image("samples", 1, &[0; 784], 28, 28);
    }

    const LOADS: &str = "
import sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
runs = EventAccumulator(sys.argv[1])
runs.Reload()
print([(e.step, e.value) for e in runs.Scalars('loss/d')])
print([(e.step, e.width, e.height) for e in runs.Images('samples')])
";

    #[test]
    fn tensorboard_itself_loads_it() {
        let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
        let folder = tempfile::tempdir().unwrap();
        let [first, _] = write_two(folder.path());
        let has = Command::new(&python)
            .args(["-c", "import tensorboard"])
            .output();
        if !has.is_ok_and(|output| output.status.success()) {
            eprintln!("skipped: `{python}` has no tensorboard (pip install tensorboard)");
            return;
        }
        let load = |path: &Path| {
            let output = Command::new(&python)
                .args(["-c", LOADS])
                .arg(path)
                .output()
                .unwrap();
            let (out, err) = (output.stdout, output.stderr);
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&err));
            String::from_utf8(out).unwrap()
        };
        assert_eq!(
            load(&first),
            "[(0, 0.0), (1, 0.5), (2, 1.0), (3, 1.5), (4, 2.0)]\n[(4, 1, 1)]\n"
        );
        // The whole folder: what was recorded past the checkpoint is gone.
        assert_eq!(
            load(folder.path()),
            "[(0, 0.0), (1, 0.5), (2, 1.0), (3, 100.0)]\n[]\n"
        );
    }
}
