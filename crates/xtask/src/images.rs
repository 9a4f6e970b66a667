//! `cargo xtask images`: container images of Postgres and RabbitMQ out of Debian's packages, where the official ones
//! cannot be pulled. They understand as much of the official images' environment variables as the tests use.

use crate::error::{Context, Result};
use crate::services::docker;
use crate::services::packages;
use crate::{checkout, engine, process, signals, store};
use std::fs;
use std::process::Command;

struct Recipe {
    image: &'static str,
    variable: &'static str,
    packages: &'static str,
    entrypoint: &'static str,
    port: u16,
}

const RECIPES: [Recipe; 2] = [
    Recipe {
        image: "parley-test/postgres:15",
        variable: docker::POSTGRES_FOR_TEST.variable,
        // With the certificates it is also what `deploy/Dockerfile` needs as a base.
        packages: "postgresql-15,ca-certificates",
        entrypoint: include_str!("../images/postgres.sh"),
        port: 5432,
    },
    Recipe {
        image: "parley-test/rabbitmq:3.10",
        variable: docker::RABBITMQ_FOR_TEST.variable,
        packages: "rabbitmq-server",
        entrypoint: include_str!("../images/rabbitmq.sh"),
        port: 5672,
    },
];

pub(crate) fn images() -> Result {
    engine::ensure()?;
    for recipe in &RECIPES {
        if docker::has_image(recipe.image) {
            println!("{} is there", recipe.image);
        } else {
            make(recipe)?;
        }
    }
    let variables: Vec<String> = RECIPES.iter().map(|recipe| format!("{}={}", recipe.variable, recipe.image)).collect();
    println!("the integration tests use them by\n  {} cargo xtask test --containers", variables.join(" "));
    Ok(())
}

fn make(recipe: &Recipe) -> Result {
    if process::find("mmdebstrap").is_none() {
        packages::install(&["mmdebstrap"], "what makes a system image out of Debian's packages", "")?;
    }
    println!("making {} from Debian's packages: {}", recipe.image, recipe.packages);
    let directory = checkout::base()?.join(format!("image-{}", std::process::id()));
    store::make_directory(&directory, 0o700)?;
    let outcome = build(recipe, &directory);
    let removed = fs::remove_dir_all(&directory).context(|| format!("cannot delete {}", directory.display()));
    outcome.and(removed)
}

fn build(recipe: &Recipe, directory: &std::path::Path) -> Result {
    let entrypoint = directory.join("entrypoint");
    let archive = directory.join("image.tar");
    fs::write(&entrypoint, recipe.entrypoint).context(|| format!("cannot write {}", entrypoint.display()))?;
    let mut command = Command::new("mmdebstrap");
    command
        .args(["--quiet", "--variant=minbase"])
        .arg(format!("--include={}", recipe.packages))
        .arg(format!("--customize-hook=upload {} /usr/local/bin/entrypoint", entrypoint.display()))
        .arg("--customize-hook=chmod 0755 \"$1/usr/local/bin/entrypoint\"")
        .arg("bookworm")
        .arg(&archive);
    process::run(&mut command)?;
    signals::check()?;
    let expose = format!("EXPOSE {}", recipe.port);
    let mut import = Command::new("docker");
    import.args(["import", "--change", "ENTRYPOINT [\"/usr/local/bin/entrypoint\"]", "--change", &expose]);
    process::run(import.arg(&archive).arg(recipe.image))
}
