//! Sealing anew: what a rotation changes, and what others notice of it.

use sqlx::PgPool;
use store::{Store, VaultError};

use crate::fixture::{KEY, by, keys, with_service};
use crate::secrets::{password, probe, raw, secret, tamper, user};

const NEW_KEY: &str = "AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=";

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn plain_rows_are_read_and_a_rotation_seals_them(pool: PgPool) {
    let (store, service) = with_service(pool.clone()).await;
    store.services.set_probe(service.id, &probe("x"), &by()).await.unwrap();
    // As versions before this one have written them.
    tamper(&pool, "update service_user set password = 'plain-password'").await;
    tamper(
        &pool,
        "update service_secret
         set broker_password = 'pb', admin_password = 'pa', rest_proxy_password = 'pr'",
    )
    .await;
    tamper(&pool, "update service_probe set client_secret = 'plain-secret'").await;
    assert_eq!(store.keys.check().await.unwrap(), 5);
    let readable = async |store: &Store| {
        assert_eq!(password(store, service.id, "avnadmin").await, Some(secret("plain-password")));
        let own = store.services.secrets(service.id).await.unwrap().unwrap();
        let all = (own.broker, own.admin, own.rest_proxy);
        assert_eq!(all, (secret("pb"), secret("pa"), secret("pr")));
        let stored = store.services.probe(service.id).await.unwrap().unwrap();
        assert_eq!(stored.client_secret, secret("plain-secret"));
    };
    readable(&store).await;
    readable(&Store::on(pool.clone())).await;
    let before = store.users.list(service.id).await.unwrap();
    let mut told = Vec::new();
    let rotated = store.keys.rotate(|it| told.push(it)).await.unwrap();
    assert_eq!((rotated.resealed, rotated.left, rotated.removed), (5, 0, 1));
    let told: Vec<(u64, i64)> = told.iter().map(|it| (it.resealed, it.total)).collect();
    assert_eq!(told, [(1, 5), (2, 5), (3, 5), (4, 5), (5, 5)], "a page of each column");
    assert!(rotated.failed.is_empty());
    assert!(raw(&pool).await.iter().all(|(_, value)| value.starts_with("v1:")));
    readable(&store).await;
    assert_eq!(store.keys.check().await.unwrap(), 0);
    let after = store.users.list(service.id).await.unwrap();
    assert_eq!(after, before, "it is no new password: Kafka has it already");
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn another_master_key_takes_over_and_the_old_one_can_go(pool: PgPool) {
    let (old, service) = with_service(pool.clone()).await;
    let both = Store::on(pool.clone()).with_keys(keys(&format!("{NEW_KEY}\n{KEY}")));
    let rotated = both.keys.rotate(|_| {}).await.unwrap();
    assert_eq!((rotated.resealed, rotated.left, rotated.removed), (4, 0, 1));
    let new = Store::on(pool.clone()).with_keys(keys(NEW_KEY));
    new.keys.check().await.unwrap();
    assert_eq!(password(&new, service.id, "avnadmin").await, Some(secret("avnadmin-password")));
    let status = new.keys.status().await.unwrap();
    assert_eq!(status.data_keys.len(), 1);
    let only = &status.data_keys[0];
    assert_eq!((&only.id, only.generation, only.secrets), (&rotated.data_key, 2, 4));
    assert_eq!(status.master_keys, std::slice::from_ref(&only.master_key));
    // A program with the old key only says which one it lacks.
    let error = old.users.list(service.id).await.unwrap_err().to_string();
    assert!(error.contains(&only.master_key.to_string()), "{error}");
    assert!(
        old.users.set_password(service.id, &user("avnadmin"), &secret("x"), &by()).await.is_err()
    );
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_rotation_that_was_interrupted_is_finished_by_the_next(pool: PgPool) {
    let (store, service) = with_service(pool.clone()).await;
    // What is left of one that was ended after its first secret: two keys, both in use.
    let half = Store::on(pool.clone()).with_keys(keys(KEY));
    half.keys.rotate(|_| {}).await.unwrap();
    tamper(
        &pool,
        "insert into data_key (data_key_id, generation, master_key_id, wrapped)
         select '0000000000000000', 3, master_key_id, wrapped from data_key",
    )
    .await;
    // The newest is not even whole.
    let error = store.keys.rotate(|_| {}).await.unwrap_err();
    assert!(error.to_string().contains("0000000000000000"), "{error}");
    tamper(&pool, "delete from data_key where data_key_id = '0000000000000000'").await;
    store.users.create(service.id, &user("alice"), &secret("one"), &by()).await.unwrap();
    let rotated = store.keys.rotate(|_| {}).await.unwrap();
    assert_eq!((rotated.resealed, rotated.left, rotated.removed), (5, 0, 1));
    let again = store.keys.rotate(|_| {}).await.unwrap();
    assert_eq!((again.resealed, again.left, again.removed), (5, 0, 1));
    assert_eq!(password(&store, service.id, "alice").await, Some(secret("one")));
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn what_cannot_be_opened_is_left_and_named_and_its_key_too(pool: PgPool) {
    let (store, service) = with_service(pool.clone()).await;
    store.users.create(service.id, &user("alice"), &secret("one"), &by()).await.unwrap();
    tamper(
        &pool,
        "update service_user set password = (select password from service_user
         where username = 'avnadmin') where username = 'alice'",
    )
    .await;
    let rotated = store.keys.rotate(|_| {}).await.unwrap();
    assert_eq!((rotated.resealed, rotated.left, rotated.removed), (4, 1, 0));
    let [VaultError::Refused { place, .. }] = &rotated.failed[..] else {
        panic!("{:?}", rotated.failed);
    };
    assert!(place.contains("user alice"), "{place}");
    // A new password mends it, and the next rotation finds nothing in its way.
    store.users.set_password(service.id, &user("alice"), &secret("two"), &by()).await.unwrap();
    let rotated = store.keys.rotate(|_| {}).await.unwrap();
    assert_eq!((rotated.left, rotated.removed), (0, 2));
    assert_eq!(password(&store, service.id, "alice").await, Some(secret("two")));
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn readers_and_writers_notice_nothing_of_rotations(pool: PgPool) {
    let (store, service) = with_service(pool.clone()).await;
    for number in 0..120 {
        let name = user(&format!("user-{number}"));
        store.users.create(service.id, &name, &secret("same"), &by()).await.unwrap();
    }
    let others = || Store::on(pool.clone()).with_keys(keys(KEY));
    let over = std::sync::atomic::AtomicBool::new(false);
    let is_over = || over.load(std::sync::atomic::Ordering::Relaxed);
    let rotating = async {
        let mut resealed = 0;
        for store in [others(), others(), others()] {
            let (one, two) = tokio::join!(store.keys.rotate(|_| {}), store.keys.rotate(|_| {}));
            let (one, two) = (one.unwrap(), two.unwrap());
            assert!(one.failed.is_empty() && two.failed.is_empty(), "{one:?} {two:?}");
            assert_eq!((one.left, two.left), (0, 0));
            resealed += one.resealed + two.resealed;
        }
        over.store(true, std::sync::atomic::Ordering::Relaxed);
        resealed
    };
    let reading = async {
        let mut reads = 0;
        while !is_over() {
            // One that knows every key it has ever seen, and one that knows none.
            for store in [&store, &others()] {
                let users = store.users.list(service.id).await.unwrap();
                let right = |it: &&store::ServiceUser| it.username.as_str().starts_with("user-");
                assert_eq!(users.iter().filter(right).count(), 120);
                assert!(users.iter().filter(right).all(|it| it.password == secret("same")));
                store.services.secrets(service.id).await.unwrap().unwrap();
                reads += 1;
            }
        }
        reads
    };
    let writing = async {
        let (store, mut last) = (others(), 0);
        while !is_over() {
            last += 1;
            let new = secret(&format!("password-{last}"));
            assert!(
                store.users.set_password(service.id, &user("avnadmin"), &new, &by()).await.unwrap()
            );
            // What was just written was not put back by a rotation.
            assert_eq!(password(&others(), service.id, "avnadmin").await, Some(new));
        }
        last
    };
    let (resealed, reads, writes) = tokio::join!(rotating, reading, writing);
    assert!(resealed >= 3 * 120 && reads > 0 && writes > 0, "{resealed} {reads} {writes}");
    let status = store.keys.status().await.unwrap();
    assert_eq!((status.plain, status.lost), (0, 0));
    let used: i64 = status.data_keys.iter().map(|it| it.secrets).sum();
    assert_eq!(used, 124);
}
