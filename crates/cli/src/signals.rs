use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGINT and SIGTERM, one after the other.
#[derive(Debug)]
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    received: u32,
}

impl Signals {
    /// From here on neither ends the process by itself.
    pub(crate) fn listen() -> std::io::Result<Signals> {
        Ok(Signals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            received: 0,
        })
    }

    /// The next one. Cancel-safe.
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
        self.received += 1;
    }

    /// The second of all, which may have come already. Cancel-safe.
    pub(crate) async fn second(&mut self) {
        while self.received < 2 {
            self.next().await;
        }
    }
}
