//! A way to a broker on which every request is seen, and on which the world can be stopped at one of them.

use anyhow::{Context, Result, ensure};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// What a client asks of a broker, by its key in the Kafka protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request {
    Produce = 0,
    OffsetFetch = 9,
    InitProducerId = 22,
    AddPartitionsToTxn = 24,
    AddOffsetsToTxn = 25,
    EndTxn = 26,
    TxnOffsetCommit = 28,
}

/// When the world stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The request was sent, the broker never hears of it.
    Sent,
    /// The broker has done it, whoever asked never hears of that.
    Answered,
}

#[derive(Debug, Default)]
enum Trap {
    #[default]
    Open,
    /// Closes at the n-th such request from now on, 1 being the next.
    Set(Request, Moment, usize),
    /// Closes with the answer to this request of this connection.
    Awaits { connection: u64, correlation: [u8; 4] },
    /// Nothing passes in either direction.
    Closed,
}

#[derive(Debug, Default)]
struct State {
    trap: Trap,
    connections: u64,
    /// The last connection that was there when the trap was opened again: it passes nothing more.
    cut: u64,
}

type Shared = Arc<(Mutex<State>, Condvar)>;

/// Listens on a port and hands on to another one, until the process ends.
pub struct Intercept(Shared);

impl Intercept {
    /// From the port that clients know to that of the broker.
    pub fn new(from: u16, to: u16) -> Result<Intercept> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, from))?;
        let shared = Shared::default();
        let accepting = Arc::clone(&shared);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // A broker that is not there: the client sees a connection that ends.
                let Ok(broker) = TcpStream::connect((Ipv4Addr::LOCALHOST, to)) else {
                    continue;
                };
                let _ended = connect(&accepting, client, broker);
            }
        });
        Ok(Intercept(shared))
    }
    /// Sets the trap for the n-th such request from now on.
    pub fn set(&self, request: Request, moment: Moment, nth: usize) {
        lock(&self.0).trap = Trap::Set(request, moment, nth);
    }
    /// Whether nothing passes any more.
    pub fn is_closed(&self) -> bool {
        matches!(lock(&self.0).trap, Trap::Closed)
    }
    /// Lets everything pass that comes by new connections.
    pub fn open(&self) {
        let mut state = lock(&self.0);
        state.trap = Trap::Open;
        state.cut = state.connections;
        self.0.1.notify_all();
    }
}

fn lock(shared: &Shared) -> MutexGuard<'_, State> {
    shared.0.lock().unwrap_or_else(PoisonError::into_inner)
}

fn connect(shared: &Shared, client: TcpStream, broker: TcpStream) -> Result<()> {
    let connection = {
        let mut state = lock(shared);
        state.connections += 1;
        state.connections
    };
    let (mut from_client, mut to_broker) = (client.try_clone()?, broker.try_clone()?);
    let (mut from_broker, mut to_client) = (broker, client);
    let (asking, answering) = (Arc::clone(shared), Arc::clone(shared));
    std::thread::spawn(move || {
        let _ended = pass(&mut from_client, &mut to_broker, |frame| asks(&asking, connection, frame));
        let _closed = to_broker.shutdown(Shutdown::Both);
    });
    std::thread::spawn(move || {
        let _ended = pass(&mut from_broker, &mut to_client, |frame| answers(&answering, connection, frame));
        let _closed = to_client.shutdown(Shutdown::Both);
    });
    Ok(())
}

/// Hands frames on, each a length and so many bytes, as long as they may pass.
fn pass(from: &mut TcpStream, to: &mut TcpStream, may: impl Fn(&[u8]) -> Result<()>) -> Result<()> {
    loop {
        let mut length = [0; 4];
        from.read_exact(&mut length)?;
        let mut frame = vec![0; u32::from_be_bytes(length) as usize];
        from.read_exact(&mut frame)?;
        may(&frame)?;
        to.write_all(&[&length, &frame[..]].concat())?;
    }
}

/// A request begins with its key, 2 bytes, its version, 2, and the number its answer has, 4.
fn asks(shared: &Shared, connection: u64, frame: &[u8]) -> Result<()> {
    let (key, rest) = frame.split_first_chunk::<2>().context("a short request")?;
    let correlation = *rest.get(2..).and_then(<[u8]>::first_chunk::<4>).context("a short request")?;
    let mut state = open(shared, connection)?;
    if let Trap::Set(request, moment, nth) = &mut state.trap
        && *request as u16 == u16::from_be_bytes(*key)
    {
        *nth -= 1;
        if *nth == 0 {
            state.trap = match moment {
                Moment::Sent => Trap::Closed,
                Moment::Answered => Trap::Awaits { connection, correlation },
            };
        }
    }
    drop(state);
    open(shared, connection).map(drop)
}

/// An answer begins with the number of its request.
fn answers(shared: &Shared, connection: u64, frame: &[u8]) -> Result<()> {
    let answered = *frame.first_chunk::<4>().context("a short answer")?;
    let mut state = open(shared, connection)?;
    if matches!(state.trap, Trap::Awaits { connection: c, correlation } if (c, correlation) == (connection, answered)) {
        state.trap = Trap::Closed;
    }
    drop(state);
    open(shared, connection).map(drop)
}

/// Waits for as long as the trap is closed. A connection that was there at that time ends then.
fn open(shared: &Shared, connection: u64) -> Result<MutexGuard<'_, State>> {
    let closed = |s: &mut State| matches!(s.trap, Trap::Closed);
    let state = shared.1.wait_while(lock(shared), closed).unwrap_or_else(PoisonError::into_inner);
    ensure!(connection > state.cut, "cut");
    Ok(state)
}
