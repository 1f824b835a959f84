//! The log, on the standard error.

use std::io::{self, IsTerminal, Write};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Registry, fmt, reload};

/// How much is logged, which can be changed.
#[derive(Debug)]
pub(crate) struct Log(reload::Handle<LevelFilter, Registry>);

impl Log {
    /// Begins to log.
    pub(crate) fn open(detail: Detail) -> Self {
        let (level, handle) = reload::Layer::new(detail.level());
        let lines = fmt::layer().with_writer(io::stderr).with_ansi(io::stderr().is_terminal());
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
