//! The operator's page in a real browser, over a real pair.

use rig::{Browser, PATIENCE, Rig, RigOptions, Scheme, Side, until};
use serde_json::Value;

const TOKEN: &str = "kim-0123456789abcdef";
const OVER: &str = "#over .word";
const FLOW: &str = "#flow .word";
const RIGHT: &str = "#right .word";

async fn pair_with_operator() -> Rig {
    let more = "[console]\noperators_file = \"operators.tokens\"\n".to_owned();
    let options = RigOptions {
        more,
        ..RigOptions::replicated()
    };
    let mut rig = Rig::prepare(options).await;
    let list = format!("kim {TOKEN}\n");
    tokio::fs::write(rig.path().join("operators.tokens"), list)
        .await
        .expect("a list of operators");
    rig.bring_up().await;
    rig
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
    let rig = pair_with_operator().await;
    let epoch = rig.epoch().await;
    let browser = Browser::start().await;
    browser.view(360, 740, Scheme::Dark).await;
    open(&browser, &rig, Side::Alpha).await;
    browser.wait_for(OVER, "YES, LOSES NOTHING").await;
    assert!(!browser.is_shown("#ask").await, "nobody is signed in");

    browser.write("#token", "kim-wrong-wrong-wrong").await;
    browser.click("#sign-in button").await;
    browser.wait_for("#sign-in-refusal", "E503").await;
    browser.write("#token", TOKEN).await;
    browser.click("#sign-in button").await;
    browser.wait_for("#who", "kim, operator").await;
    let cookies = browser.run("return document.cookie").await;
    assert_eq!(cookies, "", "no script may read the session");

    browser.click("#ask button").await;
    browser
        .wait_for("#judged-word", "Ready for switchover to bravo: YES")
        .await;
    browser.wait_for("#checks", "P01").await;
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

    // The new primary keeps the receipt; both pages show it, and who leads now.
    browser.wait_for("#topology", "bravo · PRIMARY").await;
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
    let rig = pair_with_operator().await;
    let browser = Browser::start().await;
    browser.view(1200, 900, Scheme::Light).await;
    open(&browser, &rig, Side::Alpha).await;
    browser.write("#token", TOKEN).await;
    browser.click("#sign-in button").await;
    browser.wait_for("#who", "kim, operator").await;
    let list = "lou lou-0123456789abcdef\n";
    tokio::fs::write(rig.path().join("operators.tokens"), list)
        .await
        .expect("a list of operators");
    browser.wait_for("#who", "Sign in with an operator").await;
    assert!(!browser.is_shown("#ask").await);
    browser.write("#token", TOKEN).await;
    browser.click("#sign-in button").await;
    browser.wait_for("#sign-in-refusal", "E503").await;
    browser.write("#token", "lou-0123456789abcdef").await;
    browser.click("#sign-in button").await;
    browser.wait_for("#who", "lou, operator").await;
}
