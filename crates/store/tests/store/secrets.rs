//! Secrets as they lie in the database, and who can open them.

use std::collections::BTreeSet;

use model::{Secret, ServiceId, Username};
use sqlx::PgPool;
use store::{MasterKeys, ProbeCredentials, Store, StoreError, VaultError};

use crate::fixture::{KEY, keys, new_service, with_service};

const OTHER_KEY: &str = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";

pub(crate) fn secret(text: &str) -> Secret {
    Secret::new(text.into())
}

pub(crate) fn user(name: &str) -> Username {
    name.parse().unwrap()
}

pub(crate) fn probe(client_secret: &str) -> ProbeCredentials {
    ProbeCredentials {
        token_url: "https://idp.example.com/token".into(),
        client_id: "probe".into(),
        client_secret: secret(client_secret),
        parameters: [].into(),
    }
}

/// Everything in the columns that hold secrets, by the names of the columns.
pub(crate) async fn raw(pool: &PgPool) -> Vec<(String, String)> {
    let query = "select column_name, value from secret_value order by column_name, username, value";
    sqlx::query_as(query).fetch_all(pool).await.unwrap()
}

/// Runs SQL that no program of ours would.
pub(crate) async fn tamper(pool: &PgPool, sql: &'static str) -> u64 {
    sqlx::query(sql).execute(pool).await.unwrap().rows_affected()
}

pub(crate) async fn password(store: &Store, service: ServiceId, name: &str) -> Option<Secret> {
    let users = store.users.list(service).await.unwrap();
    users.into_iter().find(|it| it.username.as_str() == name).map(|it| it.password)
}

fn vault_error<T: std::fmt::Debug>(result: Result<T, StoreError>) -> VaultError {
    match result {
        Err(StoreError::Vault(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn no_secret_lies_there_as_text_and_each_is_read_again(pool: PgPool) {
    let (store, service) = with_service(pool.clone()).await;
    store.users.create(service.id, &user("alice"), &secret("alice-one")).await.unwrap();
    store.users.create(service.id, &user("bob"), &secret("bob-one")).await.unwrap();
    assert!(store.users.set_password(service.id, &user("bob"), &secret("bob-two")).await.unwrap());
    store.services.set_probe(service.id, &probe("hunter2"), "test").await.unwrap();
    let values = raw(&pool).await;
    assert_eq!(values.len(), 3 + 3 + 1);
    for (column, value) in &values {
        assert!(value.starts_with("v1:"), "{column}");
        for text in ["alice", "bob", "avnadmin", "hunter2"] {
            assert!(!value.contains(text), "{column}");
        }
    }
    // By a process that has seen no data key yet, as by the one that has sealed them.
    for store in [&store, &Store::on(pool.clone()).with_keys(keys(KEY))] {
        assert_eq!(
            password(store, service.id, "avnadmin").await.unwrap(),
            secret("avnadmin-password")
        );
        assert_eq!(password(store, service.id, "alice").await.unwrap(), secret("alice-one"));
        assert_eq!(password(store, service.id, "bob").await.unwrap(), secret("bob-two"));
        let own = store.services.secrets(service.id).await.unwrap().unwrap();
        assert_eq!(
            (own.broker, own.admin, own.rest_proxy),
            (secret("b"), secret("a"), secret("r"))
        );
        let stored = store.services.probe(service.id).await.unwrap().unwrap();
        assert_eq!(stored, probe("hunter2"));
    }
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn every_column_that_holds_a_secret_is_in_the_view(pool: PgPool) {
    let (store, service) = with_service(pool.clone()).await;
    store.services.set_probe(service.id, &probe("hunter2"), "test").await.unwrap();
    let columns = "select table_name || '.' || column_name from information_schema.columns
                   join information_schema.tables using (table_schema, table_name)
                   where table_schema = 'public' and table_type = 'BASE TABLE'
                     and data_type = 'text' and column_name ~ 'password|secret'";
    let columns: Vec<String> = sqlx::query_scalar(columns).fetch_all(&pool).await.unwrap();
    let seen: BTreeSet<String> = raw(&pool).await.into_iter().map(|(column, _)| column).collect();
    assert_eq!(columns.into_iter().collect::<BTreeSet<_>>(), seen);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn what_is_moved_to_another_row_or_changed_does_not_open(pool: PgPool) {
    let (store, service) = with_service(pool.clone()).await;
    store.users.create(service.id, &user("alice"), &secret("alice-one")).await.unwrap();
    let to_alice = "update service_user set password = (select password from service_user
                    where username = 'avnadmin') where username = 'alice'";
    assert_eq!(tamper(&pool, to_alice).await, 1);
    let error = vault_error(store.users.list(service.id).await);
    assert!(matches!(error, VaultError::Refused { .. }), "{error}");
    let text = format!("{error} {error:?}");
    assert!(text.contains("service_user.password") && text.contains("user alice"), "{text}");
    assert!(text.contains(&service.id.to_string()) && !text.contains("avnadmin"), "{text}");
    // Its owner gets it back with a new password.
    assert!(store.users.set_password(service.id, &user("alice"), &secret("new")).await.unwrap());
    assert_eq!(password(&store, service.id, "alice").await, Some(secret("new")));
    let to_admin = "update service_secret set broker_password = admin_password";
    assert_eq!(tamper(&pool, to_admin).await, 1);
    let error = vault_error(store.services.secrets(service.id).await);
    assert!(error.to_string().contains("service_secret.broker_password"), "{error}");
    let cut = "update service_secret set broker_password = 'v1:x'";
    assert_eq!(tamper(&pool, cut).await, 1);
    let error = vault_error(store.services.secrets(service.id).await);
    assert!(matches!(error, VaultError::Malformed { .. }), "{error}");
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn without_the_right_key_nothing_is_read_and_nothing_is_written(pool: PgPool) {
    let (store, service) = with_service(pool.clone()).await;
    store.keys.check().await.unwrap();
    let before = raw(&pool).await;
    let stranger = Store::on(pool.clone()).with_keys(keys(OTHER_KEY));
    let locked = Store::on(pool.clone());
    for (store, word) in [(stranger, "master key"), (locked, "given no key")] {
        let new = secret("new-password");
        let errors = [
            vault_error(store.users.list(service.id).await),
            vault_error(store.users.set_password(service.id, &user("avnadmin"), &new).await),
            vault_error(store.services.set_probe(service.id, &probe("new"), "test").await),
            vault_error(store.keys.check().await),
            vault_error(store.keys.rotate(|_| {}).await),
        ];
        for error in errors {
            assert!(error.to_string().contains(word), "{error}");
        }
        assert!(store.users.create(service.id, &user("alice"), &new).await.is_err());
        assert!(store.services.create(&new_service("other", 21_000)).await.is_err());
    }
    assert_eq!(raw(&pool).await, before);
    let status = store.keys.status().await.unwrap();
    assert_eq!(status.data_keys.len(), 1, "a rotation that cannot be done leaves no key behind");
    assert_eq!(store.services.list(&service.project).await.unwrap().len(), 1);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_key_that_is_given_second_opens(pool: PgPool) {
    let (_, service) = with_service(pool.clone()).await;
    let both = Store::on(pool.clone()).with_keys(keys(&format!("{OTHER_KEY}\n{KEY}\n")));
    assert_eq!(both.keys.check().await.unwrap(), 0);
    assert!(password(&both, service.id, "avnadmin").await.is_some());
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn programs_that_start_at_once_make_one_first_key(pool: PgPool) {
    let start = async |keys: MasterKeys| {
        let store = Store::on(pool.clone()).with_keys(keys);
        store.keys.check().await.unwrap();
        store
    };
    let stores = tokio::join!(start(keys(KEY)), start(keys(KEY)), start(keys(KEY)));
    assert_eq!(stores.0.keys.status().await.unwrap().data_keys.len(), 1);
    // Each reads what another has written.
    let (_, service) = with_service(pool.clone()).await;
    stores.1.users.create(service.id, &user("alice"), &secret("one")).await.unwrap();
    assert_eq!(password(&stores.2, service.id, "alice").await, Some(secret("one")));
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_first_key_that_was_rolled_back_is_no_key(pool: PgPool) {
    let (store, service) = with_service(pool.clone()).await;
    tamper(&pool, "truncate data_key").await;
    // It makes a first key, finds that there is no such user, and gives up.
    let nobody = store.users.set_password(service.id, &user("nobody"), &secret("x")).await.unwrap();
    assert!(!nobody);
    assert!(store.keys.status().await.unwrap().data_keys.is_empty());
    store.users.create(service.id, &user("alice"), &secret("one")).await.unwrap();
    let status = store.keys.status().await.unwrap();
    assert_eq!((status.data_keys.len(), status.data_keys[0].secrets), (1, 1));
    assert_eq!(status.lost, 4, "those whose key was taken away");
    // A process that has not seen their key says so.
    let fresh = Store::on(pool.clone()).with_keys(keys(KEY));
    let error = vault_error(fresh.users.list(service.id).await);
    assert!(matches!(error, VaultError::MissingDataKey { .. }), "{error}");
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn the_schema_does_not_go_back_while_secrets_are_sealed(pool: PgPool) {
    let (store, service) = with_service(pool.clone()).await;
    let refused = store::MIGRATIONS.undo(&pool, 0).await.unwrap_err();
    assert!(format!("{refused:?}").contains("secrets are sealed"), "{refused:?}");
    assert!(password(&store, service.id, "avnadmin").await.is_some());
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_data_key_that_was_seen_once_is_not_asked_for_again(pool: PgPool) {
    let (store, service) = with_service(pool.clone()).await;
    let reader = Store::on(pool.clone()).with_keys(keys(KEY));
    let first = reader.users.list(service.id).await.unwrap();
    assert_eq!(tamper(&pool, "delete from data_key").await, 1);
    assert_eq!(reader.users.list(service.id).await.unwrap(), first);
    assert_eq!(store.users.list(service.id).await.unwrap(), first);
}
