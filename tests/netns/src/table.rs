//! The kernel's forwarding entries.

use std::collections::BTreeMap;

use crate::Namespace;
use crate::link::Family;

/// Entries by (S,G): the iif, and the oifs in order.
pub type Table = BTreeMap<String, (String, Vec<String>)>;

/// By netlink; without a number, of the default table.
pub fn table<A: Family>(router: &Namespace, number: Option<u32>) -> Table {
    let number = number.map_or(String::new(), |number| format!(" table {number}"));
    let shown = router.ip_output(&format!("{} mroute show{number}", A::IP));
    let entries = shown.lines().map(|line| {
        let words = &mut line.split_whitespace();
        let key = words.next().unwrap().to_owned();
        let iif = words.nth(1).unwrap().to_owned();
        let oifs = words.skip_while(|word| *word != "Oifs:").skip(1).take_while(|word| *word != "State:");
        let mut oifs: Vec<_> = oifs.map(str::to_owned).collect();
        oifs.sort();
        (key, (iif, oifs))
    });
    entries.collect()
}
