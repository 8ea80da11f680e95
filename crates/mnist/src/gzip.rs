//! gzip as gzip and Python read it: members that follow each other are one stream, zeros behind a member are padding.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::GzDecoder;

/// The first two bytes of a gzip file.
pub(crate) const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// The unpacked bytes of a gzip file.
///
/// Tapes and tar files are padded with zeros to whole blocks, and a file that was cut out of one has them at its end. They
/// are skipped; anything else behind a member must be the next one.
pub(crate) struct Gunzip<R> {
    /// The member that is being read; `None` behind the last one.
    member: Option<GzDecoder<BufReader<R>>>,
}

impl<R: Read> Gunzip<R> {
    /// Reads the gzip file that `reader` gives from its first byte to its end.
    pub(crate) fn new(reader: R) -> Self {
        let reader = BufReader::with_capacity(1 << 15, reader);
        Self {
            member: Some(GzDecoder::new(reader)),
        }
    }
}

impl<R: Read> Read for Gunzip<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        while let Some(member) = &mut self.member {
            let read = member.read(buffer)?;
            if read > 0 {
                return Ok(read);
            }
            self.member = match begins_another(member.get_mut())? {
                true => {
                    let rest = self.member.take().map(GzDecoder::into_inner);
                    rest.map(GzDecoder::new)
                }
                false => None,
            };
        }
        Ok(0)
    }
}

/// Skips zeros; whether a member follows them, or the end.
fn begins_another(rest: &mut impl BufRead) -> io::Result<bool> {
    loop {
        let bytes = match rest.fill_buf() {
            Err(cause) if cause.kind() == io::ErrorKind::Interrupted => continue,
            bytes => bytes?,
        };
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        match bytes.get(zeros) {
            None if bytes.is_empty() => return Ok(false),
            None => rest.consume(zeros),
            Some(&byte) if byte == MAGIC[0] => {
                rest.consume(zeros);
                return Ok(true);
            }
            Some(byte) => {
                let what = format!("behind its end stands {byte:#04x}");
                return Err(io::Error::new(io::ErrorKind::InvalidData, what));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::Write;

    fn gz(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn unpacked(bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        Gunzip::new(bytes).read_to_end(&mut out)?;
        Ok(out)
    }

    #[test]
    fn members_and_padding_are_one_stream() {
        let zeros = |count| vec![0; count];
        for parts in [
            vec![gz(b"ab")],
            vec![gz(b"ab"), zeros(512)],
            vec![gz(b"ab"), zeros(1)],
            vec![gz(b"a"), gz(b""), gz(b"b")],
            vec![gz(b"a"), zeros(70_000), gz(b"b"), zeros(3)],
        ] {
            assert_eq!(unpacked(&parts.concat()).unwrap(), b"ab");
        }
    }

    #[test]
    fn what_is_neither_padding_nor_a_member_is_refused() {
        for rest in [
            &b"x"[..],
            b"\0\0x",
            b"\x1f",
            b"\x1f\x8c",
            b"\x1f\x8b\x08",
            b"<html>",
        ] {
            let bytes = [&gz(b"ab"), rest].concat();
            unpacked(&bytes).expect_err("garbage");
        }
        unpacked(&[]).expect_err("nothing");
        unpacked(&[0; 512]).expect_err("padding alone");
    }
}
