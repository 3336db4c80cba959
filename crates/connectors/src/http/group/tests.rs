use super::*;
use crate::http::endpoint::digest;
use millstream_dataflow::ErrorKind;

fn group() -> Group {
    let entry = |body: &'static str, key: Option<&str>| Entry {
        received_ms: 1_704_067_200_000,
        remote: "127.0.0.1:5".into(),
        key: key.map(|text| Key {
            text: text.into(),
            digest: digest(body.as_bytes()),
        }),
        records: 1,
        body: Bytes::from_static(body.as_bytes()),
    };
    Group {
        owner: "0a".into(),
        sequence: 7,
        entries: vec![entry("{}\n", None), entry("{\"n\":1}", Some("k1"))],
    }
}

/// Two digits per byte.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[test]
fn its_bytes_are_pinned() {
    let bytes = group().encode();
    let golden = concat!(
        "4d53484a01",
        "02000000",
        "3061",
        "0700000000000000",
        // An entry without a key.
        "00f451c28c010000",
        "0b000000",
        "3132372e302e302e313a35",
        "01000000",
        "00",
        "03000000",
        "7b7d0a",
        // One with a key.
        "00f451c28c010000",
        "0b000000",
        "3132372e302e302e313a35",
        "01000000",
        "01",
        "02000000",
        "6b31",
        "2bfd14f43d17fc7cea24e0917a8879b4b2f880b8baeec1b9d90fbaad655e71bd",
        "07000000",
        "7b226e223a317d",
        "3a73cc9e"
    );
    assert_eq!(hex(&bytes), golden);
    assert_eq!(Group::decode(bytes).unwrap(), group());
}

#[test]
fn damage_anywhere_is_found() {
    let bytes = group().encode();
    for at in 0..bytes.len() {
        let mut damaged = bytes.to_vec();
        damaged[at] ^= 0x10;
        assert_eq!(Group::decode(damaged.into()).unwrap_err().kind, ErrorKind::Corrupt, "byte {at}");
        assert_eq!(Group::decode(bytes.slice(..at)).unwrap_err().kind, ErrorKind::Corrupt, "cut to {at} bytes");
    }
    let newer = seal(b"MSHJ\x02".to_vec());
    assert!(Group::decode(newer).unwrap_err().message.contains("version 2, this release reads 1"));
}
