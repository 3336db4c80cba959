use super::*;
use crate::checkpoint::sealed::trailer;
use millstream_dataflow::ErrorKind;

fn sample() -> Manifest {
    Manifest {
        job: "page \"metrics\"".into(),
        incarnation: "life".into(),
        nonce: "n".into(),
        epoch: u64::MAX,
        created_ms: -1,
        plan: "{}\n".into(),
        sources: vec![SourceState {
            node: "clicks".into(),
            split: "topic/3".into(),
            position: "1 é".into(),
            watermark: i64::MIN,
            idle: true,
            finished: false,
        }],
        sinks: vec![SinkState {
            node: "out".into(),
            committables: vec![vec![0, 255, 16], vec![]],
        }],
        finished: Some(FinishedJob {
            at_ms: 5,
            summary: vec!["12 files".into()],
        }),
        ..Manifest::default()
    }
}

#[test]
fn a_manifest_comes_back_and_a_damaged_one_does_not() {
    let bytes = sample().encode().unwrap();
    assert_eq!(Manifest::decode(&bytes).unwrap(), sample());
    for at in 0..bytes.len() {
        assert_eq!(Manifest::decode(&bytes[..at]).unwrap_err().kind, ErrorKind::Corrupt, "cut at {at}");
        for bit in 0..8 {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << bit;
            assert_eq!(Manifest::decode(&flipped).unwrap_err().kind, ErrorKind::Corrupt, "bit {bit} of byte {at}");
        }
    }
}

fn seal(head: &str, json: &str) -> Vec<u8> {
    let content = format!("{head}\n{json}\n");
    (content.clone() + &trailer(content.as_bytes())).into_bytes()
}

#[test]
fn unknown_fields_are_skipped_and_an_unknown_format_is_named() {
    let text = String::from_utf8(sample().encode().unwrap()).unwrap();
    let json = text.lines().nth(1).unwrap();
    let more = json.replacen('{', "{\"later\":[1],", 1);
    assert_eq!(Manifest::decode(&seal("millstream-checkpoint 1", &more)).unwrap(), sample());
    let error = Manifest::decode(&seal("millstream-checkpoint 2", json)).unwrap_err();
    assert!(error.message.contains("format 2"), "{error}");
    for bad in ["\"0g\"", "\"0\"", "7"] {
        let wrong = json.replacen("\"00ff10\"", bad, 1);
        assert_eq!(
            Manifest::decode(&seal("millstream-checkpoint 1", &wrong)).unwrap_err().kind,
            ErrorKind::Corrupt,
            "{bad}"
        );
    }
}
