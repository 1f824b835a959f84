//! What happened, in order, as text for a person to follow.

use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::num::NonZeroU32;

use captured_packets::Link;
use membership_reports::Report;
use mgm::{Address, ClientName, Interface, Membership, MembershipKind, Mgm};
use parking_lot::Mutex;

use super::merge::GroupFilter;
use super::traffic::{Packet, Seen};

/// As wide as the number and the time of a packet.
const INDENT: &str = "               ";

const CALL: char = '→';
const CALLBACK: char = '←';

/// The text, written from any thread. Within one packet, lines that differ only in their object are folded.
#[derive(Debug, Default)]
pub(crate) struct Timeline {
    page: Mutex<Page>,
}

#[derive(Debug, Default)]
struct Page {
    text: String,
    folded: Vec<Line>,
    /// By interface.
    joined: BTreeMap<NonZeroU32, String>,
    /// The links to which interfaces lead, if there can be several.
    links: BTreeMap<NonZeroU32, String>,
}

/// Several events of the same kind.
#[derive(Debug)]
struct Line {
    who: &'static str,
    arrow: char,
    what: &'static str,
    objects: Vec<String>,
}

/// As many things as fit in a line, and how many more there are.
#[derive(Debug, Default)]
struct List {
    text: String,
    more: usize,
}

impl Timeline {
    /// A line of its own.
    fn say(&self, text: impl Display) {
        let mut page = self.page.lock();
        page.unfold();
        page.put(format_args!("{text}"));
    }

    /// What the capture holds of one family.
    pub(crate) fn title(&self, title: impl Display) {
        self.say(format_args!("{title}:"));
    }

    /// IGMP comes to `interface`, which leads to `link`.
    pub(crate) fn link<A: Address>(&self, interface: Interface<A>, link: &Link) {
        if !link.is_unnamed() {
            self.say(format_args!("{INDENT}interface {interface} is {link}"));
            self.page.lock().links.insert(interface.index(), link.to_string());
        }
    }

    /// A packet has come.
    pub(crate) fn packet<A: Address>(&self, packet: &Packet<A>) {
        let Seen { number, time, interface, sender, .. } = &packet.seen;
        let link = self.link_of(*interface).map(|link| format!("{link}: ")).unwrap_or_default();
        let what = match &packet.report {
            Err(malformed) => format!("malformed, skipped: {malformed}"),
            Ok(Report { version, reporter, records }) => {
                let sender = sender.map(|sender| format!(" ({sender})")).unwrap_or_default();
                format!("{reporter}{sender} {version}: {}", records.iter().collect::<List>())
            }
        };
        self.say(format_args!("{number:>4} {:>8.3}  {link}{what}", time.as_secs_f64()));
    }

    fn link_of(&self, interface: NonZeroU32) -> Option<String> {
        self.page.lock().links.get(&interface).cloned()
    }

    /// `who` takes or releases `interface`.
    pub(crate) fn takes_or_releases(&self, who: &'static str, method: &'static str, interface: impl Display) {
        self.say("");
        self.call(who, method, format_args!("interface {interface}"));
    }

    /// `who` calls the manager.
    pub(crate) fn call(&self, who: &'static str, method: &'static str, object: impl Display) {
        self.page.lock().fold(who, CALL, method, object);
    }

    /// The manager calls `who`.
    pub(crate) fn callback(&self, who: &'static str, method: &'static str, object: impl Display) {
        self.page.lock().fold(who, CALLBACK, method, object);
    }

    /// The manager calls `who` around a hand-over: what was before and what comes after stay apart.
    pub(crate) fn bracket(&self, who: &'static str, method: &'static str, object: impl Display) {
        let mut page = self.page.lock();
        page.unfold();
        page.fold(who, CALLBACK, method, object);
        page.unfold();
    }

    /// What is joined on `interface` now, if that differs from the last time.
    pub(crate) fn joined<A: Address>(
        &self,
        interface: Interface<A>,
        filters: impl ExactSizeIterator<Item = GroupFilter<A>>,
    ) {
        let joined = List::of(filters).to_string();
        let mut page = self.page.lock();
        page.unfold();
        if page.joined.get(&interface.index()) != Some(&joined) {
            let is_one_of_several = page.links.contains_key(&interface.index());
            let on = if is_one_of_several { format!(" on interface {interface}") } else { String::new() };
            page.put(format_args!("{INDENT}{:35} {joined}", format!("= joined now{on}")));
            page.joined.insert(interface.index(), joined);
        }
    }

    /// A table of the interfaces, with their owners and memberships.
    pub(crate) fn table<A: Address>(&self, mgm: &Mgm<A>, name: impl Fn(ClientName) -> &'static str) {
        self.say("");
        self.say(format_args!("{INDENT}interface  owner  IGMP  memberships and blocks"));
        for status in mgm.interfaces() {
            let interface = status.interface.to_string();
            let igmp = if status.igmp { "yes" } else { "no" };
            let held = memberships(mgm, status.interface);
            self.say(format_args!("{INDENT}{interface:9}  {:5}  {igmp:4}  {held}", name(status.owner)));
        }
        self.say("");
    }

    /// All that has been written since the last time.
    pub(crate) fn take(&self) -> String {
        let mut page = self.page.lock();
        page.unfold();
        std::mem::take(&mut page.text)
    }
}

impl Page {
    fn fold(&mut self, who: &'static str, arrow: char, what: &'static str, object: impl Display) {
        let same = |line: &&mut Line| line.who == who && line.what == what;
        if let Some(line) = self.folded.iter_mut().find(same) {
            line.objects.push(object.to_string());
        } else {
            self.folded.push(Line { who, arrow, what, objects: vec![object.to_string()] });
        }
    }

    fn unfold(&mut self) {
        for Line { who, arrow, what, mut objects } in std::mem::take(&mut self.folded) {
            if arrow == CALLBACK {
                // In which order the manager alerts what has changed at once differs from run to run.
                objects.sort_unstable_by(|a, b| a.len().cmp(&b.len()).then_with(|| a.cmp(b)));
            }
            let objects = List::of(objects.into_iter());
            self.put(format_args!("{INDENT}{who:5} {arrow} {what:27} {objects}"));
        }
    }

    fn put(&mut self, line: fmt::Arguments<'_>) {
        self.text.push_str(line.to_string().trim_end());
        self.text.push('\n');
    }
}

impl List {
    /// Without a look at more than fits.
    fn of<T: Display>(mut items: impl ExactSizeIterator<Item = T>) -> Self {
        let mut list = Self::default();
        while list.more == 0
            && let Some(item) = items.next()
        {
            list.push(item);
        }
        list.more += items.len();
        list
    }

    fn push(&mut self, item: impl Display) {
        const WIDTH: usize = 84;
        if self.more > 0 {
            self.more += 1;
            return;
        }
        let item = item.to_string();
        if self.text.is_empty() {
            let cut = if item.len() > 2 * WIDTH { "…" } else { "" };
            self.text = item.chars().take(2 * WIDTH).chain(cut.chars()).collect();
        } else if self.text.len() + item.len() < WIDTH {
            self.text.push_str(", ");
            self.text.push_str(&item);
        } else {
            self.more = 1;
        }
    }
}

impl<T: Display> FromIterator<T> for List {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let mut list = Self::default();
        items.into_iter().for_each(|item| list.push(item));
        list
    }
}

impl Display for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.text.as_str(), self.more) {
            ("", _) => f.write_str("nothing"),
            (text, 0) => f.write_str(text),
            (text, more) => write!(f, "{text} and {more} more"),
        }
    }
}

fn memberships<A: Address>(mgm: &Mgm<A>, interface: Interface<A>) -> List {
    let mut held: Vec<Membership<A>> = mgm.groups().filter(|held| held.interface == interface).collect();
    held.sort_unstable();
    let blocked = |held: &Membership<A>| if held.kind == MembershipKind::Blocked { "not " } else { "" };
    held.iter().map(|held| format!("{}{}", blocked(held), held.entry)).collect()
}
