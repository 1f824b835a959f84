//! The socket on which an operator asks the running router: one line with the request, then the answer. Both are JSON, so
//! that what is refused, or cut short, is not taken for an answer.

use std::fs;
use std::io::{self, Read, Write};
use std::net::IpAddr;
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::ValueEnum;
use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use serde::{Deserialize, Serialize};

/// What somebody wants to know.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Topic {
    /// All of what follows
    All,
    /// The interfaces, their owners and queriers
    Interfaces,
    /// What hosts have joined
    Groups,
    /// The forwarding entries
    Table,
    /// What was refused, how much is remembered, and what the manager has done
    Counters,
}

/// What somebody asks.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(untagged, deny_unknown_fields)]
pub(crate) enum Request {
    Show {
        topic: Topic,
        json: bool,
    },
    /// Why a stream goes where it goes.
    Why {
        source: IpAddr,
        group: IpAddr,
        json: bool,
    },
}

/// What is printed for whoever asked, or why there is nothing to print.
pub(crate) type Answer = Result<String, String>;

/// For whom an answer is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Form {
    /// A person.
    Text,
    /// A program.
    Json,
}

impl From<bool> for Form {
    fn from(json: bool) -> Self {
        if json { Self::Json } else { Self::Text }
    }
}

/// Answers those who ask; nobody is waited for.
#[derive(Debug)]
pub(crate) struct Control {
    listener: UnixListener,
    path: PathBuf,
    clients: Vec<Client>,
}

#[derive(Debug)]
struct Client {
    stream: UnixStream,
    since: Instant,
    state: State,
}

#[derive(Debug)]
enum State {
    Asking(Vec<u8>),
    Answered { text: Vec<u8>, written: usize },
}

/// Whether there is more to do for a client.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Next {
    Wait,
    Close,
}

/// How many may ask at once.
const CLIENTS: usize = 8;
/// How long one may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest request.
const REQUEST: usize = 256;

impl Control {
    /// Listens there, in the place of a router that ended without taking its socket away.
    pub(crate) fn listen(path: &Path) -> io::Result<Self> {
        if UnixStream::connect(path).is_ok() {
            return Err(io::Error::new(io::ErrorKind::AddrInUse, "another router answers there"));
        }
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let listener = UnixListener::bind(path)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
        listener.set_nonblocking(true)?;
        Ok(Self { listener, path: path.to_owned(), clients: Vec::new() })
    }

    /// Has the loop woken when somebody comes.
    pub(crate) fn register(&self, registry: &Registry) -> io::Result<()> {
        registry.register(&mut SourceFd(&self.listener.as_raw_fd()), Token(0), Interest::READABLE)
    }

    /// When somebody has taken too long.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.clients.iter().map(|client| client.since + PATIENCE).min()
    }

    /// Hears and answers, as far as that goes without waiting.
    pub(crate) fn serve(&mut self, registry: &Registry, now: Instant, answer: impl Fn(Request) -> Answer) {
        // Whoever takes too long, or goes away, is not answered.
        let open = |client: &mut Client| client.serve(&answer).is_ok_and(|next| next == Next::Wait);
        self.clients.retain_mut(|client| now < client.since + PATIENCE && open(client));
        while self.clients.len() < CLIENTS
            && let Ok((stream, _)) = self.listener.accept()
        {
            let mut client = Client { stream, since: now, state: State::Asking(Vec::new()) };
            if client.register(registry).is_ok() && open(&mut client) {
                self.clients.push(client);
            }
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        let _gone = fs::remove_file(&self.path);
    }
}

impl Client {
    fn register(&self, registry: &Registry) -> io::Result<()> {
        self.stream.set_nonblocking(true)?;
        let interest = Interest::READABLE | Interest::WRITABLE;
        registry.register(&mut SourceFd(&self.stream.as_raw_fd()), Token(0), interest)
    }

    fn serve(&mut self, answer: &impl Fn(Request) -> Answer) -> io::Result<Next> {
        if let State::Asking(text) = &mut self.state {
            let Some(line) = read_line(&mut self.stream, text)? else { return Ok(Next::Wait) };
            let answer = match serde_json::from_slice(&line) {
                Ok(request) => answer(request),
                Err(error) => Err(format!("no request: {error}")),
            };
            self.state = State::Answered { text: serde_json::to_vec(&answer)?, written: 0 };
        }
        match &mut self.state {
            State::Asking(_) => Ok(Next::Wait),
            State::Answered { text, written } => write_rest(&mut self.stream, text, written),
        }
    }
}

/// A line, once there is all of it.
fn read_line(stream: &mut UnixStream, text: &mut Vec<u8>) -> io::Result<Option<Vec<u8>>> {
    let mut buffer = [0; REQUEST];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(length) => text.extend(buffer.get(..length).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        if let Some(end) = text.iter().position(|&octet| octet == b'\n') {
            text.truncate(end);
            return Ok(Some(std::mem::take(text)));
        }
        if text.len() >= REQUEST {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
}

fn write_rest(stream: &mut UnixStream, text: &[u8], written: &mut usize) -> io::Result<Next> {
    while let Some(rest) = text.get(*written..).filter(|rest| !rest.is_empty()) {
        match stream.write(rest) {
            Ok(length) => *written += length,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Next::Wait),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Next::Close)
}

/// Asks the router that listens there, and prints the answer.
pub(crate) fn ask(path: &Path, request: Request) -> anyhow::Result<()> {
    let mut stream = UnixStream::connect(path)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(format!("{}\n", serde_json::to_string(&request)?).as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let answer: Answer = serde_json::from_slice(&answer).context("the answer is cut short")?;
    let answer = answer.map_err(anyhow::Error::msg)?;
    match io::stdout().write_all(answer.as_bytes()) {
        // Who reads it may have seen enough.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        Ok(()) | Err(_) => Ok(()),
    }
}
