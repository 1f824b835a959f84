//! The command line.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Parser, Subcommand};

use crate::control::{self, Request, Topic};
use crate::daemon::Daemon;
use crate::settings::{SOCKET, Settings};

/// A multicast router: IGMPv3 and MLDv2 toward the hosts, the kernel's unicast routes toward the sources.
#[derive(Debug, Parser)]
#[command(version, after_help = EXAMPLES, args_override_self = true, args_conflicts_with_subcommands = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Read what no option says from this file; again on SIGHUP
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Ask the running router what it knows
    Show {
        /// Of what; of all, if nothing is given
        #[arg(value_enum)]
        topic: Option<Topic>,
        /// For programs
        #[arg(long)]
        json: bool,
        /// The socket of the router
        #[arg(long, value_name = "PATH", default_value = SOCKET)]
        socket: PathBuf,
    },
    /// Ask the running router why a stream goes where it goes
    Why {
        /// Who sends it
        source: IpAddr,
        /// To which group
        group: IpAddr,
        /// For programs
        #[arg(long)]
        json: bool,
        /// The socket of the router
        #[arg(long, value_name = "PATH", default_value = SOCKET)]
        socket: PathBuf,
    },
}

const EXAMPLES: &str = "\
Examples:
  Hosts on eth1 and eth2, sources on eth0 and on any of the others:
    linux-router --interface eth1 --interface eth2 --static eth0 --static eth1 --static eth2

  The same from a file, and a change of it that disturbs no stream:
    linux-router --config /etc/linux-router.toml
    kill -HUP $(pidof linux-router)

  where the file says:
    interface = [\"eth1\", \"eth2\"]
    static = [\"eth0\", \"eth1\", \"eth2\"]
    query-interval = 60

  A proxy that joins on eth0 what hosts join on eth1:
    linux-router --interface eth1 --upstream eth0

  What it knows:
    linux-router show
    linux-router show groups --json
    linux-router why 192.0.2.7 239.1.1.1

SIGUSR1 prints all of `show`; SIGTERM and SIGINT leave the kernel as it was.";

impl Arguments {
    /// Does what the arguments say: routes until a signal ends it, or asks a router.
    ///
    /// # Errors
    ///
    /// What makes no sense, or what the system refuses.
    pub fn run(self) -> anyhow::Result<()> {
        match self.command {
            Some(Command::Show { topic, json, socket }) => {
                ask(&socket, Request::Show { topic: topic.unwrap_or(Topic::All), json })
            }
            Some(Command::Why { source, group, json, socket }) => {
                ask(&socket, Request::Why { source, group, json })
            }
            None => Daemon::open(Source { file: self.config, options: self.settings })?.run(),
        }
    }
}

fn ask(socket: &Path, request: Request) -> anyhow::Result<()> {
    control::ask(socket, request).with_context(|| socket.display().to_string())
}

/// Where the settings come from.
#[derive(Debug)]
pub(crate) struct Source {
    file: Option<PathBuf>,
    options: Settings,
}

impl Source {
    pub(crate) fn read(&self) -> anyhow::Result<Settings> {
        let file = self.file.as_deref().map(Settings::read).transpose()?.unwrap_or_default();
        let settings = self.options.clone().over(file);
        settings.check()?;
        settings.check_interfaces()?;
        Ok(settings)
    }
}
