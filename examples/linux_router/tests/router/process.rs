//! The process: what it prints, and how it ends.

use crate::daemon::Daemon;
use crate::lan::{Lan, both, until};
use netns::link::Family;

#[test]
fn a_second_daemon_is_told_why_it_cannot_be() {
    both(2, second, second);

    fn second<A: Family>(lan: &mut Lan<A>) {
        let daemon = lan.start("");
        let mut second = lan.start_on(1..2, "");
        assert_eq!(second.exit().code(), Some(1));
        let protocol = if A::PREFIX == 24 { "IGMP" } else { "MLD" };
        let told = format!("a router for {protocol} hosts");
        until(|| second.err.get(), || second.err.contains("another multicast routing daemon"));
        assert!(second.err.contains(&told), "{}", second.err.get());
        // The first is not disturbed.
        let group = A::group(1);
        let (tap, _member) = (lan.tap(1, "first"), lan.links[1].receiver(group));
        let _stream = lan.stream(0, group, "first");
        tap.next();
        lan.end(daemon);
    }
}

#[test]
fn sigusr1_prints_the_tables() {
    both(2, show, show);

    fn show<A: Family>(lan: &mut Lan<A>) {
        let group = A::group(1);
        let daemon = lan.start("");
        let _member = lan.links[1].receiver(group);
        let _stream = lan.stream(0, group, "shown");
        lan.forwards(0, group, &[1]);
        let entry = format!("({},{group})  Iif: link0  Oifs: link1  ", A::on_link(0, 2));
        daemon.shows(|shown| {
            shown.contains("link0  Index: ")
                && shown.contains("Owner: IGMP  ")
                && shown.contains(&format!("    {group}  259s  EXCLUDE {{}} {{}}\n"))
                && shown.contains(&entry)
                && shown.contains(" packets, ")
        });
        lan.end(daemon);
    }
}

#[test]
fn without_interfaces_it_says_so() {
    both(1, none, none);

    fn none<A: Family>(lan: &mut Lan<A>) {
        let mut daemon = Daemon::start(&lan.router, "--verbose");
        assert_eq!(daemon.exit().code(), Some(1));
        let told = "linux-router: interface: no interface is given: --interface NAME\n";
        until(|| daemon.err.get(), || daemon.err.contains(told));
    }
}

#[test]
fn interfaces_beyond_the_kernels_32_are_told_and_the_others_forward() {
    both(2, many, many);

    fn many<A: Family>(lan: &mut Lan<A>) {
        // Their names come behind those of the links: interfaces are taken in that order.
        let names: Vec<_> = (0..40).map(|number| format!("more{number:02}")).collect();
        let add =
            |name: &String| format!("link add {name} type veth peer name p{name}\nlink set {name} up\n");
        lan.router.ip(&names.iter().map(add).collect::<String>());
        let options: Vec<_> = names.iter().map(|name| format!("--interface {name}")).collect();
        let daemon = lan.start_on(1..2, &options.join(" "));
        until(|| "the last".to_owned(), || daemon.err.contains("interface=\"more39\""));
        // One is left for the loopback interface.
        until(|| format!("{} of 31", lan.vifs()), || lan.vifs() == 31);
        let told = || {
            let all = daemon.err.get();
            all.lines()
                .filter(|line| line.contains("is not forwarded"))
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        until(|| format!("{:#?}", told()), || told().len() == 11);
        let told = told();
        assert!(told.iter().all(|line| line.contains("WARN") && line.contains("32")), "{told:#?}");
        let (group, tap) = (A::group(1), lan.tap(1, "forwarded"));
        let (_member, _stream) = (lan.links[1].receiver(group), lan.stream(0, group, "forwarded"));
        tap.next();
        lan.forwards(0, group, &[1]);
        lan.end(daemon);
    }
}
