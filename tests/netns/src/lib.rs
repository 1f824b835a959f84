//! Network namespaces of a test's own, gone when it is over.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failure here is a failed test")]
#![expect(clippy::missing_panics_doc, reason = "a failure here is a failed test")]
#![expect(clippy::exhaustive_structs, clippy::must_use_candidate, reason = "it is for tests only")]

pub mod link;
pub mod table;
pub mod traffic;

use std::fs::{self, File};
use std::io::Write;
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// A network namespace without IPv6's duplicate address detection, and without a filter on where sources may be.
#[derive(Debug)]
pub struct Namespace {
    name: String,
}

/// Whether namespaces can be made here; if not, says so.
pub fn available() -> bool {
    static SWEPT: Once = Once::new();
    SWEPT.call_once(sweep);
    let probe = unique("probe");
    let reason = match Command::new("ip").args(["netns", "add", &probe]).output() {
        Ok(output) if output.status.success() => {
            delete(|name| name == probe);
            return true;
        }
        Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        Err(error) => error.to_string(),
    };
    // Past the test harness, which would keep it to itself.
    let line = format!("SKIPPED: it needs root and network namespaces: {reason}\n");
    std::io::stderr().write_all(line.as_bytes()).unwrap();
    false
}

/// Waits, but not for ever.
pub fn until(what: impl Fn() -> String, mut so: impl FnMut() -> bool) {
    const ENOUGH: Duration = Duration::from_secs(20);
    let deadline = Instant::now() + ENOUGH;
    while !so() {
        assert!(Instant::now() < deadline, "not within {ENOUGH:?}: {}", what());
        thread::sleep(Duration::from_millis(2));
    }
}

impl Namespace {
    /// A new one; `role` is for whoever looks at a test that hangs.
    pub fn new(role: &str) -> Self {
        let namespace = Self { name: unique(role) };
        let made = Command::new("ip").args(["netns", "add", &namespace.name]).status().unwrap();
        assert!(made.success(), "no namespace");
        namespace.run(|| {
            for (option, value) in [
                ("ipv6/conf/all/accept_dad", "0"),
                ("ipv6/conf/default/accept_dad", "0"),
                ("ipv4/conf/all/rp_filter", "0"),
                ("ipv4/conf/default/rp_filter", "0"),
            ] {
                fs::write(Path::new("/proc/sys/net").join(option), value).unwrap();
            }
        });
        namespace.ip("link set lo up");
        namespace
    }

    /// Its name, as `ip` knows it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Does it on a thread in the namespace; sockets that it opens stay there.
    pub fn run<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        let enter = || {
            let namespace = File::open(Path::new("/run/netns").join(&self.name)).unwrap();
            move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
            work()
        };
        match thread::scope(|scope| scope.spawn(enter).join()) {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }

    /// Runs `ip` commands, one a line.
    pub fn ip(&self, commands: &str) {
        let ip = Command::new("ip").args(["-n", &self.name, "-batch", "-"]).stdin(Stdio::piped()).spawn();
        let mut ip = ip.unwrap();
        ip.stdin.take().unwrap().write_all(commands.as_bytes()).unwrap();
        assert!(ip.wait().unwrap().success(), "ip: {commands}");
    }

    /// What one `ip` command prints.
    pub fn ip_output(&self, command: &str) -> String {
        let ip = Command::new("ip").args(["-n", &self.name]).args(command.split(' ')).output().unwrap();
        assert!(ip.status.success(), "ip {command}: {}", String::from_utf8_lossy(&ip.stderr));
        String::from_utf8(ip.stdout).unwrap()
    }

    /// Waits for the link-local IPv6 address of an interface.
    ///
    /// It is given by a worker of the kernel, which waits for others that make and remove namespaces. Until then MLD
    /// comes from `::`, and is dropped; nor can a router ask there.
    pub(crate) fn await_link_local(&self, interface: &str) {
        let command = format!("-6 -o address show dev {interface} scope link -tentative");
        let shown = || self.ip_output(&command);
        until(|| format!("no address of {interface}: {}", shown()), || !shown().is_empty());
    }

    /// The index of an interface in it.
    pub fn index(&self, interface: &str) -> u32 {
        let line = self.ip_output(&format!("-o link show dev {interface}"));
        line.split(':').next().unwrap().parse().unwrap()
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        delete(|name| name == self.name);
    }
}

/// A name that no other test of this or another process has.
fn unique(role: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("mgm-{}-{}-{role}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Removes what killed tests left.
fn sweep() {
    delete(|name| {
        let owner = name.strip_prefix("mgm-").and_then(|rest| rest.split('-').next());
        owner.is_some_and(|pid| pid.parse::<u32>().is_ok() && !Path::new("/proc").join(pid).exists())
    });
}

fn delete(which: impl Fn(&str) -> bool) {
    for entry in fs::read_dir("/run/netns").into_iter().flatten().flatten() {
        if let Some(name) = entry.file_name().to_str().filter(|name| which(name)) {
            // Another test may be sweeping too.
            let _removed = Command::new("ip").args(["netns", "delete", name]).output();
        }
    }
}
