//! The numbers that the kernel's multicast routing knows interfaces by.

use std::num::NonZeroU32;

/// How many the kernel has, per table: `MAXVIFS`.
pub(super) const MAX: usize = 32;

/// A VIF's number, below [`MAX`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Number(u8);

impl Number {
    /// That of the register interface, where there is one.
    pub(super) const REGISTER: Self = Self(0);

    pub(super) const fn get(self) -> u8 {
        self.0
    }

    const fn slot(self) -> usize {
        #[expect(clippy::as_conversions, reason = "widens; `From` is not const")]
        {
            self.0 as usize
        }
    }
}

/// A set of VIFs.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct NumberSet(u32);

impl NumberSet {
    pub(super) const fn bits(self) -> u32 {
        self.0
    }

    pub(super) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(super) const fn insert(&mut self, number: Number) {
        self.0 |= 1 << number.0;
    }

    pub(super) const fn remove(&mut self, number: Number) {
        self.0 &= !(1 << number.0);
    }

    pub(super) const fn with(mut self, number: Number) -> Self {
        self.insert(number);
        self
    }

    pub(super) fn iter(self) -> impl Iterator<Item = Number> {
        (0..32).map(Number).filter(move |number| self.0 & (1 << number.0) != 0)
    }
}

/// Which interface has which number, and why.
///
/// An interface has a number while an entry uses it, or it is watched. One that is gone keeps its number from
/// others while entries still name it, and gets it again should it come back.
#[derive(Debug, Default)]
pub(super) struct Vifs {
    slots: [Vif; MAX],
    /// Those that the kernel has and that nothing needs.
    idle: NumberSet,
    /// Where the search for a free number begins: a number that was given back is not given out again at once,
    /// so that reports still in the socket do not name a newcomer.
    next: u8,
}

#[derive(Debug, Default)]
struct Vif {
    index: Option<NonZeroU32>,
    /// Entries that use it.
    users: usize,
    watched: bool,
    /// The kernel has it.
    attached: bool,
}

impl Vifs {
    /// The number of an interface that the kernel has.
    pub(super) fn number(&self, index: NonZeroU32) -> Option<Number> {
        self.find(index).filter(|number| self.slot(*number).is_some_and(|vif| vif.attached))
    }

    /// The interface that the kernel means by a number.
    pub(super) fn index(&self, number: u16) -> Option<NonZeroU32> {
        self.slots.get(usize::from(number)).filter(|vif| vif.attached)?.index
    }

    /// A number for an interface that the kernel does not have: the one it had, if entries still name it.
    pub(super) fn vacancy(&self, index: NonZeroU32) -> Option<Number> {
        let free = || {
            let from_next = (0..32).map(|step| Number((self.next + step) % 32));
            from_next.into_iter().find(|number| self.slot(*number).is_some_and(|vif| vif.index.is_none()))
        };
        self.find(index).or_else(free)
    }

    /// The kernel has it under this number from now on.
    pub(super) fn attach(&mut self, number: Number, index: NonZeroU32) {
        self.next = (number.0 + 1) % 32;
        self.update(number, |vif| {
            vif.index = Some(index);
            vif.attached = true;
        });
    }

    /// The kernel has it no more.
    pub(super) fn detach(&mut self, number: Number) {
        self.update(number, |vif| {
            vif.attached = false;
            vif.watched = false;
        });
    }

    pub(super) fn watch(&mut self, number: Number, watched: bool) {
        self.update(number, |vif| vif.watched = watched);
    }

    /// An entry uses these, and no longer those.
    pub(super) fn use_instead(&mut self, new: NumberSet, old: NumberSet) {
        for number in new.iter() {
            self.update(number, |vif| vif.users += 1);
        }
        for number in old.iter() {
            self.update(number, |vif| vif.users -= 1);
        }
    }

    /// Whether the numbers of one entry include some that nothing else needs.
    pub(super) fn any_sole(&self, numbers: NumberSet) -> bool {
        numbers.iter().any(|number| self.slot(number).is_some_and(|vif| vif.users == 1 && !vif.watched))
    }

    /// Takes the numbers that nothing needs any more; the kernel is to forget them.
    pub(super) fn take_idle(&mut self) -> NumberSet {
        let idle = self.idle;
        for number in idle.iter() {
            self.detach(number);
        }
        idle
    }

    fn find(&self, index: NonZeroU32) -> Option<Number> {
        (0..32).map(Number).find(|number| self.slot(*number).is_some_and(|vif| vif.index == Some(index)))
    }

    fn slot(&self, number: Number) -> Option<&Vif> {
        self.slots.get(number.slot())
    }

    fn update(&mut self, number: Number, change: impl FnOnce(&mut Vif)) {
        let Some(vif) = self.slots.get_mut(number.slot()) else { return };
        change(vif);
        let needed = vif.users > 0 || vif.watched;
        if !needed && !vif.attached {
            vif.index = None;
        }
        if needed || !vif.attached {
            self.idle.remove(number);
        } else {
            self.idle.insert(number);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn index(index: u32) -> NonZeroU32 {
        NonZeroU32::new(index).unwrap()
    }

    /// Attaches an interface that has no number.
    fn attach(vifs: &mut Vifs, interface: u32) -> Number {
        let number = vifs.vacancy(index(interface)).unwrap();
        vifs.attach(number, index(interface));
        number
    }

    #[test]
    fn a_number_that_was_given_back_is_not_given_out_at_once() {
        let mut vifs = Vifs::default();
        let first = attach(&mut vifs, 1);
        assert_eq!(vifs.take_idle(), NumberSet::default().with(first));
        assert_ne!(attach(&mut vifs, 2), first);
    }

    #[test]
    fn one_that_is_gone_keeps_its_number_while_entries_name_it() {
        let mut vifs = Vifs::default();
        let first = attach(&mut vifs, 1);
        let used = NumberSet::default().with(first);
        vifs.use_instead(used, NumberSet::default());
        vifs.detach(first);
        assert_eq!((vifs.number(index(1)), vifs.index(first.get().into())), (None, None));
        for other in 2..33 {
            let number = attach(&mut vifs, other);
            vifs.watch(number, true);
            assert_ne!(number, first);
        }
        assert_eq!(vifs.vacancy(index(33)), None);
        assert_eq!(vifs.vacancy(index(1)), Some(first));
        vifs.use_instead(NumberSet::default(), used);
        assert_eq!(vifs.vacancy(index(33)), Some(first));
        assert_eq!(vifs.take_idle(), NumberSet::default(), "the kernel does not have it");
    }

    #[derive(Clone, Debug)]
    enum Op {
        Watch(u32),
        Unwatch(u32),
        Gone(u32),
        /// An entry of that name uses these interfaces.
        Entry(u8, Vec<u32>),
    }

    fn ops() -> impl Strategy<Value = Vec<Op>> {
        let interface = || 1..40_u32;
        let op = prop_oneof![
            2 => interface().prop_map(Op::Watch),
            1 => interface().prop_map(Op::Unwatch),
            1 => interface().prop_map(Op::Gone),
            4 => (0..6_u8, prop::collection::vec(interface(), 0..12)).prop_map(|(name, used)| Op::Entry(name, used)),
        ];
        prop::collection::vec(op, 0..200)
    }

    proptest! {
        /// As a forwarder uses it: the kernel has what is needed and not gone, and nobody gets a number that an
        /// entry means somebody else by.
        #[test]
        fn the_kernel_has_what_is_needed(ops in ops()) {
            let mut vifs = Vifs::default();
            let mut kernel: BTreeMap<u8, u32> = BTreeMap::new();
            let mut watched: Vec<u32> = Vec::new();
            let mut entries: BTreeMap<u8, Vec<(Number, u32)>> = BTreeMap::new();
            for op in ops {
                let mut number = |vifs: &mut Vifs, interface| {
                    if let Some(number) = vifs.number(index(interface)) {
                        return Some(number);
                    }
                    let number = vifs.vacancy(index(interface))?;
                    assert_eq!(kernel.insert(number.get(), interface), None, "the kernel refuses it twice");
                    vifs.attach(number, index(interface));
                    Some(number)
                };
                match op {
                    Op::Watch(interface) => {
                        if let Some(number) = number(&mut vifs, interface) {
                            vifs.watch(number, true);
                            watched.push(interface);
                        }
                    }
                    Op::Unwatch(interface) => {
                        watched.retain(|watched| *watched != interface);
                        if let Some(number) = vifs.number(index(interface)) {
                            vifs.watch(number, false);
                        }
                    }
                    Op::Gone(interface) => {
                        watched.retain(|watched| *watched != interface);
                        if let Some(number) = vifs.number(index(interface)) {
                            kernel.remove(&number.get());
                            vifs.detach(number);
                        }
                    }
                    Op::Entry(name, used) => {
                        let used: BTreeMap<u32, Number> =
                            used.iter().filter_map(|used| Some((*used, number(&mut vifs, *used)?))).collect();
                        let new: Vec<_> = used.iter().map(|(interface, number)| (*number, *interface)).collect();
                        let set = |entry: &[(Number, u32)]| {
                            entry.iter().fold(NumberSet::default(), |set, (number, _)| set.with(*number))
                        };
                        let old = entries.insert(name, new.clone()).unwrap_or_default();
                        vifs.use_instead(set(&new), set(&old));
                    }
                }
                for idle in vifs.take_idle().iter() {
                    prop_assert!(kernel.remove(&idle.get()).is_some(), "the kernel forgets it once");
                }
                for (number, interface) in &kernel {
                    prop_assert_eq!(vifs.index((*number).into()), Some(index(*interface)));
                    let used = entries.values().flatten().any(|(_, used)| used == interface);
                    prop_assert!(used || watched.contains(interface), "nothing needs {}", interface);
                }
                for interface in &watched {
                    prop_assert!(kernel.values().any(|has| has == interface));
                }
                for (number, interface) in entries.values().flatten() {
                    let has = kernel.get(&number.get());
                    prop_assert!(has.is_none_or(|has| has == interface), "{has:?} has the number of {interface}");
                }
            }
        }
    }
}
