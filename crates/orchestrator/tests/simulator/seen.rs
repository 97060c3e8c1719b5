//! What is seen of the world from outside, and what becomes of an order to a machine.

use std::collections::BTreeSet;
use std::sync::Arc;

use model::NodeId;
use orchestrator::driver::DriverError;
use orchestrator::roller::cluster::Logins;
use rolling::{Incarnation, KafkaView, PartitionView};

use crate::world::{Agent, Behaviour, World};

impl World {
    pub(crate) fn restart(
        &mut self,
        me: usize,
        id: i32,
        revision: char,
        expect: Option<&Incarnation>,
    ) -> Result<(), DriverError> {
        let machine = &self.machines[&id];
        if me < machine.lease {
            let (expected, actual) = (i64::try_from(me), i64::try_from(machine.lease));
            let (expected, actual) = (expected.unwrap(), actual.unwrap());
            return Err(DriverError::StaleEpoch { expected, actual });
        }
        let actual = machine.process.as_ref().map(|it| Incarnation(it.incarnation.to_string()));
        if let (Some(expected), Some(actual)) = (expect, &actual)
            && expected != actual
        {
            let (expected, actual) = (expected.clone(), actual.clone());
            return Err(DriverError::OtherIncarnation { expected, actual });
        }
        if machine.agent.is_some() || (expect.is_none() && actual.is_some()) {
            return Ok(());
        }
        assert!(machine.staged.contains(&revision), "what is started is staged");
        self.check_pin(me, id, revision);
        if actual.is_some() {
            self.check_stop(me, id, revision);
        }
        let until = self.now + self.random.between(100, 2_500);
        self.log(|| format!("({me}) restarts node {id} with {revision}"));
        let machine = self.machines.get_mut(&id).unwrap();
        machine.lease = me;
        if actual.is_none() {
            machine.agent = Some(Agent::Starting { until: self.now + 100, revision });
        } else {
            machine.agent = Some(Agent::Stopping { until, revision });
            self.leave(id, false);
        }
        Ok(())
    }

    pub(crate) fn kafka_view(&self) -> Option<KafkaView> {
        let someone = self.machines.keys().any(|it| self.is_unfenced(*it));
        if self.during(self.faults.kafka) || !someone {
            return None;
        }
        let topic: Arc<str> = "t".into();
        let set = |(id, spell): (i32, _)| -> BTreeSet<NodeId> {
            if self.during(spell) { [NodeId(id)].into() } else { BTreeSet::new() }
        };
        let fenced = self.machines.iter().filter_map(|(id, it)| {
            let process = it.process.as_ref().filter(|it| it.is_registered)?;
            Some((NodeId(*id), !process.is_unfenced))
        });
        let nodes = |of: &[i32]| of.iter().copied().map(NodeId).collect::<Vec<_>>();
        let partitions = self.partitions.iter().enumerate().map(|(index, it)| PartitionView {
            topic: Arc::clone(&topic),
            index: i32::try_from(index).unwrap(),
            leader: it.leader.map(NodeId),
            replicas: nodes(&it.replicas),
            in_sync: nodes(&it.in_sync),
            min_in_sync: it.min,
        });
        let others = usize::from(self.during(self.faults.reassigning));
        let ours = self.partitions.iter().filter(|it| it.becomes.is_some()).count();
        let controllers = self.machines.keys().filter(|it| self.has_controller(**it));
        Some(KafkaView {
            fenced: fenced.collect(),
            quorum: rolling::Quorum {
                leader: self.quorum.leader.map(NodeId),
                epoch: self.quorum.epoch,
                voters: self.machines.keys().copied().map(NodeId).collect(),
                caught_up: controllers.copied().map(NodeId).collect(),
                behind: set(self.faults.behind),
            },
            partitions: partitions.collect(),
            reassignments: others + ours,
            offline_log_dirs: set(self.faults.log_dir),
            full_disks: set(self.faults.disk),
        })
    }

    pub(crate) fn log_in(&self, id: i32) -> Logins {
        let Some(process) = self.machines[&id].process.as_ref().filter(|_| self.answers(id)) else {
            return Logins::Unanswered("nobody".into());
        };
        match self.behaviour(process.revision) {
            Behaviour::LetsIn => Logins::LetsIn("a forged token".into()),
            _ if self.during(self.faults.idp) => Logins::Unanswered("no token".into()),
            Behaviour::LocksOut => Logins::LocksOut("wrong audience".into()),
            _ => Logins::Right,
        }
    }

    pub(crate) fn answers(&self, id: i32) -> bool {
        let is_deaf = self.faults.deaf.0 == id && self.during(self.faults.deaf.1);
        let process = self.machines[&id].process.as_ref();
        !is_deaf && process.is_some_and(|it| it.is_unfenced && it.answers_at <= self.now)
    }
}
