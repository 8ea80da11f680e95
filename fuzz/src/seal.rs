//! What makes checksums and lengths right again after a change. Each is for files that are nearly right; others it leaves alone.

use flate2::{Crc, Decompress, FlushDecompress, Status};

/// For files without checksums.
pub fn nothing(_: &mut [u8]) {}

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// How many bytes of `packed` the deflated stream at its start has, and what they unpack to, up to a bound.
fn inflated(packed: &[u8]) -> Option<(usize, Vec<u8>)> {
    let mut inflate = Decompress::new(false);
    let mut out = Vec::with_capacity(1 << 16);
    let status = inflate.decompress_vec(packed, &mut out, FlushDecompress::Finish);
    (status.ok()? == Status::StreamEnd).then_some((inflate.total_in() as usize, out))
}

/// The first member's checksum and length.
pub fn gz(bytes: &mut [u8]) {
    const HEADER: usize = 10;
    if bytes.len() < HEADER {
        return;
    }
    // No name, no comment, nothing that would make the header longer.
    bytes[..4].copy_from_slice(&[0x1f, 0x8b, 8, 0]);
    let Some((packed, unpacked)) = inflated(&bytes[HEADER..]) else {
        return;
    };
    let end = HEADER + packed;
    let mut trailer = crc(&unpacked).to_le_bytes().to_vec();
    trailer.extend((unpacked.len() as u32).to_le_bytes());
    if let Some(place) = bytes.get_mut(end..end + 8) {
        place.copy_from_slice(&trailer);
    }
}

/// The signature, and each chunk's checksum.
pub fn png(bytes: &mut [u8]) {
    const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
    let start = SIGNATURE.len().min(bytes.len());
    bytes[..start].copy_from_slice(&SIGNATURE[..start]);
    let mut at = SIGNATURE.len();
    while let Some(length) = bytes.get(at..at + 4) {
        let length = u32::from_be_bytes(length.try_into().expect("four bytes")) as usize;
        let end = at.saturating_add(length).saturating_add(8);
        if end.saturating_add(4) > bytes.len() {
            return;
        }
        let sum = crc(&bytes[at + 4..end]);
        bytes[end..end + 4].copy_from_slice(&sum.to_be_bytes());
        at = end + 4;
    }
}

fn u16_at(bytes: &[u8], at: usize) -> usize {
    bytes
        .get(at..at + 2)
        .map_or(0, |b| usize::from(b[0]) | usize::from(b[1]) << 8)
}

fn u32_at(bytes: &[u8], at: usize) -> usize {
    u16_at(bytes, at) | u16_at(bytes, at + 2) << 16
}

/// The directory's place, and each member's checksum and length in it.
pub fn npz(bytes: &mut [u8]) {
    let entries: Vec<usize> = (0..bytes.len().saturating_sub(45))
        .filter(|at| bytes[*at..].starts_with(b"PK\x01\x02"))
        .collect();
    for at in &entries {
        let local = u32_at(bytes, at + 42);
        if !bytes
            .get(local..)
            .is_some_and(|rest| rest.starts_with(b"PK\x03\x04"))
        {
            continue;
        }
        let start = local + 30 + u16_at(bytes, local + 26) + u16_at(bytes, local + 28);
        let end = start
            .saturating_add(u32_at(bytes, at + 20))
            .min(bytes.len());
        let Some(packed) = bytes.get(start..end) else {
            continue;
        };
        let unpacked = match u16_at(bytes, at + 10) {
            8 => inflated(packed).map(|(_, unpacked)| unpacked),
            _ => Some(packed.to_vec()),
        };
        if let Some(unpacked) = unpacked {
            bytes[at + 16..at + 20].copy_from_slice(&crc(&unpacked).to_le_bytes());
            bytes[at + 24..at + 28].copy_from_slice(&(unpacked.len() as u32).to_le_bytes());
        }
    }
    let end =
        (0..bytes.len().saturating_sub(21)).rfind(|at| bytes[*at..].starts_with(b"PK\x05\x06"));
    if let (Some(end), Some(first)) = (end, entries.first()) {
        bytes[end + 16..end + 20].copy_from_slice(&(*first as u32).to_le_bytes());
        let comment = (bytes.len() - end - 22) as u16;
        bytes[end + 20..end + 22].copy_from_slice(&comment.to_le_bytes());
    }
}

/// The header's length: up to the brace that closes what the first one opens.
pub fn safetensors(bytes: &mut [u8]) {
    let Some(header) = bytes.get(8..) else { return };
    let mut depth = 0_i32;
    let close = header.iter().position(|byte| {
        depth += match byte {
            b'{' => 1,
            b'}' => -1,
            _ => 0,
        };
        depth == 0
    });
    if let Some(close) = close {
        let length = close as u64 + 1;
        bytes[..8].copy_from_slice(&length.to_le_bytes());
    }
}
