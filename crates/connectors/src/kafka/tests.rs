use super::discover::Startup;
use super::position::{Position, parse_split_id, split_id};
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
