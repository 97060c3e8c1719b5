//! What an orchestrator reaches the world with: each call can be cut off before and after its effect.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Poll;
use std::time::Duration;

use kafka::KafkaError;
use model::{Node, NodeId, NodePorts, NodeStatus, Revision, RevisionId, RolloutStatus, Timestamp};
use orchestrator::driver::{DriverError, Observed, Started};
use orchestrator::roller::cluster::{Answer, Cluster, Question};
use orchestrator::roller::ledger::{Happened, Ledger, Then, Written};
use orchestrator::roller::machines::Machines;
use rolling::{End, Failure, Incarnation, Jwks, NewReplicas, Order, PartitionId, Paused, Raised};
use store::{ActiveRollout, NodePin, RecordError, StoreError};

use crate::book::{digit, revision};
use crate::world::World;

/// One orchestrator's hands.
#[derive(Clone, Debug)]
pub(crate) struct Hands {
    pub world: Arc<Mutex<World>>,
    /// Its number, which is also the number of its lease.
    pub me: usize,
}

/// Where an orchestrator may die.
async fn point() {
    let mut is_first = true;
    poll_fn(|context| {
        if std::mem::take(&mut is_first) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    })
    .await;
}

fn away() -> StoreError {
    sqlx::Error::PoolTimedOut.into()
}

impl Hands {
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    /// A call to Postgres: it may be away, before the effect or after it.
    async fn ask<T, E: From<StoreError>>(
        &self,
        effect: impl FnOnce(&mut World) -> Result<T, E>,
    ) -> Result<T, E> {
        point().await;
        if self.postgres_is_away() {
            return Err(away().into());
        }
        let result = effect(&mut self.world());
        point().await;
        if self.postgres_is_away() {
            return Err(away().into());
        }
        result
    }

    fn postgres_is_away(&self) -> bool {
        let world = self.world();
        world.during(world.faults.postgres)
    }

    fn driver(&self) -> Result<(), DriverError> {
        let world = self.world();
        if world.during(world.faults.driver) {
            let source = io::Error::other("the machine does not answer");
            return Err(DriverError::Failed { what: "ask the machine".into(), source });
        }
        Ok(())
    }

    fn admin(&self) -> Result<(), KafkaError> {
        let world = self.world();
        if world.during(world.faults.kafka) || world.quorum.leader.is_none() {
            let after = Duration::from_secs(5);
            return Err(KafkaError::Timeout { address: "a:1".into(), api: "ElectLeaders", after });
        }
        Ok(())
    }
}

impl Ledger for Hands {
    async fn read(&self) -> Result<Written, StoreError> {
        self.ask(|world| {
            world.looks[self.me].read_at = world.now;
            let pin =
                |(id, runs): (&i32, &char)| NodePin { node: node(*id), revision: revision(*runs) };
            Ok(Written {
                active: world.book.active.clone(),
                pins: world.book.pins.iter().map(pin).collect(),
                raised: world.book.raised.clone(),
                usual_ms: world.book.usual_ms.clone(),
            })
        })
        .await
    }

    async fn revision(&self, id: &RevisionId) -> Result<Option<Revision>, StoreError> {
        let id = id.clone();
        self.ask(|_| {
            Ok(Some(Revision { id, server_properties: String::new(), jvm_options: Vec::new() }))
        })
        .await
    }

    async fn record_orders(
        &self,
        rollout: &ActiveRollout,
        orders: &BTreeMap<NodeId, Order>,
    ) -> Result<(), RecordError> {
        self.ask(|world| world.record_orders(self.me, rollout, orders)).await
    }

    async fn record_failure(
        &self,
        rollout: &ActiveRollout,
        failure: &Failure,
        _log: &str,
        then: Then,
    ) -> Result<(), RecordError> {
        self.ask(|world| world.record_failure(rollout, failure, then)).await
    }

    async fn pause(&self, rollout: &ActiveRollout, paused: &Paused) -> Result<(), RecordError> {
        self.ask(|world| world.pause(rollout, paused)).await
    }

    async fn end(&self, rollout: &ActiveRollout, end: End) -> Result<(), RecordError> {
        self.ask(|world| {
            world.check_two_looks(self.me);
            world.end(rollout, end)
        })
        .await
    }

    async fn record_raised(
        &self,
        rollout: &ActiveRollout,
        raised: &[Raised],
    ) -> Result<(), RecordError> {
        self.ask(|world| world.record_raised(rollout, raised)).await
    }

    async fn forget_raised(&self, partitions: &[PartitionId]) -> Result<(), StoreError> {
        self.ask(|world| {
            world.check_forgotten(partitions);
            world.book.raised.retain(|it| !partitions.contains(&it.partition));
            Ok(())
        })
        .await
    }

    async fn took(&self, node: NodeId, ms: i64) -> Result<(), StoreError> {
        self.ask(|world| {
            world.book.usual_ms.insert(node, ms);
            Ok(())
        })
        .await
    }

    async fn publish(
        &self,
        _rollout: Option<&ActiveRollout>,
        _nodes: &[NodeStatus],
        status: &RolloutStatus,
        happened: &[Happened],
    ) -> Result<(), StoreError> {
        self.ask(|world| {
            let me = self.me;
            let blocker = status.blocker.as_ref().map(|it| it.text.clone());
            if !happened.is_empty() {
                world.log(|| format!("({me}) waits for {blocker:?}"));
            }
            Ok(())
        })
        .await
    }
}

fn node(id: i32) -> Node {
    let ports = NodePorts { controller: 1, internal: 2, client: 3 };
    Node { id: NodeId(id), host: "h".into(), ports, rack: (id % 2).to_string() }
}

impl Machines for Hands {
    async fn inventory(&self, _nodes: &[Node]) -> Result<BTreeMap<NodeId, Observed>, DriverError> {
        point().await;
        self.driver()?;
        let world = self.world();
        let observed = |(id, machine): (&i32, &crate::world::Machine)| {
            let started =
                |it: &(i64, char)| Started { at: Timestamp(it.0), revision: revision(it.1) };
            let process = machine.process.as_ref().map(|it| rolling::Process {
                incarnation: Incarnation(it.incarnation.to_string()),
                revision: revision(it.revision),
            });
            let observed = Observed {
                busy: machine.agent.is_some(),
                starts: machine.starts.iter().map(started).collect(),
                recovering: machine
                    .process
                    .as_ref()
                    .is_some_and(|it| world.now < it.recovers_until),
                process,
            };
            (NodeId(*id), observed)
        };
        Ok(world.machines.iter().map(observed).collect())
    }

    async fn stage(&self, node: &Node, revision: &Revision) -> Result<(), DriverError> {
        point().await;
        self.driver()?;
        let mut world = self.world();
        let machine = world.machines.get_mut(&node.id.0).unwrap();
        machine.staged.insert(digit(&revision.id));
        Ok(())
    }

    async fn restart(
        &self,
        node: NodeId,
        revision: &RevisionId,
        expect: Option<&Incarnation>,
    ) -> Result<(), DriverError> {
        point().await;
        self.driver()?;
        let done = self.world().restart(self.me, node.0, digit(revision), expect);
        point().await;
        self.driver()?;
        done
    }

    async fn log_tail(&self, _node: NodeId) -> Result<String, DriverError> {
        point().await;
        self.driver()?;
        Ok(String::new())
    }
}

impl Cluster for Hands {
    async fn look(&self, question: &Question<'_>) -> Answer {
        {
            let mut world = self.world();
            let now = world.now;
            let looks = &mut world.looks[self.me];
            looks.before = (looks.last > 0).then_some(looks.last);
            looks.last = now;
        }
        point().await;
        let answer = {
            let world = self.world();
            let answering = world.machines.keys().filter(|it| world.answers(**it));
            let logins = question.log_in_at.iter().map(|it| (*it, world.log_in(it.0)));
            let jwks = match (question.needs_keys, world.during(world.faults.idp)) {
                (false, _) => Jwks::NotNeeded,
                (true, false) => Jwks::Usable,
                (true, true) => Jwks::Unusable("no answer".into()),
            };
            Answer {
                kafka: world.kafka_view(),
                answering: answering.copied().map(NodeId).collect(),
                logins: logins.collect(),
                jwks,
            }
        };
        point().await;
        answer
    }

    async fn elect_preferred(&self, partitions: &[PartitionId]) -> Result<(), KafkaError> {
        point().await;
        self.admin()?;
        {
            let mut world = self.world();
            for it in partitions {
                let n = usize::try_from(it.index).unwrap();
                let preferred = world.partitions[n].replicas[0];
                if world.is_unfenced(preferred) && world.partitions[n].in_sync.contains(&preferred)
                {
                    world.partitions[n].leader = Some(preferred);
                }
            }
        }
        point().await;
        self.admin()
    }

    async fn reassign(&self, partitions: &[NewReplicas]) -> Result<(), KafkaError> {
        point().await;
        self.admin()?;
        {
            let mut world = self.world();
            for it in partitions {
                world.check_reassignment(it);
                let n = usize::try_from(it.partition.index).unwrap();
                let to: Vec<i32> = it.to.iter().map(|id| id.0).collect();
                let at = world.now + world.random.between(300, 2_000);
                world.partitions[n].becomes = Some((at, to));
            }
        }
        point().await;
        self.admin()
    }
}
