//! How the blocks of a file are compressed.

use bytes::Bytes;
use flate2::Crc;
use flate2::read::{DeflateDecoder, DeflateEncoder};
use millstream_dataflow::{Error, Result};
use std::io::Read;

/// Longest block taken, when it is unpacked.
const BLOCK_BYTES_MAX: usize = 128 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Codec {
    Null,
    Deflate,
    Snappy,
    Zstandard,
}

impl Codec {
    /// By the name that files and options have for it.
    pub(super) fn of_name(name: &str) -> Option<Codec> {
        Some(match name {
            "null" => Codec::Null,
            "deflate" => Codec::Deflate,
            "snappy" => Codec::Snappy,
            "zstandard" | "zstd" => Codec::Zstandard,
            _ => return None,
        })
    }
    /// The name in files.
    pub(super) fn name(self) -> &'static str {
        match self {
            Codec::Null => "null",
            Codec::Deflate => "deflate",
            Codec::Snappy => "snappy",
            Codec::Zstandard => "zstandard",
        }
    }

    /// The same bytes always give the same ones.
    pub(super) fn pack(self, bytes: &[u8]) -> Result<Vec<u8>> {
        let failed = |e: &dyn std::error::Error| Error::bug("a block could not be compressed").source(e.to_string());
        match self {
            Codec::Null => Ok(bytes.to_vec()),
            Codec::Deflate => {
                let mut out = Vec::new();
                DeflateEncoder::new(bytes, flate2::Compression::default())
                    .read_to_end(&mut out)
                    .map_err(|e| failed(&e))?;
                Ok(out)
            }
            Codec::Snappy => {
                let mut out = snap::raw::Encoder::new().compress_vec(bytes).map_err(|e| failed(&e))?;
                out.extend_from_slice(&checksum(bytes));
                Ok(out)
            }
            Codec::Zstandard => zstd::bulk::compress(bytes, zstd::DEFAULT_COMPRESSION_LEVEL).map_err(|e| failed(&e)),
        }
    }

    /// # Errors
    /// What is wrong with the bytes.
    pub(super) fn unpack(self, bytes: Bytes) -> Result<Bytes, String> {
        match self {
            Codec::Null => Ok(bytes),
            Codec::Deflate => bounded(DeflateDecoder::new(&bytes[..])),
            Codec::Zstandard => bounded(zstd::stream::read::Decoder::with_buffer(&bytes[..]).map_err(|e| e.to_string())?),
            Codec::Snappy => {
                let (packed, told) = bytes.split_last_chunk::<4>().ok_or("a block ends before its checksum")?;
                // Three bytes copy at most 64, so more than that is not in there.
                let length = snap::raw::decompress_len(packed).map_err(|e| e.to_string())?;
                if length > BLOCK_BYTES_MAX || length > 32 * packed.len() {
                    return Err(format!("a block tells a length of {length} bytes"));
                }
                let out = snap::raw::Decoder::new().decompress_vec(packed).map_err(|e| e.to_string())?;
                if checksum(&out) != *told {
                    return Err("a block does not have its checksum".to_string());
                }
                Ok(out.into())
            }
        }
    }
}

fn checksum(bytes: &[u8]) -> [u8; 4] {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum().to_be_bytes()
}

fn bounded(unpacked: impl Read) -> Result<Bytes, String> {
    let mut out = Vec::new();
    unpacked.take(BLOCK_BYTES_MAX as u64 + 1).read_to_end(&mut out).map_err(|e| e.to_string())?;
    if out.len() > BLOCK_BYTES_MAX {
        return Err(format!("a block has more than {BLOCK_BYTES_MAX} bytes"));
    }
    Ok(out.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Codec; 4] = [Codec::Null, Codec::Deflate, Codec::Snappy, Codec::Zstandard];

    #[test]
    fn what_is_packed_comes_back() {
        for codec in ALL {
            for bytes in [Vec::new(), b"x".to_vec(), b"abc".repeat(10_000), vec![0; 1 << 20]] {
                let packed = codec.pack(&bytes).unwrap();
                assert_eq!(packed, codec.pack(&bytes).unwrap());
                assert_eq!(codec.unpack(packed.into()).unwrap(), bytes, "{codec:?}");
            }
            assert_eq!(Codec::of_name(codec.name()), Some(codec));
        }
    }

    #[test]
    fn a_small_block_does_not_become_a_large_one() {
        let zeros = vec![0; BLOCK_BYTES_MAX + 1];
        for codec in [Codec::Deflate, Codec::Zstandard, Codec::Snappy] {
            let message = codec.unpack(codec.pack(&zeros).unwrap().into()).unwrap_err();
            assert!(message.contains("134217728") || message.contains("134217729"), "{message}");
        }
        assert!(
            Codec::Snappy
                .unpack(Bytes::from_static(&[0xff, 0xff, 0xff, 0x3f, 0, 0, 0, 0, 0, 0]))
                .unwrap_err()
                .contains("tells a length")
        );
    }
}
