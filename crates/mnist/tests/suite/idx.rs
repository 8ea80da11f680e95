//! The IDX format: what is written comes back, and nothing that is read can do harm.

use std::io::{Read, Write};

use detach_mnist::Error;
use detach_mnist::idx::{Idx, IdxError};
use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn sample() -> (Idx, Vec<u8>) {
    let idx = Idx::new([3, 2, 4], (0..24).collect()).unwrap();
    let mut bytes = vec![0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 4];
    bytes.extend(0..24u8);
    (idx, bytes)
}

/// The error's text, after checking that there is one.
fn refusal(bytes: &[u8]) -> String {
    Idx::parse(bytes)
        .expect_err("these bytes are no IDX file")
        .to_string()
}

#[test]
fn the_bytes_are_those_of_the_format() {
    let (idx, bytes) = sample();
    let mut written = Vec::new();
    idx.write(&mut written).unwrap();
    assert_eq!(written, bytes);
    assert_eq!(Idx::parse(&bytes[..]).unwrap(), idx);
    assert_eq!(Idx::parse(&gz(&bytes)[..]).unwrap(), idx);
}

#[test]
fn pieces_are_the_array_and_must_be_all_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let data: Vec<u8> = (0..60).collect();
    for name in ["x.idx3-ubyte", "x.idx3-ubyte.GZ"] {
        let path = folder.path().join(name);
        let give = |pieces: &[&[u8]]| {
            Idx::save_pieces(&path, &[5, 3, 4], |out| {
                pieces.iter().try_for_each(|piece| out.write_all(piece))
            })
        };
        give(&[&data[..7], &[], &data[7..]]).unwrap();
        let whole = Idx::new([5, 3, 4], data.clone()).unwrap();
        assert_eq!(Idx::open(&path).unwrap(), whole);
        // What was there stays where too little or too much comes.
        give(&[&data[..59]]).unwrap_err();
        give(&[&data, &data[..1]]).unwrap_err();
        assert_eq!(Idx::open(&path).unwrap(), whole);
    }
}

#[test]
fn an_array_that_no_file_holds_is_not_called_corrupt() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.idx3-ubyte");
    let most = Idx::most(&[28, 28]) as usize;
    Idx::check(&[most, 28, 28]).unwrap();
    for shape in [
        &[most + 1, 28, 28][..],
        &[usize::MAX, 1],
        &[1 << 33, 0],
        &[1 << 40],
    ] {
        let error = Idx::save_pieces(&path, shape, |_| panic!("no work")).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("1 GiB") && !text.contains("corrupt"),
            "{text}"
        );
        assert!(!path.exists());
    }
}

#[test]
fn gzip_members_that_follow_each_other_are_one_stream() {
    let (idx, bytes) = sample();
    let mut members = gz(&bytes[..20]);
    members.extend(gz(&bytes[20..]));
    assert_eq!(Idx::parse(&members[..]).unwrap(), idx);
}

/// As gzip and Python have it: zeros to the end of a block are no garbage, and anything else is.
#[test]
fn zeros_behind_a_gzip_stream_are_padding_and_anything_else_is_not() {
    let (idx, bytes) = sample();
    for padding in [1, 512, 100_000] {
        let padded = [gz(&bytes), vec![0; padding]].concat();
        assert_eq!(Idx::parse(&padded[..]).unwrap(), idx);
    }
    let members = [gz(&bytes[..20]), vec![0; 512], gz(&bytes[20..])].concat();
    assert_eq!(Idx::parse(&members[..]).unwrap(), idx);
    for garbage in [&b"garbage"[..], b"\0\0\x01", &bytes] {
        let error = Idx::parse(&[&gz(&bytes), garbage].concat()[..]).unwrap_err();
        assert!(matches!(error, IdxError::GzipCorrupt(_)), "{error}");
    }
}

#[test]
fn a_header_that_claims_four_billion_images_is_refused_unread() {
    let header = [0, 0, 8, 3, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 28, 0, 0, 0, 28];
    let error = Idx::parse(header.chain(std::io::repeat(0).take(1 << 20))).unwrap_err();
    assert!(
        matches!(
            error,
            IdxError::TooLarge {
                bytes: 3_367_254_359_280,
                ..
            }
        ),
        "{error}"
    );
    assert!(error.to_string().contains("header is corrupt"), "{error}");
}

#[test]
fn a_claim_within_the_limit_takes_no_memory_that_the_bytes_do_not_fill() {
    /// Remembers the greatest buffer that it was given to fill.
    struct Recorder<'a>(&'a [u8], &'a mut usize);
    impl std::io::Read for Recorder<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            *self.1 = buffer.len().max(*self.1);
            self.0.read(buffer)
        }
    }

    // A claim of 1 GiB over 5 bytes.
    let header = [0, 0, 8, 1, 0x40, 0, 0, 0, 1, 2, 3, 4, 5];
    let mut largest = 0;
    let error = Idx::parse(Recorder(&header, &mut largest)).unwrap_err();
    assert!(
        matches!(
            error,
            IdxError::Short {
                expected: 0x4000_0000,
                found: 5
            }
        ),
        "{error}"
    );
    assert!(
        (1..1 << 16).contains(&largest),
        "a buffer of {largest} bytes"
    );
}

/// What unpacks to more than its header says is not unpacked further.
#[test]
fn a_gzip_bomb_ends_at_its_first_byte_too_many() {
    struct Counter<'a>(std::io::Cursor<&'a [u8]>);
    impl Read for Counter<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let end = self.0.get_ref().len() as u64 / 2;
            assert!(self.0.position() < end, "most of it is left unread");
            self.0.read(buffer)
        }
    }
    let header = [0, 0, 8, 1, 0, 0, 0, 9];
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    std::io::copy(
        &mut header.chain(std::io::repeat(0).take(1 << 27)),
        &mut encoder,
    )
    .unwrap();
    let bomb = encoder.finish().unwrap();
    let error = Idx::parse(Counter(std::io::Cursor::new(&bomb))).unwrap_err();
    assert!(
        matches!(error, IdxError::Trailing { expected: 9 }),
        "{error}"
    );
}

#[test]
fn every_way_to_be_cut_off_is_named() {
    let (_, bytes) = sample();
    assert!(matches!(Idx::parse(&[][..]), Err(IdxError::Empty)));
    for length in 1..bytes.len() {
        let error = Idx::parse(&bytes[..length]).unwrap_err();
        assert!(
            matches!(error, IdxError::Short { .. }),
            "{length} bytes: {error}"
        );
    }
    let packed = gz(&bytes);
    for length in 2..packed.len() {
        let error = Idx::parse(&packed[..length]).unwrap_err();
        assert!(
            matches!(error, IdxError::GzipTruncated),
            "{length} packed bytes: {error}"
        );
    }
}

#[test]
fn a_damaged_gzip_stream_is_refused() {
    let (_, bytes) = sample();
    let mut packed = gz(&bytes);
    let checksum = packed.len() - 8;
    packed[checksum] ^= 1;
    assert!(refusal(&packed).contains("corrupt"), "{}", refusal(&packed));
}

#[test]
fn bytes_after_the_data_are_refused() {
    let (_, mut bytes) = sample();
    bytes.push(0);
    assert!(matches!(
        Idx::parse(&bytes[..]),
        Err(IdxError::Trailing { expected: 24 })
    ));
    assert!(matches!(
        Idx::parse(&gz(&bytes)[..]),
        Err(IdxError::Trailing { expected: 24 })
    ));
}

#[test]
fn other_formats_and_other_elements_are_refused_with_their_name() {
    let page = refusal(b"<!DOCTYPE html><html>not found</html>");
    assert!(
        page.contains("begins with 3c 21 44 4f") && page.contains("web page"),
        "{page}"
    );
    let floats = refusal(&[0, 0, 0x0d, 1, 0, 0, 0, 1, 0, 0, 0, 0]);
    assert!(
        floats.contains("32-bit floats") && floats.contains("0x0d"),
        "{floats}"
    );
    assert!(matches!(
        Idx::parse(&[0, 0, 8, 5][..]),
        Err(IdxError::Rank(5))
    ));
}

#[test]
fn arrays_that_no_file_can_hold_are_refused_before_a_byte_is_written() {
    assert!(matches!(
        Idx::new([2, 3], vec![0; 5]),
        Err(IdxError::Layout { len: 5, .. })
    ));
    assert!(matches!(Idx::new([1; 5], vec![0]), Err(IdxError::Rank(5))));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bad.gz");
    let bad = Idx {
        shape: vec![7],
        data: vec![0; 5],
    };
    assert!(matches!(bad.save(&path), Err(Error::Idx { .. })));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn files_are_compressed_by_name_and_read_by_content() {
    let (idx, bytes) = sample();
    let folder = tempfile::tempdir().unwrap();
    let (raw, packed) = (
        folder.path().join("a-idx3-ubyte"),
        folder.path().join("a.gz"),
    );
    idx.save(&raw).unwrap();
    idx.save(&packed).unwrap();
    assert_eq!(std::fs::read(&raw).unwrap(), bytes);
    assert_eq!(std::fs::read(&packed).unwrap()[..2], [0x1f, 0x8b]);
    assert_eq!(Idx::open(&raw).unwrap(), idx);
    assert_eq!(Idx::open(&packed).unwrap(), idx);
    std::fs::rename(&packed, &raw).unwrap();
    assert_eq!(Idx::open(&raw).unwrap(), idx);
    // Nothing but the files: no temporary one is left.
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn errors_about_files_name_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("train-images-idx3-ubyte");
    let missing = Idx::open(&path).unwrap_err().to_string();
    assert!(
        missing.contains("train-images-idx3-ubyte") && missing.contains("check"),
        "{missing}"
    );
    std::fs::write(&path, b"PK").unwrap();
    let foreign = Idx::open(&path).unwrap_err().to_string();
    assert!(
        foreign.contains("train-images-idx3-ubyte") && foreign.contains("50 4b"),
        "{foreign}"
    );
    let nowhere = Idx::new([1], vec![0])
        .unwrap()
        .save(folder.path().join("no/such"))
        .unwrap_err();
    assert!(nowhere.to_string().contains("folder exists"), "{nowhere}");
}

#[cfg(unix)]
#[test]
fn saved_files_have_the_permissions_of_ordinary_files() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let (ours, ordinary) = (folder.path().join("ours"), folder.path().join("ordinary"));
    Idx::new([1], vec![0]).unwrap().save(&ours).unwrap();
    std::fs::write(&ordinary, b"x").unwrap();
    let mode = |path| std::fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(ours), mode(ordinary));
}

fn any_idx() -> impl Strategy<Value = Idx> {
    prop::collection::vec(0usize..7, 0..=4).prop_flat_map(|shape| {
        let len = shape.iter().product::<usize>();
        prop::collection::vec(any::<u8>(), len)
            .prop_map(move |data| Idx::new(shape.clone(), data).unwrap())
    })
}

/// Bytes with a header that is nearly right, so that they reach every branch.
fn nearly_idx() -> impl Strategy<Value = Vec<u8>> {
    let header = (prop::sample::select(vec![0u8, 8, 9, 13]), 0u8..6);
    let sizes = prop::collection::vec(prop::sample::select(vec![0u8, 0, 0, 1, 2, 255]), 0..24);
    (header, sizes).prop_map(|((element, rank), rest)| [vec![0, 0, element, rank], rest].concat())
}

proptest! {
    #[test]
    fn what_is_written_is_read(idx in any_idx()) {
        let mut bytes = Vec::new();
        idx.write(&mut bytes).unwrap();
        prop_assert_eq!(&Idx::parse(&bytes[..]).unwrap(), &idx);
        prop_assert_eq!(&Idx::parse(&gz(&bytes)[..]).unwrap(), &idx);
    }

    #[test]
    fn what_is_read_is_written_back(bytes in nearly_idx()) {
        if let Ok(idx) = Idx::parse(&bytes[..]) {
            let mut written = Vec::new();
            idx.write(&mut written).unwrap();
            prop_assert_eq!(written, bytes);
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Idx::parse(&bytes[..]);
        let _ = Idx::parse(&gz(&bytes)[..]);
        let _ = Idx::parse(&[&[0x1f, 0x8b, 8, 0], &bytes[..]].concat()[..]);
    }
}
