//! Just enough of zip to read what NumPy writes: stored or deflated members of a file on the disk.
//!
//! An archive's sizes are claims. No memory is reserved for bytes that have not arrived, and none of the lists in it
//! is read beyond a bound.

use crate::error::NpzError;
use flate2::read::DeflateDecoder;
use std::io::{self, Read, Seek, SeekFrom};

/// More members than any data set has.
const MAX_MEMBERS: u16 = 1024;

/// The end record's fixed part, and the longest comment behind it.
const END: u64 = 22;
const COMMENT: u64 = u16::MAX as u64;

/// A zip archive and the list of what is in it.
#[derive(Debug)]
pub(super) struct Zip<R> {
    file: R,
    pub(super) members: Vec<Member>,
}

/// What the directory of an archive says of a member.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) name: String,
    flags: u16,
    method: u16,
    /// CRC-32 of its bytes.
    pub(super) crc: u32,
    packed: u64,
    /// Its length, unpacked.
    pub(super) len: u64,
    /// Where its own header is.
    at: u64,
}

impl<R: Read + Seek> Zip<R> {
    /// Reads the directory at the end of the archive.
    pub(super) fn open(mut file: R) -> Result<Self, NpzError> {
        let size = file.seek(SeekFrom::End(0))?;
        let start = size.saturating_sub(END + COMMENT);
        file.seek(SeekFrom::Start(start))?;
        let tail = up_to(&mut file, END + COMMENT)?;
        let is_end = |at: &usize| {
            let comment = tail.len() - at - END as usize;
            tail[*at..].starts_with(b"PK\x05\x06")
                && usize::from(u16_at(&tail[*at..], 20)) == comment
        };
        let last = tail.len().checked_sub(END as usize);
        let end = last.and_then(|last| (0..=last).rev().find(is_end));
        let end = end.ok_or(NpzError::Zip("its end record is missing"))?;
        let (count, at) = (u16_at(&tail[end..], 10), u32_at(&tail[end..], 16));
        if count == u16::MAX || at == u32::MAX {
            return Err(NpzError::Zip("it is zip64, for more than 4 GiB"));
        }
        if count > MAX_MEMBERS {
            return Err(NpzError::Zip("it has more than 1024 members"));
        }
        file.seek(SeekFrom::Start(at.into()))?;
        let mut members = Vec::new();
        for _ in 0..count {
            members.push(member(&mut file)?);
        }
        Ok(Self { file, members })
    }

    /// The bytes of a member as they come, unpacked. They may be fewer or more than the directory says.
    pub(super) fn read(&mut self, member: &Member) -> Result<Box<dyn Read + '_>, NpzError> {
        let how = match (member.flags & 1, member.method) {
            (0, 0 | 8) => None,
            (0, method) => Some(format!("packed with method {method}")),
            _ => Some("encrypted".to_owned()),
        };
        if let Some(how) = how {
            let name = member.name.clone();
            return Err(NpzError::Method { name, how });
        }
        self.file.seek(SeekFrom::Start(member.at))?;
        let header = exactly(&mut self.file, 30, "a member's header is cut off")?;
        if !header.starts_with(b"PK\x03\x04") {
            return Err(NpzError::Zip("a member is not where its directory says"));
        }
        let skipped = i64::from(u16_at(&header, 26)) + i64::from(u16_at(&header, 28));
        self.file.seek(SeekFrom::Current(skipped))?;
        let packed = (&mut self.file).take(member.packed);
        Ok(match member.method {
            0 => Box::new(packed),
            _ => Box::new(DeflateDecoder::new(packed)),
        })
    }
}

/// An entry of the directory.
fn member(file: &mut impl Read) -> Result<Member, NpzError> {
    let what = "its directory is cut off";
    let entry = exactly(file, 46, what)?;
    if !entry.starts_with(b"PK\x01\x02") {
        return Err(NpzError::Zip("its directory is damaged"));
    }
    let name = exactly(file, u16_at(&entry, 28).into(), what)?;
    exactly(
        file,
        u64::from(u16_at(&entry, 30)) + u64::from(u16_at(&entry, 32)),
        what,
    )?;
    let [packed, len, at] = [20, 24, 42].map(|at| u32_at(&entry, at));
    if [packed, len, at].contains(&u32::MAX) {
        return Err(NpzError::Zip("it is zip64, for more than 4 GiB"));
    }
    Ok(Member {
        name: String::from_utf8_lossy(&name).into_owned(),
        flags: u16_at(&entry, 8),
        method: u16_at(&entry, 10),
        crc: u32_at(&entry, 16),
        packed: packed.into(),
        len: len.into(),
        at: at.into(),
    })
}

/// At most `limit` bytes, fewer where the reader ends. Memory grows with what arrives.
pub(super) fn up_to(reader: &mut impl Read, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn exactly(file: &mut impl Read, len: u64, what: &'static str) -> Result<Vec<u8>, NpzError> {
    let bytes = up_to(file, len)?;
    match bytes.len() as u64 == len {
        true => Ok(bytes),
        false => Err(NpzError::Zip(what)),
    }
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}
