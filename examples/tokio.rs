//! A multicast router on tokio: IGMP, a protocol like PIM, one that floods and prunes like DVMRP, a RIB that changes, and a
//! data plane that answers late and restarts, each a task.
//!
//! `cargo run --example tokio` runs for about a second without root and prints what happened; with `-- --wait` it then goes on
//! until Ctrl-C. The documentation of the crate explains each choice under "With tokio". What stands here only because of
//! the manager's shape is marked with `//~`, and the number of lines.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error as StdError;
use std::io::ErrorKind;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use mgm::{
    Alert, Client, ClientId, ClientRef, CreationMode, CreationOif, Entry, Error, FilterBuf, ForwardState,
    Forwarder, ForwarderError, ForwardingEntry, GroupAddr, HandoverCallbacks, Interface, MfeStats, Mgm,
    NewMfe, News, Pull, Questions, Refresh, Route, RouteTable, SourceAddr,
};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::{JoinHandle, block_in_place};

type Failure = Box<dyn StdError + Send + Sync>;

const PIM: ClientId = ClientId { protocol: 1, component: 0 };
const DVMRP: ClientId = ClientId { protocol: 2, component: 0 };

/// Waits until everybody is to go.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    drop(stop.wait_for(|stops| *stops).await);
}

/// Two tasks may want one interface at the same moment: the second asks again when the first is done. All that follows from
/// a take is done before it returns, so it may last.
//~ 12
async fn take(mgm: &Mgm, client: &ClientRef, port: Interface) -> Result<(), Error> {
    loop {
        match block_in_place(|| client.take_interface_ownership(port)) {
            Err(Error::HandoverInProgress { interface }) => {
                let settled = Arc::new(Notify::new());
                let wake = Arc::clone(&settled);
                mgm.when_settled(interface, move || wake.notify_one());
                settled.notified().await;
            }
            taken => return taken,
        }
    }
}

/// IGMP's hand-overs: it adds again in its own task, in a refresh that begins where it is enabled.
//~ 9
struct Enabled(mpsc::UnboundedSender<Refresh>);
impl HandoverCallbacks for Enabled {
    fn enable_igmp(&self, igmp: &ClientRef, lan: Interface) {
        match igmp.begin_refresh(lan, Instant::now() + Duration::from_secs(10)) {
            Ok(refresh) => drop(self.0.send(refresh)),
            Err(error) => println!("IGMP: {error}"),
        }
    }
}

/// What a host said of one group on a LAN, merged with what its neighbours want (RFC 9776 §6).
struct Report {
    lan: Interface,
    group: GroupAddr,
    wants: FilterBuf,
}

async fn igmp(
    mgm: Mgm,
    lan: Interface,
    mut reports: mpsc::Receiver<Report>,
    mut stop: watch::Receiver<bool>,
) -> Result<(), Failure> {
    let (enabled, mut refreshes) = mpsc::unbounded_channel();
    let (igmp, _news) = mgm.register_polled_igmp(Enabled(enabled))?;
    take(&mgm, &igmp, lan).await?;
    let mut wanted = BTreeMap::<(Interface, GroupAddr), FilterBuf>::new();
    loop {
        tokio::select! {
            Some(Report { lan, group, wants }) = reports.recv() => {
                // Refused while the LAN changes hands: it is wanted all the same, and said again then.
                if let Err(error) = igmp.set_group(lan, group, wants.as_filter()) {
                    println!("IGMP: {error}");
                }
                wanted.insert((lan, group), wants);
            }
            Some(refresh) = refreshes.recv() => {
                let here = wanted.iter().filter(|((lan, _), _)| *lan == refresh.interface());
                for ((lan, group), wants) in here {
                    igmp.set_group(*lan, *group, wants.as_filter())?;
                }
                println!("IGMP: all is said again on {}", refresh.interface());
                block_in_place(|| refresh.end());
            }
            () = stopped(&mut stop) => return leave(igmp),
        }
    }
}

/// Dropping a client releases what it is on, with all that follows.
fn leave(client: Client) -> Result<(), Failure> {
    block_in_place(|| drop(client));
    Ok(())
}

/// What a neighbour downstream asks PIM for.
struct Join(Interface, Entry);

async fn pim(
    mgm: Mgm,
    ports: [Interface; 2],
    mut joins: mpsc::Receiver<Join>,
    mut stop: watch::Receiver<bool>,
) -> Result<(), Failure> {
    let (pim, mut news): (Client, News) = mgm.register_polled_protocol(PIM, mgm::NoCallbacks)?;
    for port in ports {
        take(&mgm, &pim, port).await?;
    }
    let mut pulled: BTreeSet<Pull> = pim.told().collect(); // what others wanted before it could hear of it
    loop {
        tokio::select! {
            Some(alert) = news.next() => match (&alert, alert.pull()) {
                (Alert::Join { .. }, Some(pull)) => if pulled.insert(pull) {
                    println!("PIM: sends a Join upstream for {pull}");
                },
                (Alert::Prune { .. }, Some(pull)) => if pulled.remove(&pull) {
                    println!("PIM: sends a Prune upstream for {pull}");
                },
                (alert, _) => println!("PIM: {alert}"),
            },
            Some(Join(port, entry)) = joins.recv() => {
                pim.add_group_membership(port, entry)?;
            }
            () = stopped(&mut stop) => return leave(pim),
        }
    }
}

/// What DVMRP has heard of its neighbours, which its task and the answers that it gives at once share.
#[derive(Clone, Default)]
struct Pruned(Arc<Mutex<BTreeSet<(SourceAddr, GroupAddr, Interface)>>>);

impl Pruned {
    fn insert(&self, source: SourceAddr, group: GroupAddr, port: Interface) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert((source, group, port));
    }

    fn contains(&self, source: SourceAddr, group: GroupAddr, port: Interface) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&(source, group, port))
    }
}

impl Questions for Pruned {
    fn creation_mode(&self) -> CreationMode {
        CreationMode::Always
    }

    fn creation_alert(&self, _: &ClientRef, entry: &NewMfe, oifs: &mut [CreationOif]) {
        for oif in oifs {
            oif.set_enabled(!self.contains(entry.source, entry.group, oif.interface()));
        }
    }
}

struct Prune(SourceAddr, GroupAddr, Interface);

async fn dvmrp(
    mgm: Mgm,
    port: Interface,
    mut prunes: mpsc::Receiver<Prune>,
    mut stop: watch::Receiver<bool>,
) -> Result<(), Failure> {
    let pruned = Pruned::default();
    let (dvmrp, mut news) = mgm.register_polled_protocol(DVMRP, pruned.clone())?;
    take(&mgm, &dvmrp, port).await?;
    loop {
        tokio::select! {
            Some(alert) = news.next() => println!("DVMRP: {alert}"),
            Some(Prune(source, group, port)) = prunes.recv() => {
                pruned.insert(source, group, port);
                // No entry, no state: it is asked when there is one.
                if let Err(error) = dvmrp.set_forward_state(port, source, group, Some(ForwardState::Off)) {
                    println!("DVMRP: {error}");
                }
            }
            () = stopped(&mut stop) => return leave(dvmrp),
        }
    }
}

/// The data plane is another process, behind a channel: it takes commands, and says later what it could not do.
enum Command {
    Set(ForwardingEntry),
    Delete(SourceAddr, GroupAddr),
    Restart,
}

enum Upcall {
    NoEntry(SourceAddr, GroupAddr, Interface),
    Full(SourceAddr, GroupAddr),
    Restarted,
}

//~ 22
struct Plane(mpsc::UnboundedSender<Command>);
impl Plane {
    fn send(&self, command: Command) -> Result<(), ForwarderError> {
        self.0.send(command).map_err(|_| ForwarderError::Unavailable(ErrorKind::BrokenPipe))
    }
}
impl Forwarder for Plane {
    fn add(&self, entry: &ForwardingEntry) -> Result<(), ForwarderError> {
        self.send(Command::Set(entry.clone()))
    }
    fn change(&self, entry: &ForwardingEntry) -> Result<(), ForwarderError> {
        self.send(Command::Set(entry.clone()))
    }
    fn delete(&self, source: SourceAddr, group: GroupAddr) -> Result<(), ForwarderError> {
        self.send(Command::Delete(source, group))
    }
    fn stats(&self, _: SourceAddr, _: GroupAddr) -> Result<MfeStats, ForwarderError> {
        Err(ForwarderError::Other("this data plane does not count"))
    }
}

/// The other process: it has room for nothing at first, answers late, and loses all when it is started again.
async fn plane(mut commands: mpsc::UnboundedReceiver<Command>, upcalls: mpsc::Sender<Upcall>) {
    let (mut entries, mut has_room) = (BTreeMap::new(), false);
    while let Some(command) = commands.recv().await {
        tokio::time::sleep(Duration::from_millis(5)).await;
        let upcall = match command {
            Command::Set(ForwardingEntry { source, group, .. }) if !has_room => {
                has_room = true;
                println!("plane: no room for ({source}, {group})");
                Some(Upcall::Full(source, group))
            }
            Command::Set(entry) => {
                let oifs: Vec<_> = entry.oifs.iter().map(Interface::to_string).collect();
                println!(
                    "plane: ({}, {}) from {} to [{}]",
                    entry.source,
                    entry.group,
                    entry.iif,
                    oifs.join(", ")
                );
                entries.insert((entry.group, entry.source), entry);
                None
            }
            Command::Delete(source, group) => {
                println!("plane: no more ({source}, {group})");
                entries.remove(&(group, source));
                None
            }
            Command::Restart => {
                entries.clear();
                println!("plane: restarted, and empty");
                Some(Upcall::Restarted)
            }
        };
        if let Some(upcall) = upcall {
            // Not waited for: who hears it may be telling this task something.
            drop(upcalls.try_send(upcall));
        }
    }
    println!("plane: {} entries are left at the end", entries.len());
}

async fn upcalls(mgm: Mgm, mut upcalls: mpsc::Receiver<Upcall>) {
    while let Some(upcall) = upcalls.recv().await {
        match upcall {
            Upcall::NoEntry(source, group, port) => {
                if let Err(error) = mgm.packet_received(source, group, port, &[], Instant::now()) {
                    println!("({source}, {group}): {error}");
                }
            }
            Upcall::Full(source, group) => mgm.forwarder_failed(source, group, ForwarderError::Full),
            Upcall::Restarted => block_in_place(|| mgm.forwarder_restarted()),
        }
    }
}

/// Sleeps until something is due, and is woken when that becomes sooner.
async fn timers(mgm: Mgm, sooner: Arc<Notify>) {
    loop {
        let due = mgm.next_due().unwrap_or_else(|| Instant::now() + Duration::from_secs(3600));
        tokio::select! {
            () = tokio::time::sleep_until(due.into()) => { let _next = block_in_place(|| mgm.expire(Instant::now())); }
            () = sooner.notified() => {} //~ 1
        }
    }
}

/// A moment in which the others do what is to be done.
async fn pause() {
    tokio::time::sleep(Duration::from_millis(100)).await;
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let [lan, uplink, tunnel]: [Interface; 3] = [1.try_into()?, 2.try_into()?, 3.try_into()?];
    let (source, group): (SourceAddr, GroupAddr) = ("10.1.1.1".parse()?, "239.1.1.1".parse()?);
    let routes = Arc::new(RouteTable::new());
    let _before = routes.insert(Route::new("10.0.0.0/8".parse()?, uplink));
    let (commands, to_plane) = mpsc::unbounded_channel();
    //~ 3
    let sooner = Arc::new(Notify::new());
    let wake = Arc::clone(&sooner);
    let builder = Mgm::builder().rib(Arc::clone(&routes)).forwarder(Plane(commands.clone()));
    let mgm = builder.on_due(move |_| wake.notify_one()).build();

    let (stop, stopping) = watch::channel(false);
    let (reports, from_hosts) = mpsc::channel(64);
    let (joins, from_neighbours) = mpsc::channel(64);
    let (prunes, from_peers) = mpsc::channel(64);
    let (reported, from_plane) = mpsc::channel(64);
    let protocols: [JoinHandle<Result<(), Failure>>; 3] = [
        tokio::spawn(igmp(mgm.clone(), lan, from_hosts, stopping.clone())),
        tokio::spawn(pim(mgm.clone(), [lan, uplink], from_neighbours, stopping.clone())),
        tokio::spawn(dvmrp(mgm.clone(), tunnel, from_peers, stopping)),
    ];
    let system = [tokio::spawn(upcalls(mgm.clone(), from_plane)), tokio::spawn(timers(mgm.clone(), sooner))];
    let forwarding = tokio::spawn(plane(to_plane, reported.clone()));
    pause().await;

    println!("-- a host joins, a neighbour joins, and a source sends");
    reports.send(Report { lan, group, wants: FilterBuf::Exclude(Vec::new()) }).await?;
    joins.send(Join(lan, Entry::SourceGroup(source, group))).await?;
    pause().await;
    reported.send(Upcall::NoEntry(source, group, uplink)).await?;
    pause().await;
    println!("-- DVMRP's neighbour wants none of it");
    prunes.send(Prune(source, group, tunnel)).await?;
    tokio::time::sleep(Duration::from_millis(1100)).await; // until the data plane is told again
    println!("-- the data plane is started again");
    commands.send(Command::Restart).map_err(|_| "the data plane has gone")?;
    pause().await;
    println!("-- the route to the source moves to the tunnel");
    let route = Route::new("10.1.0.0/16".parse()?, tunnel);
    let _before = routes.insert(route);
    block_in_place(|| mgm.routes_changed(&route.prefix));
    pause().await;
    print!("{}", mgm.show(Instant::now()));

    if std::env::args().any(|argument| argument == "--wait") {
        tokio::signal::ctrl_c().await?;
    }
    println!("-- the clients go, then the manager, which empties the data plane, and then that");
    stop.send(true)?;
    for protocol in protocols {
        protocol.await??;
    }
    for task in system {
        task.abort();
        drop(task.await); // each has held the manager
    }
    drop((mgm, commands));
    forwarding.await?;
    Ok(())
}
