//! What a long wire does to bytes: it takes time to put them on it, and time
//! for them to arrive.

use crate::Wire;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

const PIECE: usize = 16 * 1024;
/// Pieces on the wire; a wire with a bandwidth never has that many.
const PIECES_MAX: usize = 4096;
/// A wire that was idle for longer begins anew; timers are no finer.
const SLACK: Duration = Duration::from_millis(5);

/// Of one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    pub delay: Duration,
    /// None: as fast as this machine copies.
    pub bytes_per_second: Option<u64>,
}

impl Shape {
    /// With this round trip, when both directions are alike.
    pub fn of_round_trip(round_trip: Duration, bytes_per_second: u64) -> Shape {
        Shape {
            delay: round_trip / 2,
            bytes_per_second: Some(bytes_per_second),
        }
    }

    /// How much is on the wire when it is full, both ways.
    pub fn bandwidth_times_delay(&self) -> u64 {
        let rate = self.bytes_per_second.unwrap_or_default();
        (rate as f64 * self.delay.as_secs_f64() * 2.0) as u64
    }

    fn takes(&self, bytes: usize) -> Duration {
        match self.bytes_per_second {
            Some(rate) => Duration::from_secs_f64(bytes as f64 / rate as f64),
            None => Duration::ZERO,
        }
    }
}

/// Copies until one side ends. What was read is held back for as long as the
/// wire takes, and no more is read than the wire takes up.
pub(crate) async fn shaped(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    shape: Shape,
    wire: &watch::Sender<Wire>,
    change: impl Fn(&mut [u8]),
) -> std::io::Result<()> {
    let (put, mut taken) = mpsc::channel::<(Instant, Vec<u8>)>(PIECES_MAX);
    let mut state = wire.subscribe();
    let reading = async {
        let mut free_at = Instant::now();
        let mut piece = vec![0; PIECE];
        loop {
            let length = from.read(&mut piece).await?;
            if length == 0 {
                return Ok(());
            }
            change(&mut piece[..length]);
            let now = Instant::now();
            if free_at + SLACK < now {
                free_at = now;
            }
            free_at += shape.takes(length);
            sleep_until(free_at).await;
            let arrives = free_at + shape.delay;
            if put.send((arrives, piece[..length].to_vec())).await.is_err() {
                return Ok(());
            }
        }
    };
    let writing = async {
        while let Some((arrives, piece)) = taken.recv().await {
            sleep_until(arrives).await;
            let flows = state.wait_for(|wire| *wire != Wire::Stalled).await.is_ok();
            if !flows {
                return Ok(());
            }
            to.write_all(&piece).await?;
        }
        Ok(())
    };
    tokio::select! {
        ended = reading => ended,
        ended = writing => ended,
    }
}

#[cfg(test)]
mod tests {
    use super::{Shape, shaped};
    use crate::Wire;
    use std::time::Duration;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio::sync::watch;
    use tokio::time::Instant;

    /// How long so many bytes take.
    async fn takes(bytes: usize, shape: Shape) -> Duration {
        let (mut near, from) = duplex(1 << 20);
        let (to, mut far) = duplex(1 << 20);
        let wire = watch::Sender::new(Wire::Whole);
        tokio::spawn(async move { shaped(from, to, shape, &wire, |_| {}).await });
        let began = Instant::now();
        tokio::spawn(async move {
            near.write_all(&vec![7; bytes]).await.unwrap();
            std::future::pending::<()>().await;
        });
        let mut all = vec![0; bytes];
        far.read_exact(&mut all).await.unwrap();
        assert!(all.iter().all(|byte| *byte == 7));
        began.elapsed()
    }

    #[tokio::test]
    async fn one_byte_takes_the_delay_and_many_the_bandwidth_too() {
        let shape = Shape::of_round_trip(Duration::from_millis(80), 1 << 20);
        assert_eq!(shape.bandwidth_times_delay(), (1 << 20) * 80 / 1000);
        let one = takes(1, shape).await;
        assert!(one.as_millis() >= 40, "{one:?}");
        let many = takes(1 << 18, shape).await;
        assert!(many.as_millis() >= 290, "{many:?}");
    }

    #[tokio::test]
    async fn stalled_wire_delivers_later_what_was_sent() {
        let (mut near, from) = duplex(64);
        let (to, mut far) = duplex(64);
        let wire = watch::Sender::new(Wire::Stalled);
        let of_the_wire = wire.clone();
        tokio::spawn(async move { shaped(from, to, Shape::default(), &of_the_wire, |_| {}).await });
        near.write_all(b"late").await.unwrap();
        let mut bytes = [0; 4];
        // The other task has its turn each time.
        for _ in 0..1000 {
            tokio::task::yield_now().await;
        }
        let early = tokio::select! {
            biased;
            _ = far.read_exact(&mut bytes) => true,
            () = tokio::task::yield_now() => false,
        };
        assert!(!early, "{bytes:?}");
        wire.send_replace(Wire::Whole);
        far.read_exact(&mut bytes).await.unwrap();
        assert_eq!(&bytes, b"late");
    }
}
