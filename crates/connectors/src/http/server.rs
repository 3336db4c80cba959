//! Addresses that are listened on. Tables share one, each with a path of its own.

use super::answer::{Refusal, refused};
use super::endpoint::Endpoint;
use bytes::Bytes;
use futures::future::{Either, select};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use millstream_dataflow::{Error, Result};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;
use tracing::{debug, warn};

/// Connections at the same time; more wait to be taken.
const CONNECTIONS_MAX: usize = 1024;
/// How long a connection may take to send the head of a request, or be quiet between two.
const HEAD_WITHIN: Duration = Duration::from_secs(60);
/// How long it is waited, after a connection could not be taken: too many files may be open.
const TAKE_AGAIN: Duration = Duration::from_millis(100);
/// How long open requests have, once the last table is gone.
const END_WITHIN: Duration = Duration::from_secs(5);

/// The addresses of one process, by what the option 'listen' says.
#[derive(Debug, Clone, Default)]
pub(crate) struct Listeners(Arc<Mutex<BTreeMap<String, Listener>>>);

/// The socket stays while the process runs: between two queries of a file nobody else gets the port.
#[derive(Debug)]
struct Listener {
    socket: TcpListener,
    server: Weak<Server>,
}

fn cannot_listen(table: &str, listen: &str, e: std::io::Error) -> Error {
    Error::config(format!("table \"{table}\" cannot listen on {listen}"))
        .code("E0526")
        .hint("is this job running already? else choose another address in the option 'listen'")
        .source(e)
}

impl Listeners {
    /// Takes a table's requests from here on.
    ///
    /// # Errors
    /// `Config` for an address that cannot be listened on, or a path that another table has.
    pub(super) fn add(&self, listen: &str, path: &str, endpoint: Arc<Endpoint>, handle: &tokio::runtime::Handle) -> Result<Route> {
        let table = endpoint.table.clone();
        let failed = |e| cannot_listen(&table, listen, e);
        let mut listeners = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let listener = match listeners.get_mut(listen) {
            Some(listener) => listener,
            None => {
                let socket = TcpListener::bind(listen).map_err(failed)?;
                socket.set_nonblocking(true).map_err(failed)?;
                let server = Weak::new();
                listeners.entry(listen.to_string()).or_insert(Listener { socket, server })
            }
        };
        let path = path.to_string();
        let Some(server) = listener.server.upgrade() else {
            let socket = listener.socket.try_clone().map_err(failed)?;
            let server = Server::start(socket, BTreeMap::from([(path.clone(), endpoint)]), handle).map_err(failed)?;
            listener.server = Arc::downgrade(&server);
            return Ok(Route { server, path });
        };
        if let Some(other) = server.routes().endpoints.get(&path) {
            return Err(Error::config(format!(
                "table \"{table}\" has the path {path} on {listen}, which table \"{}\" takes requests at",
                other.table
            ))
            .code("E0526")
            .hint("give each table a 'path' of its own"));
        }
        server.routes().endpoints.insert(path.clone(), endpoint);
        Ok(Route { server, path })
    }
}

/// The tables of one address.
struct Routes {
    endpoints: BTreeMap<String, Arc<Endpoint>>,
    /// The last one is gone.
    ended: bool,
}

/// Serves the tables of one address, until the last is gone.
struct Server {
    address: SocketAddr,
    // A std mutex: held for a look.
    routes: Arc<Mutex<Routes>>,
    stop: watch::Sender<bool>,
}

impl Server {
    fn start(socket: TcpListener, endpoints: BTreeMap<String, Arc<Endpoint>>, handle: &tokio::runtime::Handle) -> std::io::Result<Arc<Server>> {
        let _runtime = handle.enter();
        let listener = tokio::net::TcpListener::from_std(socket)?;
        let routes = Arc::new(Mutex::new(Routes { endpoints, ended: false }));
        let (stop, stopping) = watch::channel(false);
        let server = Server {
            address: listener.local_addr()?,
            routes: Arc::clone(&routes),
            stop,
        };
        handle.spawn(serve(listener, routes, stopping));
        Ok(Arc::new(server))
    }
    fn routes(&self) -> MutexGuard<'_, Routes> {
        self.routes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A table's place on a server; it ends with this.
pub(super) struct Route {
    server: Arc<Server>,
    path: String,
}

impl Route {
    pub(super) fn address(&self) -> SocketAddr {
        self.server.address
    }
    /// Once the tables of all routes are closed, returns when all clients have their answers. Until it is dropped, a closed table says that
    /// it is: a path that is gone would tell its clients to give up.
    pub(super) async fn end(&self) {
        let all_closed = self.server.routes().endpoints.values().all(|endpoint| endpoint.intake.is_closed());
        if all_closed {
            self.server.stop.send_replace(true);
            self.server.stop.closed().await;
        }
    }
}

impl Drop for Route {
    fn drop(&mut self) {
        let mut routes = self.server.routes();
        routes.endpoints.remove(&self.path);
        if routes.endpoints.is_empty() {
            routes.ended = true;
            self.server.stop.send_replace(true);
        }
    }
}

/// Takes connections until it is to stop, and ends when their requests are answered.
async fn serve(listener: tokio::net::TcpListener, routes: Arc<Mutex<Routes>>, mut stopping: watch::Receiver<bool>) {
    let connections = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let graceful = GracefulShutdown::new();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_WITHIN);
    loop {
        let next = async {
            let permit = Arc::clone(&connections).acquire_owned().await;
            (listener.accept().await, permit)
        };
        let stopped = stopping.wait_for(|s| *s);
        let (accepted, permit) = match select(std::pin::pin!(next), std::pin::pin!(stopped)).await {
            Either::Left((next, _)) => next,
            Either::Right(_) => break,
        };
        match accepted {
            Ok((stream, remote)) => {
                let connection = http.serve_connection(TokioIo::new(small_answers(stream)), {
                    let routes = Arc::clone(&routes);
                    service_fn(move |request| answer(Arc::clone(&routes), request, remote))
                });
                let connection = graceful.watch(connection);
                tokio::spawn(async move {
                    if let Err(e) = connection.await {
                        debug!(%remote, error = %e, "a connection ended");
                    }
                    drop(permit);
                });
            }
            Err(e) => {
                warn!(error = %e, "a connection could not be taken");
                // Nothing but the time ends this.
                let _ = timeout(TAKE_AGAIN, std::future::pending::<()>()).await;
            }
        }
    }
    drop(listener);
    let _ = timeout(END_WITHIN, graceful.shutdown()).await;
}

/// Answers are one packet each: nothing is gained by waiting for more.
fn small_answers(stream: TcpStream) -> TcpStream {
    // It works without, only slower.
    let _ = stream.set_nodelay(true);
    stream
}

async fn answer(routes: Arc<Mutex<Routes>>, request: Request<Incoming>, remote: SocketAddr) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path();
    let (endpoint, ended) = {
        let routes = routes.lock().unwrap_or_else(PoisonError::into_inner);
        (routes.endpoints.get(path).cloned(), routes.ended)
    };
    Ok(match endpoint {
        Some(endpoint) => endpoint.answer(request, remote.to_string()).await,
        None if ended => refused(&Refusal::NotRunning, request.into_body()).await,
        None => {
            let refusal = Refusal::UnknownPath(path.to_string());
            refused(&refusal, request.into_body()).await
        }
    })
}
