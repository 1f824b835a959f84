//! Numbered streams across the router, and what becomes of them while interfaces change hands.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use mgm::{Entry, GroupAddr, Interface, MembershipChange, Rib, Route, SourceAddr};
use netns::traffic::{Arrivals, Progress, Stream};
use parking_lot::Mutex;

use crate::world::{Family, World};

const CHANGES: usize = 100;
/// How many packets of each stream come while a change is held open.
const HELD: u64 = 2;
/// How many packets of each stream come between two changes.
const BETWEEN: u64 = 15;
const EVERY: Duration = Duration::from_millis(1);

/// One stream, and the links whose hosts get it; nobody else may.
#[derive(Clone, Copy)]
pub(crate) struct Course<A: Family> {
    tag: &'static str,
    from: usize,
    pub(crate) source: SourceAddr<A>,
    pub(crate) group: GroupAddr<A>,
    to: &'static [usize],
}

/// Link 0 has sources alone, link 2 receivers alone, link 1 both: a source, and receivers that block another.
pub(crate) fn courses<A: Family>() -> [Course<A>; 3] {
    let source = |link, host| SourceAddr::new(A::on_link(link, host)).unwrap();
    [
        Course { tag: "first", from: 0, source: source(0, 2), group: A::group(1), to: &[1, 2] },
        Course { tag: "blocked", from: 0, source: source(0, 3), group: A::group(1), to: &[2] },
        Course { tag: "second", from: 1, source: source(1, 2), group: A::group(2), to: &[2] },
    ]
}

/// What hosts want on a link: also where it comes from, which must not bring it back there.
pub(crate) fn wanted<A: Family>(link: usize) -> Vec<MembershipChange<A>> {
    use MembershipChange::{Add, Block};
    let [first, blocked, second] = courses();
    let group = Add(Entry::Group(first.group));
    match link {
        0 => vec![group],
        1 => vec![group, Block(blocked.source, blocked.group), Add(Entry::Group(second.group))],
        _ => vec![group, Add(Entry::SourceGroup(second.source, second.group))],
    }
}

/// Each source is on its link.
struct OnLink<A: Family>(Vec<(SourceAddr<A>, Interface<A>)>);

impl<A: Family> Rib<A> for OnLink<A> {
    fn lookup(&self, source: SourceAddr<A>) -> Option<Route<A>> {
        let (_, interface) = self.0.iter().find(|(known, _)| *known == source)?;
        Some(Route::new(source.address().host(), *interface))
    }
}

/// Streams that flow, and in the end are counted.
pub(crate) struct Streams {
    streams: Vec<Stream>,
    window: Window,
}

/// What became of the streams.
pub(crate) struct Outcome {
    pub(crate) faults: Vec<Fault>,
    /// By stream.
    sent: Vec<Range<u64>>,
}

/// Packets of one stream that went wrong at the host of one link.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Fault {
    pub(crate) kind: FaultKind,
    pub(crate) stream: &'static str,
    pub(crate) link: usize,
    packets: usize,
    first: u64,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum FaultKind {
    Lost,
    Twice,
    Astray,
}

impl Streams {
    /// They flow, and nobody owns or wants anything.
    pub(crate) fn start<A: Family>(world: &mut World<A>) -> Self {
        let interface = |course: Course<A>| world.links[course.from].interface;
        let rib = OnLink(courses().map(|course| (course.source, interface(course))).to_vec());
        world.rebuild(|builder| builder.rib(rib));
        world.without_protocol();
        let start = |course: Course<A>| {
            let link = &world.links[course.from];
            if course.source != world.source(course.from) {
                link.add_address(course.source.address());
            }
            // Alone: of those that come before there is an entry the kernel keeps only a few.
            let sender = link.sender_from(course.source.address());
            sender.send(course.group, "alone");
            world.until("an entry", || world.mgm.mfe(course.source, course.group).is_some());
            Stream::start(sender, course.group, course.tag, EVERY)
        };
        let streams: Vec<_> = courses().map(start).into();
        let progress = streams.iter().map(|stream| stream.progress().clone()).collect();
        Self { streams, window: Window { progress, held: Arc::default() } }
    }

    pub(crate) fn window(&self) -> Window {
        self.window.clone()
    }

    /// Makes changes again and again that leave every stream, and the kernel, as they are.
    pub(crate) fn are_untouched<A: Family>(self, world: &World<A>, what: &str, change: impl FnMut(usize)) {
        world.until("the streams flow where they should", || is_as_due(world));
        let Outcome { faults, sent } = self.count(world, what, CHANGES, change);
        assert_eq!(faults, []);
        assert_eq!(*world.commands.lock(), []);
        assert!(is_as_due(world), "{world:?}");
        for (course, sent) in courses::<A>().iter().zip(&sent) {
            // An entry that was deleted and added again would count from the beginning.
            let stats = world.mgm.mfe_stats(course.source, course.group).unwrap();
            assert_eq!((stats.packets, stats.wrong_interface), (1 + sent.end, 0), "{}", course.tag);
        }
    }

    /// Makes changes, and says what they did to the streams.
    pub(crate) fn count<A: Family>(
        self,
        world: &World<A>,
        what: &str,
        changes: usize,
        mut change: impl FnMut(usize),
    ) -> Outcome {
        world.agree();
        world.commands.lock().clear();
        let mut taps = taps(world);
        // The one after the next: that one may be under way.
        let first: Vec<u64> = self.streams.iter().map(|stream| stream.sent() + 1).collect();
        let (begin, mut changing) = (Instant::now(), Duration::ZERO);
        serving(world, || {
            for turn in 0..changes {
                let (before, begin) = (self.streams[0].sent(), Instant::now());
                change(turn);
                changing += begin.elapsed();
                assert!(self.streams[0].sent() >= before + HELD, "the change was not held open");
                self.window.pass(BETWEEN);
                taps.iter_mut().for_each(|tap| tap.arrivals.count());
            }
        });
        let (took, each) =
            (begin.elapsed(), (changing - *self.window.held.lock()) / changes.try_into().unwrap());
        let ends = self.streams.into_iter().map(Stream::end);
        let sent: Vec<_> = first.into_iter().zip(ends).map(|(first, end)| first..end).collect();
        await_last(&mut taps, &sent);
        let faults: Vec<_> = taps.iter().flat_map(|tap| tap.faults(&sent[tap.stream])).collect();
        let packets: u64 = sent.iter().map(|sent| sent.end - sent.start).sum();
        println!(
            "{} {what}: {packets} packets in {took:.1?}; {changes} times, {each:.1?} each beside what held it open",
            A::IP
        );
        assert_eq!(world.mgm.caught_panics(), 0);
        Outcome { faults, sent }
    }
}

/// Whether there is an entry for each stream, from where it comes to where it has to go.
fn is_as_due<A: Family>(world: &World<A>) -> bool {
    let interface = |link: &usize| world.links[*link].interface;
    courses::<A>().iter().all(|course| {
        let oifs: Vec<_> = course.to.iter().map(interface).collect();
        let mfe = world.mgm.mfe(course.source, course.group);
        mfe.is_some_and(|mfe| mfe.iif == interface(&course.from) && mfe.oifs == oifs)
    })
}

/// Holds a change open until packets have come.
#[derive(Clone)]
pub(crate) struct Window {
    progress: Vec<Progress>,
    /// How long, in all.
    held: Arc<Mutex<Duration>>,
}

impl Window {
    pub(crate) fn hold(&self) {
        let begin = Instant::now();
        self.pass(HELD);
        *self.held.lock() += begin.elapsed();
    }

    fn pass(&self, packets: u64) {
        let enough: Vec<u64> = self.progress.iter().map(|progress| progress.sent() + packets).collect();
        self.progress.iter().zip(enough).for_each(|(progress, enough)| progress.reach(enough));
    }
}

/// What comes of one stream to the host of one link.
struct Tapped {
    stream: usize,
    tag: &'static str,
    link: usize,
    is_due: bool,
    arrivals: Arrivals,
}

impl Tapped {
    fn is_complete(&self, sent: &Range<u64>) -> bool {
        !self.is_due || self.arrivals.lost(sent).is_empty()
    }

    fn faults(&self, sent: &Range<u64>) -> impl Iterator<Item = Fault> {
        let wrong = if self.is_due {
            (FaultKind::Lost, self.arrivals.lost(sent))
        } else {
            (FaultKind::Astray, self.arrivals.came(sent))
        };
        let fault = |(kind, numbers): (FaultKind, Vec<u64>)| {
            let (stream, link, packets) = (self.tag, self.link, numbers.len());
            numbers.first().map(|&first| Fault { kind, stream, link, packets, first })
        };
        [wrong, (FaultKind::Twice, self.arrivals.twice())].into_iter().filter_map(fault)
    }
}

fn taps<A: Family>(world: &World<A>) -> Vec<Tapped> {
    let hosts = |(stream, course): (usize, Course<A>)| {
        world.links.iter().enumerate().map(move |(link, at)| Tapped {
            stream,
            tag: course.tag,
            link,
            is_due: course.to.contains(&link),
            arrivals: Arrivals::open::<A>(&at.host, course.tag),
        })
    };
    courses::<A>().into_iter().enumerate().flat_map(hosts).collect()
}

/// Does what the kernel asks on a thread of its own, as a daemon would.
fn serving<A: Family>(world: &World<A>, work: impl FnOnce()) {
    struct End<'a>(&'a AtomicBool);

    impl Drop for End<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    let end = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !end.load(Ordering::Relaxed) {
                world.pump();
            }
        });
        // Also when the work panics.
        let _ended = End(&end);
        work();
    });
}

/// Waits until all that is due has come; what has not come by then is lost.
fn await_last(taps: &mut [Tapped], sent: &[Range<u64>]) {
    let deadline = Instant::now() + Duration::from_secs(2);
    let complete = |tap: &Tapped| tap.is_complete(&sent[tap.stream]);
    while !taps.iter().all(complete) && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(2));
        taps.iter_mut().for_each(|tap| tap.arrivals.count());
    }
}
