//! A headless Chromium of Debian's package, by the WebDriver protocol that
//! its `chromedriver` speaks.

use crate::http::send;
use crate::{Directory, PATIENCE, until};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The first start of a browser on a busy machine takes long.
const START_PATIENCE: Duration = Duration::from_secs(90);

/// What the person before the screen prefers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    Light,
    Dark,
}

/// One browser with one page. It and all that it started is killed when it is
/// dropped.
#[derive(Debug)]
pub struct Browser {
    driver: Child,
    address: SocketAddr,
    session: String,
    directory: Directory,
}

impl Browser {
    pub async fn start() -> Browser {
        let directory = Directory::new();
        let [address] = crate::free_ports();
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(directory.path().join("chromedriver.log"))
            .expect("a log file");
        let driver = Command::new("chromedriver")
            .arg(format!("--port={}", address.port()))
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle of the log"))
            .stderr(log)
            // A group of its own, so that the browser ends with it.
            .process_group(0)
            .spawn()
            .expect("chromedriver: install Debian's chromium and chromium-driver (tests/run does)");
        let mut browser = Browser {
            driver,
            address,
            session: String::new(),
            directory,
        };
        browser.open_session().await;
        browser
    }

    async fn open_session(&mut self) {
        until("chromedriver answers", START_PATIENCE, || async {
            send(self.address, "GET", "/status", "").await
        })
        .await;
        let profile = self.directory.path().join("profile");
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--no-proxy-server",
            "--hide-scrollbars",
            &format!("--user-data-dir={}", profile.display()),
        ];
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": { "args": arguments },
            "goog:loggingPrefs": { "browser": "SEVERE" },
        } } });
        let said = self.said("POST", "/session", &wanted).await;
        self.session = said["sessionId"].as_str().expect("a session").to_owned();
    }

    async fn said(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = match method {
            "GET" => String::new(),
            _ => body.to_string(),
        };
        let page = send(self.address, method, path, &body).await;
        let page = page.unwrap_or_else(|| panic!("chromedriver gives no answer to {path}"));
        let answer: Value = serde_json::from_str(&page.body).expect("JSON");
        assert_eq!(page.status, 200, "{path}: {answer}");
        answer["value"].clone()
    }

    async fn ask(&self, path: &str, body: Value) -> Value {
        self.said("POST", &format!("/session/{}{path}", self.session), &body)
            .await
    }

    /// A command of Chromium's own protocol.
    async fn command(&self, name: &str, parameters: Value) -> Value {
        let body = json!({ "cmd": name, "params": parameters });
        self.ask("/goog/cdp/execute", body).await
    }

    pub async fn go(&self, url: &str) {
        self.ask("/url", json!({ "url": url })).await;
    }

    /// From now on the page has this size, in CSS pixels, and these colours.
    pub async fn view(&self, width: u32, height: u32, scheme: Scheme) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.command("Emulation.setDeviceMetricsOverride", size)
            .await;
        let value = match scheme {
            Scheme::Light => "light",
            Scheme::Dark => "dark",
        };
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": value }] });
        self.command("Emulation.setEmulatedMedia", features).await;
    }

    /// What a function's body returns in the page.
    pub async fn run(&self, script: &str) -> Value {
        self.ask("/execute/sync", json!({ "script": script, "args": [] }))
            .await
    }

    /// The text of the first element, as it is shown.
    pub async fn text(&self, css: &str) -> String {
        let script = format!("return document.querySelector({css:?})?.innerText ?? null");
        let said = self.run(&script).await;
        said.as_str().unwrap_or_default().to_owned()
    }

    pub async fn is_shown(&self, css: &str) -> bool {
        let script = format!("return document.querySelector({css:?})?.checkVisibility() ?? false");
        self.run(&script).await == true
    }

    /// Until the element's text contains this.
    pub async fn wait_for(&self, css: &str, text: &str) {
        until(&format!("{css} says {text:?}"), PATIENCE, || async {
            self.text(css).await.contains(text).then_some(())
        })
        .await;
    }

    async fn element(&self, css: &str) -> String {
        until(&format!("{css} is shown"), PATIENCE, || async {
            self.is_shown(css).await.then_some(())
        })
        .await;
        let found = json!({ "using": "css selector", "value": css });
        let found = self.ask("/element", found).await;
        let id = found.as_object().and_then(|found| found.values().next());
        id.and_then(Value::as_str)
            .expect("an element's id")
            .to_owned()
    }

    /// As a hand does it: an element that cannot be reached is an error.
    pub async fn click(&self, css: &str) {
        let id = self.element(css).await;
        self.ask(&format!("/element/{id}/click"), json!({})).await;
    }

    /// Key by key.
    pub async fn write(&self, css: &str, text: &str) {
        let id = self.element(css).await;
        self.ask(&format!("/element/{id}/value"), json!({ "text": text }))
            .await;
    }

    /// The page from its top as PNG, at most so high.
    pub async fn picture(&self, height_max: u32) -> Vec<u8> {
        let script = "return [innerWidth, document.documentElement.scrollHeight]";
        let size = self.run(script).await;
        let height = size[1].as_u64().map_or(height_max, |height| {
            u32::try_from(height).unwrap_or(u32::MAX).min(height_max)
        });
        let clip = json!({ "x": 0, "y": 0, "width": size[0], "height": height, "scale": 1 });
        let parameters = json!({ "format": "png", "captureBeyondViewport": true, "clip": clip });
        let said = self.command("Page.captureScreenshot", parameters).await;
        let data = said["data"].as_str().expect("a picture");
        STANDARD.decode(data).expect("base64")
    }

    /// Each `console.error` and each violation of the page's policy so far.
    pub async fn complaints(&self) -> Vec<Value> {
        let said = self.ask("/se/log", json!({ "type": "browser" })).await;
        said.as_array().cloned().unwrap_or_default()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let group = i32::try_from(self.driver.id())
            .ok()
            .and_then(rustix::process::Pid::from_raw);
        if let Some(group) = group {
            // An error says that it is gone already.
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        let _ = self.driver.wait();
    }
}
