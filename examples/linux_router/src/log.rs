//! The log, on the standard error.

use std::fmt::Debug;
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;

use tracing::field::Field;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::fmt::format::{Writer, debug_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Registry, fmt, reload};

use crate::names::Names;

/// How much is logged, which can be changed.
#[derive(Debug)]
pub(crate) struct Log(reload::Handle<LevelFilter, Registry>);

impl Log {
    /// Begins to log; the manager, which knows interfaces by number, has them named.
    pub(crate) fn open(detail: Detail, names: Arc<Names>) -> Self {
        let (level, handle) = reload::Layer::new(detail.level());
        let fields = debug_fn(move |writer, field, value| write_field(writer, field, value, &names));
        let lines = fmt::layer().with_writer(io::stderr).with_ansi(io::stderr().is_terminal());
        let lines = lines.fmt_fields(fields.delimited(" "));
        if let Err(error) = tracing_subscriber::registry().with(level).with(lines).try_init() {
            drop(writeln!(io::stderr(), "no log: {error}"));
        }
        Self(handle)
    }

    pub(crate) fn set(&self, detail: Detail) {
        if let Err(error) = self.0.reload(detail.level()) {
            tracing::warn!(%error, "the log stays as it is");
        }
    }
}

/// The fields in which an interface is.
const INTERFACES: [&str; 3] = ["interface", "iif", "arrival"];

fn write_field(writer: &mut Writer<'_>, field: &Field, value: &dyn Debug, names: &Names) -> std::fmt::Result {
    match field.name() {
        "message" => write!(writer, "{value:?}"),
        name if INTERFACES.contains(&name) => {
            let number = format!("{value:?}");
            match number.parse() {
                Ok(index) => write!(writer, "{name}={:?}", names.get(index)),
                Err(_) => write!(writer, "{name}={number}"),
            }
        }
        name => write!(writer, "{}={value:?}", name.strip_prefix("r#").unwrap_or(name)),
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Detail {
    /// What an operator has to know.
    Brief,
    /// What hosts join and leave, too.
    Full,
}

impl Detail {
    const fn level(self) -> LevelFilter {
        match self {
            Self::Brief => LevelFilter::INFO,
            Self::Full => LevelFilter::DEBUG,
        }
    }
}
