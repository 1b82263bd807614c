//! The operator's page in a real browser, over a real pair.

use rig::{Browser, PATIENCE, Rig, RigOptions, Scheme, Side, until};
use serde_json::Value;

const TOKEN: &str = "kim-0123456789abcdef";
const OVER: &str = "#over .word";
const FLOW: &str = "#flow .word";
const RIGHT: &str = "#right .word";

async fn pair_with_operator(options: RigOptions) -> Rig {
    let more = "[console]\noperators_file = \"operators.tokens\"\n".to_owned();
    let mut rig = Rig::prepare(RigOptions { more, ..options }).await;
    write_list(&rig, "operators.tokens", &format!("kim {TOKEN}\n")).await;
    rig.bring_up().await;
    rig
}

async fn write_list(rig: &Rig, name: &str, list: &str) {
    tokio::fs::write(rig.path().join(name), list)
        .await
        .expect("a list of people");
}

async fn sign_in(browser: &Browser, token: &str) {
    browser.write("#token", token).await;
    browser.click("#sign-in button").await;
}

async fn open(browser: &Browser, rig: &Rig, side: Side) {
    browser.go(&format!("http://{}/", rig.console(side))).await;
    browser.wait_for("#live", "live").await;
}

/// Nothing is wider than the screen, beside what scrolls by itself.
async fn assert_fits(browser: &Browser, width: u64) {
    let found = browser
        .run("return document.documentElement.scrollWidth")
        .await;
    assert!(
        found.as_u64().is_some_and(|found| found <= width),
        "{found}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn page_answers_its_three_questions_and_notices_what_changes() {
    let mut rig = Rig::start(RigOptions::replicated()).await;
    let browser = Browser::start().await;
    browser.view(1200, 900, Scheme::Light).await;
    open(&browser, &rig, Side::Alpha).await;
    browser.wait_for(OVER, "YES, LOSES NOTHING").await;
    browser.wait_for(FLOW, "YES").await;
    browser.wait_for("#topology", "bravo · STANDBY").await;
    browser.wait_for("#lease", "bravo").await;
    let light = browser
        .run("return getComputedStyle(document.body).backgroundColor")
        .await;
    browser.view(1200, 900, Scheme::Dark).await;
    let dark = browser
        .run("return getComputedStyle(document.body).backgroundColor")
        .await;
    assert_ne!(light, dark);
    browser.view(360, 740, Scheme::Light).await;
    assert_fits(&browser, 360).await;

    rig.kill_node(Side::Bravo);
    browser.wait_for("#flow[data-tone=bad] .word", "NO").await;
    browser.wait_for("#over[data-tone=bad] .word", "NO").await;
    browser.wait_for("#topology", "NOT REACHABLE").await;
    assert_fits(&browser, 360).await;

    rig.start_node(Side::Bravo);
    browser.wait_for(OVER, "YES, LOSES NOTHING").await;

    // A frozen process keeps its connections, and says nothing.
    rig.node(Side::Alpha).signal(rig::Signal::STOP);
    browser.wait_for("#live", "not live").await;
    for answer in [OVER, FLOW, RIGHT] {
        browser.wait_for(answer, "UNKNOWN").await;
    }
    assert!(browser.is_shown("#stale").await);
    let grey = "return getComputedStyle(document.querySelector('#positions')).opacity";
    assert_eq!(browser.run(grey).await, "0.4");
    rig.node(Side::Alpha).signal(rig::Signal::CONT);
    browser.wait_for("#live", "live").await;
    assert_eq!(browser.complaints().await, Vec::<Value>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn operator_switches_over_by_the_page_and_is_named_in_receipt_and_audit() {
    let rig = pair_with_operator(RigOptions::replicated()).await;
    let epoch = rig.epoch().await;
    let browser = Browser::start().await;
    browser.view(360, 740, Scheme::Dark).await;
    open(&browser, &rig, Side::Alpha).await;
    browser.wait_for(OVER, "YES, LOSES NOTHING").await;
    assert!(!browser.is_shown("#ask").await, "nobody is signed in");

    sign_in(&browser, "kim-wrong-wrong-wrong").await;
    browser.wait_for("#sign-in-refusal", "E503").await;
    let explained = "return document.querySelector('#sign-in-refusal a').pathname";
    assert_eq!(browser.run(explained).await, "/runbook/E503");
    sign_in(&browser, TOKEN).await;
    browser.wait_for("#who", "kim, operator").await;
    let cookies = browser.run("return document.cookie").await;
    assert_eq!(cookies, "", "no script may read the session");

    browser.click("#ask button").await;
    browser
        .wait_for("#judged-word", "Ready for switchover to bravo: YES")
        .await;
    browser.wait_for("#checks", "P01").await;
    let explained = "return document.querySelector('#checks a').pathname";
    assert_eq!(browser.run(explained).await, "/runbook/P01");
    assert_fits(&browser, 360).await;
    browser.write("#reason", "a test of the page").await;
    browser.write("#confirm-input", "prod").await;
    assert_eq!(
        browser
            .run("return document.querySelector('#do').disabled")
            .await,
        true
    );
    browser
        .run("document.querySelector('#confirm-input').value = ''")
        .await;
    browser.write("#confirm-input", "dev").await;
    browser.click("#do").await;
    browser
        .wait_for("#receipt", &format!("RECEIPT epoch {}", epoch + 1))
        .await;
    browser.wait_for("#receipt", "kim (console of alpha)").await;
    browser.wait_for("#steps-end", "DONE").await;
    rig.wait_for_primary(Side::Bravo).await;

    // The new primary keeps the receipt; both pages show it, the one that
    // acted without being opened again, and who leads now.
    browser.wait_for("#topology", "bravo · PRIMARY").await;
    browser.wait_for("#history", "switchover to bravo").await;
    for side in Side::BOTH {
        open(&browser, &rig, side).await;
        browser.wait_for("#history", "switchover to bravo").await;
    }
    let endpoint = rig.replication(Side::Bravo).to_string();
    let audit = until("the act is in the log", PATIENCE, || async {
        let line = ["audit", "--endpoint", &endpoint, "-o", "json"];
        let said = rig.command(&line).await.expect_code(0).stdout;
        let acts: Vec<Value> = serde_json::from_str(&said).expect("JSON");
        acts.into_iter()
            .find(|act| act["act"] == "promoted" && act["facts"]["mode"] == "switchover")
    })
    .await;
    assert_eq!(audit["by"], "kim (console of alpha)");
    assert_eq!(audit["facts"]["reason"], "a test of the page");
}

#[tokio::test(flavor = "multi_thread")]
async fn operator_who_is_taken_from_the_list_is_signed_out_and_the_page_says_so() {
    let rig = pair_with_operator(RigOptions::replicated()).await;
    let browser = Browser::start().await;
    browser.view(1200, 900, Scheme::Light).await;
    open(&browser, &rig, Side::Alpha).await;
    sign_in(&browser, TOKEN).await;
    browser.wait_for("#who", "kim, operator").await;
    write_list(&rig, "operators.tokens", "lou lou-0123456789abcdef\n").await;
    browser.wait_for("#who", "Sign in with an operator").await;
    assert!(!browser.is_shown("#ask").await);
    sign_in(&browser, TOKEN).await;
    browser.wait_for("#sign-in-refusal", "E503").await;
    sign_in(&browser, "lou-0123456789abcdef").await;
    browser.wait_for("#who", "lou, operator").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_not_look_any_more_is_told_so_and_not_that_the_node_is_silent() {
    let more = "[console]\nviewers_file = \"viewers.tokens\"\n".to_owned();
    let options = RigOptions {
        more,
        ..RigOptions::local()
    };
    let mut rig = Rig::prepare(options).await;
    write_list(&rig, "viewers.tokens", &format!("vic {TOKEN}\n")).await;
    // The rig itself may not look either: only probes are open.
    rig.start_store();
    rig.found().await;
    rig.start_node(Side::Alpha);
    rig.wait_for_primary(Side::Alpha).await;
    rig.start_node(Side::Bravo);
    let browser = Browser::start().await;
    browser.view(1200, 900, Scheme::Light).await;
    let page = format!("http://{}/", rig.console(Side::Alpha));
    browser.go(&page).await;
    expect_signed_out(&browser).await;
    sign_in(&browser, TOKEN).await;
    browser.wait_for("#who", "vic, viewer").await;
    browser.wait_for(RIGHT, "YES").await;
    assert!(!browser.is_shown("#stale").await);

    browser.run("window.isOld = true").await;
    browser.click("#sign-out").await;
    until("the page is loaded anew", PATIENCE, || async {
        let is_old = browser.run("return window.isOld ?? false").await;
        (is_old == false).then_some(())
    })
    .await;
    expect_signed_out(&browser).await;
    sign_in(&browser, TOKEN).await;
    browser.wait_for(RIGHT, "YES").await;

    write_list(&rig, "viewers.tokens", "lou lou-0123456789abcdef\n").await;
    expect_signed_out(&browser).await;
    browser.wait_for("#stale", "the values below are of").await;

    // A node that is gone is told otherwise.
    rig.kill_node(Side::Alpha);
    browser
        .wait_for("#over .why", "This node does not answer")
        .await;
}

/// Although the node is well.
async fn expect_signed_out(browser: &Browser) {
    let banner = "#stale:not([hidden])";
    browser.wait_for(banner, "Nobody is signed in").await;
    for card in ["#over", "#flow", "#right"] {
        browser.wait_for(&format!("{card} .word"), "UNKNOWN").await;
        let why = format!("{card} .why");
        browser.wait_for(&why, "Nobody is signed in").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn open_page_shows_the_promotion_that_it_has_seen_and_whose_receipts_are_missing() {
    // Accepts connections, as the system does for it, and never says a word.
    let mute = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let mute = mute.expect("a port");
    let address = mute.local_addr().expect("an address").to_string();
    let more = format!("[console]\npeers = [\"{address}\"]\n");
    let options = RigOptions {
        // So long stands the claim before the new primary serves.
        ttl: "8s".to_owned(),
        more,
        ..RigOptions::local()
    };
    let mut rig = Rig::start(options).await;
    let epoch = rig.epoch().await;
    let browser = Browser::start().await;
    browser.view(1200, 900, Scheme::Light).await;
    open(&browser, &rig, Side::Bravo).await;
    browser.wait_for("#history-note", &address).await;
    rig.kill_node(Side::Alpha);
    rig.failover(Side::Bravo, epoch, &["--accept-loss", "unknown"])
        .await
        .expect_code(0);
    let entry = format!("epoch {}: failover to bravo", epoch + 1);
    browser.wait_for("#history", &entry).await;
    let alpha = rig.replication(Side::Alpha).to_string();
    browser.wait_for("#history-note", &alpha).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn operator_fails_over_by_the_page_only_with_an_accepted_loss() {
    let mut rig = pair_with_operator(RigOptions::local()).await;
    let epoch = rig.epoch().await;
    let browser = Browser::start().await;
    browser.view(1200, 900, Scheme::Light).await;
    open(&browser, &rig, Side::Bravo).await;
    sign_in(&browser, TOKEN).await;
    browser.wait_for("#who", "kim, operator").await;
    rig.kill_node(Side::Alpha);
    browser.wait_for(OVER, "ONLY WITH LOSS").await;

    browser.write("#verb", "failover").await;
    browser.click("#ask button").await;
    let judged = "Ready for failover to bravo: NO. Could lose: writes acknowledged";
    browser.wait_for("#judged-word", judged).await;
    browser
        .wait_for("#situation", "primary alpha does not answer here")
        .await;
    let word = "say below what may be lost";
    browser.wait_for("#checks", word).await;
    assert!(
        !browser.is_shown("#checks input[value=P04]").await,
        "how much is accepted is said, not that something is"
    );

    let colour =
        |tone| format!("return getComputedStyle(document.querySelector('#checks .{tone}')).color");
    let (good, bad) = (colour("good"), colour("bad"));
    assert_ne!(browser.run(&good).await, browser.run(&bad).await);

    browser.write("#reason", "alpha is dead").await;
    browser.write("#fenced-by", "a test has killed it").await;
    browser.write("#confirm-input", "dev").await;
    browser.click("#do").await;
    browser.wait_for("#refusal", "refused E303").await;
    assert!(!browser.is_shown("#steps").await, "nothing was written");
    assert_eq!(rig.epoch().await, epoch);

    browser.write("#accept-loss", "writes of the last").await;
    browser
        .run("document.querySelector('#accept-seconds').value = ''")
        .await;
    browser.write("#accept-seconds", "600").await;
    browser.click("#do").await;
    let receipt = format!("RECEIPT epoch {}: failover to bravo", epoch + 1);
    browser.wait_for("#receipt", &receipt).await;
    for told in [
        "kim (console of bravo)",
        "why: alpha is dead",
        "fenced by: a test has killed it",
        "overridden P04",
        "--accept-loss 600",
    ] {
        browser.wait_for("#receipt", told).await;
    }
    browser.wait_for("#steps-end", "DONE").await;
    browser.wait_for("#steps-table", "bravo").await;
    assert!(!browser.is_shown("#judged").await);
    assert_eq!(browser.text("#refusal").await, "");
    rig.wait_for_primary(Side::Bravo).await;
    browser.wait_for("#topology", "bravo · PRIMARY").await;
    browser.wait_for("#history", "failover to bravo").await;
}
