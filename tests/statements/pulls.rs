//! What clients have been told is what they have to know, whatever happens: FW-6, CT-4, CT-5, CT-7; and what they read,
//! EN-5.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

#[derive(Clone, Copy, Debug)]
enum Op {
    Add(Place, Entry<A>),
    Delete(Place, Entry<A>),
    Block(Place, u16),
    Unblock(Place, u16),
    Forward(Place, u16, Option<ForwardState>),
    Reroute(u16, u32),
    NoRoute(u16),
    TakeOrRelease(Place),
    Offer(Place),
    Packet(u16),
    Traffic(u16),
    Expire,
    MoveIif(u16),
    Remove(u32),
}

/// Who acts, and where.
#[derive(Clone, Copy, Debug)]
enum Place {
    PimsUplink,
    PimsOther,
    DvmrpsLan,
    DvmrpsOther,
    Bgmps,
    IgmpAlone,
    IgmpOnLan,
    IgmpOnUplink,
}

const PLACES: [Place; 8] = [
    Place::PimsUplink,
    Place::PimsOther,
    Place::DvmrpsLan,
    Place::DvmrpsOther,
    Place::Bgmps,
    Place::IgmpAlone,
    Place::IgmpOnLan,
    Place::IgmpOnUplink,
];

struct World {
    r: Router<A>,
    bgmp: Client<A>,
    seconds: u64,
    /// Who has last been told to pull which forwarding entry.
    pulls: BTreeSet<(ClientName, Entry<A>)>,
    /// And which entry that is a wish of others.
    wishes: BTreeSet<(ClientName, Entry<A>)>,
    locals: BTreeSet<Local>,
}

impl World {
    fn new(page: usize) -> Self {
        let r = Router::<A>::with(|builder| builder.page(page));
        let bgmp = r.protocol(BGMP);
        bgmp.takes(wan());
        r.igmp.takes(lan());
        r.igmp.takes(up());
        r.forget_calls();
        let (pulls, wishes, locals) = Default::default();
        Self { r, bgmp, seconds: 0, pulls, wishes, locals }
    }

    fn place(&self, place: Place) -> (&Client<A>, Interface<A>) {
        let r = &self.r;
        match place {
            Place::PimsUplink => (&r.pim, up()),
            Place::PimsOther => (&r.pim, alt()),
            Place::DvmrpsLan => (&r.dvmrp, lan()),
            Place::DvmrpsOther => (&r.dvmrp, dmz()),
            Place::Bgmps => (&self.bgmp, wan()),
            Place::IgmpAlone => (&r.igmp, stub()),
            Place::IgmpOnLan => (&r.igmp, lan()),
            Place::IgmpOnUplink => (&r.igmp, up()),
        }
    }

    /// Each protocol, and to whom it offers what it has.
    fn offerers(&self) -> [(&Client<A>, &Client<A>, ClientId); 3] {
        let (pim, dvmrp, bgmp) = (&self.r.pim, &self.r.dvmrp, &self.bgmp);
        [(pim, dvmrp, DVMRP), (dvmrp, bgmp, BGMP), (bgmp, pim, PIM)]
    }

    /// Refusals are part of the game.
    fn act(&mut self, op: Op) {
        let r = &self.r;
        match op {
            Op::Add(at, entry) => {
                let (client, on) = self.place(at);
                drop(client.add_group_membership(on, entry));
            }
            Op::Delete(at, entry) => {
                let (client, on) = self.place(at);
                drop(client.delete_group_membership(on, entry));
            }
            Op::Block(at, source) => {
                let (client, on) = self.place(at);
                drop(client.block_source(on, A::source(source), A::group(1)));
            }
            Op::Unblock(at, source) => {
                let (client, on) = self.place(at);
                drop(client.unblock_source(on, A::source(source), A::group(1)));
            }
            Op::Forward(at, source, state) => {
                let (client, on) = self.place(at);
                drop(client.set_forward_state(on, A::source(source), A::group(1), state));
            }
            Op::Reroute(source, index) => r.reroute(source, eth(index)),
            Op::NoRoute(source) => {
                r.rib.remove(host::<A>(source));
                r.mgm.routes_changed(&host::<A>(source));
            }
            Op::TakeOrRelease(at) => {
                let (client, on) = self.place(at);
                if client.take_interface_ownership(on).is_err() {
                    drop(client.release_interface_ownership(on));
                }
            }
            Op::Offer(at) => {
                let on = self.place(at).1;
                let offered =
                    |(from, _, id): &(&Client<A>, &Client<A>, _)| from.offer_interface(on, *id).is_ok();
                if let Some((_, to, _)) = self.offerers().into_iter().find(offered) {
                    to.takes(on);
                }
            }
            Op::Packet(source) => drop(r.try_packet(source, 1, up())),
            Op::Traffic(source) => drop(r.traffic(source, 1, up())),
            Op::Expire => {
                self.seconds += 450;
                r.expire(self.seconds);
            }
            Op::MoveIif(source) => {
                for place in [Place::PimsUplink, Place::PimsOther, Place::DvmrpsLan] {
                    let (client, on) = self.place(place);
                    drop(client.set_mfe(A::source(source), A::group(1), on, None));
                }
            }
            Op::Remove(index) => r.remove(eth(index)),
        }
    }

    /// Hears what everybody has been told since the last time.
    fn listen(&mut self) {
        for call in self.r.calls() {
            let Party::Client(name) = call.to else { continue };
            match call.what {
                What::Join(entry, cause) => {
                    assert!(self.told(cause).insert((name, entry)) || cause == MFE, "{name}: {entry} twice");
                }
                What::Prune(entry, cause) => {
                    assert!(self.told(cause).remove(&(name, entry)) || cause == MFE, "{name}: {entry} never");
                }
                What::LocalJoin(on, entry) => {
                    assert!(self.locals.insert((name, on, entry, MembershipKind::Joined)));
                }
                What::LocalLeave(on, entry) => {
                    assert!(self.locals.remove(&(name, on, entry, MembershipKind::Joined)));
                }
                What::LocalBlock(on, entry) => {
                    assert!(self.locals.insert((name, on, entry, MembershipKind::Blocked)));
                }
                What::LocalUnblock(on, entry) => {
                    assert!(self.locals.remove(&(name, on, entry, MembershipKind::Blocked)));
                }
                What::DisableIgmp(_)
                | What::EnableIgmp(_)
                | What::Rpf { .. }
                | What::Creation { .. }
                | What::WrongInterface { .. }
                | What::InterfaceRemoved(_)
                | What::Lookup { .. }
                | What::Add(_)
                | What::Change(_)
                | What::Delete(_) => {}
            }
        }
    }

    fn told(&mut self, cause: AlertCause) -> &mut BTreeSet<(ClientName, Entry<A>)> {
        if cause == MFE { &mut self.pulls } else { &mut self.wishes }
    }

    /// FW-6: each owner has to pull the entries with an oif that counts for another.
    fn has_to_pull(&mut self) -> BTreeSet<(ClientName, Entry<A>)> {
        let mfes: Vec<_> = self.r.mgm.mfes().collect();
        // An entry that is deleted takes its told state with it.
        let there: BTreeSet<_> = mfes.iter().map(|mfe| Entry::SourceGroup(mfe.source, mfe.group)).collect();
        self.pulls.retain(|(_, entry)| there.contains(entry));
        let has_to_pull = |mfe: &Mfe<A>| {
            let owner = mfe.owner?;
            let counts_for_another = |oif: &Interface<A>| self.r.mgm.owner(*oif) != Some(owner);
            let pulls = mfe.oifs.iter().any(counts_for_another);
            pulls.then_some((owner, Entry::SourceGroup(mfe.source, mfe.group)))
        };
        // IGMP is not told here.
        mfes.iter().filter_map(has_to_pull).filter(|(owner, _)| *owner != IGMP).collect()
    }

    /// CT-4: of (\*,\*) and (\*,G) each protocol knows whether another client wants it; CT-5: of (S,G) the owner of the
    /// interface toward S.
    fn others_want(&self) -> BTreeSet<(ClientName, Entry<A>)> {
        let wants: BTreeSet<_> = self
            .r
            .mgm
            .groups()
            .filter(|held| held.kind == MembershipKind::Joined)
            .map(|held| (held.counts_for, held.entry))
            .collect();
        let toward = |source| self.r.mgm.owner(Rib::lookup(&self.r.rib, source)?.interface);
        let is_told = |name: &ClientName, entry: &Entry<A>| {
            entry.source().is_none_or(|source| toward(source) == Some(*name))
        };
        let protocols = [PIM, DVMRP, BGMP].map(ClientName::Protocol);
        let told = wants.iter().flat_map(|(by, entry)| {
            protocols.into_iter().filter(move |name| name != by).map(move |name| (name, *entry))
        });
        told.filter(|(name, entry)| is_told(name, entry)).collect()
    }

    /// EN-5: what they can read.
    fn read(&self) -> BTreeSet<(ClientName, Pull<A>)> {
        let clients = [&self.r.pim, &self.r.dvmrp, &self.bgmp, &self.r.igmp];
        let read = clients.into_iter().flat_map(|client| client.told().map(|pull| (client.name(), pull)));
        let all: Vec<_> = read.collect();
        let unique: BTreeSet<_> = all.iter().copied().collect();
        assert_eq!(all.len(), unique.len(), "EN-5: repeated: {all:?}");
        unique
    }

    /// What they have heard.
    fn heard(&self) -> BTreeSet<(ClientName, Pull<A>)> {
        let streams = self.pulls.iter().map(|(name, entry)| (*name, Pull { entry: *entry, cause: MFE }));
        let cause = AlertCause::Membership;
        let wishes = self.wishes.iter().map(|(name, entry)| (*name, Pull { entry: *entry, cause }));
        streams.chain(wishes).collect()
    }

    /// CT-7: what IGMP holds on an interface that a protocol owns.
    fn local(&self) -> BTreeSet<Local> {
        let of_igmp = self.r.mgm.groups().filter(|held| held.added_by == IGMP);
        let local = of_igmp.map(|held| (held.counts_for, held.interface, held.entry, held.kind));
        local.filter(|(owner, ..)| *owner != IGMP).collect()
    }
}

/// What a protocol has been told of what IGMP holds on an interface of its own.
type Local = (ClientName, Interface<A>, Entry<A>, MembershipKind);

const MFE: AlertCause = AlertCause::ForwardingEntry;

fn op() -> impl Strategy<Value = Op> {
    let entry = || prop_oneof![Just(all()), Just(star(1)), (1..4_u16).prop_map(|source| from(source, 1))];
    let state = prop_oneof![Just(None), Just(Some(ForwardState::On)), Just(Some(ForwardState::Off))];
    let at = || prop::sample::select(PLACES.as_slice());
    let source = || 1..4_u16;
    prop_oneof![
        6 => (at(), entry()).prop_map(|(at, entry)| Op::Add(at, entry)),
        4 => (at(), entry()).prop_map(|(at, entry)| Op::Delete(at, entry)),
        2 => (at(), source()).prop_map(|(at, source)| Op::Block(at, source)),
        2 => (at(), source()).prop_map(|(at, source)| Op::Unblock(at, source)),
        4 => (at(), source(), state).prop_map(|(at, source, state)| Op::Forward(at, source, state)),
        3 => (source(), 1..7_u32).prop_map(|(source, index)| Op::Reroute(source, index)),
        1 => source().prop_map(Op::NoRoute),
        3 => at().prop_map(Op::TakeOrRelease),
        2 => at().prop_map(Op::Offer),
        5 => source().prop_map(Op::Packet),
        2 => source().prop_map(Op::Traffic),
        1 => Just(Op::Expire),
        1 => source().prop_map(Op::MoveIif),
        1 => (1..7_u32).prop_map(Op::Remove),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(96) })]

    #[test]
    fn fw_6_ct_4_ct_5_ct_7_en_5_at_every_quiet_moment_each_has_been_told_what_it_has_to_know(
        ops in prop::collection::vec(op(), 1..80),
        page in prop_oneof![1..4_usize, Just(64)],
    ) {
        let mut world = World::new(page);
        for op in ops {
            world.act(op);
            world.listen();
            let expected = world.has_to_pull();
            prop_assert_eq!(&world.pulls, &expected, "after {:?}: {:#?}", op, world.r.mgm.mfes().collect::<Vec<_>>());
            prop_assert_eq!(&world.wishes, &world.others_want(), "after {:?}", op);
            prop_assert_eq!(&world.locals, &world.local(), "after {:?}", op);
            prop_assert_eq!(world.read(), world.heard(), "after {:?}", op);
            world.r.assert_in_step();
        }
    }
}
