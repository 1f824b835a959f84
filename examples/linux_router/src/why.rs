//! Why a stream goes where it goes.

use std::net::IpAddr;

use mgm::{Explanation, GroupAddr, Names, SourceAddr};

use crate::control::{Answer, Form};
use crate::daemon::Routers;
use crate::family::Family;
use crate::router::Router;

impl Routers {
    /// What the manager of the family says of it.
    pub(crate) fn why(&self, source: IpAddr, group: IpAddr, form: Form) -> Answer {
        match (source, group) {
            (IpAddr::V4(source), IpAddr::V4(group)) => {
                explained(self.v4.as_ref().ok_or("this router does not forward IPv4")?, source, group, form)
            }
            (IpAddr::V6(source), IpAddr::V6(group)) => {
                explained(self.v6.as_ref().ok_or("this router does not forward IPv6")?, source, group, form)
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => {
                Err(format!("{source} and {group} are not of one family"))
            }
        }
    }
}

fn explained<A: Family>(router: &Router<A>, source: A, group: A, form: Form) -> Answer {
    let source = SourceAddr::new(source).map_err(|error| error.to_string())?;
    let group = GroupAddr::new(group).map_err(|error| error.to_string())?;
    let why = router.manager().explain(source, group);
    let names = names(router, &why);
    match form {
        Form::Text => Ok(why.named(&names).to_string()),
        Form::Json => {
            let text = serde_json::to_string_pretty(&why.named(&names)).map_err(|error| error.to_string())?;
            Ok(text + "\n")
        }
    }
}

/// Of the interfaces that come into question.
fn names<A: Family>(router: &Router<A>, why: &Explanation<A>) -> Names {
    let indices = why.interfaces.iter().map(|reason| reason.interface.index());
    let named = indices.filter_map(|index| Some((index, router.name(index)?)));
    named.fold(Names::new(), |names, (index, name)| names.interface(index, name))
}
