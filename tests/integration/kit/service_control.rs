//! Controls the Postgres and RabbitMQ that `cargo xtask faults` provides: stop, kill, start.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;

/// Runs a command for a server, such as `postgres kill` or `rabbitmq ctl status`, and returns its output.
pub(crate) async fn run(what: &str) -> String {
    let path = std::env::var("PARLEY_FAULTS_CONTROL")
        .expect("fault tests need servers they can stop: run them with `cargo xtask faults`");
    let line = format!("{what}\n");
    let answer = tokio::task::spawn_blocking(move || {
        let mut stream = UnixStream::connect(path).expect("`cargo xtask faults` listens");
        stream.write_all(line.as_bytes()).expect("the command is sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("the output is read");
        answer
    })
    .await
    .unwrap();
    match answer.strip_prefix("ok\n") {
        Some(text) => text.to_owned(),
        None => panic!("{what}: {answer}"),
    }
}

/// Starts both servers if they are stopped.
pub(crate) async fn start_all() {
    for server in ["postgres", "rabbitmq"] {
        run(&format!("{server} start")).await;
    }
}
