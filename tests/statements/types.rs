//! What is an address, an entry, an interface, and what is not (MB-4), in each family.

use std::error::Error as _;
use std::net::{Ipv4Addr, Ipv6Addr};

use mgm::{
    Address, AddressError, ClientId, ClientName, Entry, EntryError, GroupAddr, HostAddr, Interface,
    InterfaceError, SourceAddr,
};

fn group_of<A: Address>(text: &str) -> Result<GroupAddr<A>, AddressError<A>> {
    let parsed: Result<GroupAddr<A>, _> = text.parse();
    if let Ok(address) = text.parse::<A>() {
        assert_eq!(GroupAddr::new(address), parsed, "{text}");
    }
    parsed
}

fn source_of<A: Address>(text: &str) -> Result<SourceAddr<A>, AddressError<A>> {
    let parsed: Result<SourceAddr<A>, _> = text.parse();
    if let Ok(address) = text.parse::<A>() {
        assert_eq!(SourceAddr::new(address), parsed, "{text}");
    }
    parsed
}

fn address<A: Address>(text: &str) -> A {
    text.parse().ok().unwrap()
}

fn no_groups<A: Address>(not_multicast: &[&str], never_forwarded: &[&str]) {
    for text in not_multicast {
        let error = AddressError::NotMulticast(address(text));
        assert_eq!(group_of::<A>(text), Err(error));
        assert_eq!(error.to_string(), format!("{text} is not a multicast address"));
    }
    for text in never_forwarded {
        let error = AddressError::NeverForwarded(address(text));
        assert_eq!(group_of::<A>(text), Err(error));
        assert_eq!(error.to_string(), format!("{text} is never forwarded off its link"));
    }
}

fn groups<A: Address>(texts: &[&str]) {
    for text in texts {
        let group = group_of::<A>(text).unwrap();
        assert_eq!((group.to_string().as_str(), group.address()), (*text, address(text)));
        assert_eq!(Entry::from(group), Entry::Group(group));
    }
}

#[test]
fn mb_4_groups_of_ipv4() {
    let not_multicast =
        ["223.255.255.255", "240.0.0.0", "0.0.0.0", "10.0.0.1", "127.0.0.1", "255.255.255.255"];
    no_groups::<Ipv4Addr>(&not_multicast, &["224.0.0.0", "224.0.0.1", "224.0.0.251", "224.0.0.255"]);
    groups::<Ipv4Addr>(&["224.0.1.0", "224.1.0.0", "232.1.1.1", "239.255.255.255"]);
    assert_eq!(GroupAddr::try_from(Ipv4Addr::new(239, 1, 1, 1)), "239.1.1.1".parse());
    assert!(GroupAddr::try_from(Ipv4Addr::LOCALHOST).is_err());
}

#[test]
fn mb_4_groups_of_ipv6() {
    let not_multicast = ["::", "::1", "2001:db8::1", "fe80::1", "feff::1"];
    let never_forwarded = ["ff00::1", "ff01::1", "ff02::1", "ff10::1", "ff31::1", "ff32::8000:1", "fff2::1"];
    no_groups::<Ipv6Addr>(&not_multicast, &never_forwarded);
    groups::<Ipv6Addr>(&["ff03::1", "ff05::1:3", "ff0e::1", "ff3e::8000:1", "ff1f::1"]);
    assert_eq!(GroupAddr::try_from(address::<Ipv6Addr>("ff0e::1")), "ff0e::1".parse());
    assert!(GroupAddr::try_from(Ipv6Addr::LOCALHOST).is_err());
}

fn no_sources<A: Address>(texts: &[&str]) {
    for text in texts {
        let error = AddressError::NotUnicast(address(text));
        assert_eq!(source_of::<A>(text), Err(error));
        assert_eq!(error.to_string(), format!("{text} is not the address of one host"));
    }
}

/// A host may have such an address, as the next hop of a link may, but no router forwards what it sends from there.
fn sources_of_link_scope<A: Address>(texts: &[&str]) {
    for text in texts {
        assert_eq!(source_of::<A>(text), Err(AddressError::NeverForwarded(address(text))));
        assert_eq!(HostAddr::<A>::new(address(text)).unwrap().to_string(), *text);
    }
}

fn sources<A: Address>(texts: &[&str]) {
    for text in texts {
        let source = source_of::<A>(text).unwrap();
        assert_eq!((source.to_string().as_str(), source.address()), (*text, address(text)));
    }
}

#[test]
fn mb_4_sources_of_ipv4() {
    no_sources::<Ipv4Addr>(&[
        "0.0.0.0",
        "127.0.0.1",
        "127.255.0.1",
        "224.0.0.1",
        "239.1.1.1",
        "255.255.255.255",
    ]);
    sources_of_link_scope::<Ipv4Addr>(&["169.254.0.0", "169.254.1.1", "169.254.255.255"]);
    sources::<Ipv4Addr>(&["10.0.0.1", "198.51.100.7", "169.253.255.255", "169.255.0.0", "223.255.255.254"]);
    assert_eq!(SourceAddr::try_from(Ipv4Addr::new(10, 0, 0, 1)), "10.0.0.1".parse());
    assert!(SourceAddr::try_from(Ipv4Addr::BROADCAST).is_err());
}

#[test]
fn mb_4_sources_of_ipv6() {
    no_sources::<Ipv6Addr>(&["::", "::1", "ff02::1", "ff0e::1"]);
    sources_of_link_scope::<Ipv6Addr>(&["fe80::", "fe80::1", "febf:ffff::1"]);
    sources::<Ipv6Addr>(&["2001:db8::1", "fe7f:ffff::1", "fec0::1"]);
    assert_eq!(SourceAddr::try_from(address::<Ipv6Addr>("2001:db8::1")), "2001:db8::1".parse());
    assert!(SourceAddr::try_from(Ipv6Addr::UNSPECIFIED).is_err());
}

#[test]
fn mb_4_texts_that_are_no_address_of_the_family() {
    for text in ["", "*", "239.1.1", "239.1.1.256", "ff0e::1", " 239.1.1.1"] {
        assert_eq!(group_of::<Ipv4Addr>(text), Err(AddressError::NotAnAddress));
        assert_eq!(source_of::<Ipv4Addr>(text), Err(AddressError::NotAnAddress));
    }
    for text in ["", "*", "239.1.1.1", "ff0e::g", "ff0e::1%eth0"] {
        assert_eq!(group_of::<Ipv6Addr>(text), Err(AddressError::NotAnAddress));
        assert_eq!(source_of::<Ipv6Addr>(text), Err(AddressError::NotAnAddress));
    }
    assert_eq!(AddressError::<Ipv4Addr>::NotAnAddress.to_string(), "not an address of this family");
}

#[test]
fn mb_4_the_default_ssm_ranges_are_those_of_iana() {
    let v4 = Ipv4Addr::default_ssm_ranges();
    for (text, inside) in
        [("232.0.0.0", true), ("232.255.255.255", true), ("231.255.255.255", false), ("233.0.0.0", false)]
    {
        assert_eq!(v4.iter().any(|range| address::<Ipv4Addr>(text).is_in(range)), inside, "{text}");
    }
    let v6 = Ipv6Addr::default_ssm_ranges();
    for (text, inside) in [
        ("ff30::1", true),
        ("ff3e::8000:1", true),
        ("ff3f:0:ffff::", true),
        ("ff3e:1::", false),
        ("ff2e::1", false),
        ("ff4e::1", false),
    ] {
        assert_eq!(v6.iter().any(|range| address::<Ipv6Addr>(text).is_in(range)), inside, "{text}");
    }
}

fn round_trip<A: Address>(texts: &[(&str, bool, bool)]) {
    for &(text, has_group, has_source) in texts {
        let entry: Entry<A> = text.parse().unwrap();
        assert_eq!(entry.to_string(), text);
        assert_eq!((entry.group().is_some(), entry.source().is_some()), (has_group, has_source));
    }
}

#[test]
fn entries_are_read_as_they_are_written() {
    round_trip::<Ipv4Addr>(&[
        ("(*, *)", false, false),
        ("(*, 239.1.1.1)", true, false),
        ("(10.0.0.1, 239.1.1.1)", true, true),
    ]);
    round_trip::<Ipv6Addr>(&[
        ("(*, *)", false, false),
        ("(*, ff0e::1)", true, false),
        ("(2001:db8::1, ff0e::1)", true, true),
    ]);
    assert_eq!("(10.0.0.1,239.1.1.1)".parse::<Entry>().unwrap().to_string(), "(10.0.0.1, 239.1.1.1)");
}

#[test]
fn what_is_no_entry_says_which_part_is_wrong() {
    for text in ["", "*, *", "(*, *", "*, *)", "(*)", "(239.1.1.1)"] {
        assert_eq!(text.parse::<Entry>(), Err(EntryError::Shape));
    }
    let group = AddressError::NotMulticast(Ipv4Addr::new(10, 0, 0, 2));
    assert_eq!("(*, 10.0.0.2)".parse::<Entry>(), Err(EntryError::Group(group)));
    assert_eq!("(10.0.0.1, 10.0.0.2)".parse::<Entry>(), Err(EntryError::Group(group)));
    assert_eq!("(10.0.0.1, *)".parse::<Entry>(), Err(EntryError::Group(AddressError::NotAnAddress)));
    let source = AddressError::NotUnicast(Ipv4Addr::UNSPECIFIED);
    assert_eq!("(0.0.0.0, 239.1.1.1)".parse::<Entry>(), Err(EntryError::Source(source)));
    assert_eq!(EntryError::Source(source).to_string(), "the source: 0.0.0.0 is not the address of one host");
    assert_eq!(EntryError::Group(group).to_string(), "the group: 10.0.0.2 is not a multicast address");
    let shape = EntryError::<Ipv4Addr>::Shape;
    assert_eq!(shape.to_string(), "an entry is written (*, *), (*, G) or (S, G)");
    assert!(shape.source().is_none() && EntryError::Group(group).source().is_some());
}

#[test]
fn if_6_interfaces_and_links_are_read_as_they_are_written() {
    for text in ["3", "4294967295", "3 via 10.0.0.9"] {
        assert_eq!(text.parse::<Interface>().unwrap().to_string(), text);
    }
    let link: Interface<Ipv6Addr> = "3 via fe80::9".parse().unwrap();
    assert_eq!(link.to_string(), "3 via fe80::9");
    assert_eq!((link.index().get(), link.next_hop()), (3, Some(address("fe80::9"))));
    assert_eq!(Interface::<Ipv4Addr>::try_from(3).unwrap().next_hop(), None);
}

#[test]
fn if_6_what_is_no_interface_says_why() {
    assert_eq!(Interface::<Ipv4Addr>::try_from(0), Err(InterfaceError::Index));
    for text in ["", "0", "-1", "eth0", "4294967296", "0 via 10.0.0.9", "via 10.0.0.9"] {
        assert_eq!(text.parse::<Interface>(), Err(InterfaceError::Index), "{text}");
    }
    let multicast = InterfaceError::NextHop(AddressError::NotUnicast(Ipv4Addr::new(224, 0, 0, 1)));
    assert_eq!("3 via 224.0.0.1".parse::<Interface>(), Err(multicast));
    assert_eq!(multicast.to_string(), "the next hop of a link: 224.0.0.1 is not the address of one host");
    assert_eq!("3 via ".parse::<Interface>(), Err(InterfaceError::NextHop(AddressError::NotAnAddress)));
    assert_eq!(InterfaceError::<Ipv4Addr>::Index.to_string(), "an interface index is a number from 1 up");
}

#[test]
fn cl_1_clients_are_named_by_protocol_and_component() {
    let id = ClientId { protocol: 3, component: 1 };
    assert_eq!(id.to_string(), "3.1");
    assert_eq!(ClientName::Protocol(id).to_string(), "protocol 3.1");
    assert_eq!(ClientName::Igmp.to_string(), "IGMP");
}
