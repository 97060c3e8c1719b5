//! A page of ACL entries or of service users is what sorting and filtering all of them would give.

use model::{AclEntry, AclId, AclPattern, KafkaAcl, KafkaAclEntry, KafkaAclText, Secret};
use sqlx::PgPool;
use store::{AclColumn, KafkaAclColumn, Paged, Said, Sort, UserBrief, UserColumn, Wanted};

use crate::fixture::{by, with_service};

/// What is looked for: nothing, cells in part and in whole, in any case, and what means something to
/// `like`, to regular expressions or to Postgres.
const TEXTS: [&str; 18] = [
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
    "\n",
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
    let both = users.iter().flat_map(|it| [(it, "read"), (it, "admin")]);
    for (n, (user, permission)) in both.enumerate() {
        let topic = ["orders-*", "Orders_1", "t.x", "*"][n % 4];
        let entry = AclEntry {
            id: AclId(format!("acl{n}")),
            permission: permission.parse().unwrap(),
            topic: AclPattern::topic(topic).unwrap(),
            username: AclPattern::username(user).unwrap(),
        };
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
        permission_type: ["ALLOW", "DENY"][usize::from(n.is_multiple_of(4))].into(),
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

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_page_of_users_is_as_if_picked_from_all(pool: PgPool) {
    let (store, service) = with_service(pool.clone()).await;
    let password = Secret::new("a-password".into());
    for name in ["Alice", "alice", "a.b", "b_1", "bob", "read", "z-9"] {
        store.users.create(service.id, &name.parse().unwrap(), &password, &by()).await.unwrap();
    }
    let has = ["alice", "bob"].map(|it| it.parse().unwrap());
    for name in &has {
        store.users.mark_applied(service.id, name, 1).await.unwrap();
    }
    // One has another password since.
    store.users.set_password(service.id, &has[1], &password, &by()).await.unwrap();
    store.users.delete(service.id, &"z-9".parse().unwrap(), &by()).await.unwrap();
    let old = "update service_user set created_at = '2020-01-02T03:04:05.678Z'
               where username in ('read', 'a.b')";
    sqlx::query(old).execute(&pool).await.unwrap();
    let all = store.users.list(service.id).await.unwrap().into_iter().filter(|it| !it.deleting);
    let brief = |it: store::ServiceUser| UserBrief {
        is_applied: it.applied_version == Some(it.password_version),
        username: it.username,
        kind: it.kind,
        created_at: it.created_at,
    };
    let all: Vec<UserBrief> = all.map(brief).collect();
    assert_eq!(all.iter().filter(|it| it.is_applied).count(), 1);
    let words = |is_applied: bool| if is_applied { "Topic Password" } else { "a b" };
    let cells = |it: &UserBrief| {
        let (name, kind) = (it.username.to_string(), it.kind.as_str().to_owned());
        vec![name, kind, it.created_at.to_string(), words(it.is_applied).to_owned()]
    };
    let key = |it: &UserBrief, by: UserColumn| match by {
        UserColumn::Username => it.username.to_string(),
        UserColumn::Type => it.kind.as_str().to_owned(),
        UserColumn::Applied => u8::from(!it.is_applied).to_string(),
        UserColumn::Created => it.created_at.to_string(),
    };
    let columns =
        [UserColumn::Username, UserColumn::Type, UserColumn::Applied, UserColumn::Created];
    let mut wanted = queries(&columns);
    wanted.push(Wanted { text: "2020-01-02t03:04:05z".into(), sort: None, page: 1, size: 5 });
    for wanted in wanted {
        let is_said = |it: bool| words(it).to_lowercase().contains(&wanted.text.to_lowercase());
        let said = Said { of_applied: is_said(true), of_others: is_said(false) };
        let page = store.users.page(service.id, &wanted, said).await.unwrap();
        assert_eq!(page, picked(&all, &wanted, cells, key), "{wanted:?}");
    }
}
