//! What somebody types who has not read the page yet. Each line compiles, so that it stays so; what was declined is here
//! in words, with its reason.

use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU32;
use std::panic::{RefUnwindSafe, UnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use mgm::ipnet::Ipv4Net;
use mgm::{
    Address, AddressError, Alert, Builder, Change, Client, ClientId, ClientName, ClientNameError, ClientRef,
    Entry, Error, Forwarder, ForwarderError, ForwardingEntry, GroupAddr, HostAddr, IgmpCallbacks, Interface,
    Limits, MemoryForwarder, MfeStats, Mgm, News, NoCallbacks, OifStats, ProtocolCallbacks, Refresh, Rib,
    Route, RouteTable, Snapshot, SourceAddr, SsmRanges,
};

type Any = Result<(), Box<dyn std::error::Error>>;

// Declined: `cargo add mgm`. The name is another crate's in the registry; README and front page say which one this is.

#[test]
fn a_manager_of_either_family_without_an_annotation() {
    drop(Mgm::builder().build());
    drop(Mgm::builder_v6().build());
    assert_eq!(Mgm::new().clients(), []);
    assert_eq!(Mgm::v6().clients(), []);
    // Declined: `Mgm::<Ipv6Addr>::new()`. A `new` for each family is ambiguous, and one for all has to be told which.
    fn any<A: Address>() -> Mgm<A> {
        Builder::new().build()
    }
    let (_four, _six): (Mgm, Mgm<Ipv6Addr>) = (any(), Mgm::default());
    // Declined: aliases `Mgm4` and `Mgm6`. `Mgm` and `Mgm<Ipv6Addr>` are no longer.
}

#[test]
fn interfaces() -> Any {
    let index = NonZeroU32::new(3).unwrap();
    assert_eq!(Interface::<Ipv4Addr>::from(index), Interface::new(index));
    // Declined: `let eth0 = Interface::try_from(1)?` alone. A default type parameter decides nothing; beside a manager
    // the family is known. Declined: `Interface::new(3)`. There is no interface 0, and the crate does not panic.
    let (mgm, eth0) = (Mgm::new(), Interface::try_from(3)?);
    assert_eq!(mgm.owner(eth0), None);
    Ok(())
}

#[test]
fn addresses_from_and_into_those_of_std() -> Any {
    let group: GroupAddr = "239.1.1.1".parse()?;
    assert_eq!(Ipv4Addr::from(group), Ipv4Addr::new(239, 1, 1, 1));
    assert_eq!(IpAddr::from(group), IpAddr::V4(group.address()));
    assert_eq!(group.octets(), [239, 1, 1, 1]);
    assert_eq!(GroupAddr::try_from(IpAddr::from(group)), Ok(group));
    assert_eq!(GroupAddr::<Ipv6Addr>::try_from(IpAddr::from(group)), Err(AddressError::NotAnAddress));
    let no_group = AddressError::NotMulticast(Ipv4Addr::LOCALHOST);
    assert_eq!(GroupAddr::try_from(IpAddr::V4(Ipv4Addr::LOCALHOST)), Err(no_group));

    let source: SourceAddr<Ipv6Addr> = "2001:db8::1".parse()?;
    assert_eq!(Ipv6Addr::from(source).octets(), source.octets());
    assert_eq!(SourceAddr::try_from(IpAddr::from(source)), Ok(source));
    assert_eq!(SourceAddr::<Ipv4Addr>::try_from(IpAddr::from(source)), Err(AddressError::NotAnAddress));
    let host = HostAddr::from(source);
    assert_eq!((Ipv6Addr::from(host), IpAddr::from(host)), (source.address(), source.into()));

    // Declined: `group == address`. A second `PartialEq` takes the inference from `mfe.group == "239.1.1.1".parse()?`.
    assert_eq!(group.address(), Ipv4Addr::new(239, 1, 1, 1));
    // Declined: `GroupAddr::try_from(a)` for any `A: Address`, which overlaps with what `std` has for all types.
    fn generic<A: Address>(address: A) -> Result<GroupAddr<A>, AddressError<A>> {
        GroupAddr::new(address)
    }
    assert_eq!(generic(group.address()), Ok(group));
    Ok(())
}

#[test]
fn entries_and_what_they_cover() -> Any {
    let (source, group): (SourceAddr, GroupAddr) = ("10.0.0.1".parse()?, "239.1.1.1".parse()?);
    let pair = Entry::from((source, group));
    assert_eq!(pair, Entry::SourceGroup(source, group));
    // Declined: `Entry::new(Option<S>, G)`, a third way to two of three kinds. Where a parser has an `Option`:
    let read =
        |source: Option<SourceAddr>| source.map_or_else(|| group.into(), |source| (source, group).into());
    assert_eq!((read(Some(source)), read(None)), (pair, Entry::Group(group)));

    // Declined: `group.is_ssm()`. Which ranges are source-specific is configuration of a manager.
    let mgm = Mgm::builder().ssm_ranges(["239.232.0.0/16".parse()?]).build();
    let (other, specific): (SourceAddr, GroupAddr) = ("10.0.0.2".parse()?, "239.232.0.1".parse()?);
    let ranges = mgm.ssm_ranges();
    assert!(ranges.contains(specific) && !ranges.contains(group));
    assert_eq!(ranges.iter().map(|range| range.to_string()).collect::<Vec<_>>(), ["239.232.0.0/16"]);
    assert_eq!(ranges.range(specific), ranges.iter().next());
    for (entry, covers) in [
        (pair, [true, false, false]),
        (Entry::Group(group), [true, true, false]),
        (Entry::AllGroups, [true, true, false]),
        (Entry::from((source, specific)), [false, false, true]),
        (Entry::Group(specific), [false, false, false]),
    ] {
        let streams = [(source, group), (other, group), (source, specific)];
        assert_eq!(streams.map(|(source, group)| entry.covers(source, group, &ranges)), covers, "{entry}");
    }
    assert_eq!(Mgm::new().ssm_ranges(), SsmRanges::default());
    Ok(())
}

#[test]
fn results_and_names() -> Any {
    assert!(Change::Changed.is_changed() && !Change::Unchanged.is_changed());
    // Declined: `bool::from(change)`. It reads as whether it worked, and says whether it was new.
    let id = ClientId::new(1, 0);
    assert_eq!("1.0".parse(), Ok(id));
    for text in ["1", "1.", "1.0.0", "-1.0", "4294967296.0", "IGMP", ""] {
        assert_eq!(text.parse::<ClientId>(), Err(ClientNameError::Id), "{text}");
    }
    assert_eq!(ClientName::from(id), ClientName::Protocol(id));
    for name in [ClientName::Igmp, id.into()] {
        assert_eq!(name.to_string().parse(), Ok(name));
    }
    assert_eq!("igmp".parse(), Ok(ClientName::Igmp));
    assert_eq!("1.0".parse(), Ok(ClientName::Protocol(id)));
    let refused = "pim".parse::<ClientName>().unwrap_err();
    assert_eq!(
        refused.to_string(),
        "a client is named IGMP, or by its protocol's number and its component, as 1.0"
    );
    assert_eq!(Error::<Ipv4Addr>::IgmpAlreadyRegistered.kind(), "igmp_already_registered");
    // Declined: `mgm::Result<T>`, which hides that an error has a family; `mgm::prelude`, as the root is flat.
    Ok(())
}

#[test]
fn json_in_generic_code() -> Any {
    fn json<A: Address>(mgm: &Mgm<A>) -> serde_json::Result<String> {
        serde_json::to_string(&mgm.show(Instant::now()))
    }
    let text = json(&Mgm::new())?;
    let read: Snapshot = serde_json::from_str(&text)?;
    assert_eq!(read.interfaces, []);
    let _: Limits = serde_json::from_str("{}")?;
    let _: ClientName = serde_json::from_str("\"igmp\"")?;
    Ok(())
}

/// A daemon that is generic needs no bound but the family's, and no crate of ours.
struct Daemon<A: Address> {
    routes: Arc<RouteTable<A>>,
    prefixes: BTreeSet<A::Net>,
}

#[test]
fn routes_in_generic_code() -> Any {
    fn daemon<A: Address>(route: Route<A>) -> Daemon<A> {
        Daemon { routes: Arc::new([route].into_iter().collect()), prefixes: BTreeSet::from([route.prefix]) }
    }
    let prefix: Ipv4Net = "10.0.0.0/8".parse()?;
    let daemon = daemon(Route::new(prefix, 1.try_into()?));
    assert_eq!(
        daemon.routes.routes().iter().map(|route| route.prefix).collect::<BTreeSet<_>>(),
        daemon.prefixes
    );
    let _mgm = Mgm::builder().rib(daemon.routes).build();
    Ok(())
}

#[test]
fn pointers_and_closures_are_edges() -> Any {
    static NOTING: Noting = Noting(parking_lot::Mutex::new(Vec::new()));
    let (boxed, shared): (Box<dyn ProtocolCallbacks>, Arc<dyn ProtocolCallbacks>) =
        (Box::new(NoCallbacks), Arc::new(NoCallbacks));
    let mgm = Mgm::new();
    let _boxed = mgm.register_protocol(ClientId::new(1, 0), boxed)?;
    let _shared = mgm.register_protocol(ClientId::new(1, 1), shared)?;
    let _static = mgm.register_protocol(ClientId::new(1, 2), &NOTING)?;
    let boxed: Box<dyn IgmpCallbacks> = Box::new(NoCallbacks);
    drop(mgm.register_igmp(boxed)?);
    drop(mgm.register_igmp(&NOTING)?);

    let route: Route = Route::new("10.0.0.0/8".parse()?, 1.try_into()?);
    let table = || -> RouteTable { [route].into_iter().collect() };
    let shared: Arc<dyn Rib> = Arc::new(table());
    let ribs: [Box<dyn Rib>; 4] = [
        Box::new(table()),
        Box::new(Arc::new(table())),
        Box::new(move |_: SourceAddr| Some(route)),
        Box::new(shared),
    ];
    for rib in ribs {
        let boxed: Box<dyn Forwarder> = Box::new(MemoryForwarder::new());
        let mgm = Mgm::builder().rib(rib).forwarder(boxed).build();
        let (source, group) = ("10.0.0.1".parse()?, "239.1.1.1".parse()?);
        mgm.packet_received(source, group, 1.try_into()?, &[], Instant::now())?;
        assert_eq!(mgm.mfe(source, group).unwrap().prefix, Some(route.prefix));
        assert_eq!(mgm.mfe_stats(source, group)?, MfeStats::new());
    }
    // Declined: `Box<T>` and `&T` of a RIB that has a type. A closure is a RIB, and `Box` and `&` of it are closures.
    Ok(())
}

/// What a pointer passes on reaches what it points at: an edge that notes each call.
#[derive(Default)]
struct Noting(parking_lot::Mutex<Vec<&'static str>>);

impl Noting {
    fn note(&self, call: &'static str) {
        self.0.lock().push(call);
    }
}

impl ProtocolCallbacks for Noting {
    fn creation_mode(&self) -> mgm::CreationMode {
        self.note("creation_mode");
        mgm::CreationMode::Always
    }
    fn rpf(&self, _: &ClientRef, request: &mgm::RpfRequest<'_>) -> Route {
        self.note("rpf");
        request.route
    }
    fn creation_alert(&self, _: &ClientRef, _: &mgm::NewMfe, _: &mut [mgm::CreationOif]) {
        self.note("creation_alert");
    }
    fn alert(&self, _: &ClientRef, alert: Alert) {
        self.note(alert.callback());
    }
}

impl IgmpCallbacks for Noting {
    fn disable_igmp(&self, _: &ClientRef, _: Interface) {
        self.note("disable_igmp");
    }
    fn enable_igmp(&self, _: &ClientRef, _: Interface) {
        self.note("enable_igmp");
    }
    fn alert_mode(&self) -> mgm::AlertMode {
        self.note("alert_mode");
        mgm::AlertMode::JoinsAndPrunes
    }
    fn alert(&self, _: &ClientRef, alert: Alert) {
        self.note(alert.callback());
    }
}

impl Forwarder for Noting {
    fn add(&self, _: &ForwardingEntry) -> Result<(), ForwarderError> {
        self.note("add");
        Ok(())
    }
    fn change(&self, _: &ForwardingEntry) -> Result<(), ForwarderError> {
        self.note("change");
        Ok(())
    }
    fn delete(&self, _: SourceAddr, _: GroupAddr) -> Result<(), ForwarderError> {
        self.note("delete");
        Ok(())
    }
    fn stats(&self, _: SourceAddr, _: GroupAddr) -> Result<MfeStats, ForwarderError> {
        self.note("stats");
        Ok(MfeStats::new())
    }
}

/// Runs a router whose edges are behind pointers, and says what each was called.
fn calls<E>(
    pointer: impl Fn(&'static Noting) -> E,
) -> Result<[Vec<&'static str>; 3], Box<dyn std::error::Error>>
where
    E: ProtocolCallbacks + IgmpCallbacks + Forwarder + 'static,
{
    let [pim, igmp, forwarder]: [&'static Noting; 3] = std::array::from_fn(|_| &*Box::leak(Box::default()));
    let (eth0, eth1) = (1.try_into()?, 2.try_into()?);
    let prefix = "10.0.0.0/8".parse()?;
    let route = move |_: SourceAddr| Some(Route::new(prefix, eth0));
    let mgm = Mgm::builder().rib(route).forwarder(pointer(forwarder)).build();
    let protocol = mgm.register_protocol(ClientId::new(1, 0), pointer(pim))?;
    let hosts = mgm.register_igmp(pointer(igmp))?;
    protocol.take_interface_ownership(eth0)?;
    hosts.take_interface_ownership(eth1)?;
    hosts.add_group_membership(eth1, "(*, 239.1.1.1)".parse()?)?;
    let (source, group) = ("10.0.0.1".parse()?, "239.1.1.1".parse()?);
    mgm.packet_received(source, group, eth0, &[], Instant::now())?;
    mgm.mfe_stats(source, group)?;
    protocol.take_interface_ownership(eth1)?;
    drop((protocol, hosts, mgm));
    Ok([pim, igmp, forwarder].map(|noting| noting.0.lock().clone()))
}

#[test]
fn a_pointer_passes_on_every_call() -> Any {
    let plain = calls(|noting| noting)?;
    for (edge, expected) in plain.iter().zip([
        &["creation_mode", "rpf", "creation_alert", "join_alert"][..],
        &["alert_mode", "disable_igmp", "enable_igmp"],
        &["add", "stats", "change", "delete"],
    ]) {
        assert!(expected.iter().all(|call| edge.contains(call)), "{edge:?} {expected:?}");
    }
    assert_eq!(calls(Arc::new)?, plain);
    assert_eq!(calls(Box::new)?, plain);
    Ok(())
}

#[test]
fn cl_4_a_clone_of_a_handle_acts_while_the_client_is_registered() -> Any {
    let mgm = Mgm::new();
    let pim = mgm.register_protocol(ClientId::new(1, 0), NoCallbacks)?;
    let other: ClientRef = pim.clone();
    let eth0 = Interface::try_from(1)?;
    std::thread::spawn(move || other.take_interface_ownership(eth0)).join().unwrap()?;
    assert_eq!((pim.interfaces(), mgm.owner(eth0)), (vec![eth0], Some(pim.name())));
    // Declined: `client.downgrade()`. Every `ClientRef` is weak as to the registration; there is nothing to upgrade.
    // Declined: `Client: Clone`. One owner ends the registration; `client.clone()` is a `ClientRef`.
    Ok(())
}

/// CL-4: nothing is left that it can do, also when another client has its name.
#[test]
fn cl_4_a_clone_of_a_handle_is_refused_once_the_client_has_deregistered() -> Any {
    fn each(client: &ClientRef, at: Interface) -> Result<Vec<Result<(), Error>>, Box<dyn std::error::Error>> {
        let (source, group) = ("10.0.0.1".parse()?, "239.1.1.1".parse()?);
        let entry = Entry::Group(group);
        let later = Instant::now() + std::time::Duration::from_secs(60);
        let batch = client.batch(at, [mgm::MembershipChange::Add(entry)]);
        Ok(vec![
            client.take_interface_ownership(at),
            client.release_interface_ownership(at),
            client.add_group_membership(at, entry).map(drop),
            client.delete_group_membership(at, entry).map(drop),
            client.block_source(at, source, group).map(drop),
            client.unblock_source(at, source, group).map(drop),
            batch.into_result().map(drop),
            client.set_group(at, group, mgm::Filter::JOIN).map(drop),
            client.begin_refresh(at, later).map(drop),
            client.offer_interface(at, ClientId::new(2, 0)),
            client.withdraw_offer(at).map(drop),
            client.set_forward_state(at, source, group, None).map(drop),
            client.set_mfe(source, group, at, None),
            client.set_mfe_timeout(source, group, std::time::Duration::from_secs(60)),
            client.set_wrong_interface_alerts(at, true),
        ])
    }
    let mgm = Mgm::new();
    let (id, eth0) = (ClientId::new(1, 0), Interface::try_from(1)?);
    let pim = mgm.register_protocol(id, NoCallbacks)?;
    let old = pim.clone();
    drop(pim);
    for successor in [false, true] {
        let new = if successor { Some(mgm.register_protocol(id, NoCallbacks)?) } else { None };
        if let Some(new) = &new {
            new.take_interface_ownership(eth0)?;
        }
        for (call, outcome) in each(&old, eth0)?.into_iter().enumerate() {
            assert_eq!(outcome, Err(Error::Deregistered { client: id.into() }), "call {call}");
        }
        assert_eq!(old.interfaces(), []);
        assert_eq!(mgm.owner(eth0), new.as_ref().map(|new| new.name()));
    }
    Ok(())
}

/// CL-4: a clone that its own callbacks keep does not keep the client.
#[test]
fn cl_4_a_clone_in_the_callbacks_is_no_cycle() -> Any {
    #[derive(Default)]
    struct Keeping(parking_lot::Mutex<Option<ClientRef>>);
    impl IgmpCallbacks for Keeping {
        fn disable_igmp(&self, igmp: &ClientRef, _: Interface) {
            *self.0.lock() = Some(igmp.clone());
        }
    }
    let (mgm, forwarder) = (Mgm::builder(), Arc::new(MemoryForwarder::new()));
    let mgm = mgm.forwarder(Arc::clone(&forwarder)).build();
    let igmp = mgm.register_igmp(Keeping::default())?;
    let pim = mgm.register_protocol(ClientId::new(1, 0), NoCallbacks)?;
    igmp.take_interface_ownership(1.try_into()?)?;
    pim.take_interface_ownership(1.try_into()?)?;
    mgm.packet_received("10.0.0.1".parse()?, "239.1.1.1".parse()?, 1.try_into()?, &[], Instant::now())?;
    assert_eq!(forwarder.entries().len(), 1);
    drop((igmp, pim, mgm));
    assert_eq!(forwarder.entries(), [], "FW-12: the last handle has gone");
    Ok(())
}

#[test]
fn what_is_registered_and_how_it_was_built() -> Any {
    let limits = Limits::new().mfes(7);
    let mgm = Mgm::builder().limits(limits).build();
    let pim = mgm.register_protocol(ClientId::new(1, 0), NoCallbacks)?;
    let igmp = mgm.register_igmp(NoCallbacks)?;
    assert_eq!(mgm.clients(), [pim.name(), igmp.name()]);
    assert_eq!((mgm.limits(), mgm.limits().mfes), (limits, Some(7)));
    for index in [7, 3, 5] {
        igmp.take_interface_ownership(index.try_into()?)?;
    }
    let indices: Vec<_> = igmp.interfaces().iter().map(|interface| interface.index().get()).collect();
    assert_eq!((indices, pim.interfaces()), (vec![7, 3, 5], vec![]));
    Ok(())
}

#[test]
fn what_is_wanted_where_and_by_whom() -> Any {
    let mgm = Mgm::new();
    let pim = mgm.register_protocol(ClientId::new(1, 0), NoCallbacks)?;
    let igmp = mgm.register_igmp(NoCallbacks)?;
    let (lan, source, group): (Interface, SourceAddr, GroupAddr) =
        (3.try_into()?, "10.0.0.1".parse()?, "239.1.1.1".parse()?);
    igmp.take_interface_ownership(lan)?;
    igmp.add_group_membership(lan, group.into())?;
    let told: Vec<_> = pim.told().map(|pull| pull.entry).collect();
    assert_eq!(told, [Entry::Group(group)]);
    assert_eq!((mgm.groups_on(lan).count(), mgm.groups_of(group).count()), (1, 1));
    // Declined: `mgm.memberships(entry)`, one more index of the same. A group's are few.
    assert_eq!(mgm.groups_of(group).filter(|held| held.entry == group.into()).count(), 1);
    assert!(mgm.explain(source, group).to_string().contains("(*, 239.1.1.1)"));
    Ok(())
}

#[test]
fn interfaces_of_a_client_are_read_a_page_at_a_time() -> Any {
    let mgm = Mgm::builder().page(1).build();
    let igmp = mgm.register_igmp(NoCallbacks)?;
    let all: Vec<Interface> = (1..=30).rev().map(|index| index.try_into().unwrap()).collect();
    for interface in &all {
        igmp.take_interface_ownership(*interface)?;
    }
    assert_eq!(igmp.interfaces(), all);
    Ok(())
}

#[test]
fn a_panic_beside_a_handle() {
    fn unharmed<T: UnwindSafe + RefUnwindSafe + Send + Sync + 'static>() {}
    unharmed::<Mgm>();
    unharmed::<Client>();
    unharmed::<ClientRef>();
    unharmed::<Refresh>();
    unharmed::<News>();
    fn whole<T: UnwindSafe + RefUnwindSafe>() {}
    whole::<Builder>();
    let mgm = Mgm::new();
    assert_eq!(catch_unwind(|| mgm.groups().count()).unwrap(), 0);
}

// What compiled before, and still does.

#[derive(Debug, thiserror::Error)]
enum Both {
    #[error(transparent)]
    V4(#[from] Error),
    #[error(transparent)]
    V6(#[from] Error<Ipv6Addr>),
}

#[derive(Debug, thiserror::Error)]
#[error("of the manager")]
struct Mine<A: Address>(#[from] Error<A>);

#[test]
fn errors_become_those_of_the_daemon() {
    fn both() -> Result<(), Both> {
        let (four, six) = (Mgm::new(), Mgm::v6());
        let _igmp = four.register_igmp(NoCallbacks)?;
        let _mld = six.register_igmp(NoCallbacks)?;
        drop(four.register_igmp(NoCallbacks)?);
        Ok(())
    }
    fn generic<A: Address>(mgm: &Mgm<A>) -> Result<(), Mine<A>> {
        drop(mgm.register_igmp(NoCallbacks)?);
        Ok(())
    }
    assert!(matches!(both(), Err(Both::V4(Error::IgmpAlreadyRegistered))));
    assert!(generic(&Mgm::v6()).is_ok());
}

#[test]
fn values_are_keys() {
    let seen: HashMap<(Interface, Entry, ClientName, Alert), ()> = HashMap::new();
    assert!(seen.is_empty());
}

/// Who comes from MGM looks for its names: all 17 functions, the callbacks, and what they are handed.
#[test]
fn names_of_mgm_are_search_aliases() {
    fn read(folder: &std::path::Path, text: &mut String) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                read(&path, text);
            } else {
                text.push_str(&std::fs::read_to_string(path).unwrap());
            }
        }
    }
    let mut text = String::new();
    read(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut text);
    let missing = MGM.split_whitespace().filter(|name| !text.contains(&format!("doc(alias = \"{name}\")")));
    assert_eq!(missing.collect::<Vec<_>>(), [""; 0]);
}

const MGM: &str = "
    MgmAddGroupMembershipEntry MgmDeRegisterMProtocol MgmDeleteGroupMembershipEntry MgmGetFirstMfe MgmGetFirstMfeStats
    MgmGetMfe MgmGetMfeStats MgmGetNextMfe MgmGetNextMfeStats MgmGetProtocolOnInterface MgmGroupEnumerationEnd
    MgmGroupEnumerationGetNext MgmGroupEnumerationStart MgmRegisterMProtocol MgmReleaseInterfaceOwnership MgmSetMfe
    MgmTakeInterfaceOwnership

    PMGM_CREATION_ALERT_CALLBACK PMGM_DISABLE_IGMP_CALLBACK PMGM_ENABLE_IGMP_CALLBACK PMGM_JOIN_ALERT_CALLBACK
    PMGM_LOCAL_JOIN_CALLBACK PMGM_LOCAL_LEAVE_CALLBACK PMGM_PRUNE_ALERT_CALLBACK PMGM_RPF_CALLBACK
    PMGM_WRONG_IF_CALLBACK

    MGM_ENUM_TYPES MGM_FORWARD_STATE_FLAG MGM_IF_ENTRY MGM_JOIN_STATE_FLAG MIB_IPMCAST_MFE MIB_IPMCAST_MFE_STATS
    MIB_IPMCAST_MFE_STATS_EX MIB_IPMCAST_OIF_STATS ROUTING_PROTOCOL_CONFIG SOURCE_GROUP_ENTRY
";

#[test]
fn what_users_build_can_grow_and_is_built_in_one_line() -> Any {
    let (eth0, eth1): (Interface, Interface) = (1.try_into()?, 2.try_into()?);
    let (source, group) = ("10.0.0.1".parse()?, "239.1.1.1".parse()?);
    let route = Route::new("10.0.0.0/8".parse()?, eth0).upstream("192.0.2.1".parse()?).origin(89);
    assert_eq!((route.upstream, route.origin), (Some(Ipv4Addr::new(192, 0, 2, 1)), Some(89)));
    let over = route.over(eth1);
    assert_eq!((over.interface, over.prefix, over.origin), (eth1, route.prefix, Some(89)));
    let entry = ForwardingEntry::new(source, group, eth0).oifs(vec![eth1]);
    assert_eq!((entry.source, entry.group, entry.iif, entry.oifs), (source, group, eth0, vec![eth1]));
    let stats = MfeStats::new().packets(1).octets(2).wrong_interface(3).oif(OifStats::new(eth1, 4));
    assert_eq!((stats.packets, stats.octets, stats.wrong_interface), (1, 2, 3));
    assert_eq!(stats.oifs, [OifStats::new(eth1, 4)]);
    // Declined: `MfeStats { packets, ..MfeStats::new() }`, `Route { interface: eth1, .. route }`. A later field would
    // break them.
    Ok(())
}

#[test]
fn en_2_an_entry_has_the_origin_of_its_route() -> Any {
    let eth0 = Interface::try_from(1)?;
    let (prefix, origin) = ("10.0.0.0/8".parse()?, Arc::new(parking_lot::Mutex::new(Some(89))));
    let of_now = Arc::clone(&origin);
    let rib = move |_: SourceAddr| {
        let mut route = Route::new(prefix, eth0);
        route.origin = *of_now.lock();
        Some(route)
    };
    let mgm = Mgm::builder().rib(rib).build();
    let (source, group) = ("10.0.0.1".parse()?, "239.1.1.1".parse()?);
    mgm.packet_received(source, group, eth0, &[], Instant::now())?;
    for now in [Some(89), Some(4), None] {
        *origin.lock() = now;
        mgm.routes_changed(&prefix);
        assert_eq!(mgm.mfe(source, group).unwrap().origin, now);
        assert_eq!(mgm.show(Instant::now()).mfes[0].origin, now);
    }
    Ok(())
}

#[test]
fn en_3_all_entries_with_their_statistics() -> Any {
    struct Odd;
    impl Forwarder for Odd {
        fn add(&self, _: &ForwardingEntry) -> Result<(), ForwarderError> {
            Ok(())
        }
        fn change(&self, _: &ForwardingEntry) -> Result<(), ForwarderError> {
            Ok(())
        }
        fn delete(&self, _: SourceAddr, _: GroupAddr) -> Result<(), ForwarderError> {
            Ok(())
        }
        fn stats(&self, source: SourceAddr, _: GroupAddr) -> Result<MfeStats, ForwarderError> {
            let last = source.octets()[3];
            if last % 2 == 1 {
                Ok(MfeStats::new().packets(last.into()))
            } else {
                Err(ForwarderError::NoSuchEntry)
            }
        }
    }
    let mgm = Mgm::builder().forwarder(Odd).page(1).build();
    for host in 1..=9 {
        let source = SourceAddr::new(Ipv4Addr::new(10, 0, 0, host))?;
        mgm.packet_received(source, "239.1.1.1".parse()?, 1.try_into()?, &[], Instant::now())?;
    }
    let all: Vec<_> = mgm.mfes_with_stats().map(|(mfe, stats)| (mfe.source.octets()[3], stats)).collect();
    let expected = (1..=9).map(|host: u8| match host % 2 {
        1 => (host, Ok(MfeStats::new().packets(host.into()))),
        _ => (host, Err(Error::Forwarder(ForwarderError::NoSuchEntry))),
    });
    assert_eq!(all, expected.collect::<Vec<_>>());
    Ok(())
}
