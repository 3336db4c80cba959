use super::*;
use std::io::{Cursor, Write};

/// As the usual programs write it.
pub(crate) fn compress(codec: Codec, text: &[u8]) -> Vec<u8> {
    match codec {
        Codec::Bzip2 => {
            let mut to = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
            to.write_all(text).unwrap();
            to.finish().unwrap()
        }
        Codec::Deflate => {
            let mut to = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
            to.write_all(text).unwrap();
            to.finish().unwrap()
        }
        Codec::Gzip => {
            let mut to = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            to.write_all(text).unwrap();
            to.finish().unwrap()
        }
        Codec::Xz => {
            let mut to = lzma_rust2::XzWriter::new(Vec::new(), lzma_rust2::XzOptions::with_preset(1)).unwrap();
            to.write_all(text).unwrap();
            to.finish().unwrap()
        }
        Codec::Zstd => zstd::encode_all(text, 1).unwrap(),
    }
}

pub(crate) const CODECS: [(&str, Codec); 5] = [
    ("bz2", Codec::Bzip2),
    ("deflate", Codec::Deflate),
    ("gz", Codec::Gzip),
    ("xz", Codec::Xz),
    ("zst", Codec::Zstd),
];

fn open(codec: Codec, file: &[u8]) -> Text {
    Text::open(codec, Cursor::new(file.to_vec())).unwrap()
}

#[test]
fn the_end_of_a_name_says_how_a_file_is_compressed() {
    for (end, codec) in CODECS {
        assert_eq!(Codec::of(&format!("a.b/x.json.{end}")), Some(codec));
    }
    assert_eq!(Codec::of("x.GZIP"), Some(Codec::Gzip));
    assert_eq!(Codec::of("x.gz/json"), None);
    assert_eq!(Codec::of("gz"), None);
}

#[test]
fn a_text_is_read_in_pieces_and_again_from_any_place() {
    let text: Vec<u8> = (0..20_000).flat_map(|i| format!("line {i}\n").into_bytes()).collect();
    for (name, codec) in CODECS {
        let file = compress(codec, &text);
        let mut reading = open(codec, &file);
        let mut at = 0;
        loop {
            let (piece, is_end) = reading.piece(at as u64, 9_999).unwrap();
            assert!(text[at..].starts_with(&piece), "{name}");
            // The same place once more, with more of it.
            let (more, _) = reading.piece(at as u64, 12_000).unwrap();
            assert!(more.starts_with(&piece));
            at += piece.len();
            if is_end {
                break;
            }
            assert_eq!(piece.len(), 9_999);
        }
        assert_eq!(at, text.len());
        assert!(reading.is_past(0));
        let (rest, is_end) = open(codec, &file).piece(text.len() as u64 - 3, 10).unwrap();
        assert_eq!((&rest[..], is_end), (&text[text.len() - 3..], true), "{name}");
        let gone = open(codec, &file).piece(text.len() as u64 + 1, 10).unwrap_err();
        assert_eq!(gone.code, Some("E0701"));
    }
}

#[test]
fn parts_that_were_put_together_are_one_text() {
    for codec in [Codec::Bzip2, Codec::Gzip, Codec::Xz, Codec::Zstd] {
        let file = [compress(codec, b"one\n"), compress(codec, b"two\n")].concat();
        assert_eq!(&open(codec, &file).piece(0, 100).unwrap().0[..], b"one\ntwo\n", "{codec:?}");
    }
}

#[test]
fn damaged_files_are_told() {
    let text: Vec<u8> = (0..2_000u32).flat_map(|i| i.wrapping_mul(2_654_435_761).to_string().into_bytes()).collect();
    for (name, codec) in CODECS {
        let file = compress(codec, &text);
        let mut flipped = file.clone();
        let middle = file.len() / 2;
        flipped[middle] ^= 0x55;
        for wrong in [&file[..file.len() - 5], &flipped, b"{\"id\":1}\n{\"id\":2}\n"] {
            let e = match Text::open(codec, Cursor::new(wrong.to_vec())).and_then(|mut text| text.piece(0, 1 << 20)) {
                Err(e) => e,
                // Without a checksum, some changes of zstd's bytes are other texts.
                Ok((read, _)) => {
                    assert!(codec == Codec::Zstd && wrong == &flipped[..] && read != text, "{name} {}", wrong.len());
                    continue;
                }
            };
            assert_eq!((e.kind, e.code), (millstream_dataflow::ErrorKind::Data, Some("E0700")), "{name}: {e}");
        }
    }
}

#[test]
fn what_reading_gives_stays_what_it_is() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other(Error::unavailable("the store does not answer")))
        }
    }
    for (name, codec) in CODECS {
        let e = Text::open(codec, Broken).and_then(|mut text| text.piece(0, 10)).err().unwrap();
        assert_eq!(e.kind, millstream_dataflow::ErrorKind::Unavailable, "{name}: {e}");
    }
}
