//! Makes the pictures of docs/console.md: the real page in a real browser,
//! over recorded facts (`states.rs`). `tests/screenshots` runs it.

mod scene;
mod states;

use rig::Browser;
use scene::{Scene, TOKEN};
use states::{State, all};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::TcpListener;
use understudy_console::{Console, Role, Tokens};

const WIDTH: u32 = 1100;
const HEIGHT: u32 = 700;

#[tokio::main]
async fn main() {
    let directory = std::env::args_os().nth(1);
    let directory = PathBuf::from(directory.unwrap_or_else(|| "docs/images".into()));
    std::fs::create_dir_all(&directory).expect("a directory for the pictures");
    let browser = Browser::start().await;
    for state in all() {
        take(&browser, &state, &directory).await;
    }
}

async fn take(browser: &Browser, state: &State, directory: &Path) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let scene = Scene::new(state.clone());
    let mut tokens = Tokens::default();
    tokens
        .add(Role::Operator, &format!("kim {TOKEN}"))
        .expect("a token");
    let endpoint = state.endpoint.to_owned();
    let console = Console::new(scene.clone(), endpoint, Arc::new(scene), tokens);
    state.past(|status, at| console.note(status, at));
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let shutdown = async { drop(stopped.await) };
    let serving = tokio::spawn(understudy_console::serve(console, listener, shutdown));

    browser
        .view(state.width.unwrap_or(WIDTH), HEIGHT, state.scheme)
        .await;
    browser.go(&format!("http://{address}/")).await;
    browser.wait_for("#over .word", state.over).await;
    browser.wait_for("#flow .word", state.flow).await;
    browser.wait_for("#right .word", state.right).await;
    browser.wait_for("#topology", &state.other.endpoint).await;
    if state.acts {
        act(browser).await;
    }
    if state.silence {
        drop(stop);
        let _ = serving.await;
        browser.wait_for("#live", "not live").await;
    }
    let picture = browser.picture(state.height_max).await;
    let file = directory.join(format!("console-{}.png", state.name));
    std::fs::OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(true)
        .open(&file)
        .and_then(|mut file| std::io::Write::write_all(&mut file, &picture))
        .expect("room for a picture");
    println!("{}: {} KiB", file.display(), picture.len() / 1024);
}

/// Up to the middle of a switchover.
async fn act(browser: &Browser) {
    browser.write("#token", TOKEN).await;
    browser.click("#sign-in button").await;
    browser.click("#ask button").await;
    browser.write("#reason", "kernel update of alpha").await;
    browser.write("#confirm-input", "prod").await;
    browser.click("#do").await;
    browser.wait_for("#steps-table", "sealed").await;
}
