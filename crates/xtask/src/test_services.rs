//! Postgres and RabbitMQ for one run of the integration tests: given by the environment, else containers that the tests
//! start by themselves, else private instances. Afterwards nothing of them remains.

use crate::down;
use crate::error::{Result, fail};
use crate::services::docker::{self, Engine, Image};
use crate::services::{self, Durability, Service, test_containers};
use crate::store::Store;
use std::process::Command;

const DATABASE_URL: &str = "PARLEY_TEST_DATABASE_URL";
const AMQP_URL: &str = "PARLEY_TEST_AMQP_URL";
/// The tests put it on their containers as the value of the label `parley.test`.
const CONTAINER_LABEL: &str = "PARLEY_TEST_CONTAINER_LABEL";

#[derive(Debug, PartialEq)]
enum Source {
    Given,
    Containers,
    Private,
}

#[derive(Debug, Default)]
pub(crate) struct TestServices {
    /// Declared, and so dropped, before the directory they use.
    private: Vec<Service>,
    directory: Option<ThrowAway>,
    container_label: Option<String>,
}

impl TestServices {
    /// Provides both services and tells `tests` about them by environment variables.
    pub(crate) fn start(only_containers: bool, tests: &mut Command) -> Result<Self> {
        down::clear_dead_test_runs()?;
        let engine = Engine::find();
        let sources = [
            source(&engine, only_containers, DATABASE_URL, &docker::POSTGRES_FOR_TEST)?,
            source(&engine, only_containers, AMQP_URL, &docker::RABBITMQ_FOR_TEST)?,
        ];
        let mut services = Self::default();
        if sources.contains(&Source::Private) {
            let directory = services.directory.insert(ThrowAway::new()?);
            let Some(store) = &mut directory.0 else { return fail("the directory of this test run is gone") };
            if sources[0] == Source::Private {
                let postgres = services::postgres_private(store, Durability::ThrowAway)?;
                tests.env(DATABASE_URL, &postgres.url);
                services.private.push(postgres);
            }
            if sources[1] == Source::Private {
                let rabbitmq = services::rabbitmq_private(store)?;
                tests.env(AMQP_URL, &rabbitmq.url);
                services.private.push(rabbitmq);
            }
        }
        if sources.contains(&Source::Containers) {
            test_containers::remove_dead()?;
            let label = test_containers::new_run()?;
            tests.env(CONTAINER_LABEL, &label).envs(docker::endpoint().map(|host| ("DOCKER_HOST", host)));
            let images = [(DATABASE_URL, docker::POSTGRES_FOR_TEST), (AMQP_URL, docker::RABBITMQ_FOR_TEST)];
            for ((url, image), source) in images.into_iter().zip(&sources) {
                if *source == Source::Containers {
                    tests.env_remove(url).env(image.variable, image.name());
                }
            }
            services.container_label = Some(label);
        }
        Ok(services)
    }

    pub(crate) fn remove(mut self) -> Result {
        self.private.clear();
        match self.container_label.take().map_or(Ok(0), |label| test_containers::remove(&label))? {
            0 => {}
            count => println!("removed {count} containers of this test run"),
        }
        Ok(())
    }
}

fn source(engine: &Engine, only_containers: bool, url: &str, image: &Image) -> Result<Source> {
    if !only_containers && services::given(url).is_some() {
        println!("{url}: as given by the environment");
        return Ok(Source::Given);
    }
    match engine.provides(image) {
        Ok(()) => {
            println!("{url}: unset; the tests start a container of {}", image.name());
            Ok(Source::Containers)
        }
        Err(reason) if only_containers => fail(format!(
            "--containers, but {reason}; `cargo xtask images` makes images from Debian's packages and says how to use them"
        )),
        Err(reason) => {
            println!("{url}: a private instance ({reason})");
            Ok(Source::Private)
        }
    }
}

/// The data of the private instances.
#[derive(Debug)]
struct ThrowAway(Option<Store>);

impl ThrowAway {
    fn new() -> Result<Self> {
        Ok(Self(Some(Store::of_test_run()?)))
    }
}

impl Drop for ThrowAway {
    fn drop(&mut self) {
        if let Some(Err(cause)) = self.0.take().map(Store::delete) {
            println!("{cause}");
        }
    }
}
