//! One generation's configuration, and the sockets that its workers get.

use std::sync::Arc;

use super::{Driver, StartError};
use crate::master::{os::listener::Listener, plan::Plan};

/// A listener by the name that a configuration gives it.
pub(super) type Named = (String, Arc<Listener>);

/// What a start of one generation needs. A socket closes when no deployment has it any more and no
/// process does: then its last worker is gone, and nobody would take what still comes.
#[derive(Debug)]
pub(super) struct Deployment {
    pub(super) plan: Plan,
    pub(super) listeners: Vec<Named>,
}

impl Deployment {
    /// Opens what `plan` listens at. Of what is `open` already the same socket is used on, whatever
    /// its name is now: its address could not be bound a second time, and who waits there goes on
    /// waiting.
    pub(super) fn open(plan: Plan, open: &[Named]) -> Result<Self, StartError> {
        let mut listeners: Vec<Named> = Vec::new();
        for listen in &plan.listen {
            let is_free = |listener: &Arc<Listener>| {
                let same = |(_, taken): &Named| Arc::ptr_eq(taken, listener);
                listener.wanted == listen.address && !listeners.iter().any(same)
            };
            // Two that the kernel is to choose ports for are told apart by their names.
            let of_that_name = open
                .iter()
                .find(|(name, listener)| *name == listen.name && is_free(listener));
            let found = of_that_name.or_else(|| open.iter().find(|(_, open)| is_free(open)));
            let listener = match found {
                Some((_, listener)) => Arc::clone(listener),
                None => {
                    let opened = Listener::open(&listen.address);
                    Arc::new(opened.map_err(|error| StartError::Listen {
                        name: listen.name.clone(),
                        error,
                    })?)
                }
            };
            listeners.push((listen.name.clone(), listener));
        }
        Ok(Self { plan, listeners })
    }
}

impl Driver {
    /// Every listener that is open, the newest configuration's first.
    pub(super) fn open_listeners(&self) -> Vec<Named> {
        let configured = self.deployments.values().rev().flat_map(|d| &d.listeners);
        let given = self.given.values().flatten();
        configured.chain(given).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::master::{Master, Program};

    fn plan(listen: &[(&str, &str)]) -> Plan {
        let mut master = Master::new(Program::new("sh")).workers(1);
        for (name, address) in listen {
            master = master.listen(*name, *address);
        }
        master.into_plan().unwrap()
    }

    fn open(listen: &[(&str, &str)], open: &[Named]) -> Vec<Named> {
        Deployment::open(plan(listen), open).unwrap().listeners
    }

    const ANY: &str = "127.0.0.1:0";

    #[test]
    fn what_is_open_is_used_on_also_by_another_name() {
        let old = open(&[("a", ANY), ("b", "127.0.0.2:0")], &[]);
        let new = open(&[("c", "127.0.0.2:0"), ("a", ANY)], &old);
        assert_eq!(new[0].0, "c");
        assert!(Arc::ptr_eq(&new[0].1, &old[1].1));
        assert!(Arc::ptr_eq(&new[1].1, &old[0].1));
    }

    #[test]
    fn two_at_ports_of_the_kernels_choice_stay_two() {
        let old = open(&[("a", ANY), ("b", ANY)], &[]);
        let new = open(&[("b", ANY), ("a", ANY), ("c", ANY)], &old);
        assert!(Arc::ptr_eq(&new[0].1, &old[1].1));
        assert!(Arc::ptr_eq(&new[1].1, &old[0].1));
        let third = &new[2].1;
        assert!(
            old.iter()
                .all(|(_, listener)| !Arc::ptr_eq(listener, third))
        );
    }

    #[test]
    fn one_that_cannot_be_opened_is_named() {
        let taken = open(&[("a", ANY)], &[]);
        let plan = plan(&[("b", &taken[0].1.address)]);
        let error = Deployment::open(plan, &[]).unwrap_err().to_string();
        assert!(error.starts_with("cannot listen for `b`"), "{error}");
    }
}
