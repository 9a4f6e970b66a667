//! Migrations are compiled in; a new one must rebuild this crate.
#![expect(clippy::print_stdout, reason = "this is how a build script speaks to cargo")]

fn main() {
    println!("cargo::rerun-if-changed=../../migrations");
    println!("cargo::rerun-if-changed=../../deploy/postgres/roles.sql");
}
