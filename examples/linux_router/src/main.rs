//! A router for the multicast of IGMPv2, IGMPv3 and MLDv2 hosts, on Linux, as root:
//!
//! ```text
//! cargo run -p linux-router -- --interface eth1 --interface eth2 --static eth0
//! cargo run -p linux-router -- show
//! ```
//!
//! On each `--interface` it asks hosts what they want, and forwards it there. Each `--static` interface is owned by a
//! static multicast protocol; sources may be on any of them. Interfaces may come, go and come back.
//! `--help` has examples, with a configuration file and a proxy.

#[cfg(not(target_os = "linux"))]
compile_error!("the router drives the multicast forwarding of Linux, and runs on nothing else");

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use linux_router::arguments::Arguments;

fn main() -> ExitCode {
    match Arguments::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Not `eprintln!`, which panics if nobody can be told.
            drop(writeln!(io::stderr(), "linux-router: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
