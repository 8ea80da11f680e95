//! Files written and read back; files of others, and damaged ones.

use super::*;
use std::fs;

/// A file with this dictionary and these bytes, read back.
fn read_raw(text: &str, values: &[u8]) -> Result<Npy, Problem> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.npy");
    let length = u16::try_from(text.len()).unwrap().to_le_bytes();
    let bytes = [&MAGIC[..], &[1, 0], &length, text.as_bytes(), values].concat();
    fs::write(&path, bytes).unwrap();
    read(&path).map_err(|error| error.problem)
}

#[test]
fn what_is_written_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.npy");
    for shape in [&[][..], &[5], &[0, 7], &[2, 3, 4], &[3, 1, 101, 97]] {
        let count: usize = shape.iter().product();
        let values: Vec<f32> = (0..count).map(|index| (index as f32).sqrt()).collect();
        write(&path, shape, &values).unwrap();
        let shape = shape.to_vec();
        assert_eq!(read(&path).unwrap(), Npy { shape, values });
    }
}

#[test]
fn pieces_are_the_array_and_must_be_all_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let values: Vec<f32> = (0..60).map(|index| index as f32).collect();
    for name in ["x.npy", "x.npy.GZ"] {
        let path = folder.path().join(name);
        let give = |pieces: &[&[f32]]| {
            write_pieces(&path, &[5, 12], |sink| {
                pieces.iter().try_for_each(|piece| sink(piece))
            })
        };
        give(&[&values[..7], &[], &values[7..]]).unwrap();
        let whole = fs::read(&path).unwrap();
        give(&[&values[..59]]).unwrap_err();
        give(&[&values, &values[..1]]).unwrap_err();
        write_pieces(&path, &[usize::MAX, 3], |_| Ok(())).unwrap_err();
        assert_eq!(fs::read(&path).unwrap(), whole, "what was there stays");

        let mut plain = Vec::new();
        match name {
            "x.npy" => plain = whole,
            _ => drop(
                flate2::read::GzDecoder::new(&whole[..])
                    .read_to_end(&mut plain)
                    .unwrap(),
            ),
        }
        assert_eq!(plain.len() as u64, size(&[5, 12]));
        fs::write(folder.path().join("plain.npy"), plain).unwrap();
        let read = read(&folder.path().join("plain.npy")).unwrap();
        assert_eq!((read.shape, &read.values), (vec![5, 12], &values));
    }
}

#[test]
fn the_header_is_numpys_to_the_byte() {
    let bytes = header(&[3, 4]);
    let text = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }";
    assert_eq!(bytes.len(), 128);
    assert_eq!(&bytes[..10], b"\x93NUMPY\x01\x00\x76\x00");
    assert_eq!(bytes[10..10 + text.len()], *text.as_bytes());
    assert!(bytes[10 + text.len()..127].iter().all(|&byte| byte == b' '));
    assert_eq!(bytes[127], b'\n');
    for (shape, text) in [(&[][..], "()"), (&[7], "(7,)"), (&[1, 2, 3], "(1, 2, 3)")] {
        let header = String::from_utf8_lossy(&header(shape)).into_owned();
        assert!(header.contains(&format!("'shape': {text}, ")), "{header}");
    }
}

#[test]
fn doubles_are_rounded() {
    let text = "{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }\n";
    let bytes: Vec<u8> = [0.1_f64, -2.5]
        .iter()
        .flat_map(|x| x.to_le_bytes())
        .collect();
    assert_eq!(read_raw(text, &bytes).unwrap().values, [0.1_f32, -2.5]);
}

#[test]
fn foreign_values_are_refused_with_the_cure() {
    let text = "{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }\n";
    let error = read_raw(text, &[1, 2]).unwrap_err().to_string();
    assert!(
        error.contains("`|u1`") && error.contains("astype"),
        "{error}"
    );
    let text = "{'descr': '<f4', 'fortran_order': True, 'shape': (1, 2), }\n";
    let error = read_raw(text, &[0; 8]).unwrap_err();
    assert!(matches!(error, Problem::FortranOrder), "{error}");
}

#[test]
fn a_size_that_disagrees_is_refused_before_memory_is_taken() {
    for (shape, values) in [("(3,)", 11), ("(3,)", 13), ("(4000000000, 4000000000)", 12)] {
        let text = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}\n");
        let error = read_raw(&text, &vec![0; values]).unwrap_err();
        assert!(
            matches!(error, Problem::Size { found, .. } if found == values as u64),
            "{error}"
        );
    }
    // The product of the first is 0 modulo 2^128; of the second it is 0.
    for dims in ["4294967296, ".repeat(4), "4294967296, ".repeat(3) + "0"] {
        let text = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({dims}), }}\n");
        match read_raw(&text, &[]) {
            Ok(array) => assert!(array.values.is_empty()),
            Err(error) => assert!(matches!(error, Problem::Size { .. }), "{error}"),
        }
    }
}

#[test]
fn damaged_headers_are_refused() {
    for text in [
        "",
        "{}",
        "{'descr': '<f4'}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, x), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-2,), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }",
        "{'descr': '<f4', 'fortran_order': None, 'shape': (2,), }",
    ] {
        let error = read_raw(text, &[0; 8]).unwrap_err();
        assert!(matches!(error, Problem::Header(_)), "{text}: {error}");
    }
}

#[test]
fn other_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.npy");
    for bytes in [&b""[..], b"\x93NUM", b"\x89PNG\r\n\x1a\n and more"] {
        fs::write(&path, bytes).unwrap();
        let error = read(&path).unwrap_err();
        assert!(matches!(error.problem, Problem::Foreign), "{error}");
        assert!(error.to_string().contains("x.npy"), "{error}");
    }
    fs::write(&path, b"\x93NUMPY\x02\x00\x76\x00\x00\x00").unwrap();
    let error = read(&path).unwrap_err();
    assert!(matches!(error.problem, Problem::Version(2, 0)), "{error}");
    fs::remove_file(&path).unwrap();
    assert!(matches!(read(&path).unwrap_err().problem, Problem::Io(_)));
}
