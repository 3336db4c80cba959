use super::discover::Startup;
use super::message::{OutMessage, StagedRecords, begin};
use super::position::{Position, parse_split_id, split_id};
use super::staged::{Piece, Pieces};
use super::*;
use std::collections::BTreeMap;

#[test]
fn positions_are_a_persisted_form() {
    let golden = r#"{"v":1,"next":42,"stop":100,"leader_epoch":3,"topic_id":"yZ3pQ"}"#;
    let mut position = Position::new(42, Some(100));
    position.leader_epoch = Some(3);
    position.topic_id = Some("yZ3pQ".to_string());
    assert_eq!(position.text().unwrap(), golden);
    assert_eq!(Position::parse(golden).unwrap(), position);
    assert_eq!(Position::parse(r#"{"v":1,"next":7}"#).unwrap(), Position::new(7, None));
    assert!(Position::parse(r#"{"v":2,"next":7}"#).is_err());
    assert_eq!(parse_split_id(&split_id("a/b", 3)).unwrap(), ("a/b", 3));
}

#[test]
fn startup_modes_need_their_options() {
    let startup = |pairs: &[(&str, &str)]| {
        let options: BTreeMap<String, String> = pairs.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        Startup::new(&Options::new(&options)).map_err(|e| e.message.clone())
    };
    assert_eq!(startup(&[]), Ok(Startup::Group(None)));
    assert_eq!(
        startup(&[
            ("scan.startup.mode", "specific-offsets"),
            ("scan.startup.specific-offsets", "partition:0,offset:42;partition:1,offset:300")
        ]),
        Ok(Startup::Specific([(0, 42), (1, 300)].into()))
    );
    assert_eq!(
        startup(&[("scan.startup.mode", "timestamp")]).unwrap_err(),
        "'scan.startup.mode' = 'timestamp' needs the option 'scan.startup.timestamp-millis'"
    );
    assert!(
        startup(&[("scan.startup.mode", "specific-offsets"), ("scan.startup.specific-offsets", "0:42")])
            .unwrap_err()
            .contains("'0:42'")
    );
}

#[test]
fn staged_records_are_a_persisted_form() {
    let messages = [
        OutMessage {
            topic: Some("t"),
            key: Some(b"k"),
            value: Some(b"value"),
            timestamp: Some(1_704_067_200_000),
            headers: vec![("h", Some(b"1")), ("null", None)],
        },
        OutMessage {
            value: Some(b""),
            ..OutMessage::default()
        },
        OutMessage::default(),
    ];
    let mut bytes = begin(7);
    messages.iter().for_each(|m| m.stage(&mut bytes));
    let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(
        hex,
        concat!(
            "0107000000",
            "0f",
            "0100000074",
            "010000006b",
            "0500000076616c7565",
            "00f451c28c010000",
            "02000000",
            "01000000680101000000",
            "31",
            "040000006e756c6c00",
            "04",
            "00000000",
            "00000000",
            "00",
            "00000000"
        )
    );
    let read = StagedRecords::new(&bytes).unwrap();
    assert_eq!(read.subtask, 7);
    assert_eq!(read.collect::<Result<Vec<_>>>().unwrap(), messages);
    // Cut anywhere, it is an error or ends between two records.
    let ends = [5, bytes.len() - 14, bytes.len() - 5, bytes.len()];
    for n in 0..bytes.len() {
        let cut = StagedRecords::new(&bytes[..n]).and_then(|s| s.collect::<Result<Vec<_>>>());
        assert_eq!(cut.is_ok(), ends.contains(&n), "cut at {n}");
    }
    let mut newer = bytes.clone();
    newer[0] = 2;
    assert!(StagedRecords::new(&newer).is_err());
}

#[test]
fn committables_are_a_persisted_form() {
    let pieces = vec![Piece {
        path: "life/tag-0-0".to_string(),
        bytes: 42,
        crc32c: 7,
    }];
    let committable = Pieces::encode(pieces.clone()).unwrap();
    assert_eq!(
        String::from_utf8(committable.0.clone()).unwrap(),
        r#"{"version":1,"pieces":[{"path":"life/tag-0-0","bytes":42,"crc32c":7}]}"#
    );
    assert_eq!(Pieces::decode(&committable).unwrap().pieces, pieces);
}
