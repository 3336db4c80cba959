use super::*;

#[test]
fn keys_of_secrets_and_slips_of_them() {
    for key in [
        "properties.sasl.password",
        "properties.sasl.pasword",
        "properties.sasl.passwrod",
        "properties.sasl.paswrd",
        "properties.ssl.key.pasword",
        "properties.ssl.key.pem",
        "properties.ssl.keystore.key",
        "properties.ssl.truststore.pasword",
        "properties.sasl.oauthbearer.config",
        "properties.sasl.oauthbearer.confg",
        "properties.sasl.oauthbearer.client.secert",
        "properties.sasl.jaas.config",
        "s3.access-key",
        "s3.acces-key",
        "s3.secretkey",
        "s3.seceret-key",
        "s3.session-tokn",
        "fs.s3a.access",
        "fs.s3a.access.key",
        "azure.sas",
        "azure.sas-key",
        "azure.acount-key",
        "gcs.credentails",
        "avro-confluent.basic-auth.user-inf",
        "http.api_key",
        "PASSWORD",
    ] {
        assert!(is_secret(key), "{key}");
    }
    for key in [
        "topic",
        "path",
        "key.format",
        "key.fields",
        "key.json.ignore-parse-errors",
        "s3.endpoint",
        "s3.path-style-access",
        "s3.region",
        "properties.acks",
        "properties.group.id",
        "properties.sasl.mechanism",
        "properties.sasl.username",
        "properties.security.protocol",
        "properties.ssl.ca.location",
        "properties.ssl.certificate.pem",
        "properties.ssl.key.location",
        "scan.startup.mode",
        "avro-confluent.basic-auth.credentials-source",
        "value.json-registry.bearer-auth.credentials-source",
        "fields.token.length",
        "sink.transactional-id-prefix",
        "pipeline.operator-chaining.enabled",
    ] {
        assert!(!is_secret(key), "{key}");
    }
}

#[test]
fn passwords_in_addresses_are_hidden_in_place() {
    for (text, shown) in [
        ("s3://AK:CANARY@b/x", "s3://AK:******@b/x"),
        ("s3://AK:CAN/ARY@b/x", "s3://AK:*******@b/x"),
        ("http://u:é@h:80 and http://v:pp@h", "http://u:*@h:80 and http://v:**@h"),
        ("at 'http://u:p'w@h", "at 'http://u:p'w@h"),
        ("https://h/c?sv=1&sig=abc&x=1", "https://h/c?sv=1&sig=*******"),
        ("http://u:p?@h/?token=t", "http://u:**@h/?token=*"),
        ("http://:pw@h", "http://:**@h"),
    ] {
        assert_eq!(without_passwords(text), shown);
        assert_eq!(has_password(text), text != shown, "{text}");
    }
    for text in [
        "",
        "://",
        "s3://b/a:b@c",
        "http://h:9092/x@y",
        "http://[::1]:80/x",
        "abfss://container@account.dfs.core.windows.net/x",
        "a:b@c",
        "http://h/?x=1&y",
        "user:password",
    ] {
        assert!(!has_password(text), "{text}");
    }
}
