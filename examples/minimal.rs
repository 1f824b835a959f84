//! PIM takes a LAN from IGMP, and is told what hosts have joined there: the smallest use of the manager.
//!
//! `cargo run --example minimal`

use mgm::{ClientId, ClientRef, Entry, Filter, GroupAddr, IgmpCallbacks, Interface, Mgm, ProtocolCallbacks};

/// IGMP on one LAN, with the groups that its hosts have joined.
struct Igmp(Vec<GroupAddr>);

impl IgmpCallbacks for Igmp {
    /// The LAN has changed hands: what is joined there is added again, and what is not goes.
    fn enable_igmp(&self, igmp: &ClientRef, lan: Interface) {
        let refusals = self.0.iter().filter_map(|group| igmp.set_group(lan, *group, Filter::JOIN).err());
        refusals.for_each(|refusal| eprintln!("{refusal}"));
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
    let (lan, group) = (Interface::try_from(1)?, "239.1.1.1".parse()?);
    let mgm = Mgm::new();
    let igmp = mgm.register_igmp(Igmp(vec![group]))?;
    let pim = mgm.register_protocol(ClientId { protocol: 1, component: 0 }, Pim)?;
    igmp.take_interface_ownership(lan)?; // IGMP alone: nobody routes here yet
    igmp.set_group(lan, group, Filter::JOIN)?; // a host joins
    pim.take_interface_ownership(lan)?; // disable_igmp, PIM owns the LAN and hears of the group, enable_igmp
    igmp.set_group(lan, group, Filter::LEAVE)?; // the host leaves
    Ok(())
}
