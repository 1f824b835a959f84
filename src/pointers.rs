//! A pointer to an edge is that edge: an `Arc` that a test or a daemon looks at from outside, a `Box<dyn ..>` that was chosen
//! at run time, a `&'static` of one that has no state.

use std::sync::Arc;

use crate::callbacks::{IgmpCallbacks, ProtocolCallbacks};
use crate::client::ClientRef;
use crate::forwarder::Forwarder;
use crate::questions::{HandoverCallbacks, Questions};
use crate::types::address::{Address, GroupAddr, SourceAddr};
use crate::types::alert::{Alert, AlertMode};
use crate::types::creation::{CreationMode, CreationOif, NewMfe, RpfRequest};
use crate::types::forwarding::{ForwarderError, ForwardingEntry, MfeStats};
use crate::types::interface::Interface;
use crate::types::route::Route;

/// Passes methods of an edge on to what the pointer points at.
macro_rules! pass_on {
    ($edge:ident for $pointer:ty: $(fn $method:ident($($name:ident: $type:ty),*) -> $result:ty;)*) => {
        impl<A: Address, T: $edge<A> + ?Sized> $edge<A> for $pointer {
            $(fn $method(&self, $($name: $type),*) -> $result {
                T::$method(self, $($name),*)
            })*
        }
    };
}

/// The single alerts are called from `alert`, so that is all that has to be passed on of them.
macro_rules! pointers {
    ($($pointer:ty),*) => {$(
        pass_on!(IgmpCallbacks for $pointer:
            fn disable_igmp(igmp: &ClientRef<A>, interface: Interface<A>) -> ();
            fn enable_igmp(igmp: &ClientRef<A>, interface: Interface<A>) -> ();
            fn alert_mode() -> AlertMode;
            fn alert(igmp: &ClientRef<A>, alert: Alert<A>) -> ();
        );
        pass_on!(ProtocolCallbacks for $pointer:
            fn creation_mode() -> CreationMode;
            fn rpf(client: &ClientRef<A>, request: &RpfRequest<'_, A>) -> Route<A>;
            fn creation_alert(client: &ClientRef<A>, entry: &NewMfe<A>, oifs: &mut [CreationOif<A>]) -> ();
            fn alert(client: &ClientRef<A>, alert: Alert<A>) -> ();
        );
        pass_on!(HandoverCallbacks for $pointer:
            fn disable_igmp(igmp: &ClientRef<A>, interface: Interface<A>) -> ();
            fn enable_igmp(igmp: &ClientRef<A>, interface: Interface<A>) -> ();
            fn alert_mode() -> AlertMode;
        );
        pass_on!(Questions for $pointer:
            fn creation_mode() -> CreationMode;
            fn rpf(client: &ClientRef<A>, request: &RpfRequest<'_, A>) -> Route<A>;
            fn creation_alert(client: &ClientRef<A>, entry: &NewMfe<A>, oifs: &mut [CreationOif<A>]) -> ();
        );
        pass_on!(Forwarder for $pointer:
            fn add(entry: &ForwardingEntry<A>) -> Result<(), ForwarderError>;
            fn change(entry: &ForwardingEntry<A>) -> Result<(), ForwarderError>;
            fn delete(source: SourceAddr<A>, group: GroupAddr<A>) -> Result<(), ForwarderError>;
            fn stats(source: SourceAddr<A>, group: GroupAddr<A>) -> Result<MfeStats<A>, ForwarderError>;
        );
    )*};
}

pointers!(Arc<T>, Box<T>, &T);
