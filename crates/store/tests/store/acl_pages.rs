//! A page of ACL entries is what sorting and filtering all of them would give.

use model::{AclEntry, AclId, AclPattern, KafkaAcl, KafkaAclEntry, KafkaAclText};
use sqlx::PgPool;
use store::{AclColumn, KafkaAclColumn, Paged, Sort, Wanted};

use crate::fixture::{by, with_service};

/// What is looked for: nothing, cells in part and in whole, in any case, and what means something to
/// `like`, to regular expressions or to Postgres.
const TEXTS: [&str; 17] = [
    "",
    "a",
    "ALICE",
    "read",
    "orders-",
    "acl1",
    "_",
    "%",
    "*",
    "?",
    "\\",
    "'",
    ".",
    "a b",
    "Topic P",
    "\0",
    "nobody has this",
];

/// What is done to a list of all rows. `cells` has what is looked through, `key` what is sorted by.
fn picked<R: Clone, K: Copy>(
    all: &[R],
    wanted: &Wanted<K>,
    cells: impl Fn(&R) -> Vec<String>,
    key: impl Fn(&R, K) -> String,
) -> Paged<R> {
    let text = wanted.text.to_lowercase();
    let has = |row: &&R| cells(row).iter().any(|it| it.to_lowercase().contains(&text));
    let mut rows: Vec<R> = all.iter().filter(has).cloned().collect();
    if let Some(sort) = wanted.sort {
        rows.sort_by(|a, b| {
            let order = key(a, sort.by).to_lowercase().cmp(&key(b, sort.by).to_lowercase());
            if sort.backwards { order.reverse() } else { order }
        });
    }
    let matching = rows.len();
    let page = wanted.page.clamp(1, matching.div_ceil(wanted.size).max(1));
    let rows = rows.into_iter().skip((page - 1) * wanted.size).take(wanted.size).collect();
    Paged { rows, matching, all: all.len(), page }
}

/// Every text with every order, the first page, one in the middle and one behind the last.
fn queries<K: Copy>(columns: &[K]) -> Vec<Wanted<K>> {
    let sorts = columns
        .iter()
        .flat_map(|by| [false, true].map(|backwards| Some(Sort { by: *by, backwards })));
    let sorts: Vec<_> = std::iter::once(None).chain(sorts).collect();
    let mut queries = Vec::new();
    for text in TEXTS {
        for sort in &sorts {
            for page in [1, 2, 99] {
                queries.push(Wanted { text: text.to_owned(), sort: *sort, page, size: 5 });
            }
        }
    }
    queries
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_page_of_entries_is_as_if_picked_from_all(pool: PgPool) {
    let (store, service) = with_service(pool.clone()).await;
    let users = ["Alice", "alice", "bob", "a*", "?ob", "*"];
    let mut n = 0;
    for (user, permission) in users.iter().flat_map(|it| [(it, "read"), (it, "admin")]) {
        let topic = ["orders-*", "Orders_1", "t.x", "*"][n % 4];
        let entry = AclEntry {
            id: AclId(format!("acl{n}")),
            permission: permission.parse().unwrap(),
            topic: AclPattern::topic(topic).unwrap(),
            username: AclPattern::username(user).unwrap(),
        };
        n += 1;
        store.acls.add(service.id, &entry, &by()).await.unwrap();
    }
    // Entries of one moment are in the order of their ids.
    let same = "update acl_entry set created_at = now() where acl_id < 'acl3'";
    sqlx::query(same).execute(&pool).await.unwrap();
    let all = store.acls.list(service.id).await.unwrap();
    assert!(all.len() > 10);
    let key = |it: &AclEntry, by: AclColumn| match by {
        AclColumn::Username => it.username.to_string(),
        AclColumn::Permission => it.permission.as_str().to_owned(),
        AclColumn::Topic => it.topic.to_string(),
    };
    let columns = [AclColumn::Username, AclColumn::Permission, AclColumn::Topic];
    let cells =
        |it: &AclEntry| columns.iter().map(|by| key(it, *by)).chain([it.id.0.clone()]).collect();
    for wanted in queries(&columns) {
        let page = store.acls.page(service.id, &wanted).await.unwrap();
        assert_eq!(page, picked(&all, &wanted, cells, key), "{wanted:?}");
    }
}

fn native(n: usize) -> KafkaAclEntry {
    let text = KafkaAclText {
        principal: ["User:Ann", "User:auth0|1", "User:o'b%r", "User:*"][n % 4].into(),
        host: ["*", "10.0.0.1"][n / 2 % 2].into(),
        resource_type: ["Topic", "Group"][n / 4 % 2].into(),
        resource_name: format!("logs_{}", n % 3),
        pattern_type: ["LITERAL", "PREFIXED"][n % 2].into(),
        operation: ["Read", "Describe"][n / 8 % 2].into(),
        permission_type: ["ALLOW", "DENY"][usize::from(n % 4 == 0)].into(),
    };
    KafkaAclEntry { id: AclId(format!("acl{n}")), acl: KafkaAcl::parse(&text).unwrap() }
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_page_of_native_entries_is_as_if_picked_from_all(pool: PgPool) {
    let (store, service) = with_service(pool).await;
    for n in 0..13 {
        store.kafka_acls.add(service.id, &native(n), &by()).await.unwrap();
    }
    let all = store.kafka_acls.list(service.id).await.unwrap();
    let key = |it: &KafkaAclEntry, by: KafkaAclColumn| {
        let it = it.acl.text();
        match by {
            KafkaAclColumn::Principal => it.principal,
            KafkaAclColumn::PermissionType => it.permission_type,
            KafkaAclColumn::Operation => it.operation,
            KafkaAclColumn::Resource => {
                format!("{} {} {}", it.resource_type, it.pattern_type, it.resource_name)
            }
            KafkaAclColumn::Host => it.host,
        }
    };
    let columns = [
        KafkaAclColumn::Principal,
        KafkaAclColumn::PermissionType,
        KafkaAclColumn::Operation,
        KafkaAclColumn::Resource,
        KafkaAclColumn::Host,
    ];
    let cells = |it: &KafkaAclEntry| {
        columns.iter().map(|by| key(it, *by)).chain([it.id.0.clone()]).collect()
    };
    for wanted in queries(&columns) {
        let page = store.kafka_acls.page(service.id, &wanted).await.unwrap();
        assert_eq!(page, picked(&all, &wanted, cells, key), "{wanted:?}");
    }
}
