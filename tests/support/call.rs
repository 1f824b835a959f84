//! Every call that the manager makes, as a value: to clients, to the RIB, and to the forwarder.

use std::fmt::{self, Debug};
use std::num::NonZeroU32;

use mgm::{
    Address, AlertCause, ClientId, ClientName, CreationOif, Entry, ForwardingEntry, Interface, SourceAddr,
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
        match self.to {
            Party::Client(name) => write!(f, "{name}: {:?}", self.what),
            Party::Rib | Party::Forwarder => write!(f, "{:?}: {:?}", self.to, self.what),
        }
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Party {
    Client(ClientName),
    Rib,
    Forwarder,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum What<A> {
    DisableIgmp(Interface<A>),
    EnableIgmp(Interface<A>),
    Rpf { mfe: Entry<A>, arrived: Interface<A>, via: Interface<A> },
    Creation { mfe: Entry<A>, iif: Interface<A>, oifs: Vec<Offer<A>> },
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

/// An interface that `creation_alert` offers to a protocol: a [`CreationOif`] as it came.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Offer<A> {
    interface: Interface<A>,
    enabled: bool,
    igmp: bool,
}

impl<A: Family> From<&CreationOif<A>> for Offer<A> {
    fn from(oif: &CreationOif<A>) -> Self {
        Self { interface: oif.interface(), enabled: oif.is_enabled(), igmp: oif.has_igmp() }
    }
}

/// An interface that would forward, without IGMP on it.
pub(crate) const fn enabled<A>(interface: Interface<A>) -> Offer<A> {
    Offer { interface, enabled: true, igmp: false }
}

/// An interface that would not forward, without IGMP on it.
pub(crate) const fn disabled<A>(interface: Interface<A>) -> Offer<A> {
    Offer { interface, enabled: false, igmp: false }
}

impl<A> Offer<A> {
    pub(crate) fn with_igmp(self) -> Self {
        Self { igmp: true, ..self }
    }
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
    oifs: [Offer<A>; N],
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
    ForwardingEntry { source: A::source(source), group: A::group(group), iif, oifs: oifs.into() }
}
