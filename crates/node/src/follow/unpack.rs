//! Compressed batches become what they were. The chain proves them after
//! that, as it proves those that were never compressed.

use super::MESSAGE_BYTES_MAX;
use bytes::Bytes;
use ruzstd::decoding::FrameDecoder;
use understudy_wire::v1::CompressedBatches;

/// More than any sender of ours uses: what a frame may make a standby keep.
const WINDOW_BYTES_MAX: u64 = 8 << 20;

#[derive(Debug, thiserror::Error)]
pub(super) enum UnpackError {
    #[error("compressed batches of {0} bytes: more than {MESSAGE_BYTES_MAX}")]
    TooLarge(u64),
    #[error("damaged compressed batches: {0}")]
    Damaged(String),
    #[error("compressed batches hold {found} bytes, and not {expected}")]
    Length { found: usize, expected: usize },
}

/// The canonical bytes of each batch.
pub(super) fn unpack(packed: &CompressedBatches) -> Result<Vec<Bytes>, UnpackError> {
    let sum: u64 = packed.lengths.iter().map(|length| u64::from(*length)).sum();
    // Before memory is spent.
    if sum > MESSAGE_BYTES_MAX as u64 {
        return Err(UnpackError::TooLarge(sum));
    }
    let expected = sum as usize;
    let mut bytes = Vec::with_capacity(expected);
    let mut decoder = FrameDecoder::new();
    decoder.set_max_window_size(WINDOW_BYTES_MAX);
    decoder
        .decode_all_to_vec(&packed.zstd, &mut bytes)
        .map_err(|error| UnpackError::Damaged(error.to_string()))?;
    if bytes.len() != expected {
        return Err(UnpackError::Length {
            found: bytes.len(),
            expected,
        });
    }
    let mut rest = Bytes::from(bytes);
    let lengths = packed.lengths.iter();
    Ok(lengths
        .map(|length| rest.split_to(*length as usize))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::{UnpackError, unpack};
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};
    use understudy_wire::v1::CompressedBatches;

    fn packed(parts: &[&[u8]]) -> CompressedBatches {
        let all = parts.concat();
        CompressedBatches {
            lengths: parts.iter().map(|part| part.len() as u32).collect(),
            zstd: compress_to_vec(&all[..], CompressionLevel::Fastest).into(),
        }
    }

    #[test]
    fn batches_come_out_as_they_went_in() {
        let text = b"the same again and again, ".repeat(4000);
        let parts: [&[u8]; 4] = [b"one", &text, b"x", &text[..5000]];
        let packed = packed(&parts);
        let whole: usize = parts.iter().map(|part| part.len()).sum();
        assert!(packed.zstd.len() * 10 < whole, "{}", packed.zstd.len());
        assert_eq!(unpack(&packed).unwrap(), parts);
    }

    #[test]
    fn more_than_was_said_is_never_unpacked() {
        let bomb = vec![0; 1 << 22];
        for said in [0, 1, 1000] {
            let mut packed = packed(&[&bomb]);
            packed.lengths = vec![said];
            assert!(unpack(&packed).is_err(), "{said}");
        }
        let mut packed = packed(&[b"x"]);
        packed.lengths = vec![u32::MAX, u32::MAX];
        assert!(matches!(unpack(&packed), Err(UnpackError::TooLarge(_))));
    }

    #[test]
    fn damage_and_missing_bytes_are_errors() {
        let text = b"something that repeats, something that repeats".repeat(50);
        let sound = packed(&[&text]);
        let mut short = sound.clone();
        short.zstd.truncate(sound.zstd.len() / 2);
        assert!(unpack(&short).is_err());
        let mut none = sound.clone();
        none.zstd.clear();
        assert!(unpack(&none).is_err());
        let mut long = sound;
        long.lengths = vec![text.len() as u32 + 1];
        assert!(matches!(unpack(&long), Err(UnpackError::Length { .. })));
    }
}
