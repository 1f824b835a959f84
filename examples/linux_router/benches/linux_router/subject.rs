//! A process that routes multicast: what it costs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::lan::{HOSTS, Lan, SOURCES};

/// What is measured, or what it is compared with.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Subject {
    Router,
    BareLoop,
}

/// It runs until it is dropped.
pub(crate) struct Running(Child);

impl Subject {
    pub(crate) fn start(self, lan: &Lan) -> Running {
        let mut command = match self {
            Self::Router => {
                let mut command = Command::new(env!("CARGO_BIN_EXE_linux-router"));
                // Queries at its start only, and the hosts' answers to them soon.
                command.args(["--ipv4", "--query-interval", "30000", "--query-response-interval", "0.1"]);
                command.args(["--interface", HOSTS, "--static", SOURCES]);
                command
            }
            Self::BareLoop => {
                let mut command = Command::new(std::env::current_exe().unwrap());
                command.arg(BARE_LOOP).args(lan.indices().map(|index| index.to_string()));
                command
            }
        };
        command.stdin(Stdio::null()).stderr(Stdio::null());
        Running(lan.router.run(move || command.spawn().unwrap()))
    }
}

/// The argument with which the bench is the bare loop.
pub(crate) const BARE_LOOP: &str = "--bare-loop";

impl Running {
    /// How long it was on a processor.
    pub(crate) fn cpu(&self) -> Duration {
        let threads = fs::read_dir(self.proc().join("task")).unwrap();
        let nanoseconds = threads.map(|thread| {
            let times = fs::read_to_string(thread.unwrap().path().join("schedstat")).unwrap();
            times.split(' ').next().unwrap().parse::<u64>().unwrap()
        });
        Duration::from_nanos(nanoseconds.sum())
    }

    /// Octets that are resident.
    pub(crate) fn memory(&self) -> usize {
        let status = fs::read_to_string(self.proc().join("status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        let kilobytes: usize = line.trim().trim_end_matches(" kB").parse().unwrap();
        kilobytes * 1024
    }

    fn proc(&self) -> PathBuf {
        Path::new("/proc").join(self.0.id().to_string())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}
