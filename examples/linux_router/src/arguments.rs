//! What the command line says.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use tracing::Level;

use crate::daemon::{Daemon, Routers};
use crate::family::Family;
use crate::igmp::config::Config;
use crate::router::{Roles, Router};

/// A multicast router: IGMPv3 and MLDv2 toward the hosts, the kernel's unicast routes toward the sources.
#[derive(Debug, Parser)]
pub struct Arguments {
    /// Ask and hear hosts on this interface
    #[arg(long = "interface", value_name = "NAME")]
    interfaces: Vec<String>,
    /// Have the static multicast protocol own this interface
    #[arg(long = "static", value_name = "IF")]
    owned: Vec<String>,
    /// Log what hosts join and leave, and what is dropped
    #[arg(long, short)]
    verbose: bool,
    /// IPv4 only
    #[arg(long, conflicts_with = "ipv6")]
    ipv4: bool,
    /// IPv6 only
    #[arg(long)]
    ipv6: bool,
    /// Seconds between general queries
    #[arg(long, value_name = "SECONDS", default_value = "125", value_parser = seconds)]
    query_interval: Duration,
    /// Seconds in which hosts answer a general query
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    query_response_interval: Option<Duration>,
    /// Seconds in which hosts answer when one of them leaves
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    last_member_query_interval: Option<Duration>,
    /// How many losses of one packet are borne
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=7))]
    robustness: u8,
    /// Groups that are remembered on one interface
    #[arg(long)]
    max_groups: Option<usize>,
    /// Sources that are remembered of one group
    #[arg(long)]
    max_sources: Option<usize>,
    /// Hear hosts whose addresses are outside the subnets of the interface
    #[arg(long)]
    foreign_reporters: bool,
}

/// What a query can say (RFC 9776 §4.1.1 and §4.1.7).
fn seconds(text: &str) -> Result<Duration, String> {
    let number: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.1..=31_744.0).contains(&number) {
        Ok(Duration::from_secs_f64(number))
    } else {
        Err("from 0.1 to 31744".to_owned())
    }
}

impl Arguments {
    fn config<A: Family>(&self) -> Config<A> {
        let mut config = Config::new(self.robustness, self.query_interval);
        config.query_response_interval =
            self.query_response_interval.unwrap_or(config.query_response_interval);
        config.last_member_query_interval =
            self.last_member_query_interval.unwrap_or(config.last_member_query_interval);
        config.max_groups = self.max_groups.unwrap_or(config.max_groups);
        config.max_sources = self.max_sources.unwrap_or(config.max_sources);
        config.foreign_reporters = self.foreign_reporters;
        config
    }

    fn roles(&self) -> Roles {
        let names = |names: &[String]| names.iter().cloned().collect::<BTreeSet<_>>();
        Roles { igmp: names(&self.interfaces), owned: names(&self.owned) }
    }

    fn router<A: Family>(&self, without: bool) -> anyhow::Result<Option<Router<A>>> {
        let router = (!without).then(|| Router::open(self.roles(), self.config()));
        router.transpose().with_context(|| format!("a router for {} hosts", A::PROTOCOL))
    }

    /// How much is logged.
    #[must_use]
    pub const fn level(&self) -> Level {
        if self.verbose { Level::DEBUG } else { Level::INFO }
    }

    /// Routes until a signal ends it.
    ///
    /// # Errors
    ///
    /// What is missing among the arguments, or what the system refuses.
    pub fn run(&self) -> anyhow::Result<()> {
        anyhow::ensure!(
            !self.interfaces.is_empty() || !self.owned.is_empty(),
            "no interface is given: --interface NAME"
        );
        let routers = Routers { v4: self.router(self.ipv6)?, v6: self.router(self.ipv4)? };
        Daemon::new(routers)?.run()
    }
}
