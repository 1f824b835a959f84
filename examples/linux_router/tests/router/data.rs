//! Who gets the packets of whom.

use std::time::{Duration, Instant};

use crate::lan::{Lan, both, until};
use crate::member::join_source;
use crate::wire::{Forged, Kind, Wire};
use netns::link::{Family, Receiver};
use netns::traffic::Stream;

/// Waits until a host's socket has a packet of a sender.
fn receive(receiver: &Receiver) -> String {
    let mut packet = None;
    until(
        || "a packet".to_owned(),
        || {
            packet = receiver.receive();
            packet.is_some()
        },
    );
    packet.unwrap()
}

#[test]
fn packets_reach_the_hosts_that_joined_and_no_others_until_they_leave() {
    both(3, joined, joined);

    fn joined<A: Family>(lan: &mut Lan<A>) {
        let (group, other) = (A::group(1), A::group(2));
        let daemon = lan.start("");
        let stream = lan.stream(0, group, "joined");
        let taps = [lan.tap(1, "joined"), lan.tap(2, "joined")];
        lan.forwards(0, group, &[]);
        let _other = lan.links[2].receiver(other);
        stream.go_on(20);
        let receiver = lan.links[1].receiver(group);
        let begin = Instant::now();
        assert!(receive(&receiver).starts_with("joined"));
        println!("{}: first packet {:?} after the join", A::IP, begin.elapsed());
        lan.forwards(0, group, &[1]);
        stream.go_on(50);
        drop(receiver);
        lan.forwards(0, group, &[]);
        let left = stream.sent();
        stream.go_on(50);
        stream.end();
        let come = taps[0].numbers();
        assert!(come.len() >= 50, "{come:?}");
        assert!(come.is_sorted_by(|one, next| one + 1 == *next), "none lost, none twice: {come:?}");
        assert!(*come.last().unwrap() <= left, "after it left: {come:?}");
        assert_eq!(taps[1].numbers(), [0; 0], "the host that joined another group");
        lan.end(daemon);
    }
}

#[test]
fn sigterm_leaves_the_kernel_clean_under_traffic() {
    both(3, end, end);

    fn end<A: Family>(lan: &mut Lan<A>) {
        let group = A::group(1);
        let daemon = lan.start("");
        let _members = [lan.links[1].receiver(group), lan.links[2].receiver(group)];
        let (stream, tap) = (lan.stream(0, group, "end"), lan.tap(2, "end"));
        lan.forwards(0, group, &[1, 2]);
        tap.next();
        lan.end(daemon);
        // Packets that were on their way.
        tap.numbers();
        stream.go_on(50);
        assert_eq!(tap.numbers(), [0; 0]);
        lan.is_clean();
        // Another one finds the members by asking.
        let daemon = lan.start("--query-interval 2 --query-response-interval 0.2");
        lan.forwards(0, group, &[1, 2]);
        tap.next();
        drop(stream);
        lan.end(daemon);
    }
}

#[test]
fn a_join_of_one_source_lets_only_that_one_through() {
    both(2, source, source);

    fn source<A: Family>(lan: &mut Lan<A>) {
        let (group, wanted, unwanted) = (A::group(1), A::on_link(0, 2), A::on_link(0, 3));
        lan.links[0].add_address(unwanted);
        let daemon = lan.start("");
        let (one, two) = (lan.tap(1, "wanted"), lan.tap(1, "not"));
        let _wanted = lan.stream(0, group, "wanted");
        let every = Duration::from_millis(2);
        let other = Stream::start(lan.links[0].sender_from(unwanted), group, "not", every);
        let member = join_source(&lan.links[1], group, wanted);
        lan.forwards_from(wanted, 0, group, &[1]);
        lan.forwards_from(unwanted, 0, group, &[]);
        one.next();
        other.go_on(50);
        assert_eq!(two.numbers(), [0; 0]);
        let both = join_source(&lan.links[1], group, unwanted);
        two.next();
        drop(both);
        lan.forwards_from(unwanted, 0, group, &[]);
        lan.forwards_from(wanted, 0, group, &[1]);
        drop(member);
        lan.forwards_from(wanted, 0, group, &[]);
        lan.end(daemon);
    }
}

#[test]
fn a_host_that_dies_silently_times_out() {
    both(2, silent, silent);

    fn silent<A: Forged>(lan: &mut Lan<A>) {
        let (group, alive) = (A::group(1), A::group(2));
        let daemon = lan.start("--query-interval 1 --query-response-interval 0.3");
        let _streams = (lan.stream(0, group, "dead"), lan.stream(0, alive, "alive"));
        let tap = lan.tap(1, "dead");
        let _alive = lan.links[1].receiver(alive);
        // In the name of a host whose kernel knows nothing of it, and answers no query.
        let report = A::report(A::speaker(66), &[(Kind::ToExclude, group.address(), Vec::new())]);
        Wire::open(&lan.links[1]).send::<A>(&report);
        tap.next();
        lan.forwards(0, group, &[1]);
        lan.forwards(0, group, &[]);
        // The one that answers is still there.
        lan.forwards(0, alive, &[1]);
        lan.end(daemon);
    }
}
