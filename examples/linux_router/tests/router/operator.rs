//! What an operator does with a daemon: asks it, changes its configuration, has it supervised.

use std::fs;
use std::io::{Read, Write};
use std::net::Ipv4Addr;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use netns::link::Family;
use netns::traffic::Stream;
use rustix::process::Signal;
use serde_json::Value;

use crate::daemon::Daemon;
use crate::lan::{Lan, both, run, until};
use crate::wire::{Forged, Kind, Wire};

/// A file of a test's own, gone when it is over.
struct File(PathBuf);

impl File {
    fn new(lan: &Lan<impl Family>, text: &str) -> Self {
        let file = Self(std::env::temp_dir().join(format!("{}.toml", lan.router.name())));
        file.write(text);
        file
    }

    fn write(&self, text: &str) {
        fs::write(&self.0, text).unwrap();
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _gone = fs::remove_file(&self.0);
    }
}

#[test]
fn show_answers_in_text_and_in_json() {
    both(2, show, show);

    fn show<A: Forged>(lan: &mut Lan<A>) {
        let (group, source) = (A::group(1), A::on_link(0, 2));
        let daemon = lan.start("");
        let _member = lan.links[1].receiver(group);
        let _stream = lan.stream(0, group, "shown");
        lan.forwards(0, group, &[1]);
        let ask = |arguments| Daemon::ask(&lan.socket(), arguments);
        let entry = format!("({source},{group})  Iif: link0  Oifs: link1  ");
        assert!(ask("table").starts_with(&entry), "{}", ask("table"));
        assert!(ask("groups").contains(&format!("    {group}  2")), "{}", ask("groups"));
        assert!(!ask("interfaces").contains(&group.to_string()), "{}", ask("interfaces"));
        let counters = ask("counters");
        assert!(counters.contains(" 1 forwarding entries, "), "{counters}");
        assert!(ask("").contains(&entry), "{}", ask(""));
        let all: Value = serde_json::from_str(&ask("--json")).unwrap();
        let [router] = &all.as_array().unwrap()[..] else { panic!("one family: {all}") };
        assert_eq!(router["forwarding_entries"][0]["source"], source.to_string());
        assert_eq!(router["forwarding_entries"][0]["oifs"][0], "link1");
        assert_eq!(router["interfaces"][1]["groups"][0]["group"], group.to_string());
        let counted = &router["counters"]["manager"];
        let told = format!("\n    {} forwarder calls, 0 of them failed\n", counted["forwarder_calls"]);
        assert!(counted["forwarder_calls"] != 0 && counters.contains(&told), "{counters}");
        let told = format!("join_alert {}", counted["alerts"]["join_alert"]);
        assert!(counted["alerts"]["join_alert"] != 0 && counters.contains(&told), "{counters}");
        assert_eq!(counted["callbacks"][0]["client"], "igmp");
        assert!(
            counters.contains("\n    callbacks: IGMP ") && !counters.contains("local_block"),
            "{counters}"
        );
        assert!(counters.ends_with("\n    refused calls: none\n"), "{counters}");
        lan.end(daemon);
        assert!(!lan.socket().exists(), "the socket goes with the router");
    }
}

#[test]
fn why_says_for_whom_a_stream_goes_where() {
    both(2, why, why);

    fn why<A: Forged>(lan: &mut Lan<A>) {
        let (group, source) = (A::group(1), A::on_link(0, 2));
        let daemon = lan.start("");
        let _member = lan.links[1].receiver(group);
        let _stream = lan.stream(0, group, "asked");
        lan.forwards(0, group, &[1]);
        let why = |arguments: String| Daemon::ask_why(&lan.socket(), &arguments);
        let text = why(format!("{source} {group}"));
        assert!(text.starts_with(&format!("({source}, {group}) is installed: iif link0, ")), "{text}");
        let row = |name: &str| text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        assert!(row("link0").ends_with("  no   it is the iif"), "{text}");
        assert!(row("link1").contains("  yes  ") && row("link1").contains(&group.to_string()), "{text}");
        let value: Value = serde_json::from_str(&why(format!("{source} {group} --json"))).unwrap();
        assert_eq!(value["installed"], true);
        assert_eq!(value["interfaces"][0]["why"], "incoming");
        assert!(value["interfaces"][1]["why"]["wanted"].is_object(), "{value}");
        lan.end(daemon);
    }
}

/// What nobody sends and nobody has joined has an answer; what cannot be asked has none.
#[test]
fn why_of_what_is_not_known_is_answered_and_of_what_is_not_routed_refused() {
    both(2, why, why);

    fn why<A: Forged>(lan: &mut Lan<A>) {
        let (group, source) = (A::group(1), A::on_link(0, 2));
        let daemon = lan.start("");
        let socket = lan.socket();
        let text = Daemon::ask_why(&socket, &format!("{source} {group}"));
        assert!(text.starts_with(&format!("({source}, {group}) is not installed")), "{text}");
        let refused = |arguments: &str| Daemon::ask_why_in_vain(&socket, arguments);
        let told = |why: &str| format!("linux-router: {}: {why}\n", socket.display());
        let (other, family) =
            if A::PREFIX == 24 { ("2001:db8::1 ff0e::1", "IPv6") } else { ("192.0.2.1 239.1.1.1", "IPv4") };
        assert_eq!(refused(other), told(&format!("this router does not forward {family}")));
        assert_eq!(
            refused(&format!("{other} --json")),
            told(&format!("this router does not forward {family}"))
        );
        assert_eq!(refused("192.0.2.1 ff0e::1"), told("192.0.2.1 and ff0e::1 are not of one family"));
        assert!(refused(&format!("{source} {source}")).contains(&source.to_string()));
        assert!(refused(&format!("{group} {group}")).contains(&group.to_string()));
        lan.end(daemon);
        assert!(refused(other).contains("No such file"), "a router that does not run");
    }
}

/// A router that ends while it answers.
#[test]
fn an_answer_that_is_cut_short_is_none() {
    let path = std::env::temp_dir().join(format!("cut-short-{}.sock", std::process::id()));
    let listener = UnixListener::bind(&path).unwrap();
    let router = thread::spawn(move || {
        let (mut asked, _) = listener.accept().unwrap();
        let _request = asked.read(&mut [0; 300]).unwrap();
        asked.write_all(b"{\"Ok\":\"(192.0.2.1, 239.1.1.1) is inst").unwrap();
    });
    let told = Daemon::ask_why_in_vain(&path, "192.0.2.1 239.1.1.1");
    assert!(told.contains(": the answer is cut short: "), "{told}");
    router.join().unwrap();
    fs::remove_file(path).unwrap();
}

/// Clients that say nothing, nonsense, or too much, and one that reads nothing, hold up nobody.
#[test]
fn whoever_asks_badly_holds_up_nobody() {
    run(2, |lan: &mut Lan<Ipv4Addr>| {
        let daemon = lan.start("");
        let (group, socket) = (Ipv4Addr::group(1), lan.socket());
        let mut clients = Vec::new();
        for said in [&b""[..], b"show me\n", &[b'x'; 1000], b"{\"topic\":\"all\",\"json\":true}\n", b"\xff\n"]
        {
            let mut client = UnixStream::connect(&socket).unwrap();
            let _gone_perhaps = client.write_all(said);
            clients.push(client);
        }
        let mut answer = String::new();
        clients[1].set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        clients[1].read_to_string(&mut answer).unwrap();
        assert!(answer.contains("no request: "), "{answer}");
        let _member = lan.links[1].receiver(group);
        let (_stream, tap) = (lan.stream(0, group, "served"), lan.tap(1, "served"));
        tap.next();
        // More than may ask at once.
        clients.extend((0..20).map(|_| UnixStream::connect(&socket).unwrap()));
        tap.numbers();
        tap.next();
        drop(clients);
        assert!(Daemon::ask(&socket, "table").contains("Iif: link0"));
        lan.end(daemon);
    });
}

/// Interfaces come and go by the file; a stream that has nothing to do with it is whole.
#[test]
fn sighup_follows_the_file_and_no_packet_is_lost() {
    both(3, reload, reload);

    fn reload<A: Forged>(lan: &mut Lan<A>) {
        let group = A::group(1);
        let (before, after) = ("interface = [\"link1\"]\n", "interface = [\"link1\", \"link2\"]\n");
        let statics =
            "static = [\"link0\"]\nlast-member-query-interval = 0.1\nquery-response-interval = 0.3\n";
        let file = File::new(lan, &format!("{before}{statics}"));
        let family = if A::PREFIX == 24 { "--ipv4" } else { "--ipv6" };
        let (path, socket) = (file.0.display(), lan.socket());
        let arguments = format!("{family} --verbose --config {path} --socket {}", socket.display());
        let mut daemon = Daemon::start(&lan.router, &arguments);
        until(|| daemon.err.get(), || lan.vifs() == 2);
        let _members = [1, 2].map(|link| lan.links[link].receiver(group));
        let stream = Stream::start(lan.links[0].sender(), group, "whole", Duration::from_millis(2));
        let taps = [lan.tap(1, "whole"), lan.tap(2, "whole")];
        lan.forwards(0, group, &[1]);
        taps[0].next();
        let mut numbers = Vec::new();
        for round in 0..5 {
            file.write(&format!("{after}{statics}query-interval = {}\n", 100 + round));
            daemon.signal(Signal::HUP);
            lan.forwards(0, group, &[1, 2]);
            taps[1].next();
            // And what makes no sense changes nothing.
            file.write(&format!("{after}{statics}\nquery-intervall = 3\n"));
            daemon.signal(Signal::HUP);
            let told = || daemon.err.get().matches("the configuration stays as it was").count();
            until(|| daemon.err.get(), || told() == round + 1);
            file.write(&format!("{before}{statics}"));
            daemon.signal(Signal::HUP);
            lan.forwards(0, group, &[1]);
            numbers.extend(taps[0].numbers());
        }
        assert!(daemon.err.contains("line 6"), "{}", daemon.err.get());
        stream.go_on(50);
        let last = stream.end();
        until(
            || format!("packets to {last}"),
            || {
                numbers.extend(taps[0].numbers());
                numbers.last() == Some(&(last - 1))
            },
        );
        let whole = numbers.is_sorted_by(|one, next| one + 1 == *next);
        assert!(whole, "some are lost, or came twice: {numbers:?}");
        daemon.signal(Signal::TERM);
        assert!(daemon.exit().success());
        lan.is_clean();
    }
}

/// The limits and times of the file hold for what comes after.
#[test]
fn sighup_changes_the_limits() {
    run(2, |lan: &mut Lan<Ipv4Addr>| {
        let text = "interface = [\"link1\"]\nstatic = [\"link0\"]\nipv4 = true\n";
        let file = File::new(lan, &format!("{text}max-groups = 1\n"));
        let arguments = format!("--config {} --socket {}", file.0.display(), lan.socket().display());
        let daemon = Daemon::start(&lan.router, &arguments);
        until(|| daemon.err.get(), || lan.vifs() == 2);
        let wire = Wire::open(&lan.links[1]);
        let join = |number| {
            let group = Ipv4Addr::group(number).address();
            let records = [(Kind::ToExclude, group, Vec::new())];
            wire.send::<Ipv4Addr>(&Ipv4Addr::report(Ipv4Addr::speaker(30), &records));
        };
        join(1);
        join(2);
        daemon.shows(|shown| shown.contains("    239.1.1.1  ") && shown.contains("groups over the limit: 1"));
        file.write(&format!("{text}max-groups = 2\n"));
        daemon.signal(Signal::HUP);
        until(|| daemon.err.get(), || daemon.err.contains("reconfigured"));
        join(2);
        daemon.shows(|shown| shown.contains("    239.1.1.2  ") && shown.contains("groups over the limit: 1"));
        file.write(&format!("{text}memory = 100\n"));
        daemon.signal(Signal::HUP);
        until(|| daemon.err.get(), || daemon.err.contains("takes a restart setting=\"memory\""));
        lan.end(daemon);
    });
}

/// Also in the lines of the manager, which knows numbers alone, and of one that is gone.
#[test]
fn the_log_names_interfaces() {
    both(2, names, names);

    fn names<A: Forged>(lan: &mut Lan<A>) {
        let daemon = lan.start("");
        let taken = "mgm: ownership changed interface=\"link1\" ";
        until(|| daemon.err.get(), || daemon.err.contains(taken));
        lan.router.ip("link delete link1");
        until(|| daemon.err.get(), || daemon.err.contains("gone interface=\"link1\""));
        let numbered = daemon.err.get().lines().filter(|line| line.contains("interface=1")).count();
        assert_eq!(numbered, 0, "{}", daemon.err.get());
        lan.end(daemon);
    }
}

#[test]
fn a_service_manager_is_told_when_it_is_ready_and_when_it_ends() {
    run(2, |lan: &mut Lan<Ipv4Addr>| {
        let path = std::env::temp_dir().join(format!("{}.notify", lan.router.name()));
        let manager = UnixDatagram::bind(&path).unwrap();
        manager.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let socket = lan.socket().display().to_string();
        let arguments = format!("--ipv4 --socket {socket} --static link0 --interface link1");
        let daemon =
            Daemon::start_with(&lan.router, &arguments, |command| command.env("NOTIFY_SOCKET", &path));
        let told = || {
            let mut buffer = [0; 100];
            let length = manager.recv(&mut buffer).unwrap();
            String::from_utf8(buffer[..length].to_vec()).unwrap()
        };
        assert_eq!(told().trim(), "READY=1");
        assert_eq!(lan.vifs(), 2, "ready means that packets are forwarded");
        lan.end(daemon);
        assert_eq!(told().trim(), "STOPPING=1");
        fs::remove_file(path).unwrap();
    });
}
