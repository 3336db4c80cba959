use super::*;
use crate::http::endpoint::digest;

const DAY: Duration = Duration::from_secs(86_400);

fn key(text: &str, body: &str) -> Key {
    Key {
        text: text.into(),
        digest: digest(body.as_bytes()),
    }
}

fn remembered(text: &str, received_ms: i64) -> Remembered {
    Remembered {
        key: key(text, text),
        records: 3,
        received_ms,
    }
}

fn shown(known: &Known) -> String {
    match known {
        Known::New => "new".into(),
        Known::Done { records } => format!("done {records}"),
        Known::OtherBody => "other".into(),
        Known::OnItsWay(_) => "on its way".into(),
    }
}

#[test]
fn a_key_is_new_then_on_its_way_then_done() {
    let mut keys = Keys::new(10, DAY);
    let a = key("a", "a");
    assert_eq!(shown(&keys.look_up(&a, 0)), "new");
    let mut sender = Some(keys.start(&a));
    let Known::OnItsWay(mut waits) = keys.look_up(&a, 0) else {
        panic!("it is on its way")
    };
    keys.remember(0, remembered("a", 0), 0);
    keys.arrived(&a);
    sender.take();
    assert!(millstream_dataflow::testing::block_on(waits.changed()).is_err());
    assert_eq!(shown(&keys.look_up(&a, 0)), "done 3");
    assert_eq!(shown(&keys.look_up(&key("a", "else"), 0)), "other");
    // One that was given up may be sent again.
    let b = key("b", "b");
    keys.start(&b);
    keys.arrived(&b);
    assert_eq!(shown(&keys.look_up(&b, 0)), "new");
}

#[test]
fn the_oldest_are_forgotten_by_number_and_by_age() {
    let mut keys = Keys::new(3, DAY);
    for (n, text) in ["a", "b", "c", "a", "d"].into_iter().enumerate() {
        keys.remember(n as u64, remembered(text, n as i64), n as i64);
    }
    let known = |keys: &Keys, now| ["a", "b", "c", "d"].map(|t| shown(&keys.look_up(&key(t, t), now))).join(", ");
    // `a` came again, so it is younger than `c`.
    assert_eq!(known(&keys, 4), "done 3, new, done 3, done 3");
    let day = DAY.as_millis() as i64;
    assert_eq!(known(&keys, day + 3), "done 3, new, new, done 3");
    keys.remember(9, remembered("e", day + 4), day + 4);
    assert_eq!((known(&keys, 4), keys.order.len()), ("new, new, new, done 3".to_string(), 2));
    let mut none = Keys::new(0, DAY);
    none.remember(0, remembered("a", 0), 0);
    assert_eq!(known(&none, 0), "new, new, new, new");
}

#[test]
fn a_list_holds_the_keys_of_its_objects() {
    let mut keys = Keys::new(10, DAY);
    for (n, text) in [(1, "a"), (1, "b"), (4, "c"), (6, "d")] {
        keys.remember(n, remembered(text, 0), 0);
    }
    let listed = |range| decode(keys.list(range)).unwrap().into_iter().map(|r| r.key.text).collect::<Vec<_>>().join("");
    assert_eq!(
        [listed(0..1), listed(0..2), listed(2..6), listed(1..7), listed(7..7)],
        ["", "ab", "c", "abcd", ""]
    );
    assert_eq!(decode(keys.list(6..7)).unwrap(), [remembered("d", 0)]);
}

#[test]
fn the_bytes_of_a_list_are_pinned() {
    let r = Remembered {
        key: Key {
            text: "k1".into(),
            digest: [7; 32],
        },
        records: 3,
        received_ms: 1_704_067_200_000,
    };
    let bytes = encode([&r].into_iter());
    let shown: String = bytes[..bytes.len() - 4].iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(shown, format!("4d53484b01020000006b31{}0300000000f451c28c010000", "07".repeat(32)));
    assert_eq!(decode(bytes).unwrap(), [r]);
}
