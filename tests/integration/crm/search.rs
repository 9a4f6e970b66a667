//! Search for contacts and messages.

use serde_json::{Value, json};

use super::{contact_of, create};
use crate::kit::api::{Hit, Hits, Resource as _, column};
use crate::kit::app::{Settings, TestApp, TestTenant};
use crate::kit::bulk_data::Size;
use crate::kit::client::Response;
use crate::kit::customer::{Customer, fresh_phone, wamid};

async fn ask(tenant: &TestTenant, query: &str) -> Response {
    let encoded: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
    tenant.client.get(&format!("/crm/search?q={encoded}")).await
}

/// The hits in order.
async fn hits(tenant: &TestTenant, query: &str) -> Vec<Hit> {
    ask(tenant, query).await.body::<Hits>(200).data
}

/// The hits in order: names of contacts, texts of messages.
async fn found(tenant: &TestTenant, query: &str) -> Vec<String> {
    let line = |hit: Hit| match hit {
        Hit::Contact { by, contact } => format!("{by} {}", contact.display_name),
        Hit::Message { message } => format!("message {}", message.text),
    };
    hits(tenant, query).await.into_iter().map(line).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn contacts_are_found_best_match_first() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    contact_of(&tenant, "Zoë Müller", "+49 151 2000001").await;
    contact_of(&tenant, "Anna-Zoe O'Brien", "+49 151 2000002").await;
    contact_of(&tenant, "ПЁТР Иванов", "+49 151 20000021").await;
    let handle = json!({"display_name": "Unnamed", "identities": [{"kind": "username", "value": "Zoe.Fan"}]});
    create(&tenant, &handle).await.expect(201);

    for (query, expected) in [
        ("zoe", vec!["name Zoë Müller", "username Unnamed", "name Anna-Zoe O'Brien"]),
        ("ZOË", vec!["name Zoë Müller", "username Unnamed", "name Anna-Zoe O'Brien"]),
        ("müller zo", vec!["name Zoë Müller"]),
        ("Mu\u{308}ller", vec!["name Zoë Müller"]),
        ("o'brien", vec!["name Anna-Zoe O'Brien"]),
        ("петр", vec!["name ПЁТР Иванов"]),
        ("@zoe.fan", vec!["username Unnamed"]),
        ("zoe.f", vec!["username Unnamed"]),
        ("zoe unknown", vec![]),
        // An exact number ranks before numbers it is a prefix of.
        ("+491512000002", vec!["phone Anna-Zoe O'Brien", "phone ПЁТР Иванов"]),
        ("0049 (151) 2000002", vec!["phone Anna-Zoe O'Brien", "phone ПЁТР Иванов"]),
        ("49151200000", vec!["phone Anna-Zoe O'Brien", "phone Zoë Müller", "phone ПЁТР Иванов"]),
        // A number without its country's code is the end of one.
        ("1512000002", vec!["phone Anna-Zoe O'Brien"]),
        ("0151 2000002", vec!["phone Anna-Zoe O'Brien"]),
        ("00002", vec![]),
        // No character is an operator.
        ("%zoe%", vec!["name Zoë Müller", "username Unnamed", "name Anna-Zoe O'Brien"]),
        ("\"zoe\" & !müller:*", vec!["name Zoë Müller"]),
        ("zoe_", vec!["name Zoë Müller", "username Unnamed", "name Anna-Zoe O'Brien"]),
        ("'; DROP TABLE contacts; --", vec![]),
        ("\\zoe\\", vec!["name Zoë Müller", "username Unnamed", "name Anna-Zoe O'Brien"]),
        ("the and of", vec![]),
    ] {
        assert_eq!(found(&tenant, query).await, expected, "{query}");
    }
    let stranger = app.tenant().await;
    assert_eq!(found(&stranger, "zoe").await, [""; 0]);

    // Search reflects edits and deletions.
    let found_contacts = hits(&tenant, "müller").await;
    let contact = found_contacts[0].contact();
    let change = json!({"display_name": "Zoë Schmidt"});
    tenant.client.change(contact, change).await;
    assert_eq!(found(&tenant, "müller").await, [""; 0]);
    assert_eq!(found(&tenant, "schmidt").await, ["name Zoë Schmidt"]);
    tenant.client.delete(&contact.path()).await.expect(204);
    assert_eq!(found(&tenant, "schmidt").await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_found_by_words_latest_first() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let (ada, grace) = (Customer::fresh().named("Ada Invoice"), Customer::fresh().named("Grace"));
    let secret = ada.text(4, "invoice of the other tenant");
    for (customer, message) in [
        (&ada, ada.text(1, "Where is my INVOICE?")),
        (&grace, grace.text(2, "The invoice, please; naïve question: «über» 漢字")),
        (&ada, ada.text(3, "Invoices are late")),
        (&ada, secret.clone()),
    ] {
        app.process(&number.received(customer, &[message])).await;
    }
    let revoke = json!({"original_message_id": wamid(&secret)});
    app.process(&number.received(&ada, &[ada.message(5, "revoke", revoke)])).await;
    let (first, second, third) = (
        "message Where is my INVOICE?",
        "message The invoice, please; naïve question: «über» 漢字",
        "message Invoices are late",
    );
    for (query, expected) in [
        ("invoice", vec!["name Ada Invoice", third, second, first]),
        ("invoice is", vec![first]),
        ("please invoice", vec![second]),
        ("naive", vec![second]),
        ("UBER question", vec![second]),
        ("漢字", vec![second]),
        // A prefix matches for the last word only, and only with three letters or more.
        ("late inv", vec![third]),
        ("inv late", vec![]),
        ("my in", vec![]),
        ("deleted", vec![]),
        ("unknown", vec![]),
    ] {
        assert_eq!(found(&tenant, query).await, expected, "{query}");
    }
    let results = hits(&tenant, "please").await;
    let message = results[0].message();
    let conversation = tenant.conversation_by_identity("bsuid", grace.bsuid()).await;
    assert_eq!(message.conversation_id.as_ref(), Some(&conversation.id));
    assert_eq!((&message.contact_id, message.contact_display_name.as_str()), (&conversation.contact_id, "Grace"));
    assert_eq!(
        (message.direction.as_str(), message.provider_timestamp.as_str()),
        ("inbound", crate::kit::meta::time(2).as_str())
    );
    let stranger = app.tenant().await;
    assert_eq!(found(&stranger, "invoice").await, [""; 0]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn words_of_all_scripts_are_found_as_people_type_them() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let texts = [
        "我想预订明天的房间",
        "明日の会議は東京で、ガンダムを見る",
        "ฉันต้องการจองห้องพักและสั่งกาแฟ",
        "고객센터에서 연락주세요",
        "Ðæðalus på Łódź, đak, smørrebrød, Straße, ısı",
        "ＦＵＬＬ　ｗｉｄｔｈ",
        "مُحَمَّدٌ يَكْتُبُ إلى أحمد وآدم",
        "नमस्ते हिन्दी में",
        "iPhone手机壳两个",
    ];
    for (at, text) in (0..).zip(texts) {
        let writer = Customer::fresh().named(text);
        app.process(&number.received(&writer, &[writer.text(at, text)])).await;
    }
    for (at, queries) in [
        (0, vec!["预订", "房间", "明天的房间", "我想预订明天的房间", "想预"]),
        (1, vec!["会議", "東京", "ガンダム", "ｶﾞﾝﾀﾞﾑ", "東京で"]),
        (2, vec!["ห้องพัก", "กาแฟ", "จอง", "สั่ง"]),
        (3, vec!["센터", "고객", "연락", "고객센터"]),
        (4, vec!["daedalus", "lodz", "dak", "smorrebrod", "strasse", "STRASSE", "isi", "Łódź", "smørrebrød"]),
        (5, vec!["full", "width", "ｗｉｄｔｈ"]),
        (6, vec!["محمد", "مُحَمَّد", "يكتب", "احمد", "أحمد", "الى", "وادم"]),
        (7, vec!["हिन्दी", "नमस्ते"]),
        (8, vec!["iphone", "手机", "机壳", "iPhone手机", "两个"]),
    ] {
        for query in queries {
            let expected = [format!("name {}", texts[at]), format!("message {}", texts[at])];
            assert_eq!(found(&tenant, query).await, expected, "{query}");
        }
    }
    for none in ["订预", "京東", "กาแย", "터센", "机手", "हिन्द्", "dadalus"] {
        assert_eq!(found(&tenant, none).await, [""; 0], "{none}");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn structured_messages_are_found_by_what_they_say() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let ada = Customer::fresh().named("Ada");
    let form = json!({"type": "nfm_reply", "nfm_reply": {
        "name": "flow", "body": "Sent", "response_json": r#"{"flow_token":"tokenvalue","colour":"turquoise"}"#,
    }});
    let card = json!([{"name": {"formatted_name": "Grace"}, "phones": [{"phone": "+1 555 0199"}], "addresses": [{"city": "Arlington"}]}]);
    let mut from_ad = ada.text(3, "Hello");
    from_ad["referral"] = json!({"source_type": "ad", "headline": "Gingerbread", "source_url": "https://x.example"});
    app.process(
        &number.received(&ada, &[ada.message(1, "interactive", form), ada.message(2, "contacts", card), from_ad]),
    )
    .await;
    let template = json!({"name": "order_sent", "components": [{"type": "body", "parameters": [{"type": "text", "text": "Marzipan"}]}]});
    app.process(&number.echoes(&[ada.echo(4, "template", template)])).await;
    for (query, expected) in [
        ("turquoise", vec!["message Sent\ncolour: turquoise"]),
        ("colour", vec!["message Sent\ncolour: turquoise"]),
        ("arlington", vec!["message Grace\nPhone: +1 555 0199\nAddress: Arlington"]),
        ("gingerbread", vec!["message Hello\nAd: Gingerbread"]),
        ("marzipan", vec!["message Marzipan"]),
        ("tokenvalue", vec![]),
    ] {
        assert_eq!(found(&tenant, query).await, expected, "{query}");
    }
    let conversation = tenant.conversation_by_identity("bsuid", ada.bsuid()).await;
    assert_eq!(conversation.last_message_preview, "Marzipan");
    let contact = tenant.contact_by_identity("bsuid", ada.bsuid()).await;
    let history: Vec<String> = tenant.interactions(&contact).await.into_iter().map(|it| it.text).collect();
    let expected =
        ["Marzipan", "Hello Ad: Gingerbread", "Grace Phone: +1 555 0199 Address: Arlington", "Sent colour: turquoise"];
    assert_eq!(history, expected);
    app.finish().await;
}

/// The word is found by each strategy: in the latest messages, in more of them, and by the index.
#[tokio::test(flavor = "multi_thread")]
async fn formerly_common_word_is_found_latest_first() {
    let app = TestApp::start_with(Settings { own_database: true, ..Settings::default() }).await;
    let tenant = app.tenant().await;
    let none = Size { contacts: 0, messages: 0 };
    app.database.fill_tenants(&tenant, Size { contacts: 10, messages: 15_000 }, 0, none).await;
    let places = async |query: &str| -> Vec<u32> {
        let of = |text: String| text.strip_prefix("message Hello, my order ")?.split(' ').next()?.parse().ok();
        found(&tenant, query).await.into_iter().map(|text| of(text).unwrap()).collect()
    };
    // One message in six matches, and one page has fifty.
    let broken = |latest: u32| -> Vec<u32> { (0..=latest).rev().filter(|n| n % 6 == 2).take(50).collect() };
    assert_eq!(places("broken").await, broken(15_000));
    app.database.execute("UPDATE messages SET text = '' WHERE substr(wamid, 7)::int > 13000").await;
    app.database.execute("UPDATE messages SET revoked_at = now() WHERE wamid = 'wamid.12998'").await;
    let wanted = [places("broken").await, places("item5 order").await];
    assert_eq!(wanted[0][..2], [12_992, 12_986]);
    assert_eq!(wanted[0][1..], broken(12_990)[..49]);
    assert!((1..=3).contains(&wanted[1].len()), "{wanted:?}");
    for more in [6_000, 50_000] {
        let later_messages = format!(
            "SET session_replication_role = replica;
             INSERT INTO messages (tenant_id, id, conversation_id, contact_id, account_id, wamid, direction, kind, text, payload,
                                   provider_timestamp, created_at)
             SELECT tenant_id, gen_random_uuid(), conversation_id, contact_id, account_id, gen_random_uuid(), 'inbound',
                    'sticker', '', '{{}}', now(), now()
               FROM messages CROSS JOIN generate_series(1, {more}) WHERE wamid = 'wamid.1'"
        );
        app.database.execute(&later_messages).await;
        assert_eq!([places("broken").await, places("item5 order").await], wanted, "{more} later ones");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn search_results_are_limited_and_split_by_kind() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let writer = Customer::fresh().named("Another Writer");
    let messages: Vec<Value> = (0..6).map(|n| writer.text(n, &format!("order {n}"))).collect();
    app.process(&number.received(&writer, &messages)).await;
    for n in 0..6 {
        contact_of(&tenant, &format!("Order Office {n}"), &fresh_phone()).await;
    }
    let kinds = async |limit: &str| -> Vec<&str> {
        let found: Hits = tenant.client.read(&format!("/crm/search?q=order&limit={limit}")).await;
        column(&found.data, Hit::kind)
    };
    assert_eq!(kinds("4").await, ["contact", "contact", "message", "message"]);
    assert_eq!(kinds("1").await, ["contact"]);
    assert_eq!(kinds("100").await.len(), 12);
    assert_eq!(found(&tenant, "order 5").await, ["name Order Office 5", "message order 5"]);

    let long = "x".repeat(10_240);
    for query in ["", "a", "%", "\"\"", "' '", "- -", "é", &"x".repeat(201), &long] {
        let answer = ask(&tenant, query).await;
        assert_eq!(answer.problem(400, "invalid_query").parameter(), "q", "{}", answer.text);
        assert!(!answer.text.contains("xxx"), "the query is not repeated");
    }
    for query in
        ["", "?limit=1", "?q=ab&q=cd", "?q=ab&limit=0", "?q=ab&limit=101", "?q=ab&kind=contact", "?q=ab&cursor=x"]
    {
        tenant.client.get(&format!("/crm/search{query}")).await.problem(400, "invalid_query");
    }
    assert_eq!(found(&tenant, &"x".repeat(200)).await, [""; 0]);
    let billing = app.user(&tenant, Some("billing")).await;
    billing.client.get("/crm/search?q=order").await.problem(403, "insufficient_scope");
    app.finish().await;
}
