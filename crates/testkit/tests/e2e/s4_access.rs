//! Step 4: topics, service users and ACL entries of `avn` become real in Kafka, and go away.

use std::time::{Duration, Instant};

use testkit::issuer::TokenRequest;

use crate::support::{Login, Refusal, Stack, figure, wait_until};

const LIMIT: Duration = Duration::from_secs(2);
/// Beyond the limit, to tell how late it was.
const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_topic_is_created_and_deleted_within_two_seconds() {
    let stack = Stack::new();
    stack.settled().await;
    let (admin, name) = (stack.admin().await, stack.name("topic"));
    let partitions = async || {
        let topics = stack.topics_at(&stack.bootstrap(), &admin).await;
        let topic = topics.map(|it| it.into_iter().find(|it| it.name == name));
        topic.map(|it| it.map(|it| it.partitions))
    };
    let becomes = async |expected: Option<usize>| {
        let what = format!("partitions are {expected:?}");
        let ((), took) = wait_until(&what, PATIENCE, async || match partitions().await {
            Ok(found) if found == expected => Ok(()),
            other => Err(format!("{other:?}")),
        })
        .await;
        took
    };
    stack.create_topic(&name, 4).await;
    let created = becomes(Some(4)).await;
    stack.delete_topic(&name).await;
    let deleted = becomes(None).await;
    assert!(created < LIMIT && deleted < LIMIT, "created {created:?}, deleted {deleted:?}");
    figure("topic_created_secs", created.as_secs_f64());
}

#[tokio::test]
async fn a_service_user_logs_in_within_two_seconds_until_deleted() {
    let stack = Stack::new();
    stack.settled().await;
    let username = stack.name("user");
    stack.avn(&["service", "user-create", &stack.service, "--username", &username]).await;
    let created = Instant::now();
    let password = stack.password(&username).await.unwrap();
    let login = Login::Scram { username: username.clone(), password };
    wait_until("the user logs in", PATIENCE, async || {
        stack.topics_at(&stack.bootstrap(), &login).await.map_err(|it| it.to_string())
    })
    .await;
    let created = created.elapsed();
    // Each of the brokers knows it, by either mechanism.
    let Login::Scram { password, .. } = login.clone() else { unreachable!("it logs in by SCRAM") };
    let other = Login::Scram512 { username: username.clone(), password };
    for broker in &stack.brokers {
        for login in [&login, &other] {
            let topics = stack.topics_at(broker, login).await.unwrap();
            assert_eq!(topics, [], "it may see nothing yet");
        }
    }
    let wrong = Login::Scram { username: username.clone(), password: "wrong-password".into() };
    let refusal = stack.topics_at(&stack.bootstrap(), &wrong).await.unwrap_err();
    assert!(matches!(refusal, Refusal::Authentication(_)), "{refusal}");

    stack.delete_user(&username).await;
    let ((), deleted) = wait_until("the user is refused", PATIENCE, async || {
        match stack.topics_at(&stack.bootstrap(), &login).await {
            Err(Refusal::Authentication(_)) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    assert!(created < LIMIT && deleted < LIMIT, "created {created:?}, deleted {deleted:?}");
    figure("user_created_secs", created.as_secs_f64());
}

#[tokio::test]
async fn an_acl_entry_gives_access_within_two_seconds_and_takes_it_away() {
    let stack = Stack::new();
    stack.settled().await;
    let (topic, username) = (stack.name("orders"), stack.name("writer"));
    stack.topic(&topic, 3).await;
    let login = stack.user(&username).await;
    assert_eq!(stack.produce(&login, &topic, "no").await, Err(Refusal::FORBIDDEN_TOPIC));

    let asked = Instant::now();
    stack.add_acl("write", &topic, &username).await;
    let added = allowed(&stack, &login, &topic).await;
    let first_record = asked.elapsed();
    // It may write, and not read.
    let read = stack.find_at(&stack.bootstrap(), &login, &topic, "yes").await;
    assert!(matches!(read, Err(Refusal::Kafka(_))), "{read:?}");
    stack.delete_acl("write", &topic, &username).await;
    let deleted = forbidden(&stack, &login, &topic).await;

    // What a consumer group needs is part of `read`.
    stack.add_acl("read", &topic, &username).await;
    wait_until("it may read", PATIENCE, async || {
        let found = stack.find_at(&stack.bootstrap(), &login, &topic, "yes").await;
        found.map_err(|it| it.to_string())
    })
    .await;
    assert_eq!(stack.produce(&login, &topic, "no").await, Err(Refusal::FORBIDDEN_TOPIC));
    stack.delete_acl("read", &topic, &username).await;

    assert!(added < LIMIT && deleted < LIMIT, "added {added:?}, deleted {deleted:?}");
    figure("acl_add_to_first_record_secs", added.as_secs_f64());
    figure("acl_add_to_first_record_with_avn_secs", first_record.as_secs_f64());
    stack.delete_user(&username).await;
    stack.delete_topic(&topic).await;
}

/// Within two seconds, and a consumer group with commits is part of it.
#[tokio::test]
async fn admin_and_readwrite_give_what_a_producer_and_a_consumer_group_need() {
    let stack = Stack::new();
    stack.settled().await;
    let topic = stack.name("both");
    stack.topic(&topic, 1).await;
    for permission in ["admin", "readwrite"] {
        let username = stack.name(permission);
        let login = stack.user(&username).await;
        assert_eq!(stack.produce(&login, &topic, "no").await, Err(Refusal::FORBIDDEN_TOPIC));
        stack.add_acl(permission, &topic, &username).await;
        let took = allowed(&stack, &login, &topic).await;
        assert!(took < LIMIT, "{permission}: {took:?}");
        let read = stack.find_at(&stack.bootstrap(), &login, &topic, "yes").await;
        assert_eq!(read, Ok(()), "{permission}");
        stack.delete_acl(permission, &topic, &username).await;
        forbidden(&stack, &login, &topic).await;
        stack.delete_user(&username).await;
    }
    stack.delete_topic(&topic).await;
}

#[tokio::test]
async fn wildcards_match_topics_and_usernames_of_now_and_later() {
    let stack = Stack::new();
    stack.settled().await;
    let name = |what: &str| stack.name(what);
    let (one, two) = (stack.user(&name("u1")).await, stack.user(&name("u22")).await);
    for topic in ["a.b", "a.bb"] {
        stack.topic(&name(topic), 1).await;
    }
    // `?` is exactly one character, in topics and in usernames.
    stack.add_acl("write", &name("a.?"), &name("u?")).await;
    allowed(&stack, &one, &name("a.b")).await;
    assert_eq!(stack.produce(&one, &name("a.bb"), "no").await, Err(Refusal::FORBIDDEN_TOPIC));
    assert_eq!(stack.produce(&two, &name("a.b"), "no").await, Err(Refusal::FORBIDDEN_TOPIC));
    // A topic and a user that come later are matched as well.
    stack.topic(&name("a.c"), 1).await;
    allowed(&stack, &one, &name("a.c")).await;
    let three = stack.user(&name("u3")).await;
    allowed(&stack, &three, &name("a.b")).await;
    stack.delete_acl("write", &name("a.?"), &name("u?")).await;
    forbidden(&stack, &one, &name("a.b")).await;

    // `*` is anything, on both sides too.
    let (middle, users) = (format!("*{}*", name("mid")), format!("{}*", name("u2")));
    stack.add_acl("readwrite", &middle, &users).await;
    let topic = format!("x-{}-y", name("mid"));
    stack.topic(&topic, 1).await;
    allowed(&stack, &two, &topic).await;
    assert_eq!(stack.produce(&one, &topic, "no").await, Err(Refusal::FORBIDDEN_TOPIC));
    assert_eq!(stack.produce(&two, &name("a.b"), "no").await, Err(Refusal::FORBIDDEN_TOPIC));
    stack.delete_acl("readwrite", &middle, &users).await;
    forbidden(&stack, &two, &topic).await;

    for user in ["u1", "u22", "u3"] {
        stack.delete_user(&name(user)).await;
    }
    for topic in [topic, name("a.b"), name("a.bb"), name("a.c")] {
        stack.delete_topic(&topic).await;
    }
}

#[tokio::test]
async fn an_acl_entry_reaches_an_oidc_principal_only_with_a_service_user_of_its_name() {
    let stack = Stack::new();
    stack.with_oidc().await;
    let (topic, subject) = (stack.name("everybody"), stack.name("carol"));
    stack.topic(&topic, 1).await;
    stack.add_acl("readwrite", &topic, "*").await;
    let wish = TokenRequest { subject: Some(subject.clone()), ..TokenRequest::of("alice") };
    let login = Login::Token(stack.token(&wish).await);
    // Whoever is a service user has access by now, and the principal of the token still has not.
    let witness = stack.user(&stack.name("witness")).await;
    allowed(&stack, &witness, &topic).await;
    assert_eq!(stack.produce(&login, &topic, "no").await, Err(Refusal::FORBIDDEN_TOPIC));

    stack.avn(&["service", "user-create", &stack.service, "--username", &subject]).await;
    let took = allowed(&stack, &login, &topic).await;
    assert!(took < LIMIT, "{took:?}");
    stack.delete_user(&subject).await;
    forbidden(&stack, &login, &topic).await;

    stack.delete_acl("readwrite", &topic, "*").await;
    stack.delete_user(&stack.name("witness")).await;
    stack.delete_topic(&topic).await;
}

/// Waits until a record `yes` is taken, and tells how long that was.
pub(crate) async fn allowed(stack: &Stack, login: &Login, topic: &str) -> Duration {
    let what = format!("producing to {topic} is allowed");
    let ((), took) = wait_until(&what, PATIENCE, async || {
        stack.produce(login, topic, "yes").await.map_err(|it| it.to_string())
    })
    .await;
    took
}

/// Waits until a record is refused, and tells how long that was.
pub(crate) async fn forbidden(stack: &Stack, login: &Login, topic: &str) -> Duration {
    let what = format!("producing to {topic} is forbidden");
    let ((), took) = wait_until(&what, PATIENCE, async || {
        let result = stack.produce(login, topic, "late").await;
        if result == Err(Refusal::FORBIDDEN_TOPIC) { Ok(()) } else { Err(format!("{result:?}")) }
    })
    .await;
    took
}
