use super::*;

#[test]
fn durations_and_sizes_read_as_in_flink() {
    assert_eq!(parse_duration("5 s"), Some(Duration::from_secs(5)));
    assert_eq!(parse_duration("100"), Some(Duration::from_millis(100)));
    assert_eq!(parse_duration("1min"), Some(Duration::from_secs(60)));
    assert_eq!(parse_duration("soon"), None);
    assert_eq!(parse_memory("128 MB"), Some(128 << 20));
    assert_eq!(parse_memory("x"), None);
}

#[test]
fn unknown_wrong_and_missing_options_are_named() {
    const SPECS: [OptionSpec; 3] = [
        OptionSpec::new("topic", OptionType::Text, "The topic.").required().examples(&["clicks"]),
        OptionSpec::new("scan.startup.mode", OptionType::OneOf(&["earliest-offset", "latest-offset"]), "Where to start."),
        OptionSpec::new("properties.*", OptionType::Text, "Passed on."),
    ];
    let specs: Vec<&OptionSpec> = SPECS.iter().collect();
    let errors = |options: &[(&str, &str)]| -> Vec<String> {
        let options = options.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        check_all(&options, &specs, "connector 'kafka'")
            .iter()
            .map(|e| format!("{} [{}]", e.message, e.hint.clone().unwrap_or_default()))
            .collect()
    };
    let values = "expected one of earliest-offset, latest-offset [did you mean 'earliest-offset'?]";
    assert_eq!(
        errors(&[("scan.startup.mode", "earliest-ofset"), ("properties.group.id", "g")]),
        [
            format!("option 'scan.startup.mode' has the value 'earliest-ofset', {values}"),
            "connector 'kafka' needs the option 'topic' [add 'topic' = 'clicks': The topic.]".to_string(),
        ]
    );
    // The slip is told once: what it stands for is not missing, too.
    assert_eq!(
        errors(&[("scan.startup.mode", "earliest"), ("topik", "x")]),
        [
            format!("option 'scan.startup.mode' has the value 'earliest', {values}"),
            "connector 'kafka' has no option 'topik' [did you mean 'topic'?]".to_string(),
        ]
    );
    assert_eq!(errors(&[("topic", "x"), ("group.id", "g")]).len(), 1);
}

#[test]
fn names_are_near_by_their_letters() {
    for (name, near) in [
        ("clickz", Some("clicks")),
        ("CLICKS", Some("clicks")),
        ("st", Some("ts")),
        ("x", None),
        ("T", Some("t")),
        ("pages", None),
    ] {
        assert_eq!(nearest(name, ["clicks", "ts", "t"]), near, "{name}");
    }
}
