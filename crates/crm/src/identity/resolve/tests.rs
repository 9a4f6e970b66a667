use chrono::{DateTime, TimeDelta, Utc};
use kernel::ManualClock;
use kernel::ids::ContactId;

use super::*;
use crate::identity::IdentityKind;

/// A store in miniature: what a resolution says is done to it, and the next one reads from it.
struct Store {
    clock: ManualClock,
    contacts: Vec<ContactId>,
    identities: Vec<IdentityRecord>,
    changes: Vec<IdentityChange>,
    sightings: Vec<Person>,
    flagged: Vec<ContactId>,
}

impl Store {
    fn new() -> Self {
        Self {
            clock: ManualClock::starting_at(at(0)),
            contacts: Vec::new(),
            identities: Vec::new(),
            changes: Vec::new(),
            sightings: Vec::new(),
            flagged: Vec::new(),
        }
    }

    fn see(&mut self, people: &[Person]) -> Vec<ContactId> {
        self.apply(people, Vec::new())
    }

    fn sight(&mut self, person: Person) {
        self.sightings.push(person);
        self.apply(&[], Vec::new());
    }

    fn change(&mut self, change: IdentityChange) {
        self.apply(&[], vec![change]);
    }

    fn apply(&mut self, people: &[Person], changes: Vec<IdentityChange>) -> Vec<ContactId> {
        self.clock.advance(TimeDelta::seconds(1));
        self.changes.extend(changes);
        let known = Known {
            identities: self.identities.clone(),
            changes: self.changes.clone(),
            sightings: self.sightings.clone(),
            nameless: std::iter::empty().collect(),
        };
        let resolution = resolve(known, people, &self.clock);
        self.contacts.extend(resolution.new.iter().map(|new| new.id));
        for merge in &resolution.merged {
            self.contacts.retain(|contact| *contact != merge.from);
            self.identities.iter_mut().filter(|i| i.contact == merge.from).for_each(|i| i.contact = merge.into);
        }
        for record in resolution.records {
            self.identities.retain(|known| (&known.key, known.contact) != (&record.key, record.contact));
            self.identities.push(record);
        }
        for (_, settled) in &resolution.settled {
            self.changes.retain(|change| change != settled);
        }
        self.sightings = resolution.unknown;
        self.flagged.extend(resolution.contradicted);
        let mut leading: Vec<_> = self.identities.iter().filter(|i| i.resolves).map(|i| i.key.clone()).collect();
        let all = leading.len();
        leading.sort();
        leading.dedup();
        assert_eq!(leading.len(), all, "a key leads to one contact");
        resolution.contacts
    }

    /// What is known of each contact: kind, value, whether current; contacts in the order of what they are known by.
    fn picture(&self) -> Vec<Vec<(IdentityKind, String, bool)>> {
        let of = |contact: &ContactId| {
            let mut keys: Vec<_> = self
                .identities
                .iter()
                .filter(|i| i.contact == *contact)
                .map(|i| (i.key.kind, i.key.value.clone(), i.current))
                .collect();
            keys.sort();
            keys
        };
        let mut picture: Vec<_> = self.contacts.iter().map(of).collect();
        picture.sort();
        picture
    }
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

fn bsuid(value: &str) -> IdentityKey {
    IdentityKey::bsuid("waba", value)
}

fn phone(value: &str) -> IdentityKey {
    IdentityKey::phone(value).unwrap()
}

fn person(id: Option<&str>, number: Option<&str>, seen: i64) -> Person {
    Person { bsuid: id.map(bsuid), phones: number.map(phone).into_iter().collect(), ..Person::unknown(at(seen)) }
}

fn change(before: &[IdentityKey], after: &[IdentityKey], seconds: i64) -> IdentityChange {
    IdentityChange { before: before.to_vec(), after: after.to_vec(), text: String::new(), changed_at: at(seconds) }
}

fn entry(kind: IdentityKind, value: &str, current: bool) -> (IdentityKind, String, bool) {
    (kind, value.to_owned(), current)
}

/// All orders of the numbers below `n`.
fn orders(n: usize) -> Vec<Vec<usize>> {
    if n == 0 {
        return vec![Vec::new()];
    }
    let insert = |order: Vec<usize>| {
        (0..n).map(move |at| {
            let mut order = order.clone();
            order.insert(at, n - 1);
            order
        })
    };
    orders(n - 1).into_iter().flat_map(insert).collect()
}

#[test]
fn one_batch_makes_one_contact_of_one_person() {
    let mut store = Store::new();
    let contacts = store.see(&[
        person(Some("US.1"), None, 1),
        person(Some("US.1"), Some("+1 555 0100"), 2),
        person(None, Some("15550100"), 3),
    ]);
    assert!(contacts.iter().all(|contact| *contact == contacts[0]));
    assert_eq!((store.contacts.len(), store.identities.len(), store.flagged.len()), (1, 2, 0));
}

#[test]
fn a_person_without_a_phone_is_a_person_and_one_without_anything_is_to_be_looked_at() {
    let mut store = Store::new();
    store.see(&[person(Some("US.1"), None, 1)]);
    assert_eq!((store.contacts.len(), store.flagged.len()), (1, 0));
    let unknown = store.see(&[person(None, None, 2)]);
    assert_eq!((store.contacts.len(), &store.flagged), (2, &unknown));
}

#[test]
fn a_contact_known_by_phone_gets_its_bsuid() {
    let mut store = Store::new();
    let first = store.see(&[person(None, Some("15550100"), 1)]);
    assert_eq!(store.see(&[person(Some("US.1"), Some("15550100"), 2)]), first);
    assert_eq!(store.see(&[person(Some("US.1"), None, 3)]), first);
    assert!(store.flagged.is_empty());
}

#[test]
fn numbers_are_found_in_both_spellings_and_the_very_number_wins() {
    let mut store = Store::new();
    let old = store.see(&[person(None, Some("551187654321"), 1)]);
    assert_eq!(store.see(&[person(None, Some("5511987654321"), 2)]), old);
    assert_eq!(store.picture().len(), 1);

    // Both are contacts already: each is found by its own number.
    let mut store = Store::new();
    for (id, number) in [("BR.1", "551187654321"), ("BR.2", "5511987654321")] {
        store.see(&[person(Some(id), Some(number), 1)]);
    }
    let [one, two] = ["551187654321", "5511987654321"].map(|number| store.see(&[person(None, Some(number), 2)]));
    assert_ne!(one, two);
}

#[test]
fn a_recycled_number_is_another_person_who_gets_the_number() {
    let mut store = Store::new();
    let old = store.see(&[person(Some("US.1"), Some("15550100"), 1)]);
    let new = store.see(&[person(Some("US.2"), Some("15550100"), 2)]);
    assert_ne!(old, new);
    assert_eq!(store.flagged.len(), 2);
    assert_eq!(store.see(&[person(None, Some("15550100"), 3)]), new);
    assert_eq!(
        store.picture(),
        [
            vec![entry(IdentityKind::Bsuid, "US.1", true), entry(IdentityKind::Phone, "15550100", false)],
            vec![entry(IdentityKind::Bsuid, "US.2", true), entry(IdentityKind::Phone, "15550100", true)],
        ]
    );
}

#[test]
fn who_was_seen_later_has_the_number_whatever_comes_first() {
    let seen = [person(Some("US.1"), Some("15550100"), 1), person(Some("US.2"), Some("15550100"), 2)];
    let pictures = orders(2).into_iter().map(|order| {
        let mut store = Store::new();
        for n in order {
            store.see(&seen[n..=n]);
        }
        store.picture()
    });
    let pictures: Vec<_> = pictures.collect();
    assert_eq!(pictures[0], pictures[1]);
}

#[test]
fn an_id_and_a_number_that_turn_out_to_be_one_person_are_merged() {
    let mut store = Store::new();
    let by_id = store.see(&[person(Some("US.1"), None, 1)]);
    let by_number = store.see(&[person(None, Some("15550100"), 2)]);
    assert_ne!(by_id, by_number);
    assert_eq!(store.see(&[person(Some("US.1"), Some("15550100"), 3)]), by_id);
    assert_eq!((store.picture().len(), store.flagged.len()), (1, 0));
}

#[test]
fn two_people_with_an_id_each_are_never_merged() {
    let mut store = Store::new();
    let one = store.see(&[person(Some("US.1"), None, 1)]);
    store.see(&[person(Some("US.2"), Some("15550100"), 2)]);
    assert_eq!(store.see(&[person(Some("US.1"), Some("15550100"), 3)]), one);
    assert_eq!((store.picture().len(), store.flagged.len()), (2, 2));
}

#[test]
fn a_rotation_and_messages_before_and_after_it_are_one_contact_in_any_order() {
    let full = change(&[bsuid("US.1"), phone("15550100")], &[bsuid("US.2"), phone("15550200")], 5);
    let bare = change(&[bsuid("US.1")], &[bsuid("US.2")], 5);
    for rotation in [full, bare] {
        let (old, new) = (person(Some("US.1"), Some("15550100"), 1), person(Some("US.2"), Some("15550200"), 9));
        let pictures: Vec<_> = orders(3)
            .into_iter()
            .map(|order| {
                let mut store = Store::new();
                for step in order {
                    match step {
                        0 => drop(store.see(std::slice::from_ref(&old))),
                        1 => drop(store.see(std::slice::from_ref(&new))),
                        _ => store.change(rotation.clone()),
                    }
                }
                assert!(store.flagged.is_empty() && store.changes.is_empty());
                store.picture()
            })
            .collect();
        assert_eq!(pictures[0].len(), 1);
        assert!(pictures[0][0].contains(&entry(IdentityKind::Bsuid, "US.1", false)));
        assert!(pictures[0][0].contains(&entry(IdentityKind::Bsuid, "US.2", true)));
        assert!(pictures.iter().all(|picture| *picture == pictures[0]), "{pictures:#?}");
    }
}

#[test]
fn a_chain_of_rotations_ends_in_one_contact_in_any_order() {
    let steps = [
        change(&[bsuid("US.1")], &[bsuid("US.2")], 2),
        change(&[bsuid("US.2")], &[bsuid("US.3")], 4),
        change(&[bsuid("US.3")], &[bsuid("US.1")], 6),
    ];
    let pictures: Vec<_> = orders(5)
        .into_iter()
        .map(|order| {
            let mut store = Store::new();
            for step in order {
                match step {
                    0..3 => store.change(steps[step].clone()),
                    3 => drop(store.see(&[person(Some("US.1"), Some("15550100"), 1)])),
                    _ => drop(store.see(&[person(Some("US.3"), None, 5)])),
                }
            }
            store.picture()
        })
        .collect();
    assert_eq!(pictures[0].len(), 1);
    assert!(pictures[0][0].contains(&entry(IdentityKind::Bsuid, "US.1", true)));
    assert!(pictures.iter().all(|picture| *picture == pictures[0]), "{pictures:#?}");
}

#[test]
fn a_change_of_somebody_unknown_makes_no_contact() {
    let mut store = Store::new();
    store.change(change(&[bsuid("US.1")], &[bsuid("US.2")], 1));
    assert_eq!((store.contacts.len(), store.changes.len()), (0, 1));
}

#[test]
fn an_older_notice_without_ids_moves_the_number() {
    let mut store = Store::new();
    let old = store.see(&[person(Some("US.1"), Some("15550100"), 1)]);
    store.change(change(&[phone("15550100")], &[bsuid("US.2"), phone("15550200")], 5));
    assert_eq!(store.see(&[person(Some("US.2"), None, 6)]), old);
    assert_eq!(store.see(&[person(None, Some("15550200"), 7)]), old);
    let current: Vec<_> = store.picture().remove(0).into_iter().filter(|(.., current)| *current).collect();
    assert_eq!(current, [entry(IdentityKind::Bsuid, "US.2", true), entry(IdentityKind::Phone, "15550200", true)]);
}

#[test]
fn the_next_owner_of_a_number_that_was_given_up_is_another_person_and_nothing_to_wonder_about() {
    let mut store = Store::new();
    let old = store.see(&[person(Some("US.1"), Some("15550100"), 1)]);
    store.change(change(&[bsuid("US.1"), phone("15550100")], &[bsuid("US.2"), phone("15550200")], 5));
    let next = store.see(&[person(Some("US.9"), Some("15550100"), 9)]);
    assert_ne!(old, next);
    assert!(store.flagged.is_empty());
    assert_eq!(store.see(&[person(Some("US.1"), None, 4)]), old, "late events still find them");
}

#[test]
fn names_of_users_are_shown_and_lead_nowhere() {
    let mut store = Store::new();
    let named = |id: &str, name: &str, seen: i64| Person {
        username: Some(IdentityKey::username(name)),
        parent_bsuid: Some(IdentityKey::parent_bsuid("US.ENT.7")),
        ..person(Some(id), None, seen)
    };
    for (name, seen) in [("ada", 1), ("lady", 3), ("between", 2), ("LADY", 4)] {
        store.see(&[named("US.1", name, seen)]);
    }
    store.see(&[named("US.2", "lady", 5)]);
    assert_eq!(store.contacts.len(), 2);
    let usernames: Vec<_> =
        store.picture()[0].iter().filter(|(kind, ..)| *kind == IdentityKind::Username).cloned().collect();
    assert_eq!(
        usernames,
        [
            entry(IdentityKind::Username, "ada", false),
            entry(IdentityKind::Username, "between", false),
            entry(IdentityKind::Username, "lady", true),
        ]
    );
}

#[test]
fn another_number_that_somebody_hands_out_is_theirs() {
    let mut store = Store::new();
    let mut ada = person(Some("US.1"), None, 1);
    ada.phones.push(phone("15550100"));
    let contact = store.see(&[ada]);
    assert_eq!(store.see(&[person(None, Some("15550100"), 2)]), contact);
}

#[test]
fn what_is_known_already_is_not_written_again() {
    let mut store = Store::new();
    let ada = person(Some("US.1"), Some("15550100"), 1);
    store.see(std::slice::from_ref(&ada));
    let known = Known { identities: store.identities.clone(), ..Known::default() };
    let resolution = resolve(known, &[person(Some("US.1"), Some("15550100"), 2)], &store.clock);
    assert!(resolution.records.is_empty() && resolution.new.is_empty());
}

#[test]
fn a_sighting_makes_nobody_a_contact_and_one_of_two() {
    let mut store = Store::new();
    store.sight(person(Some("US.1"), Some("15550100"), 1));
    assert_eq!((store.contacts.len(), store.identities.len(), store.sightings.len()), (0, 0, 1));

    let both = [vec![entry(IdentityKind::Bsuid, "US.1", true), entry(IdentityKind::Phone, "15550100", true)]];
    for order in orders(3) {
        let mut store = Store::new();
        for step in &order {
            match step {
                0 => drop(store.see(&[person(None, Some("15550100"), 1)])),
                1 => store.sight(person(Some("US.1"), Some("15550100"), 2)),
                _ => drop(store.see(&[person(Some("US.1"), None, 3)])),
            }
        }
        assert_eq!(store.picture(), both, "{order:?}");
        assert!(store.sightings.is_empty() && store.flagged.is_empty(), "{order:?}");
    }
}

#[test]
fn a_sighting_of_a_number_with_another_user_id_waits_for_who_that_is() {
    let mut store = Store::new();
    let ada = store.see(&[person(Some("US.1"), Some("15550100"), 1)]);
    store.sight(person(Some("US.2"), Some("15550100"), 2));
    assert_eq!((store.contacts.len(), store.sightings.len(), store.flagged.len()), (1, 1, 0));
    let grace = store.see(&[person(Some("US.2"), None, 3)]);
    assert_ne!(ada, grace);
    assert_eq!((store.sightings.len(), store.flagged.len()), (0, 2));
    assert_eq!(store.see(&[person(None, Some("15550100"), 4)]), grace);
}

#[test]
fn two_who_contradict_each_other_elsewhere_are_not_one() {
    let mut store = Store::new();
    let elsewhere = |id: &str, number: Option<&str>, seen: i64| Person {
        bsuid: Some(IdentityKey::bsuid("another", id)),
        ..person(None, number, seen)
    };
    let ada = store.see(&[person(Some("US.1"), Some("15550199"), 1), elsewhere("US.7", Some("15550199"), 2)]);
    let grace = store.see(&[elsewhere("US.8", Some("15550100"), 3)]);
    // At this account the number has no other user id, but its owner has one where both are known.
    assert_eq!(store.see(&[person(Some("US.1"), Some("15550100"), 4)]), [ada[0]]);
    assert_eq!((store.contacts.len(), store.flagged.len()), (2, 2));
    assert_ne!(ada[0], grace[0]);
}

#[test]
fn what_comes_late_from_a_number_that_was_left_is_nothing_to_wonder_about() {
    let mut store = Store::new();
    let ada = store.see(&[person(Some("US.1"), Some("15550100"), 1)]);
    store.change(change(&[bsuid("US.1"), phone("15550100")], &[bsuid("US.2"), phone("15550199")], 10));
    let grace = store.see(&[person(Some("US.9"), Some("15550100"), 20)]);
    assert_eq!(store.see(&[person(Some("US.1"), Some("15550100"), 5)]), ada);
    assert_eq!(store.see(&[person(None, Some("15550100"), 21)]), grace);
    assert!(store.flagged.is_empty());
    // After it had been left, it is.
    store.see(&[person(Some("US.2"), Some("15550100"), 30)]);
    assert_eq!(store.flagged.len(), 2);
}
