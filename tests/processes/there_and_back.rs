//! The lines of README.md that move the role to bravo and back, typed as they
//! stand there beside `understudy dev`. Only the ports are the rig's.

use rig::{Process, Rig, RigOptions, Side, Signal, run, until};
use std::process::Command;
use std::time::Duration;
use tokio::time::Instant;

const PATIENCE: Duration = Duration::from_secs(40);
const README: &str = include_str!("../../README.md");
const LOSS: &str = r#"kill -9 "$(cat understudy-dev/alpha/lock)""#;
const COMMANDS_MAX: usize = 6;

/// A line of README.md: its words, and what its comment says of its end.
struct Line {
    words: Vec<&'static str>,
    in_background: bool,
    code: i32,
}

impl Line {
    fn of(text: &'static str) -> Line {
        let (command, comment) = text.split_once('#').unwrap_or((text, ""));
        let code = comment.split_once("exit code ").map(|(_, code)| code);
        let code = code.map(|code| code.split(':').next().unwrap_or_default().trim());
        let mut words: Vec<&str> = command.split_whitespace().collect();
        let in_background = words.pop_if(|word| *word == "&").is_some();
        assert_eq!(words.first(), Some(&"understudy"), "{text}");
        Line {
            words: words.split_off(1),
            in_background,
            code: code.map_or(0, |code| code.parse().expect("a number")),
        }
    }

    fn after(&self, flag: &str) -> Option<&str> {
        let mut words = self.words.iter().skip_while(|word| **word != flag);
        words.nth(1).copied()
    }
}

/// The block below a marker.
fn lines(marker: &str) -> Vec<Line> {
    let marker = format!("<!-- tests/processes/there_and_back.rs: {marker} -->\n\n```sh\n");
    let (_, rest) = README.split_once(&marker).expect("a marked block");
    let (block, _) = rest.split_once("```").expect("its end");
    let lines: Vec<Line> = block.lines().map(Line::of).collect();
    assert!(lines.len() <= COMMANDS_MAX, "{block}");
    lines
}

/// Somebody with a terminal and README.md. What runs comes before the rig,
/// whose directory it uses.
struct Operator {
    background: Vec<Process>,
    dev: Process,
    rig: Rig,
    /// What `N` stands for: the epoch that a status showed last.
    epoch: String,
}

impl Operator {
    /// Beside a pair that is whole.
    async fn new() -> Operator {
        let rig = Rig::prepare(RigOptions::local()).await;
        let home = rig.path().join("understudy-dev");
        std::fs::create_dir(&home).expect("a directory");
        for side in Side::BOTH {
            let file = home.join(format!("{side}.toml"));
            std::fs::copy(rig.file(side), file).expect("its configuration");
        }
        let log = rig.path().join("dev.log");
        let dev = Process::start("dev", &mut rig.understudy(&["dev"]), &log);
        until("dev says that the pair is up", PATIENCE, || async {
            dev.said().contains("Ctrl-C stops all three.").then_some(())
        })
        .await;
        rig.wait_for_standby(Side::Bravo).await;
        Operator {
            background: Vec::new(),
            dev,
            rig,
            epoch: String::new(),
        }
    }

    async fn types(&mut self, line: &Line) {
        if line.words[0] == "switchover" {
            let to = line.after("--to").expect("a target");
            let to = Side::BOTH.into_iter().find(|side| side.name() == to);
            self.rig.wait_for_standby(to.expect("a node")).await;
        }
        let command = self.command(line);
        if line.words.contains(&"--watch") {
            self.watches(command).await;
        } else if line.in_background {
            let log = self.rig.path().join("background.log");
            let mut command = command;
            let process = Process::start("background", &mut command, &log);
            self.background.push(process);
        } else {
            let answer = run(command).await.expect_code(line.code);
            self.reads(&answer.stdout);
        }
    }

    fn command(&self, line: &Line) -> Command {
        let epoch = |word: &&'static str| match *word {
            "N" => self.epoch.clone(),
            word => word.to_owned(),
        };
        let words: Vec<String> = line.words.iter().map(epoch).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let mut command = self.rig.understudy(&words);
        if line.words[0] == "status" {
            for side in Side::BOTH {
                let endpoint = self.rig.replication(side).to_string();
                command.args(["--endpoint", &endpoint]);
            }
        }
        command
    }

    /// Until alpha follows, and then Ctrl-C.
    async fn watches(&mut self, mut command: Command) {
        let log = self.rig.path().join("watch.log");
        let mut watch = Process::start("watch", &mut command, &log);
        until("alpha follows", PATIENCE, || async {
            watch.said().contains("STREAMING from bravo").then_some(())
        })
        .await;
        watch.signal(Signal::INT);
        assert!(watch.ended(PATIENCE).await.success());
        self.reads(&watch.said());
    }

    fn reads(&mut self, status: &str) {
        let mut shown = status.lines().filter(|line| line.starts_with("CLUSTER "));
        let words = shown
            .next_back()
            .and_then(|line| line.split_once(" epoch "));
        if let Some((_, rest)) = words {
            self.epoch = rest.split(' ').next().unwrap_or_default().to_owned();
        }
    }

    async fn expect_primary_with_the_write(&self, side: Side) {
        assert!(self.rig.is_primary(side).await, "{side} is not primary");
        let kept = self.rig.etcdctl(side, &["get", "k"]).await;
        assert_eq!(kept.expect_code(0).stdout, "k\nv\n");
    }

    async fn goes(mut self) {
        for process in self.background.iter_mut().chain([&mut self.dev]) {
            process.signal(Signal::INT);
            assert!(process.ended(PATIENCE).await.success());
        }
    }
}

/// Types them all, and looks where the role is after each move.
async fn moved_there_and_back(operator: &mut Operator, lines: &[Line]) {
    let mut moves = Vec::new();
    let began = Instant::now();
    for line in lines {
        operator.types(line).await;
        if let Some(to) = line.after("--to") {
            let side = Side::BOTH.into_iter().find(|side| side.name() == to);
            let side = side.expect("a node");
            operator.expect_primary_with_the_write(side).await;
            moves.push(side);
        }
    }
    println!("{} commands in {:.1?}", lines.len(), began.elapsed());
    assert_eq!(moves, [Side::Bravo, Side::Alpha]);
    operator.rig.wait_for_standby(Side::Bravo).await;
}

#[tokio::test]
async fn lines_of_the_readme_move_the_role_there_and_back() {
    let mut operator = Operator::new().await;
    let written = operator.rig.etcdctl(Side::Alpha, &["put", "k", "v"]).await;
    written.expect_code(0);
    moved_there_and_back(&mut operator, &lines("both run")).await;
    operator.goes().await;
}

#[tokio::test]
async fn lines_of_the_readme_bring_the_role_back_after_a_loss() {
    let mut operator = Operator::new().await;
    let written = operator.rig.etcdctl(Side::Alpha, &["put", "k", "v"]).await;
    written.expect_code(0);
    operator.rig.wait_for_equal_heads().await;
    assert!(README.contains(LOSS));
    let mut shell = Command::new("sh");
    shell.args(["-c", LOSS]).current_dir(operator.rig.path());
    run(shell).await.expect_code(0);
    until("alpha is gone", PATIENCE, || async {
        let alpha = operator.rig.status(Side::Alpha).await;
        alpha.is_none().then_some(())
    })
    .await;
    moved_there_and_back(&mut operator, &lines("the primary is lost")).await;
    operator.goes().await;
}
