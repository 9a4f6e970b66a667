//! Compares what the sandbox accepted with what the database says of each wish.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Deserialize;

use super::database::TestDatabase;
use super::sandbox::Sent;

/// A message that a caller wanted to be sent.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Wish {
    pub(crate) send: String,
    pub(crate) message: String,
    pub(crate) conversation: String,
    pub(crate) position: i64,
    pub(crate) state: String,
    pub(crate) on_unknown: String,
    pub(crate) attempts: i64,
    pub(crate) may_have_been_sent: bool,
    pub(crate) reason: Option<String>,
    pub(crate) wamid: Option<String>,
    /// The names that Meta gave in answers and statuses of its attempts.
    pub(crate) attempt_wamids: Vec<String>,
}

const WISHES: &str = "
SELECT coalesce(jsonb_agg(jsonb_build_object(
         'send', replace(s.id::text, '-', ''), 'message', s.message_id, 'conversation', s.conversation_id,
         'position', s.position, 'state', s.state, 'on_unknown', s.on_unknown, 'attempts', s.attempts,
         'may_have_been_sent', s.may_have_been_sent, 'reason', s.error_title, 'wamid', m.wamid,
         'attempt_wamids', (SELECT coalesce(jsonb_agg(a.wamid) FILTER (WHERE a.wamid IS NOT NULL), '[]')
                              FROM send_attempts a WHERE a.tenant_id = s.tenant_id AND a.send_id = s.id))), '[]')::text AS finding
  FROM sends s JOIN messages m ON m.tenant_id = s.tenant_id AND m.id = s.message_id
 WHERE s.kind = 'message'";

pub(crate) async fn wishes(database: &TestDatabase) -> Vec<Wish> {
    serde_json::from_str(&database.text(WISHES).await).expect("the wishes are read")
}

/// The send that a request was made for.
pub(crate) fn send_of(entry: &Sent) -> &str {
    let opaque = entry.biz_opaque_callback_data.as_deref().expect("each request names its attempt");
    opaque.split('.').nth(1).expect("the send is named")
}

/// Compares wish by wish while nothing is being sent. `accepted` are the messages of all requests that were answered 202.
///
/// - Each wish has at most one entry in the journal, two if it wanted to be sent again (S1).
/// - Each entry is a message with that wamid, or of a wish that is unclear; nothing counts as sent without an entry (S2).
/// - Each wish that was answered 202 has a final state, or is unclear with a reason (S3).
/// - Within a conversation, entries have the order of the wishes (S4).
pub(crate) async fn judge(database: &TestDatabase, journal: &[Sent], accepted: &[&str]) -> Vec<Wish> {
    let wishes = wishes(database).await;
    let found = violations(&wishes, journal, accepted);
    assert!(found.is_empty(), "{} violations: {:#?}", found.len(), &found[..found.len().min(10)]);
    wishes
}

/// Each begins with the name of what does not hold.
fn violations(wishes: &[Wish], journal: &[Sent], accepted: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    let mut entries: HashMap<&str, Vec<&Sent>> = HashMap::new();
    for entry in journal {
        entries.entry(send_of(entry)).or_default().push(entry);
    }
    for wish in wishes {
        let of_wish = entries.remove(wish.send.as_str()).unwrap_or_default();
        let most = if wish.on_unknown == "resend" { 2 } else { 1 };
        if of_wish.len() > most {
            found.push(format!("S1: {} entries: {wish:?}", of_wish.len()));
        }
        let is_unclear = wish.may_have_been_sent && wish.state != "accepted";
        for entry in &of_wish {
            let is_named =
                entry.wamid == wish.wamid || wish.attempt_wamids.iter().any(|it| entry.wamid.as_ref() == Some(it));
            // The first of two attempts may have stayed unclear, like the only one.
            if !is_named && !is_unclear && of_wish.len() < 2 {
                found.push(format!("S2: {:?} is no message: {wish:?}", entry.wamid));
            }
        }
        if wish.state == "accepted" && !of_wish.iter().any(|entry| entry.wamid == wish.wamid) {
            found.push(format!("S2: it counts as sent and was not: {wish:?}"));
        }
        if matches!(wish.state.as_str(), "failed" | "expired" | "canceled")
            && !wish.may_have_been_sent
            && !of_wish.is_empty()
        {
            found.push(format!("S2: it counts as not sent and was: {wish:?}"));
        }
        let is_final = matches!(wish.state.as_str(), "accepted" | "failed" | "expired" | "canceled");
        let is_explained = wish.state == "unknown" && wish.may_have_been_sent && wish.reason.is_some();
        if !is_final && !is_explained {
            found.push(format!("S3: {wish:?}"));
        }
    }
    found.extend(entries.keys().map(|send| format!("S2: no wish of {send}")));
    let known: HashSet<&str> = wishes.iter().map(|wish| wish.message.as_str()).collect();
    found.extend(accepted.iter().filter(|id| !known.contains(*id)).map(|id| format!("S3: no wish of message {id}")));
    found.extend(out_of_order(wishes, journal));
    found
}

fn out_of_order(wishes: &[Wish], journal: &[Sent]) -> Vec<String> {
    let places: HashMap<&str, &Wish> = wishes.iter().map(|wish| (wish.send.as_str(), wish)).collect();
    let mut last: HashMap<&str, &Wish> = HashMap::new();
    let mut found = Vec::new();
    for wish in journal.iter().filter_map(|entry| places.get(send_of(entry)).copied()) {
        if let Some(earlier) = last.insert(&wish.conversation, wish)
            && earlier.position > wish.position
        {
            found.push(format!("S4: {wish:?} after {earlier:?}"));
        }
    }
    found
}

/// No second of a number has more requests than allowed (S8). What left evenly may arrive closer together on a busy machine, by
/// less than a tenth of a second.
pub(crate) fn assert_pace(journal: &[Sent], per_second: usize) {
    let mut arrivals: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for entry in journal {
        arrivals.entry(&entry.phone_number_id).or_default().push(entry.received_at_ms);
    }
    let most = per_second + per_second.div_ceil(10);
    for (number, times) in arrivals {
        for (index, start) in times.iter().enumerate() {
            let within = times[index..].iter().take_while(|time| **time < start + 1_000).count();
            assert!(within <= most, "{number}: {within} within a second from {start}");
        }
    }
}

/// How many wishes have each state.
pub(crate) fn states(wishes: &[Wish]) -> BTreeMap<&str, usize> {
    let mut states = BTreeMap::new();
    for wish in wishes {
        *states.entry(wish.state.as_str()).or_default() += 1;
    }
    states
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The n-th wish of a conversation.
    fn wish(position: i64, state: &str) -> Wish {
        Wish {
            send: format!("send{position}"),
            message: format!("message{position}"),
            conversation: "conversation".to_owned(),
            position,
            state: state.to_owned(),
            on_unknown: "hold".to_owned(),
            attempts: 1,
            may_have_been_sent: state == "unknown",
            reason: (state == "unknown").then(|| "unclear".to_owned()),
            wamid: (state == "accepted").then(|| format!("wamid{position}")),
            attempt_wamids: Vec::new(),
        }
    }

    fn entry(position: i64, received_at_ms: i64) -> Sent {
        let fields = serde_json::json!({
            "received_at_ms": received_at_ms, "phone_number_id": "1", "kind": "text", "to": null, "recipient": null,
            "wamid": format!("wamid{position}"), "biz_opaque_callback_data": format!("1.send{position}.1.mac"), "body": {},
        });
        serde_json::from_value(fields).unwrap()
    }

    /// The names of what does not hold.
    fn names(wishes: &[Wish], journal: &[Sent]) -> Vec<String> {
        violations(wishes, journal, &["message1"]).iter().map(|it| it[..2].to_owned()).collect()
    }

    #[test]
    fn what_is_consistent_has_no_violation() {
        assert!(names(&[wish(1, "accepted"), wish(2, "unknown")], &[entry(1, 0), entry(2, 1)]).is_empty());
        assert!(names(&[wish(1, "failed"), wish(2, "unknown")], &[]).is_empty());
        let resent = Wish { on_unknown: "resend".to_owned(), ..wish(1, "accepted") };
        assert!(names(&[resent], &[entry(1, 0), entry(1, 1)]).is_empty());
    }

    #[test]
    fn each_violation_is_found() {
        let nameless = Wish { wamid: Some("other".to_owned()), ..wish(1, "accepted") };
        let silent = Wish { reason: None, ..wish(1, "unknown") };
        let rows: [(&[Wish], &[Sent], &[&str]); 9] = [
            (&[wish(1, "accepted")], &[entry(1, 0), entry(1, 1)], &["S1"]),
            (&[nameless], &[entry(1, 0)], &["S2", "S2"]),
            (&[wish(1, "accepted")], &[], &["S2"]),
            (&[wish(1, "failed")], &[entry(1, 0)], &["S2", "S2"]),
            (&[wish(1, "accepted")], &[entry(1, 0), entry(2, 1)], &["S2"]),
            (&[wish(1, "queued")], &[], &["S3"]),
            (&[silent], &[], &["S3"]),
            (&[], &[], &["S3"]),
            (&[wish(1, "accepted"), wish(2, "accepted")], &[entry(2, 0), entry(1, 1)], &["S4"]),
        ];
        for (wishes, journal, expected) in rows {
            assert_eq!(names(wishes, journal), expected, "{wishes:?} {journal:?}");
        }
    }

    #[test]
    fn pace_within_the_throughput_is_allowed() {
        let even: Vec<Sent> = (0..100).map(|number| entry(number, number * 50)).collect();
        assert_pace(&even, 20);
    }

    #[test]
    #[should_panic(expected = "within a second")]
    fn pace_above_the_throughput_is_found() {
        let fast: Vec<Sent> = (0..100).map(|number| entry(number, number * 40)).collect();
        assert_pace(&fast, 20);
    }
}
