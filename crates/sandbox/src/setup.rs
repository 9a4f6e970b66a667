//! What the sandbox begins with.

use crate::options::{NumberOption, Options};
use crate::world::World;
use crate::world::customer::Customer;

pub(crate) fn first_world(options: &Options, now_ms: i64) -> World {
    let mut world = World::new(options.seed, now_ms);
    world.webhook_url.clone_from(&options.webhook_url);
    world.app_secret.clone_from(&options.app_secret);
    fill(&mut world, options);
    world
}

/// Adds the numbers, customers and templates of the command line.
pub(crate) fn fill(world: &mut World, options: &Options) {
    for settings in options.numbers.iter().filter_map(NumberOption::settings) {
        let waba = settings.waba_id.clone();
        world.put_number(settings);
        if !options.no_sample_templates {
            world.add_sample_templates(&waba);
        }
    }
    for customer in &options.customers {
        world.customers.put(Customer { name: customer.name.clone(), ..Customer::of_phone(&customer.phone) });
    }
}
