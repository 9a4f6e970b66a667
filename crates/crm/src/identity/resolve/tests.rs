use chrono::{DateTime, TimeDelta, Utc};
use kernel::ManualClock;
use kernel::ids::ContactId;

use super::*;
use crate::identity::IdentityKind;

/// An in-memory store: each resolution is applied to it, and the next one reads from it.
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
        let known = StoredIdentities {
            identities: self.identities.clone(),
            changes: self.changes.clone(),
            sightings: self.sightings.clone(),
            unnamed: std::iter::empty().collect(),
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
        for (_, applied) in &resolution.applied_changes {
            self.changes.retain(|change| change != applied);
        }
        self.sightings = resolution.unmatched_sightings;
        self.flagged.extend(resolution.flagged_for_review);
        let mut leading: Vec<_> = self.identities.iter().filter(|i| i.resolves).map(|i| i.key.clone()).collect();
        let all = leading.len();
        leading.sort();
        leading.dedup();
        assert_eq!(leading.len(), all, "a key resolves to one contact");
        resolution.contacts
    }

    /// The identities of each contact (kind, value, whether current), sorted.
    fn snapshot(&self) -> Vec<Vec<(IdentityKind, String, bool)>> {
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
        let mut snapshot: Vec<_> = self.contacts.iter().map(of).collect();
        snapshot.sort();
        snapshot
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
    IdentityChange {
        before: before.to_vec(),
        after: after.to_vec(),
        text: String::new(),
        changed_at: at(seconds),
        arrival: kernel::Arrival::ZERO,
    }
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
fn person_seen_three_times_in_one_batch_is_one_contact() {
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
fn person_without_any_identity_is_flagged_for_review() {
    let mut store = Store::new();
    store.see(&[person(Some("US.1"), None, 1)]);
    assert_eq!((store.contacts.len(), store.flagged.len()), (1, 0));
    let unknown = store.see(&[person(None, None, 2)]);
    assert_eq!((store.contacts.len(), &store.flagged), (2, &unknown));
}

#[test]
fn contact_known_by_number_gets_its_bsuid() {
    let mut store = Store::new();
    let first = store.see(&[person(None, Some("15550100"), 1)]);
    assert_eq!(store.see(&[person(Some("US.1"), Some("15550100"), 2)]), first);
    assert_eq!(store.see(&[person(Some("US.1"), None, 3)]), first);
    assert!(store.flagged.is_empty());
}

#[test]
fn number_resolves_in_both_spellings_exact_spelling_first() {
    let mut store = Store::new();
    let old = store.see(&[person(None, Some("551187654321"), 1)]);
    assert_eq!(store.see(&[person(None, Some("5511987654321"), 2)]), old);
    assert_eq!(store.snapshot().len(), 1);

    // Each spelling has a contact already: each number resolves to its own.
    let mut store = Store::new();
    for (id, number) in [("BR.1", "551187654321"), ("BR.2", "5511987654321")] {
        store.see(&[person(Some(id), Some(number), 1)]);
    }
    let [one, two] = ["551187654321", "5511987654321"].map(|number| store.see(&[person(None, Some(number), 2)]));
    assert_ne!(one, two);
}

#[test]
fn recycled_number_moves_to_the_new_contact() {
    let mut store = Store::new();
    let old = store.see(&[person(Some("US.1"), Some("15550100"), 1)]);
    let new = store.see(&[person(Some("US.2"), Some("15550100"), 2)]);
    assert_ne!(old, new);
    assert_eq!(store.flagged.len(), 2);
    assert_eq!(store.see(&[person(None, Some("15550100"), 3)]), new);
    assert_eq!(
        store.snapshot(),
        [
            vec![entry(IdentityKind::Phone, "15550100", false), entry(IdentityKind::Bsuid, "US.1", true)],
            vec![entry(IdentityKind::Phone, "15550100", true), entry(IdentityKind::Bsuid, "US.2", true)],
        ]
    );
}

#[test]
fn number_goes_to_the_later_sighting_in_any_order() {
    let seen = [person(Some("US.1"), Some("15550100"), 1), person(Some("US.2"), Some("15550100"), 2)];
    let snapshots = orders(2).into_iter().map(|order| {
        let mut store = Store::new();
        for n in order {
            store.see(&seen[n..=n]);
        }
        store.snapshot()
    });
    let snapshots: Vec<_> = snapshots.collect();
    assert_eq!(snapshots[0], snapshots[1]);
}

#[test]
fn bsuid_and_number_of_one_person_merge_their_contacts() {
    let mut store = Store::new();
    let by_id = store.see(&[person(Some("US.1"), None, 1)]);
    let by_number = store.see(&[person(None, Some("15550100"), 2)]);
    assert_ne!(by_id, by_number);
    assert_eq!(store.see(&[person(Some("US.1"), Some("15550100"), 3)]), by_id);
    assert_eq!((store.snapshot().len(), store.flagged.len()), (1, 0));
}

#[test]
fn contacts_with_different_bsuids_are_never_merged() {
    let mut store = Store::new();
    let one = store.see(&[person(Some("US.1"), None, 1)]);
    store.see(&[person(Some("US.2"), Some("15550100"), 2)]);
    assert_eq!(store.see(&[person(Some("US.1"), Some("15550100"), 3)]), one);
    assert_eq!((store.snapshot().len(), store.flagged.len()), (2, 2));
}

#[test]
fn key_change_and_messages_are_one_contact_in_any_order() {
    let full = change(&[bsuid("US.1"), phone("15550100")], &[bsuid("US.2"), phone("15550200")], 5);
    let bare = change(&[bsuid("US.1")], &[bsuid("US.2")], 5);
    for rotation in [full, bare] {
        let (old, new) = (person(Some("US.1"), Some("15550100"), 1), person(Some("US.2"), Some("15550200"), 9));
        let snapshots: Vec<_> = orders(3)
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
                store.snapshot()
            })
            .collect();
        assert_eq!(snapshots[0].len(), 1);
        assert!(snapshots[0][0].contains(&entry(IdentityKind::Bsuid, "US.1", false)));
        assert!(snapshots[0][0].contains(&entry(IdentityKind::Bsuid, "US.2", true)));
        assert!(snapshots.iter().all(|snapshot| *snapshot == snapshots[0]), "{snapshots:#?}");
    }
}

#[test]
fn chain_of_key_changes_is_one_contact_in_any_order() {
    let steps = [
        change(&[bsuid("US.1")], &[bsuid("US.2")], 2),
        change(&[bsuid("US.2")], &[bsuid("US.3")], 4),
        change(&[bsuid("US.3")], &[bsuid("US.1")], 6),
    ];
    let snapshots: Vec<_> = orders(5)
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
            store.snapshot()
        })
        .collect();
    assert_eq!(snapshots[0].len(), 1);
    assert!(snapshots[0][0].contains(&entry(IdentityKind::Bsuid, "US.1", true)));
    assert!(snapshots.iter().all(|snapshot| *snapshot == snapshots[0]), "{snapshots:#?}");
}

#[test]
fn key_change_of_an_unknown_person_creates_no_contact() {
    let mut store = Store::new();
    store.change(change(&[bsuid("US.1")], &[bsuid("US.2")], 1));
    assert_eq!((store.contacts.len(), store.changes.len()), (0, 1));
}

#[test]
fn older_notice_without_bsuid_moves_the_number() {
    let mut store = Store::new();
    let old = store.see(&[person(Some("US.1"), Some("15550100"), 1)]);
    store.change(change(&[phone("15550100")], &[bsuid("US.2"), phone("15550200")], 5));
    assert_eq!(store.see(&[person(Some("US.2"), None, 6)]), old);
    assert_eq!(store.see(&[person(None, Some("15550200"), 7)]), old);
    let current: Vec<_> = store.snapshot().remove(0).into_iter().filter(|(.., current)| *current).collect();
    assert_eq!(current, [entry(IdentityKind::Phone, "15550200", true), entry(IdentityKind::Bsuid, "US.2", true)]);
}

#[test]
fn recycled_number_becomes_new_contact_without_review() {
    let mut store = Store::new();
    let old = store.see(&[person(Some("US.1"), Some("15550100"), 1)]);
    store.change(change(&[bsuid("US.1"), phone("15550100")], &[bsuid("US.2"), phone("15550200")], 5));
    let next = store.see(&[person(Some("US.9"), Some("15550100"), 9)]);
    assert_ne!(old, next);
    assert!(store.flagged.is_empty());
    assert_eq!(store.see(&[person(Some("US.1"), None, 4)]), old, "late events still resolve to the old contact");
}

#[test]
fn username_is_recorded_but_never_resolves() {
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
        store.snapshot()[0].iter().filter(|(kind, ..)| *kind == IdentityKind::Username).cloned().collect();
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
fn second_number_of_a_person_resolves_to_their_contact() {
    let mut store = Store::new();
    let mut ada = person(Some("US.1"), None, 1);
    ada.phones.push(phone("15550100"));
    let contact = store.see(&[ada]);
    assert_eq!(store.see(&[person(None, Some("15550100"), 2)]), contact);
}

#[test]
fn unchanged_identities_are_not_written_again() {
    let mut store = Store::new();
    let ada = person(Some("US.1"), Some("15550100"), 1);
    store.see(std::slice::from_ref(&ada));
    let known = StoredIdentities { identities: store.identities.clone(), ..StoredIdentities::default() };
    let resolution = resolve(known, &[person(Some("US.1"), Some("15550100"), 2)], &store.clock);
    assert!(resolution.records.is_empty() && resolution.new.is_empty());
}

#[test]
fn sighting_creates_no_contact_but_merges_two() {
    let mut store = Store::new();
    store.sight(person(Some("US.1"), Some("15550100"), 1));
    assert_eq!((store.contacts.len(), store.identities.len(), store.sightings.len()), (0, 0, 1));

    let both = [vec![entry(IdentityKind::Phone, "15550100", true), entry(IdentityKind::Bsuid, "US.1", true)]];
    for order in orders(3) {
        let mut store = Store::new();
        for step in &order {
            match step {
                0 => drop(store.see(&[person(None, Some("15550100"), 1)])),
                1 => store.sight(person(Some("US.1"), Some("15550100"), 2)),
                _ => drop(store.see(&[person(Some("US.1"), None, 3)])),
            }
        }
        assert_eq!(store.snapshot(), both, "{order:?}");
        assert!(store.sightings.is_empty() && store.flagged.is_empty(), "{order:?}");
    }
}

#[test]
fn sighting_with_another_bsuid_waits_for_its_contact() {
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
fn conflicting_bsuids_of_another_scope_prevent_a_merge() {
    let mut store = Store::new();
    let elsewhere = |id: &str, number: Option<&str>, seen: i64| Person {
        bsuid: Some(IdentityKey::bsuid("another", id)),
        ..person(None, number, seen)
    };
    let ada = store.see(&[person(Some("US.1"), Some("15550199"), 1), elsewhere("US.7", Some("15550199"), 2)]);
    let grace = store.see(&[elsewhere("US.8", Some("15550100"), 3)]);
    // In this scope the number's contact has no BSUID, but in the other scope the two have different ones.
    assert_eq!(store.see(&[person(Some("US.1"), Some("15550100"), 4)]), [ada[0]]);
    assert_eq!((store.contacts.len(), store.flagged.len()), (2, 2));
    assert_ne!(ada[0], grace[0]);
}

#[test]
fn late_event_from_a_replaced_number_needs_no_review() {
    let mut store = Store::new();
    let ada = store.see(&[person(Some("US.1"), Some("15550100"), 1)]);
    store.change(change(&[bsuid("US.1"), phone("15550100")], &[bsuid("US.2"), phone("15550199")], 10));
    let grace = store.see(&[person(Some("US.9"), Some("15550100"), 20)]);
    assert_eq!(store.see(&[person(Some("US.1"), Some("15550100"), 5)]), ada);
    assert_eq!(store.see(&[person(None, Some("15550100"), 21)]), grace);
    assert!(store.flagged.is_empty());
    // An event from after the replacement needs one.
    store.see(&[person(Some("US.2"), Some("15550100"), 30)]);
    assert_eq!(store.flagged.len(), 2);
}
