//! All that is in a database: to be compared, and to be put back.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Map, Value};
use sqlx::{AssertSqlSafe, PgPool, Row as _};

/// What differs from one request to the next, in whatever table: who was seen when, and what is random.
const RANDOM: [&str; 3] = ["request_id", "cluster_id", "token_hash"];
/// Numbers that a sequence gives, which goes on when a transaction is rolled back.
const NUMBERS: [&str; 2] = ["event_id", "rollout_event_id"];
/// Written down beside requests, whatever becomes of them.
const VOLATILE: [&str; 3] = ["last_used_at", "last_ip", "last_user_agent"];

/// Every row of every table at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Snapshot {
    tables: BTreeMap<String, Vec<Value>>,
}

/// Rows of tables as text.
pub(crate) type Masked = BTreeMap<String, Vec<String>>;

/// The tables of a database.
pub(crate) struct Tables {
    pool: PgPool,
    names: Vec<String>,
}

impl Tables {
    pub(crate) async fn of(pool: &PgPool) -> Self {
        let names = sqlx::query_scalar(
            "select table_name::text from information_schema.tables
             where table_schema = 'public' and table_type = 'BASE TABLE'
               and table_name <> '_sqlx_migrations' order by 1",
        );
        Self { pool: pool.clone(), names: names.fetch_all(pool).await.unwrap() }
    }

    /// All rows in one statement, so of one moment.
    fn rows(&self) -> String {
        let one = |name: &String| {
            format!("select '{name}' as name, to_jsonb(it) - $1 as row from \"{name}\" it")
        };
        self.names.iter().map(one).collect::<Vec<_>>().join(" union all ")
    }

    /// A hash of what is there now, which is quicker to have.
    pub(crate) async fn hash(&self) -> String {
        let rows = self.rows();
        let hash =
            format!("select md5(string_agg(name || row, '' order by name, row)) from ({rows}) _");
        sqlx::query_scalar(AssertSqlSafe(hash))
            .bind(VOLATILE.map(String::from).to_vec())
            .fetch_one(&self.pool)
            .await
            .unwrap()
    }

    /// What is there now.
    pub(crate) async fn look(&self) -> Snapshot {
        let rows = sqlx::query(AssertSqlSafe(format!("{} order by 1, 2", self.rows())))
            .bind(VOLATILE.map(String::from).to_vec())
            .fetch_all(&self.pool)
            .await
            .unwrap();
        let mut tables: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for row in rows {
            tables.entry(row.get(0)).or_default().push(row.get(1));
        }
        Snapshot { tables }
    }

    /// Makes all that is there be what it was.
    pub(crate) async fn put_back(&self, snapshot: &Snapshot) {
        let now = self.look().await;
        let mut tx = self.pool.begin().await.unwrap();
        // Without triggers, so that events can be deleted and no row pulls others along.
        sqlx::query("set local session_replication_role = replica")
            .execute(&mut *tx)
            .await
            .unwrap();
        for name in &self.names {
            let rows = snapshot.tables.get(name);
            if rows == now.tables.get(name) {
                continue;
            }
            let rows = Value::Array(rows.cloned().unwrap_or_default());
            let delete = format!("delete from \"{name}\"");
            sqlx::query(AssertSqlSafe(delete)).execute(&mut *tx).await.unwrap();
            // What is volatile is far in the future, so that nothing writes it down in between.
            let insert = format!(
                "insert into \"{name}\" overriding system value
                 select (jsonb_populate_record(null::\"{name}\",
                         row || '{{\"last_used_at\": \"2100-01-01\"}}')).*
                 from jsonb_array_elements($1) row"
            );
            sqlx::query(AssertSqlSafe(insert)).bind(rows).execute(&mut *tx).await.unwrap();
        }
        tx.commit().await.unwrap();
    }
}

impl Snapshot {
    /// Every word in it.
    fn words(&self) -> HashSet<String> {
        let mut words = HashSet::new();
        for row in self.tables.values().flatten() {
            for word in row.to_string().split(|it: char| !is_part(it)) {
                words.insert(word.to_owned());
            }
        }
        words
    }

    /// The same without what is random, or the time, and new since `before`: two requests that do the
    /// same look the same.
    pub(crate) fn since(&self, before: &Self) -> Masked {
        let known = before.words();
        let table = |(name, rows): (&String, &Vec<Value>)| {
            let mut rows: Vec<String> =
                rows.iter().map(|row| masked("", row, &known).to_string()).collect();
            rows.sort();
            (name.clone(), rows)
        };
        self.tables.iter().map(table).collect()
    }
}

/// What is in one of two and not in the other, for people.
pub(crate) fn difference(one: &Masked, other: &Masked) -> String {
    let rows = |of: &Masked| -> Vec<String> {
        of.iter()
            .flat_map(|(name, rows)| rows.iter().map(move |it| format!("{name} {it}")))
            .collect()
    };
    let (one, other) = (rows(one), rows(other));
    let missing = one.iter().filter(|it| !other.contains(it)).map(|it| format!("- {it}"));
    let more = other.iter().filter(|it| !one.contains(it)).map(|it| format!("+ {it}"));
    missing.chain(more).collect::<Vec<_>>().join("\n")
}

fn is_part(it: char) -> bool {
    it.is_ascii_alphanumeric() || matches!(it, '_' | '-' | ':')
}

fn masked(key: &str, value: &Value, known: &HashSet<String>) -> Value {
    match value {
        Value::Object(fields) => {
            let field = |(key, value): (&String, &Value)| (key.clone(), masked(key, value, known));
            let fields = fields.iter().filter(|(key, _)| !NUMBERS.contains(&key.as_str()));
            Value::Object(fields.map(field).collect::<Map<_, _>>())
        }
        Value::Array(items) => items.iter().map(|it| masked(key, it, known)).collect(),
        Value::String(_) if key == "at" || key.ends_with("_at") => "TIME".into(),
        Value::String(text) if RANDOM.contains(&key) && !known.contains(text) => "RANDOM".into(),
        Value::String(text) => {
            let word = |word: &str| {
                if is_random(word) && !known.contains(word) { "RANDOM" } else { word }.to_owned()
            };
            let mut words = Vec::new();
            for part in text.split_inclusive(|it: char| !is_part(it)) {
                let end = part.trim_end_matches(|it: char| !is_part(it));
                words.push(word(end) + &part[end.len()..]);
            }
            words.concat().into()
        }
        other => other.clone(),
    }
}

/// Whether it is an id, the start of a token, or sealed.
fn is_random(word: &str) -> bool {
    let hex = |it: &str| it.bytes().all(|it| it.is_ascii_hexdigit());
    uuid::Uuid::try_parse(word).is_ok()
        || word.starts_with("tidegate_")
        || word.starts_with("v1:")
        || word.len() == 14 && word.starts_with("acl") && hex(&word[3..])
}
