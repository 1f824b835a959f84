//! A router for the multicast of IGMPv2, IGMPv3 and MLDv2 hosts, on Linux, as root:
//!
//! ```text
//! cargo run -p linux-router -- --interface eth1 --interface eth2 --static eth0
//! ```
//!
//! On each `--interface` it asks hosts what they want, and forwards it there. Each `--static` interface is owned by a
//! static multicast protocol; sources may be on any of them. Interfaces may come, go and come back.
//! SIGUSR1 prints the tables; SIGTERM and SIGINT leave the kernel as it was.

#[cfg(not(target_os = "linux"))]
compile_error!("the router drives the multicast forwarding of Linux, and runs on nothing else");

use std::io::{self, IsTerminal};

use clap::Parser;
use linux_router::arguments::Arguments;

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let colours = io::stderr().is_terminal();
    let log = tracing_subscriber::fmt().with_writer(io::stderr).with_ansi(colours);
    log.with_max_level(arguments.level()).init();
    arguments.run()
}
