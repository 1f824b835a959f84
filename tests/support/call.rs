//! Every call that the manager makes, as a value, with what the tests say of it: to clients, to the RIB, and to the
//! forwarder.

use std::fmt::{self, Debug};
use std::num::NonZeroU32;

use mgm::record::{Answer, Callback, Party};
use mgm::testing::Called;
use mgm::{
    Address, Alert, AlertCause, ClientId, ClientName, CreationOif, Entry, ForwardingEntry, GroupAddr,
    Interface, SourceAddr,
};

use super::{Family, from};

/// Who is called, and what for.
#[derive(Clone, Eq, PartialEq)]
pub(crate) struct Call<A> {
    pub(crate) to: Party,
    pub(crate) what: What<A>,
}

/// As a failed test shows it.
impl<A: Debug> Debug for Call<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {:?}", self.to, self.what)
    }
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum What<A> {
    DisableIgmp(Interface<A>),
    EnableIgmp(Interface<A>),
    Rpf { mfe: Entry<A>, arrived: Interface<A>, via: Interface<A> },
    Creation { mfe: Entry<A>, iif: Interface<A>, oifs: Vec<CreationOif<A>> },
    Join(Entry<A>, AlertCause),
    Prune(Entry<A>, AlertCause),
    LocalJoin(Interface<A>, Entry<A>),
    LocalLeave(Interface<A>, Entry<A>),
    LocalBlock(Interface<A>, Entry<A>),
    LocalUnblock(Interface<A>, Entry<A>),
    WrongInterface { on: Interface<A>, mfe: Entry<A>, header: Vec<u8> },
    InterfaceRemoved(NonZeroU32),
    Lookup { source: SourceAddr<A>, via: Option<Interface<A>> },
    Add(ForwardingEntry<A>),
    Change(ForwardingEntry<A>),
    Delete(Entry<A>),
}

impl<A: Family> From<Called<A>> for Call<A> {
    fn from(called: Called<A>) -> Self {
        let what = match (called.callback, called.answer) {
            (Callback::Lookup { source }, Some(Answer::Route(route))) => {
                What::Lookup { source, via: route.map(|route| route.interface) }
            }
            (callback, _) => What::from(&callback),
        };
        Self { to: called.to, what }
    }
}

impl<A: Family> From<&Callback<A>> for What<A> {
    fn from(callback: &Callback<A>) -> Self {
        match callback {
            Callback::DisableIgmp { interface } => Self::DisableIgmp(*interface),
            Callback::EnableIgmp { interface } => Self::EnableIgmp(*interface),
            Callback::Alert(alert) => Self::from(alert),
            Callback::Rpf { source, group, arrival, route, .. } => {
                Self::Rpf { mfe: from_pair(*source, *group), arrived: *arrival, via: route.interface }
            }
            Callback::CreationAlert { mfe, oifs } => {
                Self::Creation { mfe: from_pair(mfe.source, mfe.group), iif: mfe.iif, oifs: oifs.clone() }
            }
            Callback::Lookup { source } => Self::Lookup { source: *source, via: None },
            Callback::Add(entry) => Self::Add(entry.clone()),
            Callback::Change(entry) => Self::Change(entry.clone()),
            Callback::Delete { source, group } => Self::Delete(from_pair(*source, *group)),
            Callback::Stats { .. } | Callback::Settled { .. } | _ => {
                unreachable!("{callback} is no matter of these tests")
            }
        }
    }
}

impl<A: Family> From<&Alert<A>> for What<A> {
    fn from(alert: &Alert<A>) -> Self {
        match alert {
            Alert::Join { entry, cause } => Self::Join(*entry, *cause),
            Alert::Prune { entry, cause } => Self::Prune(*entry, *cause),
            Alert::LocalJoin { interface, entry } => Self::LocalJoin(*interface, *entry),
            Alert::LocalLeave { interface, entry } => Self::LocalLeave(*interface, *entry),
            Alert::LocalBlock { interface, source, group } => {
                Self::LocalBlock(*interface, from_pair(*source, *group))
            }
            Alert::LocalUnblock { interface, source, group } => {
                Self::LocalUnblock(*interface, from_pair(*source, *group))
            }
            Alert::WrongInterface { interface, source, group, header } => {
                let mfe = from_pair(*source, *group);
                Self::WrongInterface { on: *interface, mfe, header: header.to_vec() }
            }
            Alert::InterfaceRemoved { index } => Self::InterfaceRemoved(*index),
            other => unreachable!("{other} is no matter of these tests"),
        }
    }
}

/// (S,G)
pub(super) const fn from_pair<A>(source: SourceAddr<A>, group: GroupAddr<A>) -> Entry<A> {
    Entry::SourceGroup(source, group)
}

/// An interface that would forward, without IGMP on it.
pub(crate) const fn enabled<A: Family>(interface: Interface<A>) -> CreationOif<A> {
    CreationOif::enabled(interface)
}

/// An interface that would not forward, without IGMP on it.
pub(crate) const fn disabled<A: Family>(interface: Interface<A>) -> CreationOif<A> {
    CreationOif::disabled(interface)
}

/// Whoever has the name of a client.
pub(crate) trait Named {
    fn named(self) -> ClientName;
}

impl Named for ClientName {
    fn named(self) -> ClientName {
        self
    }
}

impl Named for ClientId {
    fn named(self) -> ClientName {
        ClientName::Protocol(self)
    }
}

impl<A> Call<A> {
    pub(crate) fn is_to(&self, client: impl Named) -> bool {
        self.to == Party::Client(client.named())
    }
}

/// How often this client is called so.
pub(crate) fn count<A>(calls: &[Call<A>], to: impl Named, so: impl Fn(&What<A>) -> bool) -> usize {
    let to = Party::Client(to.named());
    calls.iter().filter(|call| call.to == to && so(&call.what)).count()
}

impl<A: Family> What<A> {
    pub(crate) const fn is_rpf(&self) -> bool {
        matches!(self, Self::Rpf { .. })
    }

    pub(crate) const fn is_creation(&self) -> bool {
        matches!(self, Self::Creation { .. })
    }

    pub(crate) const fn is_join(&self) -> bool {
        matches!(self, Self::Join(..))
    }

    pub(crate) const fn is_prune(&self) -> bool {
        matches!(self, Self::Prune(..))
    }

    pub(crate) const fn is_add(&self) -> bool {
        matches!(self, Self::Add(_))
    }

    pub(crate) const fn is_change(&self) -> bool {
        matches!(self, Self::Change(_))
    }

    pub(crate) const fn is_delete(&self) -> bool {
        matches!(self, Self::Delete(_))
    }

    /// Why others begin or cease to want something.
    pub(crate) const fn cause(&self) -> Option<AlertCause> {
        if let Self::Join(_, cause) | Self::Prune(_, cause) = self { Some(*cause) } else { None }
    }

    /// Whether it is about this source; of entries without one, nothing is.
    pub(crate) fn is_about_source(&self, source: u16) -> bool {
        let about = match self {
            Self::DisableIgmp(_) | Self::EnableIgmp(_) | Self::InterfaceRemoved(_) => None,
            Self::Rpf { mfe, .. } | Self::Creation { mfe, .. } | Self::WrongInterface { mfe, .. } => {
                mfe.source()
            }
            Self::Join(entry, _) | Self::Prune(entry, _) | Self::Delete(entry) => entry.source(),
            Self::LocalJoin(_, entry)
            | Self::LocalLeave(_, entry)
            | Self::LocalBlock(_, entry)
            | Self::LocalUnblock(_, entry) => entry.source(),
            Self::Lookup { source, .. } => Some(*source),
            Self::Add(mfe) | Self::Change(mfe) => Some(mfe.source),
        };
        about == Some(A::source(source))
    }
}

fn call<A>(to: impl Named, what: What<A>) -> Call<A> {
    Call { to: Party::Client(to.named()), what }
}

pub(crate) fn disable_igmp<A>(on: Interface<A>) -> Call<A> {
    call(ClientName::Igmp, What::DisableIgmp(on))
}

pub(crate) fn enable_igmp<A>(on: Interface<A>) -> Call<A> {
    call(ClientName::Igmp, What::EnableIgmp(on))
}

/// A hand-over with the calls that step 2 makes (HO-1).
pub(crate) fn bracket<A: Family>(
    on: Interface<A>,
    between: impl IntoIterator<Item = Call<A>>,
) -> Vec<Call<A>> {
    [disable_igmp(on)].into_iter().chain(between).chain([enable_igmp(on)]).collect()
}

/// Where the packet came in that `rpf` is asked about.
pub(crate) struct Arrived<A>(Interface<A>);

/// Where the RIB's route leads that `rpf` is shown.
pub(crate) struct Via<A>(Interface<A>);

pub(crate) const fn arrived<A>(on: Interface<A>) -> Arrived<A> {
    Arrived(on)
}

pub(crate) const fn via<A>(interface: Interface<A>) -> Via<A> {
    Via(interface)
}

pub(crate) fn rpf<A: Family>(
    to: impl Named,
    source: u16,
    group: u16,
    Arrived(arrived): Arrived<A>,
    Via(via): Via<A>,
) -> Call<A> {
    call(to, What::Rpf { mfe: from(source, group), arrived, via })
}

pub(crate) fn creation_alert<A: Family, const N: usize>(
    to: impl Named,
    source: u16,
    group: u16,
    iif: Interface<A>,
    oifs: [CreationOif<A>; N],
) -> Call<A> {
    call(to, What::Creation { mfe: from(source, group), iif, oifs: oifs.into() })
}

/// A join alert whose cause is a membership.
pub(crate) fn join_alert<A>(to: impl Named, entry: Entry<A>) -> Call<A> {
    call(to, What::Join(entry, AlertCause::Membership))
}

/// A prune alert whose cause is a membership.
pub(crate) fn prune_alert<A>(to: impl Named, entry: Entry<A>) -> Call<A> {
    call(to, What::Prune(entry, AlertCause::Membership))
}

/// A join alert whose cause is a forwarding entry.
pub(crate) fn mfe_join<A: Family>(to: impl Named, source: u16, group: u16) -> Call<A> {
    call(to, What::Join(from(source, group), AlertCause::ForwardingEntry))
}

/// A prune alert whose cause is a forwarding entry.
pub(crate) fn mfe_prune<A: Family>(to: impl Named, source: u16, group: u16) -> Call<A> {
    call(to, What::Prune(from(source, group), AlertCause::ForwardingEntry))
}

pub(crate) fn local_join<A>(to: impl Named, on: Interface<A>, entry: Entry<A>) -> Call<A> {
    call(to, What::LocalJoin(on, entry))
}

pub(crate) fn local_leave<A>(to: impl Named, on: Interface<A>, entry: Entry<A>) -> Call<A> {
    call(to, What::LocalLeave(on, entry))
}

pub(crate) fn local_block<A>(to: impl Named, on: Interface<A>, entry: Entry<A>) -> Call<A> {
    call(to, What::LocalBlock(on, entry))
}

pub(crate) fn local_unblock<A>(to: impl Named, on: Interface<A>, entry: Entry<A>) -> Call<A> {
    call(to, What::LocalUnblock(on, entry))
}

pub(crate) fn wrong_interface<A: Family>(
    to: impl Named,
    on: Interface<A>,
    source: u16,
    group: u16,
    header: &[u8],
) -> Call<A> {
    call(to, What::WrongInterface { on, mfe: from(source, group), header: header.to_vec() })
}

pub(crate) fn interface_removed<A: Address>(to: impl Named, on: Interface<A>) -> Call<A> {
    call(to, What::InterfaceRemoved(on.index()))
}

/// A question to the RIB, and its answer.
pub(crate) fn lookup<A: Family>(source: u16, via: impl Into<Option<Interface<A>>>) -> Call<A> {
    Call { to: Party::Rib, what: What::Lookup { source: A::source(source), via: via.into() } }
}

pub(crate) fn add_mfe<A: Family, const N: usize>(
    source: u16,
    group: u16,
    iif: Interface<A>,
    oifs: [Interface<A>; N],
) -> Call<A> {
    Call { to: Party::Forwarder, what: What::Add(forwarding_entry(source, group, iif, oifs)) }
}

pub(crate) fn change_mfe<A: Family, const N: usize>(
    source: u16,
    group: u16,
    iif: Interface<A>,
    oifs: [Interface<A>; N],
) -> Call<A> {
    Call { to: Party::Forwarder, what: What::Change(forwarding_entry(source, group, iif, oifs)) }
}

pub(crate) fn delete_mfe<A: Family>(source: u16, group: u16) -> Call<A> {
    Call { to: Party::Forwarder, what: What::Delete(from(source, group)) }
}

/// An entry as the forwarder has it.
pub(crate) fn forwarding_entry<A: Family, const N: usize>(
    source: u16,
    group: u16,
    iif: Interface<A>,
    oifs: [Interface<A>; N],
) -> ForwardingEntry<A> {
    ForwardingEntry::new(A::source(source), A::group(group), iif).oifs(oifs.into())
}
