//! `cargo xtask edges`: what each crate may depend on. The list is `edges.toml`; what is not in it is forbidden. A domain
//! that could see Diesel would use it one day.

use crate::error::{Context, Result, fail};
use crate::{checkout, process};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// What only adapters and programs may name: databases, brokers, HTTP, threads and runtimes, metrics, OpenSSL.
const TECHNOLOGY: [&str; 18] = [
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
    "rustls",
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
    /// Stands in for a service of others; knows nothing of Parley.
    StandIn,
    /// What wires all of it, or measures it.
    Program,
}

impl Layer {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "kernel" => Self::Kernel,
            "whatsapp" => Self::WireFormat,
            "audit" | "billing" | "channels" | "crm" | "iam" | "inbound" | "jobs" | "media" | "outbound" | "rbac"
            | "tokens" => Self::Domain,
            "flows" => Self::Flows,
            "pipeline" => Self::Pipeline,
            "crypto" | "graph" | "objects" | "postgres" | "rabbitmq" | "thumbnails" => Self::Adapter,
            "cli" | "http-api" => Self::Interface,
            "config" | "telemetry" => Self::Support,
            "app" | "bench" | "xtask" => Self::Program,
            "sandbox" => Self::StandIn,
            _ => return None,
        })
    }

    /// What no line of the list may change.
    fn may_see(self, other: Self) -> bool {
        use Layer::{Domain, Flows, Interface, Kernel, Support, WireFormat};
        match self {
            Self::Kernel | Self::StandIn => false,
            Self::WireFormat => other == Kernel,
            Self::Domain => matches!(other, Kernel | WireFormat),
            Self::Flows => matches!(other, Kernel | WireFormat | Domain),
            Self::Pipeline | Self::Adapter => matches!(other, Kernel | WireFormat | Domain | Flows),
            Self::Support => matches!(other, Kernel | WireFormat | Domain | Flows | Support),
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
    let mut command = process::cargo();
    command.current_dir(checkout::root()?);
    let found =
        parse_metadata(&process::output(command.args(["metadata", "--quiet", "--no-deps", "--format-version", "1"]))?)?;
    let mut broken = contradictions(&list);
    broken.extend(found.iter().flat_map(|(name, found)| violations(&list, name, found)));
    broken.extend(
        list.keys().filter(|name| !found.contains_key(*name)).map(|name| format!("{name} is listed, and is no crate")),
    );
    if broken.is_empty() {
        println!("edges: {} crates depend on what they may", found.len());
        Ok(())
    } else {
        fail(format!("forbidden dependencies (the list is crates/xtask/edges.toml):\n  {}", broken.join("\n  ")))
    }
}

fn list(text: &str) -> Result<List> {
    toml::from_str(text).context(|| "cannot read crates/xtask/edges.toml".to_owned())
}

/// What `cargo metadata` says of the packages of this workspace.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    /// `dev`, `build`, or nothing.
    kind: Option<String>,
    /// Only of crates of this workspace.
    path: Option<String>,
}

/// What the `Cargo.toml` of each crate names. Dependencies of tests do not count, nor does the crate `tests`.
fn parse_metadata(text: &str) -> Result<List> {
    let metadata: Metadata = serde_json::from_str(text).context(|| "cannot read what cargo says".to_owned())?;
    let crates = metadata.packages.into_iter().filter(|package| package.name != "tests");
    Ok(crates.map(|package| (package.name, allowed_by(package.dependencies))).collect())
}

fn allowed_by(dependencies: Vec<Dependency>) -> Allowed {
    let mut found = Allowed::default();
    for dependency in dependencies.into_iter().filter(|dependency| dependency.kind.as_deref() != Some("dev")) {
        // Not every `postgres` is ours: crates.io has one, too.
        let set = if dependency.path.is_some() { &mut found.crates } else { &mut found.libraries };
        set.insert(dependency.name);
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

    /// A dependency of a crate: `crm` is of this workspace, `:diesel` of the registry.
    fn check(name: &str, dependency: &str) -> Vec<String> {
        let library = dependency.strip_prefix(':');
        let path = library.is_none().then(|| "/p".to_owned());
        let name_only = library.unwrap_or(dependency).to_owned();
        violations(&ours(), name, &allowed_by(vec![Dependency { name: name_only, kind: None, path }]))
    }

    #[test]
    fn listed_dependencies_pass() {
        for (name, dependency) in
            [("crm", "kernel"), ("crm", ":thiserror"), ("app", "postgres"), ("http-api", ":actix-web")]
        {
            assert!(check(name, dependency).is_empty(), "{name} {dependency}");
        }
    }

    #[test]
    fn forbidden_edge_of_each_kind_fails() {
        let forbidden = [
            // A domain and another, an adapter's technology, a runtime, metrics, OpenSSL.
            ("crm", "iam"),
            ("crm", ":diesel"),
            ("iam", ":tokio"),
            ("flows", ":tokio"),
            ("iam", ":metrics"),
            ("tokens", ":josekit"),
            // The kernel and anything of the workspace.
            ("kernel", "iam"),
            // The wire format and a domain; a domain that has nothing to do with it.
            ("whatsapp", "inbound"),
            ("crm", "whatsapp"),
            // Use cases and an adapter, a database.
            ("flows", "postgres"),
            ("flows", ":diesel"),
            ("pipeline", "rabbitmq"),
            // Interfaces and what is behind the ports.
            ("http-api", "postgres"),
            ("http-api", "rabbitmq"),
            ("http-api", "pipeline"),
            ("cli", "postgres"),
            // An adapter and another; a library that was not decided.
            ("rabbitmq", "postgres"),
            ("rabbitmq", ":left-pad"),
        ];
        for (name, dependency) in forbidden {
            assert_eq!(check(name, dependency), [format!("{name} depends on {}", dependency.trim_start_matches(':'))]);
        }
    }

    #[test]
    fn list_cannot_contradict_the_layers() {
        assert_eq!(contradictions(&ours()), Vec::<String>::new());
        let mut loosened = ours();
        loosened.get_mut("crm").unwrap().crates.insert("iam".to_owned());
        loosened.get_mut("flows").unwrap().libraries.insert("diesel".to_owned());
        loosened.get_mut("http-api").unwrap().crates.insert("pipeline".to_owned());
        let expected = [
            "crm must never depend on iam",
            "flows must never depend on diesel",
            "http-api must never depend on pipeline",
        ];
        assert_eq!(contradictions(&loosened), expected);
    }

    #[test]
    fn metadata_tells_crates_libraries_and_tests_apart() {
        let text = r#"{"packages": [{"name": "rabbitmq", "dependencies": [
            {"name": "kernel", "kind": null, "path": "/p/crates/kernel"},
            {"name": "postgres", "kind": null},
            {"name": "proptest", "kind": "dev"}]}]}"#;
        let found = parse_metadata(text).unwrap();
        let names = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>();
        assert_eq!(names(&found["rabbitmq"].crates), ["kernel"]);
        assert_eq!(names(&found["rabbitmq"].libraries), ["postgres"]);
    }

    #[test]
    fn unlisted_crate_fails() {
        assert_eq!(check("shortcut", "kernel"), ["shortcut is not listed"]);
    }
}
