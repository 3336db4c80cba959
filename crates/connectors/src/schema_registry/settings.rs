//! What a table's options say about a registry: where it is, and who asks.

use millstream_dataflow::option::{OptionSpec, Options};
use millstream_dataflow::{Error, Result};
use millstream_formats::RegistryOptions;
use reqwest::Url;
use std::collections::BTreeMap;

/// Who asks.
pub(super) enum Credentials {
    None,
    Basic { user: String, password: String },
    Token(String),
}

/// The options of a format, and what they are called.
pub(super) struct Settings<'a> {
    /// By the names that the format knows.
    pub(super) options: &'a BTreeMap<String, String>,
    pub(super) names: &'static RegistryOptions,
    /// What they have in front of them in the table.
    pub(super) prefix: &'a str,
}

impl Settings<'_> {
    pub(super) fn text(&self, spec: &OptionSpec) -> Option<&str> {
        Options::new(self.options).text(spec)
    }
    /// The name in the table.
    pub(super) fn name(&self, spec: &OptionSpec) -> String {
        format!("'{}{}'", self.prefix, spec.name)
    }

    /// # Errors
    /// `Config` if there are none, or one of them is no address.
    pub(super) fn urls(&self) -> Result<Vec<Url>> {
        let list = self.text(&self.names.url).unwrap_or_default();
        let urls = list.split(',').map(str::trim).filter(|u| !u.is_empty());
        let urls = urls.map(|text| self.url(text)).collect::<Result<Vec<_>>>()?;
        if urls.is_empty() {
            let name = self.name(&self.names.url);
            let e = Error::config(format!("the option {name} names no schema registry")).code("E0503");
            return Err(e.hint(format!("add {name} = 'http://localhost:8081'")));
        }
        Ok(urls)
    }

    fn url(&self, text: &str) -> Result<Url> {
        let wrong = |why: &str, hint: String| Err(Error::config(format!("option {} {why}", self.name(&self.names.url))).code("E0502").hint(hint));
        let url = match Url::parse(text) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => url,
            // What has an @ in it may have a password in front of it.
            _ if text.contains('@') => return wrong("holds no address", "as in http://localhost:8081".into()),
            _ => return wrong(&format!("has the value '{text}', which is no address"), "as in http://localhost:8081".into()),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return wrong(
                "holds a user or a password",
                format!("put them into the option {}", self.name(&self.names.user_info)),
            );
        }
        Ok(url)
    }

    /// # Errors
    /// `Config` for some that are incomplete, and for two of them.
    pub(super) fn credentials(&self) -> Result<Credentials> {
        let names = self.names;
        for (from, needs) in [(&names.user_info_source, &names.user_info), (&names.token_source, &names.token)] {
            if self.text(from).is_some() && self.text(needs).is_none() {
                return Err(Error::config(format!("option {} needs the option {}", self.name(from), self.name(needs))).code("E0503"));
            }
        }
        match (self.text(&names.user_info), self.text(&names.token)) {
            (None, None) => Ok(Credentials::None),
            (None, Some(token)) => Ok(Credentials::Token(token.to_string())),
            (Some(user_info), None) => match user_info.split_once(':') {
                Some((user, password)) => Ok(Credentials::Basic {
                    user: user.to_string(),
                    password: password.to_string(),
                }),
                None => Err(Error::config(format!("option {} has no colon", self.name(&names.user_info)))
                    .code("E0502")
                    .hint("it is between user and password")),
            },
            (Some(_), Some(_)) => {
                let e = format!(
                    "of the options {} and {} there can be one",
                    self.name(&names.user_info),
                    self.name(&names.token)
                );
                Err(Error::config(e).code("E0502"))
            }
        }
    }
}
