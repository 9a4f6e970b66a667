//! The program.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

fn start() -> (Child, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_parley-sandbox"))
        .args(["--listen", "127.0.0.1:0", "--number", "1:2:token"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (child, line.trim().rsplit(' ').next().unwrap().to_owned())
}

#[tokio::test]
async fn program_serves_and_ends_on_sigterm() {
    let (mut child, url) = start();
    let response = reqwest::get(format!("{url}/v25.0/1?access_token=token")).await.unwrap();
    assert_eq!(response.status(), 200);
    let id = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
    assert!(child.wait().unwrap().success());
}

#[test]
fn taken_port_is_an_error() {
    let (mut child, url) = start();
    let address = url.trim_start_matches("http://").to_owned();
    let second = Command::new(env!("CARGO_BIN_EXE_parley-sandbox")).args(["--listen", &address]).output().unwrap();
    assert!(!second.status.success());
    assert!(String::from_utf8_lossy(&second.stderr).contains("cannot listen"));
    child.kill().unwrap();
    child.wait().unwrap();
}
