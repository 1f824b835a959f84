//! A recording as a file, damaged and foreign ones, and what a replay of it does.
#![cfg(feature = "replay")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed unwrap is a failed test")]

use std::io::{self, Write};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use mgm::record::{Answer, Event, Happened};
use mgm::replay::{Damage, Events, ReadError, Recording, replay, write};
use mgm::testing::{FaultyForwarder, World, entry, group, interface, route, source, steps};
use mgm::*;
use proptest::prelude::*;

mod fuzz;

/// A file in memory.
#[derive(Clone, Default)]
struct File(Arc<Mutex<Vec<u8>>>);

impl Write for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl File {
    fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().clone()
    }
}

/// An IGMP that adds again, waits for an interface to settle and then panics, all inside its callbacks.
struct Igmp;

impl<A: Address> IgmpCallbacks<A> for Igmp {
    fn enable_igmp(&self, igmp: &ClientRef<A>, on: Interface<A>) {
        let held: Vec<_> = igmp.manager().groups().filter(|held| held.stale).collect();
        let _outcomes = igmp.batch(on, held.into_iter().map(|held| MembershipChange::Add(held.entry)));
        igmp.manager().when_settled(on, || {});
        std::panic::resume_unwind(Box::new("boom"));
    }
}

/// A protocol that answers otherwise than the RIB, and floods nowhere.
struct Pim;

impl<A: Address> ProtocolCallbacks<A> for Pim {
    fn rpf(&self, _: &ClientRef<A>, request: &RpfRequest<'_, A>) -> Route<A> {
        request.route.over(interface(3))
    }

    fn creation_alert(&self, _: &ClientRef<A>, _: &NewMfe<A>, oifs: &mut [CreationOif<A>]) {
        oifs.iter_mut().for_each(|oif| oif.set_enabled(false));
    }
}

/// A bit of everything that can be recorded.
fn record<A: Address>(sender: &str, groups: [&str; 2], prefix: Route<A>) -> Vec<u8> {
    let (file, plane) = (File::default(), FaultyForwarder::new());
    let builder = Builder::<A>::new().limits(Limits::default().mfes(2)).forwarder(plane.clone());
    let mgm = builder.rib(RouteTable::from_iter([prefix])).record(write(file.clone())).build();
    let (sender, streams, now) = (source(sender), groups.map(group::<A>), Instant::now());
    let igmp = mgm.register_igmp(Igmp).unwrap();
    let pim = mgm.register_protocol(ClientId::new(1, 0), Pim).unwrap();
    let dvmrp = mgm.register_protocol(ClientId::new(2, 0), NoCallbacks).unwrap();
    [2, 3].map(interface).iter().for_each(|on| pim.take_interface_ownership(*on).unwrap());
    igmp.take_interface_ownership(interface(1)).unwrap();
    igmp.set_group(interface(1), streams[0], Filter::JOIN).unwrap();
    igmp.set_group(interface(1), streams[0], Filter::Exclude(&[sender])).unwrap();
    let refresh = igmp.begin_refresh(interface(1), now + Duration::from_secs(60)).unwrap();
    igmp.add_group_membership(interface(1), Entry::Group(streams[0])).unwrap();
    refresh.end();
    plane.fail_next(1, ForwarderError::System { operation: "add", errno: 28 });
    for stream in streams {
        mgm.packet_received(sender, stream, interface(2), &[1, 2], now).unwrap();
    }
    dvmrp.take_interface_ownership(interface(1)).unwrap();
    assert!(pim.take_interface_ownership(interface(1)).is_err());
    let _next = mgm.expire(now + Duration::from_secs(1));
    let _snapshot = mgm.show(now);
    mgm.routes_changed(&prefix.prefix);
    mgm.interface_removed(interface::<A>(1).index());
    drop((igmp, pim, dvmrp, mgm));
    file.bytes()
}

fn v4() -> Vec<u8> {
    record::<Ipv4Addr>("10.0.0.1", ["239.1.1.1", "239.1.1.2"], route("10.0.0.0/8", interface(2)))
}

fn v6() -> Vec<u8> {
    record::<Ipv6Addr>("2001:db8::1", ["ff0e::1", "ff0e::2"], route("2001:db8::/32", interface(2)))
}

/// Replays what was read, event by event as it was recorded.
fn assert_replays(events: &Events) -> usize {
    fn play<A: Address>(events: &[Event<A>]) -> usize {
        let replayed = replay(events).unwrap();
        assert_eq!(replayed.divergence, None);
        assert_eq!(replayed.events[..events.len()], *events);
        events.len()
    }
    match events {
        Events::V4(events) => play(events),
        Events::V6(events) => play(events),
    }
}

#[test]
fn a_recording_of_either_family_is_replayed_event_by_event() {
    for file in [v4(), v6()] {
        let recording = Recording::read(&*file).unwrap();
        assert_eq!(recording.damage, None);
        let lines = file.iter().filter(|byte| **byte == b'\n').count();
        assert_eq!(assert_replays(&recording.events), lines);
    }
}

#[test]
fn what_precedes_a_cut_is_replayed_and_the_line_is_named() {
    let file = v4();
    let first = file.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    for cut in (first..file.len()).step_by(97) {
        let recording = Recording::read(&file[..cut]).unwrap();
        let whole = file[..cut].iter().filter(|byte| **byte == b'\n').count();
        let at_an_end = file[cut - 1] == b'\n';
        match recording.damage {
            None => assert!(
                at_an_end
                    || serde_json::from_slice::<serde_json::Value>(
                        file[..cut].rsplit(|it| *it == b'\n').next().unwrap()
                    )
                    .is_ok()
            ),
            Some(damage) => assert_eq!(damage, ReadError::new(whole + 1, Damage::CutOff)),
        }
        assert!(assert_replays(&recording.events) >= whole);
    }
}

#[test]
fn a_foreign_file_is_refused_by_its_first_line() {
    let others: [&[u8]; 6] = [
        b"",
        b"hello\n",
        b"{}\n",
        b"[1, 2]",
        &[0x1f, 0x8b, 8, 0, 255, 0],
        b"{\"number\":0,\"inside\":null}\n",
    ];
    for other in others {
        let error = Recording::read(other).unwrap_err();
        assert!(matches!(&error, ReadError { line: 1, damage: Damage::Foreign(_), .. }), "{error}");
        assert!(error.to_string().starts_with("line 1: this is no recording"), "{error}");
    }
}

/// Lines of a recording, one of which is changed.
fn damaged(line: usize, change: impl FnOnce(&str) -> String) -> Option<ReadError> {
    let file = String::from_utf8(v4()).unwrap();
    let mut lines: Vec<_> = file.lines().map(str::to_owned).collect();
    lines[line - 1] = change(&lines[line - 1]);
    Recording::read((lines.join("\n") + "\n").as_bytes()).unwrap().damage
}

#[test]
fn a_damaged_line_is_named() {
    let damage = damaged(5, |line| line.replace("\"number\":4", "\"number\":9")).unwrap();
    assert_eq!(damage.to_string(), "line 5: event 9 follows event 3");
    let damage = damaged(3, |line| line.replace("\"inside\":1", "\"inside\":77")).unwrap();
    assert_eq!(damage.to_string(), "line 3: event 2 is inside 77, which is no call that goes on");
    let damage = damaged(7, |_| "nonsense".to_owned()).unwrap();
    assert!(damage.to_string().starts_with("line 7: expected"), "{damage}");
    let file = String::from_utf8(v4()).unwrap();
    let with_group = 1 + file.lines().position(|line| line.contains("\"239.1.1.1\"")).unwrap();
    let damage = damaged(with_group, |line| line.replace("239.1.1.1", "10.1.1.1")).unwrap();
    assert!(damage.to_string().contains("10.1.1.1"), "{damage}");
    assert_eq!(damage.line, with_group);
}

#[test]
fn calls_inside_one_another_without_end_are_refused() {
    let file = String::from_utf8(v4()).unwrap();
    let mut text = file.lines().next().unwrap().to_owned() + "\n";
    for number in 1..100_u64 {
        let inside = if number == 1 { "null".to_owned() } else { (number - 1).to_string() };
        text += &format!(
            "{{\"number\":{number},\"inside\":{inside},\"happened\":{{\"calls\":{{\"to\":\"rib\",\
             \"callback\":{{\"lookup\":{{\"source\":\"10.0.0.1\"}}}}}}}}}}\n"
        );
    }
    let damage = Recording::read(text.as_bytes()).unwrap().damage.unwrap();
    assert_eq!(damage.to_string(), "line 66: more than 64 calls inside one another");
}

#[test]
fn a_replay_that_goes_another_way_says_where() {
    let file = v4();
    let Events::V4(mut events) = Recording::read(&*file).unwrap().events else { unreachable!() };
    let asked =
        events.iter().position(|event| matches!(&event.happened, Happened::Returned(Answer::Change(_))));
    let at = asked.unwrap();
    events[at].happened = Happened::Returned(Answer::Done);
    let divergence = replay(&events).unwrap().divergence.unwrap();
    assert_eq!(divergence.recorded.number, events[at].number);
    let text = format!("event {} was recorded as \"= done\", and is \"= changed\" now", events[at].number);
    assert_eq!(divergence.to_string(), text);
    assert!(replay::<Ipv4Addr>(&[]).is_err());
    assert!(replay(&events[1..]).is_err());
}

#[test]
fn a_writer_that_fails_ends_the_recording_and_harms_nobody() {
    struct Full(usize);
    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += 1;
            assert!(self.0 <= 2, "nothing is written after an error");
            if self.0 == 2 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(bytes.len()) }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mgm = Mgm::builder().record(write(Full(0))).build();
    let igmp = mgm.register_igmp(NoCallbacks).unwrap();
    igmp.take_interface_ownership(interface(1)).unwrap();
    igmp.add_group_membership(interface(1), entry("(*, 239.1.1.1)")).unwrap();
    assert_eq!((mgm.groups().count(), mgm.caught_panics()), (1, 0));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// What happens in a world at random is replayed event by event.
    #[test]
    fn random_steps_are_replayed(steps in steps(1..60)) {
        let mut world = World::new();
        for step in &steps {
            world.step(step)?;
        }
        let events = world.log.events();
        let replayed = replay(&events)?;
        prop_assert_eq!(replayed.divergence, None);
    }
}
