//! The state machine of the simulation: a few registers.

use understudy_state::{CommandContext, EpochStart, StateDigest, StateMachine};
use understudy_types::Lsn;

/// Names one client command of a run, for ever.
pub(crate) type CommandId = u64;

pub(crate) const KEYS: u64 = 4;

/// A write of a command's own id into a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Command {
    pub id: CommandId,
    pub key: u64,
}

impl Command {
    pub(crate) fn encode(self) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.id.to_le_bytes());
        bytes[8..].copy_from_slice(&self.key.to_le_bytes());
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Command {
        let (id, key) = bytes.split_at(8);
        let number = |part: &[u8]| u64::from_le_bytes(part.try_into().expect("eight bytes"));
        Command {
            id: number(id),
            key: number(key),
        }
    }
}

/// What a register holds, and where in the log that was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Value {
    pub command: CommandId,
    pub lsn: Lsn,
}

/// The registers, and a fold over everything that was ever applied, so that
/// two states that came about differently never look alike.
#[derive(Clone, Debug, Default)]
pub(crate) struct Registers {
    values: [Option<Value>; KEYS as usize],
    fold: u64,
    /// Breaks determinism on purpose, for one mutation.
    pub taint: u64,
}

impl Registers {
    pub(crate) fn get(&self, key: u64) -> Option<Value> {
        self.values[key as usize]
    }

    /// A bit of the memory flips: one that no client sees.
    pub(crate) fn flip(&mut self) {
        self.fold ^= 1 << 17;
    }

    fn mix(&mut self, parts: &[u64]) {
        for part in parts {
            self.fold = (self.fold ^ part ^ self.taint)
                .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                .rotate_left(29);
        }
    }
}

impl StateMachine for Registers {
    type Response = Value;

    fn apply(&mut self, context: CommandContext, command: &[u8]) -> Value {
        let command = Command::decode(command);
        let value = Value {
            command: command.id,
            lsn: context.lsn,
        };
        self.values[command.key as usize] = Some(value);
        self.mix(&[
            context.lsn.get(),
            context.epoch.get(),
            command.id,
            command.key,
        ]);
        value
    }

    fn begin_epoch(&mut self, start: EpochStart) {
        self.mix(&[start.lsn.get(), start.epoch.get(), u64::from(start.lossy)]);
    }

    fn digest(&self) -> StateDigest {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&self.fold.to_le_bytes());
        for (place, value) in bytes[8..].chunks_exact_mut(6).zip(&self.values) {
            let command = value.map_or(0, |value| value.command + 1);
            place.copy_from_slice(&command.to_le_bytes()[..6]);
        }
        StateDigest(bytes)
    }

    fn memory_bytes(&self) -> u64 {
        std::mem::size_of::<Self>() as u64
    }
}
