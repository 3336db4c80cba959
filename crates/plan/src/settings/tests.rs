use super::*;

#[test]
fn defaults_stand_in_the_specs() {
    let s = Settings::new(&BTreeMap::new()).unwrap();
    assert_eq!(s.checkpoint_interval, Duration::from_secs(5));
    assert_eq!(s.max_parallelism, 128);
    assert_eq!(s.idle_timeout, Some(Duration::from_secs(30)));
    assert_eq!(s.parallelism, None);
}

#[test]
fn wrong_settings_are_named() {
    let hint = |k: &str, v: &str| {
        let e = Settings::check(k, v).unwrap_err();
        format!("{} [{}]", e.message, e.hint.clone().unwrap_or_default())
    };
    assert_eq!(
        hint("parallelism.defualt", "2"),
        "the job has no option 'parallelism.defualt' [did you mean 'parallelism.default'?]"
    );
    assert!(hint("parallelism.default", "0").starts_with("option 'parallelism.default' has the value '0', expected 1 to 128"));
    assert!(hint("execution.checkpointing.interval", "soon").contains("expected a duration"));
}
