//! What the operator chooses: by options, by a file, or by both.

use std::fmt::{self, Display};
use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use serde::Deserialize;

use crate::family::Family;
use crate::igmp::config::Config;
use crate::memory::Memory;
use crate::router::Roles;

/// The settings. In a file they have the names of the options; an option goes before what the file says.
#[derive(Args, Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// Ask and hear hosts on this interface; may be given several times
    #[arg(long, value_name = "NAME")]
    interface: Vec<InterfaceName>,
    /// Have the static multicast protocol own this interface; may be given several times
    #[arg(long = "static", value_name = "NAME")]
    #[serde(rename = "static")]
    owned: Vec<InterfaceName>,
    /// Be a proxy (RFC 4605): join here what hosts join elsewhere, and send here what comes from there
    #[arg(long, value_name = "NAME")]
    upstream: Option<InterfaceName>,
    /// Log what hosts join and leave
    #[arg(long, short)]
    verbose: bool,
    /// IPv4 only
    #[arg(long, conflicts_with = "ipv6")]
    ipv4: bool,
    /// IPv6 only
    #[arg(long)]
    ipv6: bool,
    /// Seconds between general queries [default: 125]
    #[arg(long, value_name = "SECONDS")]
    query_interval: Option<Seconds>,
    /// Seconds in which hosts answer a general query [default: 10]
    #[arg(long, value_name = "SECONDS")]
    query_response_interval: Option<Seconds>,
    /// Seconds in which hosts answer when one of them leaves [default: 1]
    #[arg(long, value_name = "SECONDS")]
    last_member_query_interval: Option<Seconds>,
    /// How many losses of one packet are borne, from 1 to 7 [default: 2]
    #[arg(long, value_name = "COUNT")]
    robustness: Option<Robustness>,
    /// Groups that are remembered on one interface [default: 65536]
    #[arg(long, value_name = "COUNT")]
    max_groups: Option<NonZeroUsize>,
    /// Sources that are remembered of one group on one interface [default: 1024]
    #[arg(long, value_name = "COUNT")]
    max_sources: Option<NonZeroUsize>,
    /// Sources that are remembered on one interface, of all groups [default: 4096]
    #[arg(long, value_name = "COUNT")]
    max_interface_sources: Option<NonZeroUsize>,
    /// Megabytes for all that hosts and sources can make the router remember [default: 256]
    #[arg(long, value_name = "MEGABYTES")]
    memory: Option<Megabytes>,
    /// Hear hosts whose addresses are outside the subnets of the interface
    #[arg(long)]
    foreign_reporters: bool,
    /// Answer `show` on this socket [default: /run/linux-router.sock]
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
}

/// Where `show` is answered unless the operator says otherwise.
pub const SOCKET: &str = "/run/linux-router.sock";

/// What makes no sense together with the rest.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{setting}: {why}")]
pub struct Nonsense {
    setting: &'static str,
    why: String,
}

impl Nonsense {
    fn new(setting: &'static str, why: impl Display) -> Self {
        Self { setting, why: why.to_string() }
    }
}

impl Settings {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// What is wrong with it, and in which line.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
        Self::parse(&text).with_context(|| path.display().to_string())
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    ///
    /// What is wrong with it, and in which line.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let settings: Self = toml::from_str(text)?;
        settings.check().map_err(|nonsense| match line(text, nonsense.setting) {
            Some(line) => anyhow::anyhow!("line {line}: {nonsense}"),
            None => nonsense.into(),
        })?;
        Ok(settings)
    }

    /// These, and of the other ones what is not said here.
    #[must_use]
    pub fn over(self, other: Self) -> Self {
        let either = |these: Vec<InterfaceName>, those| if these.is_empty() { those } else { these };
        let family_here = self.ipv4 || self.ipv6;
        Self {
            interface: either(self.interface, other.interface),
            owned: either(self.owned, other.owned),
            upstream: self.upstream.or(other.upstream),
            verbose: self.verbose || other.verbose,
            ipv4: if family_here { self.ipv4 } else { other.ipv4 },
            ipv6: if family_here { self.ipv6 } else { other.ipv6 },
            query_interval: self.query_interval.or(other.query_interval),
            query_response_interval: self.query_response_interval.or(other.query_response_interval),
            last_member_query_interval: self.last_member_query_interval.or(other.last_member_query_interval),
            robustness: self.robustness.or(other.robustness),
            max_groups: self.max_groups.or(other.max_groups),
            max_sources: self.max_sources.or(other.max_sources),
            max_interface_sources: self.max_interface_sources.or(other.max_interface_sources),
            memory: self.memory.or(other.memory),
            foreign_reporters: self.foreign_reporters || other.foreign_reporters,
            socket: self.socket.or(other.socket),
        }
    }

    /// Whether they make sense together.
    ///
    /// # Errors
    ///
    /// The first that does not.
    pub fn check(&self) -> Result<(), Nonsense> {
        for (setting, names) in [("interface", &self.interface), ("static", &self.owned)] {
            if let Some(name) = names.iter().enumerate().find_map(|(at, name)| twice(names, at, name)) {
                return Err(Nonsense::new(setting, format_args!("{name} is named twice")));
            }
        }
        if self.ipv4 && self.ipv6 {
            return Err(Nonsense::new("ipv6", "only one of ipv4 and ipv6 can be all there is"));
        }
        if let Some(upstream) = &self.upstream
            && (self.interface.contains(upstream) || self.owned.contains(upstream))
        {
            let why = format_args!("{upstream} cannot be the upstream interface and one of the others");
            return Err(Nonsense::new("upstream", why));
        }
        let interval = self.query_interval();
        match self.query_response_interval {
            Some(Seconds(response)) if response > interval => {
                let why = format_args!("{response:?} is more than the {interval:?} between two queries");
                Err(Nonsense::new("query-response-interval", why))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Whether there is anything to do.
    ///
    /// # Errors
    ///
    /// What is missing.
    pub fn check_interfaces(&self) -> Result<(), Nonsense> {
        if self.interface.is_empty() && self.owned.is_empty() {
            return Err(Nonsense::new("interface", "no interface is given: --interface NAME"));
        }
        Ok(())
    }

    /// What cannot change while the router runs, in the other settings.
    #[must_use]
    pub fn takes_restart(&self, new: &Self) -> Vec<&'static str> {
        let all = [
            ("upstream", self.upstream != new.upstream),
            ("ipv4", self.ipv4 != new.ipv4),
            ("ipv6", self.ipv6 != new.ipv6),
            ("memory", self.memory != new.memory),
            ("socket", self.socket != new.socket),
        ];
        all.into_iter().filter(|(_, differs)| *differs).map(|(setting, _)| setting).collect()
    }

    pub(crate) fn config<A: Family>(&self) -> Config<A> {
        let robustness = self.robustness.map_or(2, |Robustness(count)| count);
        let mut config = Config::new(robustness, self.query_interval());
        let response = self.query_response_interval.map(Duration::from);
        config.query_response_interval = response.unwrap_or(config.query_response_interval);
        let last_member = self.last_member_query_interval.map(Duration::from);
        config.last_member_query_interval = last_member.unwrap_or(config.last_member_query_interval);
        config.max_groups = self.max_groups.map_or(config.max_groups, NonZeroUsize::get);
        config.max_sources = self.max_sources.map_or(config.max_sources, NonZeroUsize::get);
        let on_link = self.max_interface_sources.map_or(config.max_link_sources, NonZeroUsize::get);
        config.max_link_sources = on_link;
        config.memory = self.memory().reports();
        config.foreign_reporters = self.foreign_reporters;
        config
    }

    pub(crate) fn roles(&self) -> Roles {
        let names = |names: &[InterfaceName]| names.iter().map(|InterfaceName(name)| name.clone()).collect();
        let upstream = self.upstream.clone().map(|InterfaceName(name)| name);
        Roles { igmp: names(&self.interface), owned: names(&self.owned), upstream }
    }

    /// Of each of the routers that run.
    pub(crate) fn memory(&self) -> Memory {
        let all = self.memory.map_or(Memory::DEFAULT, |Megabytes(number)| number);
        Memory::megabytes(all).among(if self.ipv4 || self.ipv6 { 1 } else { 2 })
    }

    pub(crate) const fn has_ipv4(&self) -> bool {
        !self.ipv6
    }

    pub(crate) const fn has_ipv6(&self) -> bool {
        !self.ipv4
    }

    pub(crate) const fn verbose(&self) -> bool {
        self.verbose
    }

    pub(crate) fn socket(&self) -> &Path {
        self.socket.as_deref().unwrap_or_else(|| Path::new(SOCKET))
    }

    fn query_interval(&self) -> Duration {
        self.query_interval.map_or(Duration::from_secs(125), Duration::from)
    }
}

fn twice<'a>(names: &[InterfaceName], at: usize, name: &'a InterfaceName) -> Option<&'a InterfaceName> {
    names.iter().skip(at + 1).any(|other| other == name).then_some(name)
}

/// The line in which a file says something of a setting.
fn line(text: &str, setting: &str) -> Option<usize> {
    let table: std::collections::BTreeMap<String, toml::Spanned<toml::Value>> = toml::from_str(text).ok()?;
    let before = text.get(..table.get(setting)?.span().start)?;
    Some(before.matches('\n').count() + 1)
}

/// The name of an interface, as Linux lets it be.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(try_from = "String")]
struct InterfaceName(String);

impl TryFrom<String> for InterfaceName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        const LONGEST: usize = 15; // IFNAMSIZ with its zero
        let odd = |letter: char| letter == '/' || letter.is_whitespace();
        let good = (1..=LONGEST).contains(&name.len()) && !name.contains(odd) && name != "." && name != "..";
        if good { Ok(Self(name)) } else { Err(format!("{name:?} is no name of an interface")) }
    }
}

impl FromStr for InterfaceName {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        name.to_owned().try_into()
    }
}

impl Display for InterfaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A time that a query can say (RFC 9776 §4.1.1 and §4.1.7).
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(try_from = "f64")]
struct Seconds(Duration);

impl TryFrom<f64> for Seconds {
    type Error = String;

    fn try_from(number: f64) -> Result<Self, String> {
        if (0.1..=31_744.0).contains(&number) {
            Ok(Self(Duration::from_secs_f64(number)))
        } else {
            Err(format!("{number} is not from 0.1 to 31744 seconds"))
        }
    }
}

impl FromStr for Seconds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse::<f64>().map_err(|_| format!("{text:?} is no number"))?.try_into()
    }
}

impl From<Seconds> for Duration {
    fn from(Seconds(time): Seconds) -> Self {
        time
    }
}

/// The Robustness Variable, as far as a query can say it (RFC 9776 §4.1.6).
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(try_from = "i64")]
struct Robustness(u8);

impl TryFrom<i64> for Robustness {
    type Error = String;

    fn try_from(number: i64) -> Result<Self, String> {
        let fits = u8::try_from(number).ok().filter(|count| (1..=7).contains(count));
        fits.map(Self).ok_or_else(|| format!("{number} is not from 1 to 7"))
    }
}

impl FromStr for Robustness {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse::<i64>().map_err(|_| format!("{text:?} is no whole number"))?.try_into()
    }
}

/// What is left for the rest of the machine is the operator's business, but not that it works at all.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(try_from = "i64")]
struct Megabytes(usize);

impl TryFrom<i64> for Megabytes {
    type Error = String;

    fn try_from(number: i64) -> Result<Self, String> {
        let fits = usize::try_from(number).ok().filter(|number| (Memory::LEAST..=1 << 20).contains(number));
        fits.map(Self).ok_or_else(|| format!("{number} is not from {} to 1048576 megabytes", Memory::LEAST))
    }
}

impl FromStr for Megabytes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse::<i64>().map_err(|_| format!("{text:?} is no whole number"))?.try_into()
    }
}
