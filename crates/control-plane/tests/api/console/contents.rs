//! What is in a service: topics, service users, ACLs, quotas, events.

use http::StatusCode;
use http::header::{CACHE_CONTROL, LOCATION};
use model::{Grants, Principal, Role, Scope, SeenAt, SeenReport, SeenUse, Timestamp};
use serde_json::json;
use sqlx::PgPool;
use store::DesiredTopic;

use super::OVERVIEW;
use super::browser::{Browser, Seen};
use crate::harness::{Api, SERVICE, TOKEN, add_token};

fn page(end: &str) -> String {
    format!("{OVERVIEW}/{end}")
}

/// Somebody who has signed in, with what their forms carry.
struct Person<'a> {
    browser: Browser<'a>,
    csrf: String,
}

impl<'a> Person<'a> {
    async fn new(api: &'a Api, token: &str) -> Self {
        let mut browser = Browser::signed_in(api, token).await;
        let csrf = browser.csrf().await;
        Self { browser, csrf }
    }

    async fn with_role(api: &'a Api, token: &str, role: Role) -> Self {
        let project = Scope::Project("dev".parse().unwrap());
        add_token(&api.store, token, Grants::one(project, role)).await;
        Self::new(api, token).await
    }

    async fn get(&mut self, end: &str) -> Seen {
        self.browser.get(&page(end)).await
    }

    async fn send(&mut self, end: &str, fields: &[(&str, &str)]) -> Seen {
        let mut all = vec![("csrf", self.csrf.as_str())];
        all.extend(fields);
        self.browser.post(&page(end), &all).await
    }

    /// Sends a form that is done, and shows where it leads.
    async fn done(&mut self, end: &str, fields: &[(&str, &str)]) -> Seen {
        let answer = self.send(end, fields).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{end}: {}", answer.body);
        let to = answer.header(LOCATION).to_owned();
        let shown = self.browser.get(&to).await;
        assert_eq!(shown.status, StatusCode::OK, "{to}");
        shown
    }

    /// Sends a form that is refused, with that at that field.
    async fn refused(&mut self, end: &str, fields: &[(&str, &str)], field: &str, why: &str) {
        let answer = self.send(end, fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{end}: {}", answer.body);
        let (_, error) = answer.body.split_once(&format!("id=\"{field}-error\">")).unwrap();
        let (text, _) = error.split_once("</p>").unwrap();
        assert!(text.contains(why), "{text}");
        for (name, value) in fields {
            let kept =
                answer.has(&format!("value=\"{value}\"")) || answer.has(&format!(">{value}<"));
            assert!(kept, "{name} is kept: {}", answer.body);
        }
    }
}

/// Of a topic, seen yesterday.
async fn saw(api: &Api, name: &str) {
    let a_use = SeenUse {
        principal: Some(Principal(name.into())),
        proven: true,
        resource_type: "Topic".parse().unwrap(),
        resource_name: "orders".into(),
        operation: "Read".parse().unwrap(),
        last: Timestamp::now().plus_ms(-24 * 60 * 60 * 1000),
    };
    let report = SeenReport { uses: vec![a_use], claims: Vec::new() };
    let service = api.service().await.id;
    api.store.seen.record(service, SeenAt::Broker, &report, Timestamp::now()).await.unwrap();
}

/// A service user that may read what it was seen to read, by an entry of that id.
async fn with_alice(api: &Api) -> String {
    api.post(&format!("{SERVICE}/user"), json!({ "username": "alice" })).await.ok();
    let entry = json!({ "permission": "read", "topic": "orders", "username": "alice" });
    let all = api.post(&format!("{SERVICE}/acl"), entry).await.ok();
    saw(api, "alice").await;
    let mine = all["acl"].as_array().unwrap().iter().find(|it| it["username"] == "alice");
    mine.unwrap()["id"].as_str().unwrap().to_owned()
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn pages_offer_what_a_role_may_do_and_refuse_the_rest(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    with_alice(&api).await;
    let mut reader = Person::with_role(&api, "tidegate_reader", Role::ReadOnly).await;
    let mut developer = Person::with_role(&api, "tidegate_developer", Role::Developer).await;
    for (shown, offered) in [
        ("topics", "new-topic"),
        ("users", "new-user"),
        ("users/alice", "users/alice/delete"),
        ("users/alice", "users/alice/reveal"),
        ("acls", "new-acl"),
        ("acls", "new-kafka-acl"),
        ("quotas", "set-quota"),
    ] {
        let link = format!("\"{}\"", page(offered));
        let seen = reader.get(shown).await;
        assert!(seen.status == StatusCode::OK && !seen.has(&link), "{shown}: {}", seen.body);
        assert!(developer.get(shown).await.has(&link), "{shown}: {offered}");
        let refused = reader.send(offered, &[("username", "bob")]).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{offered}");
        let without = developer.browser.post(&page(offered), &[("username", "bob")]).await;
        assert_eq!(without.status, StatusCode::FORBIDDEN, "{offered} without its token");
    }
    let mut other = Browser::signed_in(&api, crate::harness::OTHER_TOKEN).await;
    for end in ["topics", "users", "acls", "quotas", "events"] {
        assert_eq!(other.get(&page(end)).await.status, StatusCode::NOT_FOUND, "{end}");
    }
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_topic_is_asked_for_and_what_is_wrong_is_at_its_field(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let mut dev = Person::new(&api, TOKEN).await;
    for (fields, field, why) in [
        ([("topic_name", "a/b"), ("partitions", "3")], "topic_name", "a-z, 0-9"),
        ([("topic_name", "orders"), ("partitions", "0")], "partitions", "1 to 10000"),
        ([("topic_name", "orders"), ("partitions", "many")], "partitions", "no number"),
        ([("topic_name", "orders"), ("replication", "1")], "replication", "minimum of 2"),
        ([("topic_name", "orders"), ("retention_hours", "-5")], "retention_hours", "-1"),
        ([("topic_name", "orders"), ("config", "x=1")], "config", "not offered"),
    ] {
        dev.refused("new-topic", &fields, field, why).await;
    }
    // Kafka is away here, and what was typed stays.
    let away = dev.send("new-topic", &[("topic_name", "orders")]).await;
    assert_eq!(away.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(away.has("Kafka cannot be reached") && away.has("value=\"orders\""), "{}", away.body);
    let list = dev.get("topics").await;
    assert!(list.has("Kafka cannot be reached") && list.has("Create topic"), "{}", list.body);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_topic_is_deleted_after_a_question(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let service = api.service().await.id;
    let desired = DesiredTopic {
        name: "orders".parse().unwrap(),
        partitions: 3,
        replication: 3,
        config: [].into(),
        tags: Vec::new(),
        deleting: false,
        problem: None,
    };
    api.store.topics.create(service, &desired, &"test".into()).await.unwrap();
    let mut dev = Person::new(&api, TOKEN).await;
    let asked = dev.get("topics/orders/delete").await;
    assert!(asked.has("with all of its records"), "{}", asked.body);
    assert!(!api.store.topics.list(service).await.unwrap()[0].deleting);
    let done = dev.done("topics/orders/delete", &[]).await;
    assert!(done.has("is being deleted"), "{}", done.body);
    assert!(api.store.topics.list(service).await.unwrap()[0].deleting);
    assert_eq!(dev.send("topics/orders/delete", &[]).await.status, StatusCode::NOT_FOUND);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_password_is_shown_on_demand_only(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let mut dev = Person::new(&api, TOKEN).await;
    dev.refused("new-user", &[("username", "a b")], "username", "1-64").await;
    let shown = dev.done("new-user", &[("username", "bob")]).await;
    let password = async || {
        let user = api.get(&format!("{SERVICE}/user/bob")).await.ok();
        user["user"]["password"].as_str().unwrap().to_owned()
    };
    let first = password().await;
    assert!(shown.has("The service user is there.") && !shown.has(&first), "{}", shown.body);
    assert!(!dev.get("users").await.has(&first));
    let revealed = dev.send("users/bob/reveal", &[]).await;
    assert!(revealed.has(&first), "{}", revealed.body);
    assert_eq!(revealed.header(CACHE_CONTROL), "no-store");
    assert_eq!(dev.get("users/bob/reveal").await.status, StatusCode::METHOD_NOT_ALLOWED);
    dev.refused("new-user", &[("username", "bob")], "username", "already exists").await;
    dev.done("users/bob/reset", &[]).await;
    let second = password().await;
    assert_ne!(first, second);
    assert!(!dev.get("users/bob").await.has(&second));
    let primary = dev.send("users/avnadmin/delete", &[]).await;
    assert!(primary.has("cannot be deleted"), "{}", primary.body);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn who_loses_access_is_said_before_a_user_or_an_entry_is_deleted(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let acl = with_alice(&api).await;
    // There is an entry for everybody in a new service.
    let all = api.get(&format!("{SERVICE}/acl")).await.ok();
    for it in all["acl"].as_array().unwrap().iter().filter(|it| it["username"] != "alice") {
        api.delete(&format!("{SERVICE}/acl/{}", it["id"].as_str().unwrap())).await.ok();
    }
    let mut dev = Person::new(&api, TOKEN).await;
    let entry = format!("acls/acl/{acl}/delete");
    for (end, what) in [("users/alice/delete", "alice"), (entry.as_str(), "read on topics")] {
        let asked = dev.get(end).await;
        assert!(asked.has("1 use of the last 14 days"), "{end}: {}", asked.body);
        assert!(asked.has(what) && asked.has("Read Topic orders"), "{}", asked.body);
    }
    assert!(dev.done(&entry, &[]).await.has("There is no entry."));
    assert_eq!(dev.get(&entry).await.status, StatusCode::NOT_FOUND);
    assert!(dev.get("users/alice/delete").await.has("Nobody who was seen"));
    assert!(dev.done("users/alice/delete", &[]).await.has("is deleted"));
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn entries_of_both_kinds_are_added_and_a_denial_asks_first(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    with_alice(&api).await;
    let mut dev = Person::new(&api, TOKEN).await;
    let wrong = [("username", "ü"), ("permission", "read"), ("topic", "t")];
    dev.refused("new-acl", &wrong, "username", "pattern").await;
    let fields = [("username", "al*"), ("permission", "write"), ("topic", "logs-*")];
    let list = dev.done("new-acl", &fields).await;
    assert!(list.has("Write on Topic PREFIXED logs-"), "{}", list.body);
    dev.refused("new-acl", &fields, "username", "Identical").await;
    let native = |permission, operation| {
        [
            ("permission_type", permission),
            ("principal", "User:alice"),
            ("operation", operation),
            ("resource_type", "Topic"),
            ("pattern_type", "LITERAL"),
            ("resource_name", "orders"),
        ]
    };
    let unknown = native("ALLOW", "IdempotentWrite");
    dev.refused("new-kafka-acl", &unknown, "operation", "Kafka knows for a Topic").await;
    let list = dev.done("new-kafka-acl", &native("ALLOW", "Read")).await;
    assert!(list.has("User:alice") && list.has("Topic LITERAL"), "{}", list.body);
    let denial = native("DENY", "Read");
    let asked = dev.send("new-kafka-acl", &denial).await;
    assert_eq!(asked.status, StatusCode::OK);
    assert!(asked.has("1 use of the last 14 days would be refused"), "{}", asked.body);
    assert_eq!(api.store.kafka_acls.list(api.service().await.id).await.unwrap().len(), 1);
    let mut confirmed = denial.to_vec();
    confirmed.push(("confirmed", "yes"));
    assert!(dev.done("new-kafka-acl", &confirmed).await.has("DENY"));
    assert_eq!(api.store.kafka_acls.list(api.service().await.id).await.unwrap().len(), 2);
    // What is asked of one table leaves the other as it is.
    let found = dev.get("acls?of=kafka&q=DENY&sort=-principal").await;
    assert!(found.has("1–1 of 1 (2 in all)") && found.has("logs-*"), "{}", found.body);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_quota_is_set_changed_and_deleted(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let mut dev = Person::new(&api, TOKEN).await;
    let rate = [("user", "alice"), ("consumer_byte_rate", "1.5")];
    dev.refused("set-quota", &rate, "consumer_byte_rate", "whole number").await;
    let nobody = dev.send("set-quota", &[("consumer_byte_rate", "10")]).await;
    assert!(nobody.has("must be given") && nobody.has("value=\"10\""), "{}", nobody.body);
    let set = [("user", "a&b=c"), ("producer_byte_rate", "2048")];
    assert!(dev.done("set-quota", &set).await.has("2048"));
    let form = dev.get("set-quota?user=a%26b%3Dc").await;
    assert!(form.has("value=\"a&amp;b=c\"") && form.has("value=\"2048\""), "{}", form.body);
    let asked = dev.get("delete-quota?user=a%26b%3Dc").await;
    assert!(asked.has("All limits of user"), "{}", asked.body);
    assert!(dev.done("delete-quota", &[("user", "a&b=c")]).await.has("nobody is throttled"));
    let gone = dev.send("delete-quota", &[("user", "a&b=c")]).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn events_are_found_by_who_what_and_when_and_admins_see_the_difference(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    for n in 0..60 {
        let body = json!({ "username": format!("user-{n:02}") });
        api.post(&format!("{SERVICE}/user"), body).await.ok();
    }
    api.update(json!({ "kafka_rest": false })).await.ok();
    let mut admin = Person::new(&api, TOKEN).await;
    let first = admin.get("events").await;
    assert!(first.has("kafka_rest") && first.has("<del>true</del>"), "{}", first.body);
    assert!(first.has("user-59") && !first.has("user-05") && !first.has("Newest"));
    let (_, rest) = first.body.split_once("rel=\"next\"").map_or_else(
        || panic!("there are older ones"),
        |(before, _)| before.rsplit_once("href=\"").unwrap(),
    );
    let older = rest.split('"').next().unwrap().replace("&amp;", "&");
    let second = admin.browser.get(&older).await;
    assert!(second.has("user-05") && !second.has("user-59") && second.has("Newest"), "{older}");
    for (query, there) in [
        ("text=USER-07", true),
        ("text=user-07&kind=service_user_create&actor=owner+of+token-of-dev", true),
        ("text=user-07&kind=service_update", false),
        ("text=user-07&actor=nobody", false),
        ("text=user-07&since=2020-01-01", true),
        ("text=user-07&since=2199-01-01", false),
        ("text=user-07&until=2020-01-01", false),
        ("text=user-07&until=9999-12-31", true),
    ] {
        let page = admin.get(&format!("events?{query}")).await;
        assert_eq!(page.status, StatusCode::OK, "{query}");
        assert_eq!(page.has("user-07 created"), there, "{query}: {}", page.body);
    }
    assert!(admin.get("events?since=never").await.has("is no day"));
    for query in ["text=%00", "actor=%00", "text=50%25", "text=user_07", "beyond=nonsense"] {
        let page = admin.get(&format!("events?{query}")).await;
        assert_eq!(page.status, StatusCode::OK, "{query}: {}", page.body);
        assert!(!page.has("user-07 created"), "{query}");
    }
    let oldest = admin.get("events?sort=when&kind=service_user_create").await;
    assert!(oldest.has("user-05") && !oldest.has("user-59") && !oldest.has(">Oldest<"));
    let (_, rest) = oldest.body.split_once("beyond=").unwrap();
    let beyond: String = rest.chars().take_while(char::is_ascii_digit).collect();
    let query = format!("events?sort=when&kind=service_user_create&beyond={beyond}");
    let newer = admin.get(&query).await;
    assert!(newer.has("user-59") && !newer.has("user-05") && newer.has(">Oldest<"), "{beyond}");
    let project = admin.browser.get("/console/project/dev/events").await;
    assert!(project.has("dev: Audit log") && project.has("user-59"), "{}", project.body);
    let mut reader = Person::with_role(&api, "tidegate_reader", Role::Operator).await;
    let seen = reader.get("events").await;
    assert!(seen.has("user-59") && !seen.has("<del>") && !seen.has("Details"), "{}", seen.body);
    let refused = reader.browser.get("/console/project/dev/events").await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let mut other = Browser::signed_in(&api, crate::harness::OTHER_TOKEN).await;
    let hidden = other.get("/console/project/dev/events").await;
    assert_eq!(hidden.status, StatusCode::NOT_FOUND);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_list_of_users_is_sorted_filtered_and_paged(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    for n in 0..60 {
        let body = json!({ "username": format!("user-{n:02}") });
        api.post(&format!("{SERVICE}/user"), body).await.ok();
    }
    let mut dev = Person::new(&api, TOKEN).await;
    let last = dev.get("users?sort=name&page=2").await;
    assert!(last.has("51–61 of 61") && last.has("user-59") && !last.has("user-01"));
    let found = dev.get("users?q=USER-5&sort=-name").await;
    assert!(found.has("1–10 of 10 (61 in all)"), "{}", found.body);
    let place = |name: &str| found.body.find(&format!(">{name}<")).unwrap();
    assert!(place("user-59") < place("user-50"));
}
