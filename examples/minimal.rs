//! PIM takes a LAN from IGMP, and is told what hosts have joined there: the smallest use of the manager.
//!
//! ```text
//! cargo run --example minimal
//! ```

use mgm::{ClientId, ClientRef, Entry, IgmpCallbacks, Interface, Mgm, ProtocolCallbacks};

/// IGMP on one LAN, with what its hosts have joined.
struct Igmp {
    lan: Interface,
    joined: Vec<Entry>,
}

impl IgmpCallbacks for Igmp {
    /// The LAN has changed hands: what is joined there is added again, and counts for the new owner.
    fn enable_igmp(&self, igmp: &ClientRef, interface: Interface) {
        for &entry in self.joined.iter().filter(|_| interface == self.lan) {
            if let Err(refusal) = igmp.add_group_membership(interface, entry) {
                eprintln!("IGMP keeps {entry} on interface {interface} for itself: {refusal}");
            }
        }
    }
}

struct Pim;

impl ProtocolCallbacks for Pim {
    fn local_join(&self, _: &ClientRef, interface: Interface, entry: Entry) {
        println!("PIM forwards {entry} to interface {interface}");
    }

    fn local_leave(&self, _: &ClientRef, interface: Interface, entry: Entry) {
        println!("PIM forwards {entry} to interface {interface} no longer");
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (lan, group) = (Interface::try_from(1)?, "(*, 239.1.1.1)".parse()?);
    let mgm = Mgm::new();
    let igmp = mgm.register_igmp(Igmp { lan, joined: vec![group] })?;
    let pim = mgm.register_protocol(ClientId { protocol: 1, component: 0 }, Pim)?;
    igmp.take_interface_ownership(lan)?; // IGMP alone: nobody routes here yet
    igmp.add_group_membership(lan, group)?;
    pim.take_interface_ownership(lan)?; // disable_igmp, PIM owns the LAN, enable_igmp: PIM hears of the group
    igmp.delete_group_membership(lan, group)?;
    Ok(())
}
