//! An 8-bit image, and the PNG files it becomes.

use detach_files::WriteError;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

/// An 8-bit image in memory: gray or RGB, rows from the top.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    width: u32,
    height: u32,
    channels: usize,
    pixels: Vec<u8>,
}

impl Image {
    /// An image of one color: `[gray]` or `[red, green, blue]`.
    ///
    /// # Panics
    /// When a side is 0 or `color` has neither 1 nor 3 entries.
    #[track_caller]
    pub fn filled(width: u32, height: u32, color: &[u8]) -> Self {
        assert!(
            width > 0 && height > 0,
            "an image needs pixels, got {width}x{height}"
        );
        assert!(
            matches!(color.len(), 1 | 3),
            "an image is gray (1) or RGB (3), got {} channels",
            color.len()
        );
        Self {
            width,
            height,
            channels: color.len(),
            pixels: color.repeat(width as usize * height as usize),
        }
    }

    /// The image `planes` `[C, H, W]` of grey, or of red, green and blue.
    ///
    /// # Panics
    /// As [`filled`](Self::filled), and when the planes are not of that shape.
    #[track_caller]
    pub fn of_planes([channels, height, width]: [usize; 3], planes: &[u8]) -> Self {
        let size = height * width;
        assert_eq!(
            planes.len(),
            channels * size,
            "planes of {channels}x{height}x{width}"
        );
        let color = vec![0; channels];
        let mut image = Self::filled(width as u32, height as u32, &color);
        for (place, pixel) in image.pixels.chunks_exact_mut(channels).enumerate() {
            let of = planes.iter().skip(place).step_by(size);
            pixel
                .iter_mut()
                .zip(of)
                .for_each(|(pixel, of)| *pixel = *of);
        }
        image
    }

    /// Width in pixels.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Height in pixels.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// 1 for gray, 3 for RGB.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// The bytes, `[height, width, channels]`, row-major.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// The bytes of the pixel at `(x, y)`, one for each channel.
    ///
    /// # Panics
    /// When the pixel is outside of the image.
    #[track_caller]
    pub fn pixel(&self, x: u32, y: u32) -> &[u8] {
        let start = self.offset(x, y);
        &self.pixels[start..start + self.channels]
    }

    /// The bytes of the pixel at `(x, y)`, to change.
    ///
    /// # Panics
    /// When the pixel is outside of the image.
    #[track_caller]
    pub fn pixel_mut(&mut self, x: u32, y: u32) -> &mut [u8] {
        let start = self.offset(x, y);
        &mut self.pixels[start..start + self.channels]
    }

    #[track_caller]
    fn offset(&self, x: u32, y: u32) -> usize {
        assert!(
            x < self.width && y < self.height,
            "pixel ({x}, {y}) is outside of {}x{}",
            self.width,
            self.height
        );
        (y as usize * self.width as usize + x as usize) * self.channels
    }

    /// The same with each pixel as a square of `scale` by `scale`.
    #[must_use]
    pub fn enlarged(&self, scale: u32) -> Self {
        let times = scale as usize;
        let row = |row: &[u8]| -> Vec<u8> {
            let pixels = row.chunks_exact(self.channels);
            pixels.flat_map(|pixel| pixel.repeat(times)).collect()
        };
        let rows = self
            .pixels
            .chunks_exact(self.width as usize * self.channels);
        let pixels = rows.flat_map(|one| row(one).repeat(times)).collect();
        Self::of(
            [self.width * scale, self.height * scale],
            self.channels,
            pixels,
        )
    }

    /// The image of these bytes, `[height, width, channels]`.
    ///
    /// # Panics
    /// When there are more or fewer of them.
    #[track_caller]
    pub(super) fn of([width, height]: [u32; 2], channels: usize, pixels: Vec<u8>) -> Self {
        let bytes = width as usize * height as usize * channels;
        assert!(pixels.len() == bytes, "{bytes} bytes, got {}", pixels.len());
        Self {
            width,
            height,
            channels,
            pixels,
        }
    }

    fn encode<W: Write>(&self, out: W) -> Result<(), png::EncodingError> {
        let mut writer = encoder(out, [self.width, self.height], self.channels).write_header()?;
        writer.write_image_data(&self.pixels)?;
        writer.finish()
    }

    /// The image as the bytes of a PNG file.
    pub fn to_png(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.encode(&mut bytes)
            .expect("the sides and the bytes agree by construction, and memory takes every write");
        bytes
    }

    /// Writes a PNG file: whole, or not at all.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save_png(&self, path: &Path) -> Result<(), WriteError> {
        detach_files::write(path, |out| self.encode(out).map_err(into_io))
    }
}

/// An encoder of 8-bit images of this width and height.
pub(super) fn encoder<W: Write>(
    out: W,
    [width, height]: [u32; 2],
    channels: usize,
) -> png::Encoder<'static, W> {
    let mut encoder = png::Encoder::new(out, width, height);
    encoder.set_color(match channels {
        1 => png::ColorType::Grayscale,
        _ => png::ColorType::Rgb,
    });
    encoder.set_depth(png::BitDepth::Eight);
    encoder
}

pub(super) fn into_io(error: png::EncodingError) -> io::Error {
    match error {
        png::EncodingError::IoError(error) => error,
        other => io::Error::other(other),
    }
}

/// Writes `count` frames as an animated PNG that runs forever, each shown for `delay` (milliseconds, at most 65 s), the last one
/// for `rest`, and holds one of them at a time. A viewer without animation shows the first frame.
///
/// # Errors
/// When the file cannot be written, or a frame is an error.
///
/// # Panics
/// When there are not `count` frames or none, or when frames differ in size or in channels.
#[track_caller]
pub fn save_apng(
    path: &Path,
    count: u32,
    [delay, rest]: [Duration; 2],
    frames: impl IntoIterator<Item = io::Result<Image>>,
) -> Result<(), WriteError> {
    const FOREVER: u32 = 0;
    let millis = |time: Duration| u16::try_from(time.as_millis()).unwrap_or(u16::MAX);
    let mut frames = frames.into_iter();
    let first = frames.next().expect("an animation needs a frame");
    detach_files::write(path, |out| {
        let first = first?;
        let shape = |frame: &Image| [frame.width, frame.height, frame.channels as u32];
        let mut encoder = encoder(out, [first.width, first.height], first.channels);
        encoder.set_animated(count, FOREVER).map_err(into_io)?;
        encoder
            .set_frame_delay(millis(delay), 1000)
            .map_err(into_io)?;
        let mut writer = encoder.write_header().map_err(into_io)?;
        writer.write_image_data(&first.pixels).map_err(into_io)?;
        let mut written = 1;
        for frame in frames {
            let frame = frame?;
            assert!(
                shape(&frame) == shape(&first),
                "frame {written} is {:?} (width, height, channels), the first one {:?}",
                shape(&frame),
                shape(&first)
            );
            written += 1;
            if written == count {
                writer
                    .set_frame_delay(millis(rest), 1000)
                    .map_err(into_io)?;
            }
            writer.write_image_data(&frame.pixels).map_err(into_io)?;
        }
        assert!(written == count, "{written} frames of {count}");
        writer.finish().map_err(into_io)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn decode(bytes: &[u8]) -> Image {
        let mut reader = png::Decoder::new(io::Cursor::new(bytes))
            .read_info()
            .unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!(info.bit_depth, png::BitDepth::Eight);
        pixels.truncate(info.buffer_size());
        Image {
            width: info.width,
            height: info.height,
            channels: info.color_type.samples(),
            pixels,
        }
    }

    #[test]
    fn a_png_file_reads_back() {
        let folder = tempfile::tempdir().unwrap();
        for channels in [1, 3] {
            let mut picture = Image::filled(7, 5, &vec![90; channels]);
            for (index, byte) in picture.pixels.iter_mut().enumerate() {
                *byte ^= (index * index) as u8;
            }
            let path = folder.path().join("grid.png");
            picture.save_png(&path).unwrap();
            assert_eq!(decode(&fs::read(&path).unwrap()), picture);
            assert_eq!(decode(&picture.to_png()), picture);
        }
    }

    #[test]
    fn an_animation_holds_every_frame_and_its_delay() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("walk.png");
        let frames: Vec<Image> = [10, 20, 30]
            .iter()
            .map(|&gray| Image::filled(4, 3, &[gray]))
            .collect();
        let given = frames.iter().cloned().map(Ok);
        save_apng(&path, 3, [120, 900].map(Duration::from_millis), given).unwrap();

        let file = io::BufReader::new(fs::File::open(&path).unwrap());
        let mut reader = png::Decoder::new(file).read_info().unwrap();
        assert_eq!(reader.info().animation_control().unwrap().num_frames, 3);
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        for (frame, millis) in frames.iter().zip([120, 120, 900]) {
            reader.next_frame(&mut pixels).unwrap();
            assert_eq!(pixels, frame.pixels());
            let control = reader.info().frame_control().unwrap();
            assert_eq!((control.delay_num, control.delay_den), (millis, 1000));
        }
    }

    #[test]
    fn a_pixel_of_an_enlarged_image_is_a_square() {
        let small = Image::of([2, 1], 3, vec![1, 2, 3, 4, 5, 6]);
        let large = small.enlarged(2);
        assert_eq!([large.width(), large.height()], [4, 2]);
        assert_eq!(
            (large.pixel(1, 1), large.pixel(2, 0)),
            (&[1, 2, 3][..], &[4, 5, 6][..])
        );
    }

    #[test]
    #[should_panic(expected = "frame 1 is [4, 4, 1]")]
    fn frames_of_different_sizes_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let frames = [3, 4].map(|height| Ok(Image::filled(4, height, &[0])));
        let _ = save_apng(&folder.path().join("x.png"), 2, [Duration::ZERO; 2], frames);
    }
}
