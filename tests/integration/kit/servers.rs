//! Postgres and RabbitMQ as `cargo xtask faults` lends them: to be stopped, killed and started again.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;

/// Asks for something to be done to a server, such as `postgres kill` or `rabbitmq ctl status`, and waits until it is done.
/// What it said.
pub(crate) async fn ask(what: &str) -> String {
    let path = std::env::var("PARLEY_FAULTS_CONTROL")
        .expect("fault tests need servers that they may stop: run them by `cargo xtask faults`");
    let line = format!("{what}\n");
    let answer = tokio::task::spawn_blocking(move || {
        let mut stream = UnixStream::connect(path).expect("`cargo xtask faults` is there");
        stream.write_all(line.as_bytes()).expect("it listens");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        answer
    })
    .await
    .unwrap();
    match answer.strip_prefix("ok\n") {
        Some(said) => said.to_owned(),
        None => panic!("{what}: {answer}"),
    }
}

/// Both are there, whatever a test before this one did.
pub(crate) async fn all_up() {
    for server in ["postgres", "rabbitmq"] {
        ask(&format!("{server} start")).await;
    }
}
