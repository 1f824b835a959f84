//! What the tests share: short names for what they speak of, and the [`Script`].

mod script;

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use mgm::{Address, Change, ClientId, ClientRef, Entry, GroupAddr, Interface, Membership, Mgm, SourceAddr};

pub(crate) use script::*;

pub(crate) const PIM: ClientId = ClientId { protocol: 1, component: 0 };
pub(crate) const DVMRP: ClientId = ClientId { protocol: 2, component: 0 };
pub(crate) const BGMP: ClientId = ClientId { protocol: 3, component: 0 };

/// What differs between the two families.
pub(crate) trait Family: Address {
    fn group(n: u16) -> GroupAddr<Self>;
    fn ssm_group(n: u16) -> GroupAddr<Self>;
    fn source(n: u16) -> SourceAddr<Self>;
    /// The range that every `ssm_group` is in.
    fn ssm_range() -> Self::Net;
    /// A range that covers every group.
    fn everything() -> Self::Net;
}

impl Family for Ipv4Addr {
    fn group(n: u16) -> GroupAddr<Self> {
        let [high, low] = n.to_be_bytes();
        GroupAddr::new(Self::new(239, 1, high, low)).unwrap()
    }

    fn ssm_group(n: u16) -> GroupAddr<Self> {
        let [high, low] = n.to_be_bytes();
        GroupAddr::new(Self::new(232, 1, high, low)).unwrap()
    }

    fn source(n: u16) -> SourceAddr<Self> {
        let [high, low] = n.to_be_bytes();
        SourceAddr::new(Self::new(198, 51, high, low)).unwrap()
    }

    fn ssm_range() -> Self::Net {
        "232.0.0.0/8".parse().unwrap()
    }

    fn everything() -> Self::Net {
        "224.0.0.0/4".parse().unwrap()
    }
}

impl Family for Ipv6Addr {
    fn group(n: u16) -> GroupAddr<Self> {
        GroupAddr::new(Self::new(0xff0e, 0, 0, 0, 0, 0, 1, n)).unwrap()
    }

    fn ssm_group(n: u16) -> GroupAddr<Self> {
        GroupAddr::new(Self::new(0xff3e, 0, 0, 0, 0, 0, 1, n)).unwrap()
    }

    fn source(n: u16) -> SourceAddr<Self> {
        SourceAddr::new(Self::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, n)).unwrap()
    }

    fn ssm_range() -> Self::Net {
        "ff3e::/32".parse().unwrap()
    }

    fn everything() -> Self::Net {
        "ff00::/8".parse().unwrap()
    }
}

pub(crate) fn eth<A: Address>(index: u32) -> Interface<A> {
    Interface::try_from(index).unwrap()
}

/// (\*,\*)
pub(crate) const fn all<A>() -> Entry<A> {
    Entry::AllGroups
}

/// (\*,G)
pub(crate) fn star<A: Family>(group: u16) -> Entry<A> {
    Entry::Group(A::group(group))
}

/// (S,G)
pub(crate) fn from<A: Family>(source: u16, group: u16) -> Entry<A> {
    Entry::SourceGroup(A::source(source), A::group(group))
}

/// The calls of a client, where a refusal is a failure of the test.
pub(crate) trait Acts<A: Family> {
    fn takes(&self, interface: Interface<A>);
    fn releases(&self, interface: Interface<A>);
    fn adds(&self, interface: Interface<A>, entry: Entry<A>) -> Change;
    fn deletes(&self, interface: Interface<A>, entry: Entry<A>) -> Change;
    fn blocks(&self, interface: Interface<A>, source: u16, group: u16) -> Change;
    fn unblocks(&self, interface: Interface<A>, source: u16, group: u16) -> Change;
}

impl<A: Family> Acts<A> for ClientRef<A> {
    fn takes(&self, interface: Interface<A>) {
        self.take_interface_ownership(interface).unwrap();
    }

    fn releases(&self, interface: Interface<A>) {
        self.release_interface_ownership(interface).unwrap();
    }

    fn adds(&self, interface: Interface<A>, entry: Entry<A>) -> Change {
        self.add_group_membership(interface, entry).unwrap()
    }

    fn deletes(&self, interface: Interface<A>, entry: Entry<A>) -> Change {
        self.delete_group_membership(interface, entry).unwrap()
    }

    fn blocks(&self, interface: Interface<A>, source: u16, group: u16) -> Change {
        self.block_source(interface, A::source(source), A::group(group)).unwrap()
    }

    fn unblocks(&self, interface: Interface<A>, source: u16, group: u16) -> Change {
        self.unblock_source(interface, A::source(source), A::group(group)).unwrap()
    }
}

/// All memberships and blocks, in an order that can be compared.
pub(crate) fn held<A: Address>(mgm: &Mgm<A>) -> Vec<Membership<A>> {
    let mut held: Vec<_> = mgm.groups().collect();
    held.sort_unstable();
    held
}

/// Runs `test`, and fails where it would hang.
pub(crate) fn without_deadlock(test: impl FnOnce() + Send + 'static) {
    let (finished, end) = mpsc::channel();
    let test = thread::spawn(move || {
        test();
        finished.send(()).unwrap();
    });
    match end.recv_timeout(Duration::from_secs(10)) {
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("the test hangs: deadlock"),
        Ok(()) | Err(mpsc::RecvTimeoutError::Disconnected) => {
            if let Err(panic) = test.join() {
                std::panic::resume_unwind(panic);
            }
        }
    }
}
