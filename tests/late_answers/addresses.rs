//! Sources whose packets no router forwards: MB-4.

use std::net::{Ipv4Addr, Ipv6Addr};

use mgm::SourceAddr;

#[test]
fn mb_4_a_source_of_link_scope_is_refused() {
    for address in ["169.254.0.0", "169.254.1.1", "169.254.255.255"] {
        assert!(address.parse::<SourceAddr<Ipv4Addr>>().is_err(), "{address}");
    }
    for address in ["fe80::1", "fe80::", "febf:ffff::1"] {
        assert!(address.parse::<SourceAddr<Ipv6Addr>>().is_err(), "{address}");
    }
    for address in ["169.253.255.255", "169.255.0.1"] {
        assert!(address.parse::<SourceAddr<Ipv4Addr>>().is_ok(), "{address}");
    }
    for address in ["fe7f::1", "fec0::1", "2001:db8::1"] {
        assert!(address.parse::<SourceAddr<Ipv6Addr>>().is_ok(), "{address}");
    }
}
