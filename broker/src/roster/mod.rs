//! Who is connected, and who is meant by a role or a pid.

mod member;

use std::collections::{BTreeMap, BTreeSet, HashMap};

pub use self::member::Role;
pub(crate) use self::member::{Key, Member, Standing};

/// All registered processes. Plain data: it knows no socket, no queue and no clock.
#[derive(Debug, Default)]
pub(crate) struct Roster {
    members: BTreeMap<Key, Member>,
    by_connection: HashMap<u64, Key>,
    /// Oldest first.
    by_pid: HashMap<u32, Vec<Key>>,
    agent: Option<Key>,
    /// Workers that are not draining, ready or not, oldest first.
    app: Vec<Key>,
    /// Of those, the ready ones.
    ready: Vec<Key>,
}

impl Roster {
    /// Adds a process that has just registered.
    pub(crate) fn add(&mut self, key: Key, member: Member) {
        self.by_connection.insert(member.connection, key);
        self.by_pid.entry(member.pid).or_default().push(key);
        match member.role {
            Role::Agent => self.agent = Some(key),
            Role::Worker => self.app.push(key),
            Role::Master | Role::Operator => {}
        }
        self.members.insert(key, member);
    }

    /// The process is ready from now on. `false` where it was already.
    pub(crate) fn ready(&mut self, key: Key) -> bool {
        let Some(member) = self.members.get_mut(&key) else {
            return false;
        };
        let first = !member.standing.is_ready();
        member.standing = match member.standing {
            Standing::Joined | Standing::Ready => Standing::Ready,
            Standing::Draining { .. } => Standing::Draining { ready: true },
        };
        if first && member.role == Role::Worker && member.standing == Standing::Ready {
            self.ready.push(key);
        }
        first
    }

    /// The process takes nothing new from now on. `false` where it did not already.
    pub(crate) fn drain(&mut self, key: Key) -> bool {
        let Some(member) = self.members.get_mut(&key) else {
            return false;
        };
        if matches!(member.standing, Standing::Draining { .. }) {
            return false;
        }
        member.standing = Standing::Draining {
            ready: member.standing.is_ready(),
        };
        self.app.retain(|other| *other != key);
        self.ready.retain(|other| *other != key);
        true
    }

    /// The process is no more.
    pub(crate) fn remove(&mut self, key: Key) -> Option<Member> {
        let member = self.members.remove(&key)?;
        self.by_connection.remove(&member.connection);
        if let Some(keys) = self.by_pid.get_mut(&member.pid) {
            keys.retain(|other| *other != key);
            if keys.is_empty() {
                self.by_pid.remove(&member.pid);
            }
        }
        if self.agent == Some(key) {
            self.agent = None;
        }
        self.app.retain(|other| *other != key);
        self.ready.retain(|other| *other != key);
        Some(member)
    }

    /// One process.
    pub(crate) fn get(&self, key: Key) -> Option<&Member> {
        self.members.get(&key)
    }

    /// All processes, by key.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Key, &Member)> {
        self.members.iter().map(|(key, member)| (*key, member))
    }

    /// The agent, whatever its standing.
    pub(crate) fn agent(&self) -> Option<Key> {
        self.agent
    }

    /// The agent, where it takes new messages now or when it is ready.
    pub(crate) fn serving_agent(&self) -> Option<Key> {
        self.agent.filter(|key| {
            self.get(*key)
                .is_some_and(|m| !matches!(m.standing, Standing::Draining { .. }))
        })
    }

    /// Workers that take new messages now or when they are ready, oldest first.
    #[inline]
    pub(crate) fn app(&self) -> &[Key] {
        &self.app
    }

    /// Workers that take new messages now.
    pub(crate) fn ready_workers(&self) -> &[Key] {
        &self.ready
    }

    /// Whom `pid` means: its oldest ready connection, else its oldest one; where `connection`
    /// is not 0, that one and no other.
    #[inline]
    pub(crate) fn process(&self, pid: u32, connection: u64) -> Option<Key> {
        let keys = self.by_pid.get(&pid)?;
        if connection != 0 {
            return self.connection(connection).filter(|key| keys.contains(key));
        }
        let addressable = |key: &&Key| {
            self.get(**key)
                .is_some_and(|member| member.role != Role::Operator)
        };
        let ready = |key: &&Key| {
            self.get(**key)
                .is_some_and(|member| member.standing.is_ready())
        };
        let mut candidates = keys.iter().filter(addressable);
        candidates
            .clone()
            .find(ready)
            .or_else(|| candidates.next())
            .copied()
    }

    /// The process with that connection.
    #[inline]
    pub(crate) fn connection(&self, connection: u64) -> Option<Key> {
        self.by_connection.get(&connection).copied()
    }

    /// How many connections `pid` has.
    pub(crate) fn connections_of(&self, pid: u32) -> usize {
        self.by_pid.get(&pid).map_or(0, Vec::len)
    }

    /// The lowest index that no worker has.
    pub(crate) fn free_index(&self) -> u32 {
        let taken: BTreeSet<u32> = self
            .members
            .values()
            .filter(|member| member.role == Role::Worker)
            .map(|member| member.index)
            .collect();
        (0..)
            .find(|index| !taken.contains(index))
            .expect("fewer workers than indexes")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(pid: u32, role: Role) -> Member {
        Member {
            connection: 0,
            pid,
            role,
            index: 0,
            name: String::new(),
            incarnation: 0,
            standing: Standing::Joined,
        }
    }

    fn roster(members: &[(u32, Role)]) -> Roster {
        let mut roster = Roster::default();
        for (key, (pid, role)) in members.iter().enumerate() {
            let index = roster.free_index();
            let connection = key as u64 + 1;
            roster.add(
                key,
                Member {
                    connection,
                    index,
                    ..member(*pid, *role)
                },
            );
        }
        roster
    }

    #[test]
    fn a_pid_means_its_oldest_ready_connection() {
        let mut roster = roster(&[(7, Role::Worker), (7, Role::Worker), (7, Role::Worker)]);
        assert_eq!(roster.process(7, 0), Some(0));
        roster.ready(2);
        roster.ready(1);
        assert_eq!(roster.process(7, 0), Some(1));
        assert_eq!(roster.process(7, 3), Some(2));
        assert_eq!(roster.process(7, 9), None);
        assert_eq!(roster.process(8, 3), None);
        roster.remove(1);
        assert_eq!(roster.process(7, 0), Some(2));
    }

    #[test]
    fn a_draining_worker_is_no_app_and_keeps_its_pid() {
        let mut roster = roster(&[(1, Role::Worker), (2, Role::Worker)]);
        roster.ready(0);
        assert!(roster.drain(0));
        assert!(!roster.drain(0));
        assert_eq!(roster.app(), [1]);
        assert!(roster.ready_workers().is_empty());
        assert_eq!(roster.process(1, 0), Some(0));
    }

    #[test]
    fn a_draining_agent_serves_no_more_and_still_holds_its_role() {
        let mut roster = roster(&[(1, Role::Agent)]);
        assert_eq!(roster.serving_agent(), Some(0));
        roster.drain(0);
        assert_eq!((roster.agent(), roster.serving_agent()), (Some(0), None));
        roster.remove(0);
        assert_eq!(roster.agent(), None);
    }

    #[test]
    fn an_index_is_the_lowest_that_is_free() {
        let mut roster = roster(&[(1, Role::Worker), (2, Role::Worker), (3, Role::Agent)]);
        assert_eq!(roster.free_index(), 2);
        roster.remove(0);
        assert_eq!(roster.free_index(), 0);
    }

    #[test]
    fn an_operators_pid_is_nobodys_address() {
        assert_eq!(roster(&[(5, Role::Operator)]).process(5, 0), None);
    }
}
