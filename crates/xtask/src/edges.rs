//! `cargo xtask edges`: what each crate may depend on. The list is `edges.toml`; what is not in it is forbidden. A domain
//! that could see Diesel would use it one day.

use crate::error::{Context, Result, fail};
use crate::{checkout, process};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

/// What only adapters and programs may name: databases, brokers, HTTP, threads and runtimes, metrics, OpenSSL.
const TECHNOLOGY: [&str; 17] = [
    "actix-web",
    "clap",
    "deadpool",
    "diesel",
    "diesel-async",
    "josekit",
    "lapin",
    "metrics",
    "openssl",
    "rayon-core",
    "reqwest",
    "rustix",
    "tokio",
    "tokio-postgres",
    "tokio-util",
    "tracing-subscriber",
    "utoipa",
];

/// Where a crate stands in the picture of `crates/README.md`.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Layer {
    Kernel,
    /// Meta's wire format.
    WireFormat,
    Domain,
    Flows,
    Pipeline,
    /// Databases, brokers, cryptography: seen by programs only.
    Adapter,
    /// What people and programs talk to: HTTP API, command line.
    Interface,
    /// Settings and telemetry.
    Support,
    /// What wires all of it, or measures it.
    Program,
}

impl Layer {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "kernel" => Self::Kernel,
            "whatsapp" => Self::WireFormat,
            "audit" | "billing" | "channels" | "crm" | "iam" | "inbound" | "rbac" | "tokens" => Self::Domain,
            "flows" => Self::Flows,
            "pipeline" => Self::Pipeline,
            "crypto" | "postgres" | "rabbitmq" => Self::Adapter,
            "cli" | "http" => Self::Interface,
            "config" | "telemetry" => Self::Support,
            "app" | "bench" | "xtask" => Self::Program,
            _ => return None,
        })
    }

    /// What no line of the list may change.
    fn may_see(self, other: Self) -> bool {
        use Layer::{Domain, Flows, Interface, Kernel, Support, WireFormat};
        match self {
            Self::Kernel => false,
            Self::WireFormat => other == Kernel,
            Self::Domain => matches!(other, Kernel | WireFormat),
            Self::Flows => matches!(other, Kernel | WireFormat | Domain),
            Self::Pipeline | Self::Adapter | Self::Support => matches!(other, Kernel | WireFormat | Domain | Flows),
            Self::Interface => matches!(other, Kernel | WireFormat | Domain | Flows | Support | Interface),
            Self::Program => other != Self::Program,
        }
    }

    fn is_free_of_technology(self) -> bool {
        matches!(self, Self::Kernel | Self::WireFormat | Self::Domain | Self::Flows)
    }
}

type List = BTreeMap<String, Allowed>;

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Allowed {
    /// Crates of this workspace.
    #[serde(default)]
    crates: BTreeSet<String>,
    /// Libraries of the registry.
    #[serde(default)]
    libraries: BTreeSet<String>,
}

pub(crate) fn edges() -> Result {
    let list = list(include_str!("../edges.toml"))?;
    let mut broken = contradictions(&list);
    let crates = crates()?;
    for name in &crates {
        broken.extend(violations(&list, name, &dependencies(name)?));
    }
    broken.extend(
        list.keys().filter(|name| !crates.contains(name)).map(|name| format!("{name} is listed, and is no crate")),
    );
    if broken.is_empty() {
        println!("edges: {} crates depend on what they may", crates.len());
        Ok(())
    } else {
        fail(format!("forbidden dependencies (the list is crates/xtask/edges.toml):\n  {}", broken.join("\n  ")))
    }
}

fn list(text: &str) -> Result<List> {
    toml::from_str(text).context(|| "cannot read crates/xtask/edges.toml".to_owned())
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

/// What `Cargo.toml` of a crate names.
fn dependencies(name: &str) -> Result<Allowed> {
    let mut command = process::cargo();
    command.current_dir(checkout::root()?);
    command.args(["tree", "--quiet", "--package", name, "--edges", "normal,build", "--depth", "1"]);
    command.args(["--prefix", "none", "--format", "{p}"]);
    Ok(parse_tree(&process::output(&mut command)?))
}

/// `tree` has one package a line: name, version, and for those of this workspace the path in parentheses.
fn parse_tree(tree: &str) -> Allowed {
    let mut found = Allowed::default();
    for line in tree.lines().skip(1) {
        let Some(name) = line.split_whitespace().next() else { continue };
        // Not every `postgres` is ours: crates.io has one, too.
        let set = if line.contains("(/") { &mut found.crates } else { &mut found.libraries };
        set.insert(name.to_owned());
    }
    found
}

fn violations(list: &List, name: &str, found: &Allowed) -> Vec<String> {
    let Some(allowed) = list.get(name) else { return vec![format!("{name} is not listed")] };
    let crates = found.crates.difference(&allowed.crates);
    let libraries = found.libraries.difference(&allowed.libraries);
    crates.chain(libraries).map(|dependency| format!("{name} depends on {dependency}")).collect()
}

/// Lines of the list that contradict the layers.
fn contradictions(list: &List) -> Vec<String> {
    let mut found = Vec::new();
    for (name, allowed) in list {
        let Some(layer) = Layer::of(name) else {
            found.push(format!("{name} has no layer; decide it in crates/xtask/src/edges.rs"));
            continue;
        };
        let crates = allowed.crates.iter().filter(|other| !Layer::of(other).is_some_and(|other| layer.may_see(other)));
        let technology = |library: &&String| layer.is_free_of_technology() && TECHNOLOGY.contains(&library.as_str());
        let libraries = allowed.libraries.iter().filter(technology);
        found.extend(crates.chain(libraries).map(|dependency| format!("{name} must never depend on {dependency}")));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours() -> List {
        list(include_str!("../edges.toml")).unwrap()
    }

    /// What is wrong with a crate whose `Cargo.toml` names these, by the list of this workspace.
    fn check(name: &str, dependencies: &[&str]) -> Vec<String> {
        let tree = format!("{name} v0.1.0 (/p/crates/{name})\n{}\n", dependencies.join("\n"));
        violations(&ours(), name, &parse_tree(&tree))
    }

    #[test]
    fn listed_dependencies_pass() {
        assert!(check("crm", &["kernel v0.1.0 (/p/crates/kernel)", "thiserror v2.0.0"]).is_empty());
        assert!(check("app", &["postgres v0.1.0 (/p/crates/postgres)", "actix-web v4.18.0"]).is_empty());
    }

    #[test]
    fn forbidden_edge_of_each_kind_fails() {
        let forbidden = [
            // A domain and another, an adapter's technology, a runtime, metrics, OpenSSL.
            ("crm", "iam v0.1.0 (/p/crates/iam)"),
            ("crm", "diesel v2.3.0"),
            ("iam", "tokio v1.0.0"),
            ("iam", "metrics v0.24.0"),
            ("tokens", "josekit v0.10.0"),
            // The kernel and anything of the workspace.
            ("kernel", "iam v0.1.0 (/p/crates/iam)"),
            // The wire format and a domain; a domain that has nothing to do with it.
            ("whatsapp", "inbound v0.1.0 (/p/crates/inbound)"),
            ("crm", "whatsapp v0.1.0 (/p/crates/whatsapp)"),
            // Use cases and an adapter, a runtime.
            ("flows", "postgres v0.1.0 (/p/crates/postgres)"),
            ("flows", "tokio v1.0.0"),
            ("pipeline", "rabbitmq v0.1.0 (/p/crates/rabbitmq)"),
            // Interfaces and what is behind the ports.
            ("http", "postgres v0.1.0 (/p/crates/postgres)"),
            ("http", "rabbitmq v0.1.0 (/p/crates/rabbitmq)"),
            ("http", "pipeline v0.1.0 (/p/crates/pipeline)"),
            ("cli", "postgres v0.1.0 (/p/crates/postgres)"),
            // An adapter and another; a library that was not decided.
            ("rabbitmq", "postgres v0.1.0 (/p/crates/postgres)"),
            ("rabbitmq", "left-pad v1.0.0"),
        ];
        for (name, dependency) in forbidden {
            let expected = format!("{name} depends on {}", dependency.split(' ').next().unwrap());
            assert_eq!(check(name, &[dependency]), [expected]);
        }
    }

    #[test]
    fn list_cannot_contradict_the_layers() {
        assert_eq!(contradictions(&ours()), Vec::<String>::new());
        let mut loosened = ours();
        loosened.get_mut("crm").unwrap().crates.insert("iam".to_owned());
        loosened.get_mut("flows").unwrap().libraries.insert("tokio".to_owned());
        loosened.get_mut("http").unwrap().crates.insert("pipeline".to_owned());
        let expected =
            ["crm must never depend on iam", "flows must never depend on tokio", "http must never depend on pipeline"];
        assert_eq!(contradictions(&loosened), expected);
    }

    #[test]
    fn registry_crate_of_the_same_name_is_not_ours() {
        let found = parse_tree("rabbitmq v0.1.0 (/p/crates/rabbitmq)\npostgres v0.19.0\n");
        assert!(found.crates.is_empty() && found.libraries.contains("postgres"));
    }

    #[test]
    fn unlisted_crate_fails() {
        assert_eq!(check("shortcut", &[]), ["shortcut is not listed"]);
    }
}
