//! What must hold at any time of who is held back.

use henhouse_proto::outbox::Outbox;

use super::player::Play;
use crate::hub::lane::Ending;
use crate::hub::origin::Place;

impl Play {
    /// Who is held back waits for somebody without room, or behind one that does.
    pub(super) fn check_held_back(&mut self) {
        let hub = &mut self.world.hub;
        for process in self.processes.iter().filter(|process| process.here) {
            let lane = &hub.lanes[process.key];
            assert!(matches!(lane.ending, Ending::No));
            let Some(blocked) = &lane.blocked else {
                continue;
            };
            let cost = Outbox::<()>::cost(blocked.body.len() + lane.stamp.as_bytes().len());
            let places = blocked.remaining.clone();
            assert!(
                !places.is_empty(),
                "{process:?} is held back and waits for nobody"
            );
            for (place, _) in places {
                let waiting = match place {
                    Place::Lane(key) => hub.lanes[key].message_bytes(),
                    mailbox => hub.mail.at(mailbox).unwrap().outbox.waiting_bytes(),
                };
                let full = waiting > 0 && waiting + cost > hub.limits.outbox_bytes_max;
                // They try again at the next look, at the latest.
                let all_full = hub.short_of_memory;
                let first = hub.gate(place).unwrap().waiters.front() == Some(&process.key);
                assert!(
                    full || all_full || !first,
                    "{process:?} is held back for {place:?}"
                );
            }
        }
    }
}
