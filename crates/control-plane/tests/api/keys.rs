//! `tidegate-control-plane key ..`.

use control_plane::{generate_key, key_status, rotate_keys};
use serde_json::Value;
use sqlx::PgPool;
use store::{MasterKeys, Store};

use crate::harness::Api;

async fn status(store: &Store) -> Value {
    serde_json::from_str(&key_status(store, true).await.unwrap()).unwrap()
}

#[test]
fn a_generated_key_is_one() {
    MasterKeys::parse(&generate_key().unwrap()).unwrap();
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_rotation_says_what_it_has_done_and_the_status_shows_it(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let plain = "update service_user set password = 'plain-password'";
    sqlx::query(plain).execute(&pool).await.unwrap();
    let before = status(&api.store).await;
    assert_eq!((&before["plain_secrets"], &before["lost_secrets"]), (&1.into(), &0.into()));
    assert_eq!(before["data_keys"][0]["secrets"], 3);
    let mut said = Vec::new();
    rotate_keys(&api.store, |it| said.push(it)).await.unwrap();
    let said = said.join("\n");
    assert!(said.contains("re-sealed 4 of 4 secrets\nsecrets re-sealed with data key "), "{said}");
    assert!(said.ends_with("data keys removed, which nothing needs any more: 1"), "{said}");
    assert!(!said.contains("plain-password"));
    let after = status(&api.store).await;
    assert_eq!(after["plain_secrets"], 0);
    let [key] = &after["data_keys"].as_array().unwrap()[..] else { panic!("{after}") };
    assert_eq!((&key["secrets"], &key["generation"]), (&4.into(), &2.into()));
    assert_eq!((&key["seals"], &key["master_key_given"]), (&true.into(), &true.into()));
    assert_eq!(after["master_keys"], serde_json::json!([key["master_key"]]));
    assert!(said.contains(key["id"].as_str().unwrap()));
    let text = key_status(&api.store, false).await.unwrap();
    assert!(
        text.contains("seals, 4 secrets, made 2") && text.contains("\n0 secrets in plain text")
    );
    // Whoever has no key sees the same, and that the key is not his.
    let text = key_status(&Store::on(pool), false).await.unwrap();
    assert!(text.starts_with("data key ") && text.contains("(not given)"), "{text}");
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_rotation_that_leaves_a_secret_fails_and_names_it(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let broken = "update service_user set password = 'v1:broken'";
    sqlx::query(broken).execute(&pool).await.unwrap();
    let mut said = Vec::new();
    let failed = rotate_keys(&api.store, |it| said.push(it)).await.unwrap_err();
    assert!(failed.to_string().contains("new data key: 1;"), "{failed}");
    let last = said.last().unwrap();
    assert!(last.starts_with("left as it was: service_user.password of service "), "{last}");
    assert!(last.contains("user avnadmin") && !last.contains("broken"), "{last}");
}
