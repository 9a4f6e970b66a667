//! `cargo xtask edges`: who may depend on whom, read from `cargo tree`. A domain that could see Diesel would use it one
//! day.

use crate::error::{Context, Result, fail};
use crate::{checkout, process};
use std::collections::BTreeSet;
use std::fs;

/// Technology that only adapters and the application may see.
const ADAPTER_LIBRARIES: [&str; 6] = ["diesel", "diesel-async", "deadpool", "lapin", "actix-web", "tokio-postgres"];

const DOMAINS: [&str; 7] = ["audit", "billing", "crm", "iam", "inbound", "rbac", "tokens"];

/// Which crates of this workspace a crate may depend on, and whether it may see an adapter library.
struct Rule {
    crates: Vec<&'static str>,
    technology: bool,
}

fn rule(name: &str) -> Option<Rule> {
    let with_domains = |more: &[&'static str]| [&DOMAINS, more].concat();
    let (crates, technology) = match name {
        "kernel" | "xtask" => (vec![], false),
        name if DOMAINS.contains(&name) => (vec!["kernel"], false),
        "flows" => (with_domains(&["kernel"]), false),
        "pipeline" => (with_domains(&["kernel", "flows"]), false),
        "postgres" => (with_domains(&["kernel", "flows"]), true),
        "rabbitmq" => (vec!["kernel", "inbound"], true),
        "app" => (with_domains(&["kernel", "flows", "pipeline", "postgres", "rabbitmq"]), true),
        // The baseline of processing runs the statements of the adapter; nobody depends on the benchmark.
        "bench" => (with_domains(&["kernel", "flows", "postgres"]), true),
        _ => return None,
    };
    Some(Rule { crates, technology })
}

pub(crate) fn edges() -> Result {
    let crates = crates()?;
    let mut broken = Vec::new();
    for name in &crates {
        let Some(rule) = rule(name) else {
            broken.push(format!("{name}: nobody has decided what it may depend on; add it to {}", file!()));
            continue;
        };
        let mut command = process::cargo();
        command.current_dir(checkout::root()?);
        command.args([
            "tree",
            "--quiet",
            "--package",
            name,
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--format",
            "{p}",
        ]);
        broken.extend(violations(name, &rule, &process::output(&mut command)?));
    }
    if broken.is_empty() {
        println!("edges: {} crates depend on what they may, and on nothing else", crates.len());
        Ok(())
    } else {
        fail(format!("forbidden dependencies:\n  {}", broken.join("\n  ")))
    }
}

fn crates() -> Result<Vec<String>> {
    let directory = checkout::root()?.join("crates");
    let entries = fs::read_dir(&directory).context(|| format!("cannot read {}", directory.display()))?;
    let mut names: Vec<String> = entries
        .flatten()
        .filter(|entry| entry.path().join("Cargo.toml").is_file())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    Ok(names)
}

/// `tree` has one package a line: name, version, and for those of this workspace the path in parentheses.
fn violations(name: &str, rule: &Rule, tree: &str) -> BTreeSet<String> {
    let dependencies = tree.lines().skip(1).filter_map(|line| Some((line.split_whitespace().next()?, line)));
    let forbidden = dependencies.filter(|(dependency, line)| {
        // Not every `postgres` is ours: crates.io has one too.
        let ours = line.contains("(/");
        let library = ADAPTER_LIBRARIES.contains(dependency);
        (ours && *dependency != name && !rule.crates.contains(dependency)) || (library && !rule.technology)
    });
    forbidden.map(|(dependency, _)| format!("{name} depends on {dependency}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, dependencies: &[&str]) -> Vec<String> {
        let tree = format!("{name} v0.1.0 (/p/crates/{name})\n{}\n", dependencies.join("\n"));
        violations(name, &rule(name).unwrap(), &tree).into_iter().collect()
    }

    #[test]
    fn a_domain_sees_the_kernel_and_no_technology() {
        assert!(check("crm", &["kernel v0.1.0 (/p/crates/kernel)", "serde v1.0.0", "chrono v0.4.0"]).is_empty());
        assert_eq!(check("crm", &["kernel v0.1.0 (/p/crates/kernel)", "diesel v2.3.0"]), ["crm depends on diesel"]);
        assert_eq!(check("crm", &["iam v0.1.0 (/p/crates/iam)"]), ["crm depends on iam"]);
    }

    #[test]
    fn only_the_application_sees_the_adapters() {
        assert_eq!(check("flows", &["postgres v0.1.0 (/p/crates/postgres)"]), ["flows depends on postgres"]);
        assert!(check("app", &["postgres v0.1.0 (/p/crates/postgres)", "actix-web v4.18.0"]).is_empty());
    }

    #[test]
    fn a_namesake_from_the_registry_is_not_ours() {
        assert!(check("rabbitmq", &["postgres v0.19.0", "lapin v4.12.3", "lapin v4.12.3 (*)"]).is_empty());
    }

    #[test]
    fn a_new_crate_needs_a_decision() {
        assert!(rule("shortcut").is_none());
    }
}
