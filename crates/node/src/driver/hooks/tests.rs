use super::*;
use crate::config::{Configuration, Overrides};
use std::path::Path;
use understudy_protocol::{Consumed, LossBound, Mode};
use understudy_types::Epoch;

fn settings(timeout: &str, script: &str) -> Settings {
    let text = format!(
        "cluster = \"prod\"\nnode = \"bravo\"\ndata = \"data\"\n[store]\nbucket = \"b\"\nregion = \"r\"\n[[shard]]\nname = \"main\"\nlisten = \"127.0.0.1:2379\"\n[hooks]\nbefore_promotion = {{ command = [\"/bin/sh\", \"-c\", '''{script}'''], timeout = \"{timeout}\" }}\n"
    );
    let file = Path::new("/etc/understudy/node.toml");
    let configuration = Configuration::parse(&text, file, &Overrides::default());
    configuration.expect("a configuration").settings
}

fn call() -> HookCall {
    HookCall {
        phase: HookPhase::BeforePromotion,
        epoch: Epoch::new(5),
        from: Some("alpha".parse().unwrap()),
        bound: LossBound::Nothing,
        request: Some(Consumed {
            id: RequestId::from_bytes([8; 16]),
            mode: Mode::Failover,
            by: "kim@ops1".to_owned(),
            reason: "alpha's \"site\" is dark\n".to_owned(),
            fenced_by: None,
            overrides: Vec::new(),
        }),
    }
}

async fn run_script(timeout: &str, script: &str) -> (HookOutcome, String) {
    let cluster = ClusterId::from_bytes([1; 16]);
    run(&settings(timeout, script), cluster, &call()).await
}

fn failed(why: &str) -> HookOutcome {
    HookOutcome::Failed(why.to_owned())
}

#[tokio::test]
async fn facts_are_in_the_environment_and_on_standard_input() {
    let script = "echo $UNDERSTUDY_PHASE $UNDERSTUDY_CLUSTER $UNDERSTUDY_NODE $UNDERSTUDY_FROM \
        $UNDERSTUDY_EPOCH $UNDERSTUDY_MODE $UNDERSTUDY_BY \"[$UNDERSTUDY_FENCED_BY]\" \
        $UNDERSTUDY_BOUND; cat";
    let (outcome, output) = run_script("10s", script).await;
    assert_eq!(outcome, HookOutcome::Passed, "{output}");
    let (line, body) = output.split_once('\n').expect("two outputs");
    assert_eq!(
        line,
        "before_promotion prod bravo alpha 5 failover kim@ops1 [] no acknowledged write"
    );
    let body: Value = serde_json::from_str(body).expect("JSON on standard input");
    assert_eq!(body["request_id"], "08".repeat(16));
    assert_eq!(body["reason"], "alpha's \"site\" is dark\n");
    assert_eq!(body["fenced_by"], Value::Null);
}

#[tokio::test]
async fn command_that_fails_is_told_with_its_output() {
    let (outcome, output) = run_script("10s", "echo no route; exit 3").await;
    assert_eq!(outcome, failed("exit status: 3"));
    assert_eq!(output, "no route");
    let (outcome, _) = run_script("10s", "kill -9 $$").await;
    assert_eq!(outcome, failed("it was killed by signal 9"));
}

#[tokio::test]
async fn command_that_does_not_exist_is_a_failure() {
    let mut settings = settings("10s", "true");
    let hook = settings.hooks.before_promotion.as_mut().unwrap();
    hook.command = vec!["/nowhere/hook".to_owned()];
    let (outcome, _) = run(&settings, ClusterId::from_bytes([1; 16]), &call()).await;
    assert!(
        matches!(&outcome, HookOutcome::Failed(why) if why.starts_with("/nowhere/hook cannot be started")),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn time_limit_ends_the_command_and_all_that_it_started() {
    let directory = tempfile::tempdir().unwrap();
    let pid = directory.path().join("pid");
    // Without the group's end the child that waits would live on.
    let script = format!("sleep 600 & echo $! > {}; wait", pid.display());
    let (outcome, _) = run_script("500ms", &script).await;
    assert_eq!(outcome, failed("it did not end within 500ms"));
    let child = std::fs::read_to_string(pid).unwrap();
    let stat = format!("/proc/{}/stat", child.trim());
    let lives = || {
        let stat = std::fs::read_to_string(&stat).ok()?;
        let state = stat.rsplit(')').next()?.trim().chars().next()?;
        (state != 'Z').then_some(())
    };
    while lives().is_some() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn output_is_bounded_and_the_rest_is_read() {
    let (outcome, output) = run_script("10s", "head -c 1000000 /dev/zero | tr '\\0' x").await;
    assert_eq!(outcome, HookOutcome::Passed);
    assert_eq!(output.len(), OUTPUT_BYTES_MAX);
}

#[tokio::test]
async fn hook_before_a_promotion_is_marked_once_for_its_request() {
    let directory = tempfile::tempdir().unwrap();
    let disk = Arc::new(OsDisk::new(directory.path()));
    assert_eq!(mark_once(&disk, &call()).await, Ok(()));
    assert!(mark_once(&disk, &call()).await.is_err());
    let mut other = call();
    other.request.as_mut().unwrap().id = RequestId::from_bytes([9; 16]);
    assert_eq!(mark_once(&disk, &other).await, Ok(()));
    let mut after = call();
    after.phase = HookPhase::AfterPromotion;
    assert_eq!(mark_once(&disk, &after).await, Ok(()));
}
