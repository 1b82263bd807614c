//! A state machine of one's own: a limit order book for one instrument.

#![allow(dead_code, unreachable_pub, reason = "also a part of the tests")]

use std::collections::{BTreeMap, VecDeque};
use understudy_state::{CommandContext, EpochStart, StateDigest, StateMachine};

/// `B <id> <price> <quantity>` buys, `S <id> <price> <quantity>` sells,
/// `C <id>` cancels; all numbers are decimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Place {
        side: Side,
        id: u64,
        price: u64,
        quantity: u64,
    },
    Cancel {
        id: u64,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Buy,
    Sell,
}

impl Order {
    pub fn parse(text: &[u8]) -> Option<Order> {
        let text = std::str::from_utf8(text).ok()?;
        let mut words = text.split_ascii_whitespace();
        let kind = words.next()?;
        let mut number = || words.next()?.parse::<u64>().ok();
        match kind {
            "B" | "S" => {
                let side = if kind == "B" { Side::Buy } else { Side::Sell };
                let (id, price, quantity) = (number()?, number()?, number()?);
                (quantity > 0).then_some(Order::Place {
                    side,
                    id,
                    price,
                    quantity,
                })
            }
            "C" => Some(Order::Cancel { id: number()? }),
            _ => None,
        }
    }
}

/// What an order led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The trades it made as (price, quantity), and what of it rests.
    Placed {
        trades: Vec<(u64, u64)>,
        resting: u64,
    },
    Cancelled,
    Unknown,
    Malformed,
}

#[derive(Clone, Copy, Debug)]
struct Resting {
    id: u64,
    quantity: u64,
}

/// Price and time priority. Everything is kept in ordered maps, so that the
/// same orders give the same book everywhere.
#[derive(Debug, Default)]
pub struct OrderBook {
    bids: BTreeMap<u64, VecDeque<Resting>>,
    asks: BTreeMap<u64, VecDeque<Resting>>,
    traded: u64,
    digest: [u8; 32],
}

impl OrderBook {
    /// The whole quantity traded so far.
    pub fn traded(&self) -> u64 {
        self.traded
    }

    /// The best bid and the best ask.
    pub fn best(&self) -> (Option<u64>, Option<u64>) {
        (
            self.bids.keys().next_back().copied(),
            self.asks.keys().next().copied(),
        )
    }

    fn place(&mut self, side: Side, id: u64, price: u64, mut quantity: u64) -> Outcome {
        let mut trades = Vec::new();
        while quantity > 0 {
            let opposite = match side {
                Side::Buy => self
                    .asks
                    .first_entry()
                    .filter(|level| *level.key() <= price),
                Side::Sell => self.bids.last_entry().filter(|level| *level.key() >= price),
            };
            let Some(mut level) = opposite else { break };
            let at = *level.key();
            let first = level.get_mut().front_mut().expect("no level is empty");
            let traded = quantity.min(first.quantity);
            first.quantity -= traded;
            quantity -= traded;
            self.traded += traded;
            trades.push((at, traded));
            if first.quantity == 0 {
                level.get_mut().pop_front();
            }
            if level.get().is_empty() {
                level.remove();
            }
        }
        if quantity > 0 {
            let book = match side {
                Side::Buy => &mut self.bids,
                Side::Sell => &mut self.asks,
            };
            book.entry(price)
                .or_default()
                .push_back(Resting { id, quantity });
        }
        Outcome::Placed {
            trades,
            resting: quantity,
        }
    }

    fn cancel(&mut self, id: u64) -> Outcome {
        for book in [&mut self.bids, &mut self.asks] {
            let found = book.iter().find_map(|(price, level)| {
                level
                    .iter()
                    .position(|resting| resting.id == id)
                    .map(|at| (*price, at))
            });
            if let Some((price, at)) = found {
                let level = book.get_mut(&price).expect("just found");
                level.remove(at);
                if level.is_empty() {
                    book.remove(&price);
                }
                return Outcome::Cancelled;
            }
        }
        Outcome::Unknown
    }
}

impl StateMachine for OrderBook {
    type Response = Outcome;

    fn apply(&mut self, context: CommandContext, command: &[u8]) -> Outcome {
        // The digest of a deterministic machine may be that of its input.
        let mut hasher = blake3::Hasher::new_keyed(&self.digest);
        hasher.update(&context.lsn.get().to_le_bytes());
        hasher.update(command);
        self.digest = *hasher.finalize().as_bytes();
        match Order::parse(command) {
            Some(Order::Place {
                side,
                id,
                price,
                quantity,
            }) => self.place(side, id, price, quantity),
            Some(Order::Cancel { id }) => self.cancel(id),
            None => Outcome::Malformed,
        }
    }

    fn begin_epoch(&mut self, _: EpochStart) {}

    fn digest(&self) -> StateDigest {
        StateDigest(self.digest)
    }

    fn memory_bytes(&self) -> u64 {
        let levels = self.bids.values().chain(self.asks.values());
        levels
            .map(|level| (level.capacity() * size_of::<Resting>() + 64) as u64)
            .sum()
    }
}
