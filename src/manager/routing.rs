//! Routes to sources: asked of the RIB without a lock, and followed when they change (CT-8, FW-9).

use std::sync::Arc;

use super::making::{Packet, ROUNDS};
use super::{Shared, State};
use crate::engine::{Reroute, Stamp, Way};
use crate::types::address::{Address, SourceAddr};
use crate::types::route::Route;

/// A source, and what the RIB now says of it.
type Answer<A> = (SourceAddr<A>, Option<Route<A>>);

impl<A: Address> Shared<A> {
    /// FW-9: looks up again every source in use that `prefix` covers.
    pub(crate) fn routes_changed(self: &Arc<Self>, prefix: &A::Net) {
        let (sources, stamp) = self.update(|state| state.engine.routes_changed(A::bounds(prefix)));
        let answers =
            sources.into_iter().map(SourceAddr::known).map(|source| (source, self.look_up(source))).collect();
        self.follow_routes(answers, stamp);
    }

    /// The way to a source as the RIB sees it now, and since which change; if that is not what the manager knew,
    /// all entries of the source follow.
    pub(crate) fn find_way(self: &Arc<Self>, source: SourceAddr<A>) -> (Way<A>, Option<Stamp>) {
        let (learned, way, stamp) = self.with_route(Some(source), |state, learned| {
            let engine = &state.engine;
            (learned, engine.way(source.address()), engine.route_stamp(source.address()))
        });
        // What was learned just now need not be asked again.
        if let Some(known_since) = stamp.filter(|_| !learned) {
            let route = self.look_up(source);
            if route != way.route {
                self.follow_routes(vec![(source, route)], known_since);
                return self
                    .read(|engine| (engine.way(source.address()), engine.route_stamp(source.address())));
            }
        }
        (way, stamp)
    }

    /// Changes the state when the route to `source` is known, and says whether it was learned for that; it is
    /// forgotten again if nothing came of it.
    pub(crate) fn with_route<R>(
        self: &Arc<Self>,
        source: Option<SourceAddr<A>>,
        change: impl Fn(&mut State<A>, bool) -> R,
    ) -> R {
        let Some(source) = source.map(SourceAddr::address).filter(|_| self.rib.is_some()) else {
            return self.update(|state| change(state, false));
        };
        let mut answer = None;
        loop {
            let done = self.update(|state| {
                // An answer that came too late for a changed route is noticed here, and asked for again.
                let learned =
                    answer.is_some_and(|(route, stamp)| state.engine.learn_route(source, route, stamp));
                if let Some(stamp) = state.engine.unknown_route(source) {
                    return Err(stamp);
                }
                let result = change(state, learned);
                state.engine.forget_source(source);
                Ok(result)
            });
            match done {
                Ok(result) => return result,
                Err(stamp) => answer = Some((self.look_up(SourceAddr::known(source)), stamp)),
            }
        }
    }

    fn look_up(self: &Arc<Self>, source: SourceAddr<A>) -> Option<Route<A>> {
        let rib = self.rib.as_ref()?;
        self.outside(|| self.panics.catch(&"RIB", "lookup", || rib.lookup(source))).flatten()
    }

    /// Asks the owners of the entries that follow, and then changes all in one step.
    fn follow_routes(self: &Arc<Self>, answers: Vec<Answer<A>>, stamp: Stamp) {
        let mut asked = self.ask(self.read(|engine| {
            let mut reroutes = Vec::new();
            for (source, route) in &answers {
                engine.reroutes(source.address(), *route, &mut reroutes);
            }
            reroutes
        }));
        let mut routes = answers;
        for round in 1_u32.. {
            let unanswered = self.update(|state| {
                for (source, route) in routes.drain(..) {
                    state.engine.set_route(source.address(), route, stamp, &mut state.effects);
                }
                let moved = asked.drain(..).filter_map(|(reroute, answer)| {
                    state.engine.move_mfe(&reroute, answer, &mut state.effects)
                });
                moved.collect::<Vec<_>>()
            });
            if unanswered.is_empty() {
                return;
            }
            asked = if round < ROUNDS {
                self.ask(unanswered)
            } else {
                unanswered.into_iter().map(|reroute| (reroute, reroute.way.route)).collect()
            };
        }
    }

    fn ask(self: &Arc<Self>, reroutes: Vec<Reroute<A>>) -> Vec<(Reroute<A>, Option<Route<A>>)> {
        let ask = |reroute: Reroute<A>| {
            let (source, group) = reroute.key.pair();
            let packet = Packet { source, group, arrival: reroute.iif, header: &[] };
            let answer = reroute.way.route.map(|route| self.ask_rpf(packet, reroute.way, route));
            (reroute, answer)
        };
        reroutes.into_iter().map(ask).collect()
    }
}
