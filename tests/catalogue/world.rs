//! What examples find around them: a broker, a schema registry, an object store, at the addresses that their texts name.

use crate::broker::{Broker, PASSWORD, USER};
use crate::kafka::registry::Registry;
use crate::s3;
use anyhow::{Result, bail};
use millstream_sql::catalogue::Entry;
use std::path::Path;
use std::sync::OnceLock;

const BROKER: &str = "localhost:9092";
/// The listener that wants TLS and credentials.
const SECURED: &str = "localhost:9093";
const REGISTRY: &str = "localhost:8081";
const BUCKET: &str = "s3://lake";
/// An address where an example listens.
const LISTENS: [&str; 2] = ["localhost:8080", "localhost:8090"];

/// The text of all examples of a code.
fn text(entry: &Entry) -> String {
    let files = entry.files.iter().map(|(_, text)| *text);
    let all: Vec<&str> = [entry.failing.text(), entry.fixed.text()]
        .into_iter()
        .chain(entry.before)
        .chain(files)
        .collect();
    all.join("\n")
}

/// Whether an example needs a broker.
pub(super) fn needs_broker(entry: &Entry) -> bool {
    let text = text(entry);
    [BROKER, SECURED].iter().any(|address| text.contains(address))
}

/// The services of one code's examples.
pub(super) struct World {
    /// Addresses of texts, and those that stand for them.
    addresses: Vec<(&'static str, String)>,
    pub(super) environment: Vec<(String, String)>,
    _registry: Option<Registry>,
    _store: Option<s3::Server>,
}

impl World {
    pub(super) fn of(entry: &Entry, directory: &Path) -> Result<World> {
        let text = text(entry);
        let mut world = World {
            addresses: Vec::new(),
            environment: Vec::new(),
            _registry: None,
            _store: None,
        };
        if needs_broker(entry) {
            let broker = broker()?;
            // As long as the address that is shown, or nearly.
            let here = |address: String| address.replace("127.0.0.1", "localhost");
            world.addresses.extend([(BROKER, here(broker.address())), (SECURED, here(broker.secured()))]);
            std::fs::copy(broker.certificate(), directory.join("ca.pem"))?;
            broker.tools(&directory.join(".bin"))?;
        }
        if text.contains(REGISTRY) {
            let basic = (entry.code == "E0524").then_some("Basic YW5uOmh1bnRlcjI=");
            let registry = Registry::running(basic)?;
            world
                .addresses
                .push((REGISTRY, registry.url().trim_start_matches("http://").replace("127.0.0.1", "localhost")));
            world._registry = Some(registry);
        }
        for address in LISTENS {
            if text.contains(address) {
                let free = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
                world.addresses.push((address, format!("localhost:{}", free.port())));
            }
        }
        if text.contains(BUCKET) {
            let server = match entry.code {
                "E0531" => s3::Server::start_racing("clicks.sql", "CREATE TABLE `clicks` (`page` INT) WITH ('connector' = 'print')")?,
                "E0605" => s3::Server::start_overwriting()?,
                other => bail!("{other} asks for a store"),
            };
            world.environment = server.variables();
            world._store = Some(server);
        }
        Ok(world)
    }

    /// A text with the addresses that are there.
    pub(super) fn here(&self, text: &str) -> String {
        self.addresses.iter().fold(text.to_string(), |text, (theirs, ours)| text.replace(theirs, ours))
    }

    /// A text with the addresses that are shown.
    pub(super) fn there(&self, text: &str) -> String {
        self.addresses.iter().fold(text.to_string(), |text, (theirs, ours)| {
            text.replace(ours.as_str(), theirs).replace(&ours.replace("localhost", "127.0.0.1"), theirs)
        })
    }
}

/// One for all examples: their topics have names of their own.
fn broker() -> Result<&'static Broker> {
    static BROKER: OnceLock<Result<Broker, String>> = OnceLock::new();
    debug_assert!(USER == "ann" && PASSWORD == "hunter2-ann", "examples show them");
    BROKER
        .get_or_init(|| Broker::new().map_err(|e| format!("{e:#}")))
        .as_ref()
        .map_err(|e| anyhow::anyhow!("{e}"))
}
