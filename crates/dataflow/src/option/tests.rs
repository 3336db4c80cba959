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
    let options = [("scan.startup.mode", "earliest-ofset"), ("topik", "x"), ("properties.group.id", "g")]
        .map(|(k, v)| (k.to_string(), v.to_string()))
        .into();
    let errors: Vec<String> = check_all(&options, &specs, "connector 'kafka'")
        .iter()
        .map(|e| format!("{} [{}]", e.message, e.hint.clone().unwrap_or_default()))
        .collect();
    assert_eq!(
        errors,
        [
            "option 'scan.startup.mode' has the value 'earliest-ofset', expected one of earliest-offset, latest-offset [did you mean 'earliest-offset'?]",
            "connector 'kafka' has no option 'topik' [did you mean 'topic'?]",
            "connector 'kafka' needs the option 'topic' [add 'topic' = 'clicks': The topic.]",
        ]
    );
}
