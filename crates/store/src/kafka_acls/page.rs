//! A page of the Kafka-native ACL entries of a service: there may be ten thousand.

use model::{KafkaAclEntry, ServiceId};

use super::{KafkaAcls, Row};
use crate::StoreError;
use crate::paging::{Paged, Wanted, count};

/// What Kafka-native entries are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KafkaAclColumn {
    /// Who, with `User:`.
    Principal,
    /// `ALLOW` or `DENY`.
    PermissionType,
    /// In Kafka's words.
    Operation,
    /// The type of the resource, the type of the pattern and the name, with a blank between them.
    Resource,
    /// From where.
    Host,
}

impl KafkaAclColumn {
    /// As the statement below has it.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Principal => "principal",
            Self::PermissionType => "permission_type",
            Self::Operation => "operation",
            Self::Resource => "resource",
            Self::Host => "host",
        }
    }
}

impl KafkaAcls {
    /// A page of a service's entries, oldest first unless sorted. The text is looked for in each of
    /// the columns and in the id.
    pub async fn page(
        &self,
        service: ServiceId,
        wanted: &Wanted<KafkaAclColumn>,
    ) -> Result<Paged<KafkaAclEntry>, StoreError> {
        let text = wanted.text();
        let counts = sqlx::query!(
            r#"select count(*) as "all!",
                      count(*) filter (where $2 = ''
                          or strpos(lower(principal || e'\n' || permission_type || e'\n'
                                          || operation || e'\n' || resource_type || ' '
                                          || pattern_type || ' ' || resource_name || e'\n'
                                          || host || e'\n' || acl_id), lower($2)) > 0
                      ) as "matching!"
               from kafka_acl_entry where service_id = $1"#,
            service.0,
            text
        )
        .fetch_one(&self.pool)
        .await?;
        let matching = count(counts.matching);
        let cut = wanted.cut(matching);
        let rows = sqlx::query_as!(
            Row,
            r#"select acl_id as "acl_id!", principal as "principal!", host as "host!",
                      resource_type as "resource_type!", resource_name as "resource_name!",
                      pattern_type as "pattern_type!", operation as "operation!",
                      permission_type as "permission_type!"
               from (
                   select *,
                          lower(case $3
                              when 'principal' then principal
                              when 'permission_type' then permission_type
                              when 'operation' then operation
                              when 'resource' then
                                  resource_type || ' ' || pattern_type || ' ' || resource_name
                              when 'host' then host
                          end) collate "C" as sorted_by
                   from kafka_acl_entry
                   where service_id = $1 and ($2 = ''
                       or strpos(lower(principal || e'\n' || permission_type || e'\n'
                                       || operation || e'\n' || resource_type || ' '
                                       || pattern_type || ' ' || resource_name || e'\n'
                                       || host || e'\n' || acl_id), lower($2)) > 0)
               ) found
               order by case when not $4 then sorted_by end, case when $4 then sorted_by end desc,
                        created_at, acl_id
               limit $5 offset $6"#,
            service.0,
            text,
            wanted.sort.map_or("", |it| it.by.as_str()),
            wanted.backwards(),
            cut.limit,
            cut.offset
        )
        .fetch_all(&self.pool)
        .await?;
        let rows = rows.into_iter().map(KafkaAclEntry::try_from).collect::<Result<_, _>>()?;
        Ok(Paged { rows, matching, all: count(counts.all), page: cut.page })
    }
}
