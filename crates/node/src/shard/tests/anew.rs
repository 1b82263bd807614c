//! A state that is made anew says how far it is.

use super::{COMMON, DIVERGENT, Returning};
use crate::shard::marks::Remaking;
use crossbeam_channel::{Receiver, Sender, bounded};
use understudy_kv::KvState;
use understudy_state::{CommandContext, EpochStart, OutOfReach, StateMachine};
use understudy_types::{Lsn, StateDigest};

/// The record before which the second state waits to be let go.
const HALT: u64 = 11;

struct Halting {
    state: KvState,
    gate: Option<Gate>,
}

struct Gate {
    reached: Sender<()>,
    open: Receiver<()>,
}

impl StateMachine for Halting {
    type Response = <KvState as StateMachine>::Response;

    fn apply(&mut self, context: CommandContext, command: &[u8]) -> Self::Response {
        if let Some(gate) = self.gate.as_ref().filter(|_| context.lsn.get() == HALT) {
            gate.reached.send(()).expect("the test waits");
            gate.open.recv().expect("the test opens it");
        }
        self.state.apply(context, command)
    }

    fn begin_epoch(&mut self, start: EpochStart) {
        self.state.begin_epoch(start);
    }

    fn roll_back(&mut self, upto: Lsn) -> Result<(), OutOfReach> {
        self.state.roll_back(upto)
    }

    fn digest(&self) -> StateDigest {
        self.state.digest()
    }

    fn memory_bytes(&self) -> u64 {
        self.state.memory_bytes()
    }
}

#[tokio::test]
async fn state_that_is_made_anew_says_how_far_it_is() {
    let (reached, is_reached) = bounded(1);
    let (open, opened) = bounded(1);
    let mut gates = vec![
        Some(Gate {
            reached,
            open: opened,
        }),
        None,
    ];
    let gates = parking_lot::Mutex::new(std::mem::take(&mut gates));
    let returning = Returning::boot(move || Halting {
        state: KvState::new(),
        gate: gates.lock().pop().expect("two states"),
    });
    let core = returning.core();
    assert_eq!(core.marks.lock().remaking, None);
    let number = core.update(|marks| marks.ask_rebuild());
    is_reached.recv().expect("it comes so far");
    let total = COMMON + DIVERGENT - 1;
    let done = HALT - 1;
    assert_eq!(core.marks.lock().remaking, Some(Remaking { done, total }));
    open.send(()).expect("it waits");
    let rebuilt = core.wait_until(|marks| marks.is_rebuilt(number).then_some(marks.remaking));
    assert_eq!(rebuilt.await, Some(None));
    returning.end();
}
