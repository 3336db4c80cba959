//! Hashes, base 64, hexadecimal digits and character sets.

mod charset;

use super::S;
use crate::scalar::rows::{BYTES_MAX, binaries, binary, int, long, refused, text, texts, try_texts};
use crate::scalar::{Function, Signature, any_nullable, fixed, nullable};
use crate::types::{Type, is_bytes};
use arrow_array::builder::BinaryViewBuilder;
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;
use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use md5::Md5;
use millstream_dataflow::{Result, SqlType};
use sha1::{Digest, Sha1};
use sha2::{Sha224, Sha256, Sha384, Sha512};
use std::sync::Arc;

const B: SqlType = SqlType::BYTES;

pub(in crate::scalar) const FUNCTIONS: &[Function] = &[
    Function {
        name: "md5",
        usage: "MD5(text or bytes)",
        doc: "The MD5 hash. In hexadecimal digits, as the hashes below.",
        example: ("MD5('flink')", "68c03a76152dc53fdd2c7c7ab07f2721"),
        resolve: |a| hashed(a, 32),
        evaluate: |a, rows, _| hash(a, rows, |b| hexadecimal(&Md5::digest(b), false)),
    },
    Function {
        name: "sha1",
        usage: "SHA1(text or bytes)",
        doc: "The SHA-1 hash of 160 bits, in hexadecimal digits.",
        example: ("SHA1('flink')", "2723c8ab7b0bea02519794459729a1ba8e773d9f"),
        resolve: |a| hashed(a, 40),
        evaluate: |a, rows, _| hash(a, rows, |b| hexadecimal(&Sha1::digest(b), false)),
    },
    Function {
        name: "sha224",
        usage: "SHA224(text or bytes)",
        doc: "The SHA-2 hash of 224 bits, in hexadecimal digits.",
        example: ("SHA224('flink')", "bbb4b4b612daa53e219a6159417323b3c81a7bd9bf23af58bbe97358"),
        resolve: |a| hashed(a, 56),
        evaluate: |a, rows, _| hash(a, rows, |b| hexadecimal(&Sha224::digest(b), false)),
    },
    Function {
        name: "sha256",
        usage: "SHA256(text or bytes)",
        doc: "The SHA-2 hash of 256 bits, in hexadecimal digits.",
        example: ("LEFT(SHA256('flink'), 32)", "7f025323639628aa5e5d24bd56f43317"),
        resolve: |a| hashed(a, 64),
        evaluate: |a, rows, _| hash(a, rows, |b| hexadecimal(&Sha256::digest(b), false)),
    },
    Function {
        name: "sha384",
        usage: "SHA384(text or bytes)",
        doc: "The SHA-2 hash of 384 bits, in hexadecimal digits.",
        example: ("LEFT(SHA384('flink'), 32)", "b9b2dfea16d702b0d43af8d7759c3202"),
        resolve: |a| hashed(a, 96),
        evaluate: |a, rows, _| hash(a, rows, |b| hexadecimal(&Sha384::digest(b), false)),
    },
    Function {
        name: "sha512",
        usage: "SHA512(text or bytes)",
        doc: "The SHA-2 hash of 512 bits, in hexadecimal digits.",
        example: ("LEFT(SHA512('flink'), 32)", "b713f9300989b853a2ceb236605c33fb"),
        resolve: |a| hashed(a, 128),
        evaluate: |a, rows, _| hash(a, rows, |b| hexadecimal(&Sha512::digest(b), false)),
    },
    Function {
        name: "sha2",
        usage: "SHA2(text or bytes, 224, 256, 384 or 512)",
        doc: "The SHA-2 hash of so many bits, in hexadecimal digits; an error for any other number.",
        example: ("SHA2('flink', 224)", "bbb4b4b612daa53e219a6159417323b3c81a7bd9bf23af58bbe97358"),
        resolve: |a| fixed(a, &[S, SqlType::Int], SqlType::VarChar(128)).or_else(|| fixed(a, &[B, SqlType::Int], SqlType::VarChar(128))),
        evaluate: sha2,
    },
    Function {
        name: "to_base64",
        usage: "TO_BASE64(text or bytes)",
        doc: "The bytes, of a text those of UTF-8, in base 64.",
        example: ("TO_BASE64('flink')", "Zmxpbms="),
        resolve: |a| fixed(a, &[S], S).or_else(|| fixed(a, &[B], S)),
        evaluate: |a, rows, _| texts(rows, |i| Some(STANDARD.encode(octets(&a[0], i)?))),
    },
    Function {
        name: "from_base64",
        usage: "FROM_BASE64(text)",
        doc: "The text that stands there in base 64; an error for what is not base 64.",
        example: ("FROM_BASE64('Zmxpbms=')", "flink"),
        resolve: |a| fixed(a, &[S], S),
        evaluate: from_base64,
    },
    Function {
        name: "hex",
        usage: "HEX(text or whole number)",
        doc: "In capital hexadecimal digits, a text's bytes of UTF-8 one after the other. A negative number as its 64 bits.",
        example: ("HEX(255)", "FF"),
        resolve: |a| fixed(a, &[S], S).or_else(|| fixed(a, &[SqlType::BigInt], S)),
        evaluate: |a, rows, _| match a[0].data_type() {
            DataType::Int64 => texts(rows, |i| Some(format!("{:X}", long(&a[0], i)?))),
            _ => texts(rows, |i| Some(hexadecimal(text(&a[0], i)?.as_bytes(), true))),
        },
    },
    Function {
        name: "to_hex",
        usage: "TO_HEX(whole number)",
        doc: "In hexadecimal digits. In small letters. Not in Flink.",
        example: ("TO_HEX(255)", "ff"),
        resolve: |a| fixed(a, &[SqlType::BigInt], S),
        evaluate: |a, rows, _| texts(rows, |i| Some(format!("{:x}", long(&a[0], i)?))),
    },
    Function {
        name: "unhex",
        usage: "UNHEX(text)",
        doc: "The bytes that hexadecimal digits stand for. NULL for anything but hexadecimal digits; a single first digit counts as a zero byte.",
        example: ("UNHEX('466C696E6B')", "x'466c696e6b'"),
        resolve: |a| nullable(a, &[S], B),
        evaluate: |a, rows, _| binaries(rows, |i| unhex(text(&a[0], i)?.as_bytes())),
    },
    Function {
        name: "encode",
        usage: "ENCODE(text, character set)",
        doc: "The text's bytes in a character set. UTF-8, UTF-16, UTF-16BE, UTF-16LE, ISO-8859-1 or US-ASCII; `?` for what the set lacks.",
        example: ("ENCODE('é', 'UTF-8')", "x'c3a9'"),
        resolve: |a| fixed(a, &[S, S], B),
        evaluate: encode,
    },
    Function {
        name: "decode",
        usage: "DECODE(bytes, character set)",
        doc: "The text of bytes in a character set of ENCODE. The Unicode replacement character for what is no text.",
        example: ("DECODE(X'466C696E6B', 'UTF-8')", "Flink"),
        resolve: |a| fixed(a, &[B, S], S),
        evaluate: |a, rows, _| {
            try_texts(rows, |i| match (binary(&a[0], i), text(&a[1], i)) {
                (Some(bytes), Some(set)) => Ok(Some(charset::decode(bytes, set)?)),
                _ => Ok(None),
            })
        },
    },
];

fn hashed(args: &[Type], length: u32) -> Option<Signature> {
    let [a] = args else { return None };
    let ty = if is_bytes(&a.ty) { B } else { S };
    fixed(args, &[ty], SqlType::Char(length)).map(|s| Signature {
        result: Type::new(SqlType::Char(length), any_nullable(args)),
        ..s
    })
}

/// The bytes of a text or a binary string.
fn octets(array: &ArrayRef, row: usize) -> Option<&[u8]> {
    match array.data_type() {
        DataType::BinaryView => binary(array, row),
        _ => text(array, row).map(str::as_bytes),
    }
}

fn hash(args: &[ArrayRef], rows: usize, f: impl Fn(&[u8]) -> String) -> Result<ArrayRef> {
    texts(rows, |i| octets(&args[0], i).map(&f))
}

fn sha2(args: &[ArrayRef], rows: usize, _ty: &SqlType) -> Result<ArrayRef> {
    try_texts(rows, |i| {
        let (Some(b), Some(bits)) = (octets(&args[0], i), int(&args[1], i)) else {
            return Ok(None);
        };
        Ok(Some(match bits {
            224 => hexadecimal(&Sha224::digest(b), false),
            256 => hexadecimal(&Sha256::digest(b), false),
            384 => hexadecimal(&Sha384::digest(b), false),
            512 => hexadecimal(&Sha512::digest(b), false),
            _ => return Err(refused(format!("SHA2 has 224, 256, 384 or 512 bits, not {bits}"))),
        }))
    })
}

fn hexadecimal(bytes: &[u8], capital: bool) -> String {
    let digits = if capital { b"0123456789ABCDEF" } else { b"0123456789abcdef" };
    bytes
        .iter()
        .flat_map(|b| [digits[usize::from(b >> 4)], digits[usize::from(b & 15)]])
        .map(char::from)
        .collect()
}

fn unhex(digits: &[u8]) -> Option<Vec<u8>> {
    let value = |b: &u8| char::from(*b).to_digit(16).map(|d| d as u8);
    let (first, pairs) = digits.split_at(digits.len() % 2);
    let mut out = Vec::with_capacity(digits.len().div_ceil(2));
    if let [digit] = first {
        value(digit)?;
        out.push(0);
    }
    for pair in pairs.chunks_exact(2) {
        out.push(value(&pair[0])? << 4 | value(&pair[1])?);
    }
    Some(out)
}

fn from_base64(args: &[ArrayRef], rows: usize, _ty: &SqlType) -> Result<ArrayRef> {
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let engine = GeneralPurpose::new(&base64::alphabet::STANDARD, config);
    try_texts(rows, |i| match text(&args[0], i) {
        None => Ok(None),
        Some(s) => {
            let bytes = engine
                .decode(s)
                .map_err(|e| refused("FROM_BASE64 was given something that is not base 64").source(e))?;
            Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
        }
    })
}

fn encode(args: &[ArrayRef], rows: usize, _ty: &SqlType) -> Result<ArrayRef> {
    let mut out = BinaryViewBuilder::with_capacity(rows);
    for i in 0..rows {
        match (text(&args[0], i), text(&args[1], i)) {
            (Some(s), Some(set)) => {
                let bytes = charset::encode(s, set)?;
                if bytes.len() > 2 * BYTES_MAX {
                    return Err(refused(format!("ENCODE would make more than {} bytes", 2 * BYTES_MAX)));
                }
                out.append_value(bytes);
            }
            _ => out.append_null(),
        }
    }
    let out = out.finish();
    debug_assert_eq!(out.len(), rows);
    Ok(Arc::new(out))
}
