//! A PNG file becomes an image.

use crate::image::Image;
use png::{BitDepth, ColorType, DecodeOptions, Decoder, Limits, Transformations};
use std::io::{BufRead, BufReader, ErrorKind, Seek};
use std::path::Path;

/// The most pixels that a picture may have: 8192×4096.
const MAX_PIXELS: u64 = 1 << 25;

/// Bytes of 256 colours.
const MAX_PALETTE: usize = 3 * 256;

/// The most bytes that zlib makes of one.
const MOST_OF_ONE: u64 = 1032;

/// The PNG at `path` as `[C, H, W]` of grey or red, green and blue.
///
/// # Errors
/// What is wrong with the file, in a few words.
pub fn picture(path: &Path) -> Result<([usize; 3], Vec<u8>), String> {
    decode(path).map(|image| (image.shape, image.bytes))
}

/// Reads a picture of any depth and colour type, an animation's first frame.
///
/// Of 16 bits the upper eight are kept, palettes are looked up, and what is transparent lies on white paper. The
/// image has one channel if it is grey, whatever its colour type.
///
/// # Errors
/// What is wrong with the file, in a few words.
pub(crate) fn decode(path: &Path) -> Result<Image, String> {
    let file = detach_files::open(path).map_err(|cause| cause.to_string())?;
    let length = file.metadata().map_err(|cause| cause.to_string())?.len();
    decode_from(BufReader::new(file), length)
}

/// Reads a picture of `length` bytes.
fn decode_from(file: impl BufRead + Seek, length: u64) -> Result<Image, String> {
    let text = |error: png::DecodingError| match error {
        png::DecodingError::IoError(cause) if cause.kind() == ErrorKind::UnexpectedEof => {
            "it is cut off".to_owned()
        }
        error => error.to_string(),
    };
    let mut options = DecodeOptions::default();
    options.set_ignore_text_chunk(true);
    options.set_ignore_iccp_chunk(true);
    let mut decoder = Decoder::new_with_options(file, options);
    decoder.set_limits(Limits { bytes: 1 << 28 });
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    let (width, height, bits) = {
        let info = decoder.read_header_info().map_err(text)?;
        (info.width, info.height, info.bits_per_pixel() as u64)
    };
    let pixels = u64::from(width) * u64::from(height);
    if pixels > MAX_PIXELS {
        return Err(format!(
            "it is {width}×{height} pixels, more than 8192×4096"
        ));
    }
    // Memory is reserved for what the header claims, so the claim must be one that the file can back.
    if pixels * bits / 8 / MOST_OF_ONE > length {
        return Err(format!(
            "it is cut off: {length} bytes are no {width}×{height} pixels"
        ));
    }
    let mut reader = decoder.read_info().map_err(text)?;
    // The decoder (png 0.18.1) copies whole colours into a table of 256, and panics where that cannot be.
    if let (ColorType::Indexed, Some(palette)) = (reader.info().color_type, &reader.info().palette)
        && (!palette.len().is_multiple_of(3) || palette.len() > MAX_PALETTE)
    {
        return Err(format!(
            "its palette of {} bytes is not of 1 to 256 colours",
            palette.len()
        ));
    }
    let size = reader.output_buffer_size().ok_or("it is too large")?;
    let mut bytes = vec![0; size];
    let frame = reader.next_frame(&mut bytes).map_err(text)?;
    // What follows the pixels is not needed, but a file that ends before its end is damaged.
    reader.finish().map_err(text)?;
    bytes.truncate(frame.buffer_size());
    if frame.bit_depth != BitDepth::Eight || (frame.width, frame.height) != (width, height) {
        return Err("its frame is not what its header says".to_owned());
    }
    let (channels, bytes) = match frame.color_type {
        ColorType::Grayscale => (1, bytes),
        ColorType::GrayscaleAlpha => (1, on_white::<2>(&bytes)),
        ColorType::Rgb => (3, bytes),
        ColorType::Rgba => (3, on_white::<4>(&bytes)),
        ColorType::Indexed => return Err("its palette is missing".to_owned()),
    };
    let shape = [channels, height as usize, width as usize];
    Ok(Image::from_channels_last(shape, &bytes).without_equal_channels())
}

/// Pixels of `N` bytes, the last of which is how opaque they are, over white.
fn on_white<const N: usize>(pixels: &[u8]) -> Vec<u8> {
    let (pixels, _) = pixels.as_chunks::<N>();
    let over = |value: u8, opaque: u8| {
        let (value, opaque) = (u32::from(value), u32::from(opaque));
        ((value * opaque + 255 * (255 - opaque) + 127) / 255) as u8
    };
    pixels
        .iter()
        .flat_map(|pixel| {
            pixel[..N - 1]
                .iter()
                .map(|value| over(*value, pixel[N - 1]))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Cursor;

    fn encoded(kind: ColorType, depth: BitDepth, size: [u32; 2], bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut encoder = png::Encoder::new(&mut out, size[1], size[0]);
        encoder.set_color(kind);
        encoder.set_depth(depth);
        if kind == ColorType::Indexed {
            encoder.set_palette(vec![0, 0, 0, 10, 20, 30, 255, 255, 255]);
            encoder.set_trns(vec![255, 255, 0]);
        }
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(bytes).unwrap();
        writer.finish().unwrap();
        out
    }

    fn decoded(bytes: &[u8]) -> Result<Image, String> {
        decode_from(Cursor::new(bytes), bytes.len() as u64)
    }

    fn image(shape: [usize; 3], bytes: &[u8]) -> Image {
        Image::new(shape, bytes.to_vec())
    }

    #[test]
    fn every_colour_type_and_depth() {
        use BitDepth::{Eight, One, Sixteen, Two};
        use ColorType::{Grayscale, GrayscaleAlpha, Indexed, Rgb, Rgba};
        let size = [1, 2];
        for (kind, depth, bytes, expected) in [
            (Grayscale, Eight, &[7, 200][..], image([1, 1, 2], &[7, 200])),
            (Grayscale, One, &[0b0100_0000], image([1, 1, 2], &[0, 255])),
            (Grayscale, Two, &[0b0110_0000], image([1, 1, 2], &[85, 170])),
            (
                Grayscale,
                Sixteen,
                &[1, 255, 200, 3],
                image([1, 1, 2], &[1, 200]),
            ),
            (
                GrayscaleAlpha,
                Eight,
                &[7, 255, 100, 0],
                image([1, 1, 2], &[7, 255]),
            ),
            (
                GrayscaleAlpha,
                Eight,
                &[0, 128, 100, 51],
                image([1, 1, 2], &[127, 224]),
            ),
            (
                Rgb,
                Eight,
                &[1, 2, 3, 4, 5, 6],
                image([3, 1, 2], &[1, 4, 2, 5, 3, 6]),
            ),
            (Rgb, Eight, &[9, 9, 9, 4, 4, 4], image([1, 1, 2], &[9, 4])),
            (
                Rgba,
                Eight,
                &[1, 2, 3, 255, 4, 5, 6, 0],
                image([3, 1, 2], &[1, 255, 2, 255, 3, 255]),
            ),
            (
                Rgb,
                Sixteen,
                &[1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0],
                image([3, 1, 2], &[1, 4, 2, 5, 3, 6]),
            ),
            (
                Indexed,
                Eight,
                &[1, 2],
                image([3, 1, 2], &[10, 255, 20, 255, 30, 255]),
            ),
            (Indexed, Eight, &[0, 2], image([1, 1, 2], &[0, 255])),
        ] {
            let picture = encoded(kind, depth, size, bytes);
            assert_eq!(decoded(&picture), Ok(expected), "{kind:?} {depth:?}");
        }
    }

    #[test]
    fn sizes_that_the_file_cannot_back_are_refused_unread() {
        let mut picture = encoded(ColorType::Grayscale, BitDepth::Eight, [1, 2], &[7, 200]);
        for (width, height, what) in [
            (u32::MAX >> 1, u32::MAX >> 1, "more than 8192×4096"),
            (8192, 4096, "cut off"),
            (0, 5, ""),
        ] {
            picture[16..20].copy_from_slice(&width.to_be_bytes());
            picture[20..24].copy_from_slice(&height.to_be_bytes());
            let header = crc32(&picture[12..29]);
            picture[29..33].copy_from_slice(&header.to_be_bytes());
            let error = decoded(&picture).unwrap_err();
            assert!(error.contains(what), "{error}");
        }
    }

    #[test]
    fn a_palette_of_no_whole_colours_or_too_many_is_refused() {
        for (length, is_fine) in [(3, true), (768, true), (4, false), (5, false), (771, false)] {
            let mut picture = Vec::new();
            let mut encoder = png::Encoder::new(&mut picture, 1, 1);
            encoder.set_color(ColorType::Indexed);
            encoder.set_palette(vec![9; length]);
            let mut writer = encoder.write_header().unwrap();
            writer.write_image_data(&[0]).unwrap();
            writer.finish().unwrap();
            let image = decoded(&picture);
            assert_eq!(image.is_ok(), is_fine, "{length}: {image:?}");
        }
    }

    fn crc32(bytes: &[u8]) -> u32 {
        let mut crc = flate2::Crc::new();
        crc.update(bytes);
        crc.sum()
    }

    #[test]
    fn every_way_to_be_cut_off_is_an_error() {
        let pixels: Vec<u8> = (0..3 * 64).map(|i: u32| (i * 7) as u8).collect();
        let picture = encoded(ColorType::Rgb, BitDepth::Eight, [8, 8], &pixels);
        decoded(&picture).unwrap();
        for length in 0..picture.len() {
            decoded(&picture[..length]).expect_err("a part of a picture");
        }
        let page = decoded(b"<!DOCTYPE html><html>not found</html>").unwrap_err();
        assert!(
            page.contains("signature") || page.contains("Signature"),
            "{page}"
        );
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            [height, width] in [1_usize..9, 1_usize..9], seed in prop::collection::vec(any::<u8>(), 3 * 64),
        ) {
            let pixels = &seed[..3 * height * width];
            let size = [height as u32, width as u32];
            let picture = encoded(ColorType::Rgb, BitDepth::Eight, size, pixels);
            let image = decoded(&picture).unwrap().into_colour();
            prop_assert_eq!(image, Image::from_channels_last([3, height, width], pixels));
            let picture = encoded(ColorType::Grayscale, BitDepth::Eight, size, &pixels[..height * width]);
            prop_assert_eq!(decoded(&picture).unwrap().bytes, &pixels[..height * width]);
        }

        #[test]
        fn damaged_pictures_never_panic(
            at in 8_usize..70, byte in any::<u8>(), rest in prop::collection::vec(any::<u8>(), 0..40),
        ) {
            let pixels: Vec<u8> = (0..64).collect();
            let mut picture = encoded(ColorType::Grayscale, BitDepth::Eight, [8, 8], &pixels);
            picture[at] = byte;
            let _ = decoded(&picture);
            picture.truncate(at);
            picture.extend(rest);
            let _ = decoded(&picture);
        }
    }
}
