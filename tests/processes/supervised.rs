//! Under a service manager: what a node says to `NOTIFY_SOCKET`.

use rig::{Directory, FrozenThread, PATIENCE, Rig, RigOptions, Side, Signal, get, until};
use tokio::net::{TcpStream, UnixDatagram};

/// Short, so that it need not be waited for long; a thread that is silent for
/// half of it starves the watchdog.
const WATCHDOG_MICROS: u32 = 2_000_000;

/// The manager's end of the socket.
struct Manager(UnixDatagram);

impl Manager {
    /// And what a command line stands behind to find it.
    fn of(side: Side, directory: &Directory) -> (Manager, Vec<String>) {
        let path = directory.path().join(format!("{side}.notify"));
        let socket = UnixDatagram::bind(&path).expect("a socket");
        let behind = vec![
            "env".to_owned(),
            format!("NOTIFY_SOCKET={}", path.display()),
            format!("WATCHDOG_USEC={WATCHDOG_MICROS}"),
        ];
        (Manager(socket), behind)
    }

    async fn hears(&self) -> String {
        let mut bytes = [0; 4096];
        let length = self.0.recv(&mut bytes).await.expect("a message");
        String::from_utf8(bytes[..length].to_vec()).expect("text")
    }

    /// Waits for this line; returns the messages that came before it.
    async fn hears_line(&self, line: &str) -> Vec<String> {
        let mut before = Vec::new();
        loop {
            let message = self.hears().await;
            if message.lines().any(|said| said == line) {
                return before;
            }
            before.push(message);
        }
    }

    /// What has come and was not read.
    fn waiting(&self) -> Vec<String> {
        let mut bytes = [0; 4096];
        std::iter::from_fn(|| self.0.try_recv(&mut bytes).ok())
            .map(|length| format!("{length} bytes"))
            .collect()
    }
}

#[tokio::test]
async fn manager_hears_ready_when_every_port_serves_then_life_then_the_end() {
    let directory = Directory::new();
    let (manager, behind) = Manager::of(Side::Alpha, &directory);
    let mut rig = Rig::prepare(RigOptions {
        behind: [behind, Vec::new()],
        ..RigOptions::local()
    })
    .await;
    rig.start_store();
    rig.found().await;
    rig.start_node(Side::Alpha);
    let before = manager.hears_line("READY=1").await;
    assert!(
        before
            .iter()
            .any(|said| said.starts_with("STATUS=starting")),
        "{before:?}"
    );
    let console = get(rig.console(Side::Alpha), "/status").await;
    assert_eq!(console.expect("the console serves").status, 200);
    for address in [rig.clients(Side::Alpha), rig.replication(Side::Alpha)] {
        TcpStream::connect(address).await.expect("it is open");
    }
    manager.hears_line("WATCHDOG=1").await;
    manager.hears_line("STATUS=primary, epoch 1").await;
    manager.hears_line("WATCHDOG=1").await;
    let mut alpha = rig.take_node(Side::Alpha);
    alpha.signal(Signal::TERM);
    manager.hears_line("STOPPING=1").await;
    assert!(alpha.ended(PATIENCE).await.success());
    assert_eq!(manager.waiting(), [""; 0], "nothing after the end");
}

#[tokio::test]
async fn thread_that_hangs_starves_the_watchdog_until_it_goes_on() {
    let directory = Directory::new();
    let (manager, behind) = Manager::of(Side::Alpha, &directory);
    let (clock, behind_bravo) = Manager::of(Side::Bravo, &directory);
    let mut rig = Rig::start(RigOptions {
        behind: [behind, behind_bravo],
        ..RigOptions::local()
    })
    .await;
    manager.hears_line("READY=1").await;
    let alpha = rig.node(Side::Alpha);
    for thread in ["log main", "state main"] {
        manager.hears_line("WATCHDOG=1").await;
        let warned = |line: &&str| line.contains("watchdog is not fed") && line.contains(thread);
        let warnings = || alpha.said().lines().filter(warned).count();
        let before = warnings();
        let frozen = FrozenThread::freeze(alpha.id(), thread);
        until("alpha says that it is not fed", PATIENCE, || async {
            (warnings() > before).then_some(())
        })
        .await;
        let _ = (manager.waiting(), clock.waiting());
        // Bravo's watchdog is the clock: it is fed as often as alpha's was.
        for _ in 0..4 {
            clock.hears_line("WATCHDOG=1").await;
        }
        assert_eq!(manager.waiting(), [""; 0], "{thread} hangs");
        drop(frozen);
    }
    manager.hears_line("WATCHDOG=1").await;
}

#[tokio::test]
async fn health_answers_by_its_exit_code() {
    let rig = Rig::start(RigOptions::local()).await;
    let ask = async |side: Side, question: &str, code: i32| {
        let console = rig.console(side).to_string();
        let line = ["health", question, "--endpoint", &console];
        rig.command(&line).await.expect_code(code)
    };
    ask(Side::Alpha, "live", 0).await;
    ask(Side::Alpha, "ready", 0).await;
    ask(Side::Alpha, "primary", 0).await;
    ask(Side::Alpha, "standby", 1).await.expect_said("503");
    ask(Side::Bravo, "standby", 0).await;
    let nobody = rig.ports.store.to_string();
    let line = ["health", "--endpoint", &nobody];
    rig.command(&line).await.expect_code(1);
}
