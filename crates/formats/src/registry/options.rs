//! The options of the formats with a registry: the same for each, under its name.

use millstream_dataflow::option::OptionSpec;

/// Where a registry is, and how one gets in.
#[derive(Debug, Clone, Copy)]
pub struct RegistryOptions {
    /// Its address.
    pub url: OptionSpec,
    /// Under which name it keeps the schema that is written.
    pub subject: OptionSpec,
    /// User and password.
    pub user_info: OptionSpec,
    /// Where they come from.
    pub user_info_source: OptionSpec,
    /// A token instead.
    pub token: OptionSpec,
    /// Where it comes from.
    pub token_source: OptionSpec,
    /// Who vouches for the registry.
    pub truststore: OptionSpec,
    /// What opens that.
    pub truststore_password: OptionSpec,
    /// Who we are.
    pub keystore: OptionSpec,
    /// What opens that.
    pub keystore_password: OptionSpec,
}

impl RegistryOptions {
    /// All of them, sorted by name.
    pub(crate) const fn all(&self) -> [OptionSpec; 10] {
        [
            self.user_info_source,
            self.user_info,
            self.token_source,
            self.token,
            self.keystore,
            self.keystore_password,
            self.truststore,
            self.truststore_password,
            self.subject,
            self.url,
        ]
    }
}

/// The options of the format of this name.
macro_rules! registry_options {
    ($format:literal) => {{
        use millstream_dataflow::option::{OptionSpec, OptionType};
        $crate::registry::RegistryOptions {
            url: OptionSpec::new(
                concat!($format, ".url"),
                OptionType::Text,
                "The address of the schema registry; several with commas between.",
            )
            .required()
            .examples(&["http://localhost:8081"]),
            subject: OptionSpec::new(
                concat!($format, ".subject"),
                OptionType::Text,
                "The subject that the table's schema is registered under when rows are written; the topic's name and `-value` by default.",
            )
            .examples(&["orders-value"]),
            user_info: OptionSpec::new(
                concat!($format, ".basic-auth.user-info"),
                OptionType::Secret,
                "User and password for the registry, with a colon between.",
            ),
            user_info_source: OptionSpec::new(
                concat!($format, ".basic-auth.credentials-source"),
                OptionType::OneOf(&["USER_INFO"]),
                concat!("Where user and password come from: the option `", $format, ".basic-auth.user-info`."),
            ),
            token: OptionSpec::new(concat!($format, ".bearer-auth.token"), OptionType::Secret, "A token for the registry."),
            token_source: OptionSpec::new(
                concat!($format, ".bearer-auth.credentials-source"),
                OptionType::OneOf(&["STATIC_TOKEN"]),
                concat!("Where the token comes from: the option `", $format, ".bearer-auth.token`."),
            ),
            truststore: OptionSpec::new(
                concat!($format, ".ssl.truststore.location"),
                OptionType::Text,
                "A PEM file with the certificates that vouch for the registry, instead of the system's.",
            )
            .examples(&["/etc/ssl/registry-ca.pem"]),
            truststore_password: OptionSpec::new(
                concat!($format, ".ssl.truststore.password"),
                OptionType::Secret,
                "Not for PEM files, which is all that is read: refused, with a hint how to convert a Java trust store.",
            ),
            keystore: OptionSpec::new(
                concat!($format, ".ssl.keystore.location"),
                OptionType::Text,
                "A PEM file with the certificate that we show to the registry and its key, not encrypted.",
            )
            .examples(&["/etc/ssl/registry-client.pem"]),
            keystore_password: OptionSpec::new(
                concat!($format, ".ssl.keystore.password"),
                OptionType::Secret,
                "Not for PEM files, which is all that is read: refused, with a hint how to convert a Java key store.",
            ),
        }
    }};
}
pub(crate) use registry_options;
