//! What has to be installed, by apt when we may.

use crate::checkout;
use crate::error::{Context, Result, fail};
use crate::process;
use std::process::Command;
use std::time::Duration;

/// Installs Debian packages, or says which are missing and how to get them. `otherwise` names another way out.
pub(crate) fn install(packages: &[&str], what_for: &str, otherwise: &str) -> Result {
    let list = packages.join(" ");
    let debian = process::find("apt-get").is_some();
    if !debian {
        return fail(format!(
            "{what_for} is missing, and this is no Debian or Ubuntu, where it would be installed by itself: install it \
             by your system's package manager (in Debian's words: {list}){otherwise}"
        ));
    }
    if !checkout::is_root() {
        return fail(format!("{what_for} is missing; install it with `sudo apt-get install {list}`{otherwise}"));
    }
    eprintln!("installing {list} (apt-get): {what_for}");
    // A package list that cannot be renewed may still do; if not, the installation says what is wrong.
    let renewed = apt(&["update"], &[]);
    apt(&["install", "--yes", "--no-install-recommends"], packages)
        .or_else(|cause| renewed.and(Err(cause)))
        .context(|| format!("cannot install {list}"))
}

fn apt(what: &[&str], packages: &[&str]) -> Result {
    let mut command = Command::new("apt-get");
    command.arg("--quiet").args(what).args(packages).env("DEBIAN_FRONTEND", "noninteractive");
    // In a process group of its own: Ctrl-C in the middle of an installation leaves the package database broken.
    process::output_within(&mut command, Duration::from_mins(20)).map(drop)
}

/// What compiling the server needs beside Rust: OpenSSL's headers, found by pkg-config, and a C compiler.
pub(crate) fn ensure_build_needs() -> Result {
    let mut missing = Vec::new();
    if !process::succeeds(Command::new("cc").arg("--version")) {
        missing.extend(["gcc", "libc6-dev"]);
    }
    if !process::succeeds(Command::new("pkg-config").arg("--version")) {
        missing.push("pkg-config");
    }
    if !process::succeeds(Command::new("pkg-config").args(["--exists", "openssl"])) && !openssl_is_named() {
        missing.push("libssl-dev");
    }
    if missing.is_empty() {
        Ok(())
    } else {
        install(&missing, "a C compiler with pkg-config and OpenSSL's headers", "")
    }
}

/// The variables by which the openssl-sys crate can be pointed at an OpenSSL that pkg-config does not know.
fn openssl_is_named() -> bool {
    ["OPENSSL_DIR", "OPENSSL_LIB_DIR"].iter().any(|name| std::env::var_os(name).is_some())
}
