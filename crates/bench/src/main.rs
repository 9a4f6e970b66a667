//! Measures Parley: `cargo xtask bench` builds both, starts servers of their own for them, and runs this.
//!
//! Each figure is measured against a baseline in the same run on the same servers, and the two take turns: an absolute figure
//! says as much about the machine as about the program. [`figures`] has one file for each.

#![expect(clippy::print_stdout, reason = "figures go to standard output")]
#![expect(clippy::print_stderr, reason = "progress goes to standard error")]
#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a figure is a float, and no count here comes near what one can hold"
)]

mod bounds;
mod bulk_data;
mod cores;
mod deliveries;
mod deployment;
mod error;
mod figures;
mod growth;
mod http;
mod latency;
mod load;
mod options;
mod report;
mod sql;
mod usage;
mod world;

use std::process::ExitCode;

use clap::Parser as _;
use serde_json::json;

use deployment::Deployment;
use error::Result;
use figures::{Scale, abuse, accept, end_to_end, login, memory, process, read, refusal, request, send, start};
use options::{FigureName, Options};
use report::Report;
use world::World;

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    match measure(&options).await {
        Ok(report) => {
            if options.json {
                eprintln!("\n{}", report.table());
                println!("{}", report.json());
            } else {
                println!("\n{}", report.table());
            }
            if options.assert { check_bounds(&report, options.dev) } else { ExitCode::SUCCESS }
        }
        Err(cause) => {
            eprintln!("bench: {cause}");
            ExitCode::FAILURE
        }
    }
}

fn check_bounds(report: &Report, unoptimized: bool) -> ExitCode {
    let (lines, hold) = bounds::check(&report.json(), unoptimized);
    eprintln!("{}", lines.join("\n"));
    if hold { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn measure(options: &Options) -> Result<Report> {
    let scale = if options.quick { Scale::QUICK } else { Scale::NORMAL };
    let mut world = World::new(Deployment::new(options)?).await?;
    let mut report = Report::default();
    let cores = std::thread::available_parallelism()?.get();
    let version: String = world.sql.query_one("SHOW server_version", &[]).await?.try_get(0)?;
    let fsync: String = world.sql.query_one("SHOW fsync", &[]).await?.try_get(0)?;
    let machine = format!("{cores} cores for everything, Postgres {version} with fsync {fsync}");
    report.add("machine", json!({ "cores": cores, "postgres": version, "fsync": fsync == "on" }), []);
    report.add("quick", json!(options.quick), []);
    eprintln!("{machine}");
    world.grow(scale.tenants.max(login::PEOPLE + 1).max(if options.full { 50 } else { 0 })).await?;
    if options.growth {
        growth::measure(&mut world, &scale, &mut report).await?;
        return Ok(report);
    }
    if options.wants(FigureName::Start) {
        eprintln!("start and size");
        start::measure(&world, &scale, options, &mut report).await?;
    }
    if options.wants(FigureName::Accept) {
        eprintln!("accept");
        accept::measure(&world, &scale, &mut report).await?;
    }
    if options.wants(FigureName::Process) {
        eprintln!("process");
        process::measure(&world, &scale, &mut report).await?;
    }
    if options.wants(FigureName::EndToEnd) {
        eprintln!("end to end");
        end_to_end::measure(&world, &scale, &mut report).await?;
    }
    if options.wants(FigureName::Memory) {
        eprintln!("memory");
        memory::measure(&world, &scale, &mut report).await?;
    }
    if options.wants(FigureName::Login) {
        eprintln!("login");
        login::measure(&world, &scale, &mut report).await?;
    }
    if options.wants(FigureName::Refusal) {
        eprintln!("refusal");
        refusal::measure(&world, &scale, &mut report).await?;
    }
    if options.wants(FigureName::Request) {
        eprintln!("request");
        request::measure(&world, &scale, &mut report).await?;
    }
    if options.wants(FigureName::Read) {
        eprintln!("read");
        read::measure(&world, &scale, options.full, &mut report).await?;
    }
    if options.wants(FigureName::Send) {
        eprintln!("send");
        send::measure(&world, &scale, &mut report).await?;
    }
    if options.wants(FigureName::Abuse) {
        eprintln!("abuse");
        abuse::measure(&world, &scale, &mut report).await?;
    }
    Ok(report)
}
