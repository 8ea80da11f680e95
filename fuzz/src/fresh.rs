//! Files that are right in form, and in most details.

use fastrand::Rng;
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};
use png::{BitDepth, ColorType};
use std::io::Write;

/// Keys, values and signs of settings.
pub const SETTINGS: &[&str] = &[
    "lr",
    "g.lr",
    "d.schedule",
    "kind",
    "epochs",
    "batch-size",
    "seed",
    "latent",
    "pictures.every-steps",
    "sampling",
    "matmul",
    "dropout",
    "order",
    "g.eps",
    "beta1",
    "=",
    ".",
    "\"",
    "'''",
    "[",
    "]",
    "{",
    "}",
    ",",
    "\n",
    "#",
    "true",
    "inf",
    "-nan",
    "1e-3",
    "-1",
    "18446744073709551616",
    "linear:1:2",
    "with-replacement",
    "[settings]",
    "[options.g]",
    "version = 1\n",
    "1979-05-27",
    "0x",
    "\u{301}",
    "\\u0000",
];

fn bytes(rng: &mut Rng, len: usize) -> Vec<u8> {
    let most = [2, 4, 10, 255][rng.usize(..4)];
    (0..len).map(|_| rng.u8(..=most)).collect()
}

/// Mostly `right`, sometimes next to it.
fn nearly(rng: &mut Rng, right: usize) -> usize {
    match rng.u32(..12) {
        0 => right + 1,
        1 => right.saturating_sub(1),
        _ => right,
    }
}

/// Images or labels of any type.
pub fn idx(rng: &mut Rng) -> Vec<u8> {
    let code = [8, 8, 8, 9, 0x0b, 0x0c, 0x0d, 0x0e][rng.usize(..8)];
    let width = match code {
        0x0b => 2,
        0x0c | 0x0d => 4,
        0x0e => 8,
        _ => 1,
    };
    let sizes: Vec<u32> = match rng.u32(..4) {
        0 => vec![rng.u32(..5), 8],
        1 => vec![rng.u32(..9)],
        _ => (0..rng.u32(..6)).map(|_| rng.u32(..5)).collect(),
    };
    let mut out = vec![0, 0, code, sizes.len() as u8];
    sizes.iter().for_each(|size| out.extend(size.to_be_bytes()));
    let len = sizes.iter().product::<u32>() as usize * width;
    let len = nearly(rng, len);
    out.extend(bytes(rng, len));
    out
}

/// Members of what [`idx`] makes, and padding.
pub fn gz(rng: &mut Rng) -> Vec<u8> {
    let mut rest = &*idx(rng);
    let mut out = Vec::new();
    loop {
        let level = Compression::new([0, 1, 9][rng.usize(..3)]);
        let cut = match rng.u32(..3) {
            0 => rng.usize(..=rest.len()),
            _ => rest.len(),
        };
        let mut encoder = GzEncoder::new(Vec::new(), level);
        encoder.write_all(&rest[..cut]).expect("memory");
        out.extend(encoder.finish().expect("memory"));
        if rng.u32(..4) == 0 {
            out.resize(out.len() + rng.usize(..600), 0);
        }
        rest = &rest[cut..];
        if rest.is_empty() {
            return out;
        }
    }
}

/// NumPy's header, and elements of `width` bytes, mostly as many as it says.
fn array(rng: &mut Rng, dtype: &str, width: usize, shape: &[usize]) -> Vec<u8> {
    let order = ["False", "False", "True"][rng.usize(..3)];
    let sizes: String = shape.iter().map(|size| format!("{size}, ")).collect();
    let header =
        format!("{{'descr': '{dtype}', 'fortran_order': {order}, 'shape': ({sizes}), }}\n");
    let mut out = b"\x93NUMPY\x01\x00".to_vec();
    out.extend((header.len() as u16).to_le_bytes());
    out.extend(header.as_bytes());
    let len = nearly(rng, shape.iter().product::<usize>() * width);
    let mut elements = bytes(rng, len);
    if dtype.contains(['i', 'u']) && width > 1 {
        // Labels are small numbers.
        let low = if dtype.starts_with('>') { width - 1 } else { 0 };
        let bytes = elements.iter_mut().enumerate();
        bytes.for_each(|(i, byte)| *byte *= u8::from(i % width == low));
    }
    out.extend(elements);
    out
}

/// Numbers of a few sizes.
pub fn npy(rng: &mut Rng) -> Vec<u8> {
    let (dtype, width) = [("<f4", 4), ("<f8", 8), ("|u1", 1)][rng.usize(..3)];
    let shapes = [&[][..], &[0], &[3], &[2, 3], &[2, 1, 2, 2]];
    let shape = shapes[rng.usize(..shapes.len())];
    array(rng, dtype, width, shape)
}

/// Images or labels of an archive.
fn member(rng: &mut Rng, of_images: bool) -> Vec<u8> {
    const TYPES: [(&str, usize); 9] = [
        ("|u1", 1),
        ("|u1", 1),
        ("|i1", 1),
        ("<i2", 2),
        (">i4", 4),
        ("<i8", 8),
        (">u8", 8),
        ("|b1", 1),
        ("<f4", 4),
    ];
    let few = if of_images { 3 } else { TYPES.len() };
    let (dtype, width) = TYPES[rng.usize(..few)];
    let mut shape = vec![3];
    if of_images {
        let tail = [&[2, 4][..], &[2, 4, 3], &[3, 2, 4], &[5, 5], &[2, 2, 2]];
        shape.extend(tail[rng.usize(..tail.len())]);
    } else if rng.bool() {
        shape.push(1);
    }
    let at = rng.usize(..shape.len());
    shape[at] = nearly(rng, shape[at]);
    array(rng, dtype, width, &shape)
}

/// An archive with images, with labels or without.
pub fn npz(rng: &mut Rng) -> Vec<u8> {
    let mut names = vec![
        "x_train.npy",
        "y_train.npy",
        "x_test.npy",
        "y_test.npy",
        "other.npy",
    ];
    rng.shuffle(&mut names);
    names.truncate(rng.usize(1..=5));
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for name in &names {
        let member = member(rng, name.starts_with('x'));
        let method: u16 = if rng.bool() { 8 } else { 0 };
        let packed = match method {
            8 => {
                let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
                encoder.write_all(&member).expect("memory");
                encoder.finish().expect("memory")
            }
            _ => member.clone(),
        };
        let mut crc = flate2::Crc::new();
        crc.update(&member);
        let mut common = vec![20, 0, 0, 0];
        common.extend(method.to_le_bytes());
        common.extend([0; 4]);
        for field in [crc.sum(), packed.len() as u32, member.len() as u32] {
            common.extend(field.to_le_bytes());
        }
        common.extend((name.len() as u16).to_le_bytes());
        common.extend([0, 0]);
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&common);
        directory.extend([0; 10]);
        directory.extend((out.len() as u32).to_le_bytes());
        directory.extend(name.as_bytes());
        out.extend(b"PK\x03\x04");
        out.extend(&common);
        out.extend(name.as_bytes());
        out.extend(packed);
    }
    let (at, size) = (out.len() as u32, directory.len() as u32);
    out.extend(directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend((names.len() as u16).to_le_bytes().repeat(2));
    out.extend(size.to_le_bytes());
    out.extend(at.to_le_bytes());
    out.extend([0, 0]);
    out
}

/// A picture of any colour type and depth.
pub fn png(rng: &mut Rng) -> Vec<u8> {
    let kinds = [
        (ColorType::Grayscale, 1, &[1, 2, 4, 8, 16][..]),
        (ColorType::GrayscaleAlpha, 2, &[8, 16]),
        (ColorType::Rgb, 3, &[8, 16]),
        (ColorType::Rgba, 4, &[8, 16]),
        (ColorType::Indexed, 1, &[1, 2, 4, 8]),
    ];
    let (kind, samples, depths) = kinds[rng.usize(..kinds.len())];
    let bits = depths[rng.usize(..depths.len())];
    let depth = BitDepth::from_u8(bits).expect("a depth of PNG");
    let [height, width] = [(); 2].map(|()| rng.u32(1..9));
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, width, height);
    encoder.set_color(kind);
    encoder.set_depth(depth);
    if kind == ColorType::Indexed {
        let entries = 1 << bits.min(4);
        encoder.set_palette(bytes(rng, 3 * entries));
        if rng.bool() {
            let len = rng.usize(..=entries);
            encoder.set_trns(bytes(rng, len));
        }
    }
    let row = (width as usize * samples * usize::from(bits)).div_ceil(8);
    let mut pixels = bytes(rng, row * height as usize);
    if kind == ColorType::Indexed {
        // Indices within the palette, mostly.
        pixels.iter_mut().for_each(|byte| *byte &= 0x0f);
    }
    let mut writer = encoder.write_header().expect("a header");
    writer
        .write_image_data(&pixels)
        .expect("an image of that size");
    writer.finish().expect("memory");
    out
}

/// A few tensors, of which most fit.
pub fn safetensors(rng: &mut Rng) -> Vec<u8> {
    let names = [
        "weight",
        "bias",
        "generator.net.0.weight",
        "generator.optim.t",
        "a",
        "",
    ];
    let types = [
        ("F32", 4),
        ("F64", 8),
        ("I64", 8),
        ("BF16", 2),
        ("U8", 1),
        ("BOOL", 1),
    ];
    let (mut entries, mut end) = (Vec::new(), 0);
    if rng.bool() {
        entries.push("\"__metadata__\":{\"epoch\":\"1\"}".to_owned());
    }
    for name in names {
        if rng.bool() {
            continue;
        }
        let (dtype, width) = types[rng.usize(..types.len())];
        let shapes = [&[3, 2][..], &[3], &[], &[0], &[1, 2, 3, 1, 1], &[2, 2]];
        let shape = shapes[rng.usize(..shapes.len())];
        let start = end;
        end += shape.iter().product::<usize>() * width;
        let (from, to) = (nearly(rng, start), nearly(rng, end));
        entries.push(format!(
            "\"{name}\":{{\"dtype\":\"{dtype}\",\"shape\":{shape:?},\"data_offsets\":[{from},{to}]}}"
        ));
    }
    let mut header = format!("{{{}}}", entries.join(",")).into_bytes();
    if rng.bool() {
        header.resize(header.len().next_multiple_of(8), b' ');
    }
    let mut out = (header.len() as u64).to_le_bytes().to_vec();
    out.extend(header);
    let len = nearly(rng, end);
    out.extend(bytes(rng, len));
    out
}

/// Lines of TOML, some of which contradict each other.
pub fn config(rng: &mut Rng) -> Vec<u8> {
    let recipe = &detach_recipes::RECIPES[rng.usize(..detach_recipes::RECIPES.len())];
    let preset = detach_recipes::Preset::ALL[rng.usize(..detach_recipes::Preset::ALL.len())];
    let config = detach_gan::run::Config::of(&recipe.setup(preset));
    let text = toml::to_string(&config).expect("a preset as TOML");
    let mut lines: Vec<&str> = text.lines().collect();
    let line = rng.usize(..lines.len());
    let changed;
    match rng.u32(..4) {
        0 => drop(lines.remove(line)),
        1 => lines.insert(rng.usize(..lines.len()), lines[line]),
        2 => {
            let key = lines[line].split('=').next().unwrap_or_default();
            changed = format!("{key}= {}", value(rng));
            lines[line] = &changed;
        }
        _ => {}
    }
    lines.join("\n").into_bytes()
}

fn value(rng: &mut Rng) -> String {
    let word = SETTINGS[rng.usize(..SETTINGS.len())];
    match rng.u32(..6) {
        0 => format!("\"{word}\""),
        1 => rng.i64(..).to_string(),
        2 => format!("{:e}", f64::from_bits(rng.u64(..))),
        3 => format!("[{}, {}]", rng.u8(..), rng.f32()),
        4 => format!("{{ kind = \"adam\", lr = {} }}", rng.f32()),
        _ => word.to_owned(),
    }
}

/// `key=value`, of keys that there are.
pub fn set(rng: &mut Rng) -> Vec<u8> {
    let recipe = &detach_recipes::RECIPES[rng.usize(..detach_recipes::RECIPES.len())];
    let keys = recipe.setup(detach_recipes::Preset::default()).keys();
    let key = rng.choice(&keys).map_or("lr", String::as_str);
    format!("{key}={}", value(rng)).into_bytes()
}

/// Lines as a run writes them, and others.
pub fn metrics(rng: &mut Rng) -> Vec<u8> {
    let mut out = String::new();
    for step in 0..rng.u64(..9) {
        out += &match rng.u32(..8) {
            0 => "a note\n".to_owned(),
            1 => format!("{{\"step\":{step}"),
            2 => format!("{{\"version\":9,\"step\":{step}.0,\"x\":[1]}}\r\n"),
            _ => format!(
                "{{\"version\":1,\"step\":{step},\"epoch\":0.5,\"d_loss\":{}}}\n",
                rng.f32()
            ),
        };
    }
    out.into_bytes()
}
