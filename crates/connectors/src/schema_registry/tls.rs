//! Who vouches for a registry, and who we are to it: certificates in PEM files.

use super::settings::Settings;
use millstream_dataflow::option::OptionSpec;
use millstream_dataflow::{Error, Result};
use reqwest::{Certificate, Client, ClientBuilder, Identity};
use std::path::Path;

/// Largest file taken: a system's list of all authorities has a quarter of a megabyte.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// What stands in the files that the options name.
pub(super) struct Tls {
    /// None: the system's.
    authorities: Option<Vec<Certificate>>,
    identity: Option<Identity>,
}

impl Tls {
    /// - `directory`: what relative paths are relative to
    ///
    /// # Errors
    /// `Config` for files that cannot be read or hold something else.
    pub(super) fn new(settings: &Settings<'_>, directory: &Path) -> Result<Tls> {
        let names = settings.names;
        for (password, file) in [(&names.truststore_password, &names.truststore), (&names.keystore_password, &names.keystore)] {
            if settings.text(password).is_some() {
                let e = Error::config(format!("the option {} is not for PEM files", settings.name(password))).code("E0502");
                return Err(e.hint(format!("leave it out, and {}", conversion(settings, file))));
            }
        }
        let read = |spec: &OptionSpec| settings.text(spec).map(|path| read(settings, spec, &directory.join(path))).transpose();
        let authorities = match read(&names.truststore)? {
            Some(bytes) => match Certificate::from_pem_bundle(&bytes) {
                Ok(certificates) if !certificates.is_empty() => Some(certificates),
                _ => return Err(unfit(settings, &names.truststore, "no certificate in PEM")),
            },
            None => None,
        };
        let identity = match read(&names.keystore)? {
            Some(bytes) => match Identity::from_pem(&bytes) {
                Ok(identity) => Some(identity),
                Err(_) => return Err(unfit(settings, &names.keystore, "no certificate and open key in PEM")),
            },
            None => None,
        };
        let tls = Tls { authorities, identity };
        // Whether a key can be used is known once a client has it. Reading the system's certificates would take a while.
        if tls.identity.is_some()
            && let Err(e) = tls.apply(Client::builder().tls_built_in_root_certs(false)).build()
        {
            return Err(unfit(settings, &names.keystore, "a key that cannot be used").source(e));
        }
        Ok(tls)
    }

    pub(super) fn apply(&self, mut builder: ClientBuilder) -> ClientBuilder {
        if let Some(authorities) = &self.authorities {
            builder = builder.tls_built_in_root_certs(false);
            builder = authorities.iter().cloned().fold(builder, ClientBuilder::add_root_certificate);
        }
        match &self.identity {
            Some(identity) => builder.identity(identity.clone()),
            None => builder,
        }
    }
}

fn read(settings: &Settings<'_>, spec: &OptionSpec, path: &Path) -> Result<Vec<u8>> {
    let large = std::fs::metadata(path).is_ok_and(|m| m.len() > FILE_BYTES_MAX);
    if large {
        return Err(unfit(settings, spec, "no certificate but a large file"));
    }
    std::fs::read(path).map_err(|e| {
        Error::config(format!("the file of the option {} cannot be read", settings.name(spec)))
            .code("E0528")
            .detail(path.display().to_string())
            .hint("check the path; relative paths start where the program was started")
            .source(e)
    })
}

fn unfit(settings: &Settings<'_>, spec: &OptionSpec, what: &str) -> Error {
    let e = Error::config(format!("the file of the option {} holds {what}", settings.name(spec))).code("E0528");
    e.hint(conversion(settings, spec))
}

/// How a Java store becomes what is read here.
fn conversion(settings: &Settings<'_>, spec: &OptionSpec) -> String {
    match *spec == settings.names.truststore {
        true => "make a PEM file of a Java trust store: keytool -exportcert -rfc -keystore STORE -alias NAME".to_string(),
        false => "make a PEM file of a Java key store: openssl pkcs12 -in STORE -nodes; a key of elliptic curves also goes through openssl ec and openssl pkcs8 -topk8 -nocrypt".to_string(),
    }
}
