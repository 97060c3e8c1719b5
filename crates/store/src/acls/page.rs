//! A page of the ACL entries of a service: there may be ten thousand.

use model::{AclEntry, ServiceId};

use super::{Acls, Row};
use crate::StoreError;
use crate::paging::{Paged, Wanted, count};

/// What entries are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AclColumn {
    /// The pattern over service users.
    Username,
    /// `admin`, `read`, `readwrite` or `write`.
    Permission,
    /// The pattern over topics.
    Topic,
}

impl AclColumn {
    /// As the statement below has it.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Username => "username",
            Self::Permission => "permission",
            Self::Topic => "topic",
        }
    }
}

impl Acls {
    /// A page of a service's entries, oldest first unless sorted. The text is looked for in each of
    /// the columns and in the id.
    pub async fn page(
        &self,
        service: ServiceId,
        wanted: &Wanted<AclColumn>,
    ) -> Result<Paged<AclEntry>, StoreError> {
        let text = wanted.text();
        let counts = sqlx::query!(
            r#"select count(*) as "all!",
                      count(*) filter (where $2 = ''
                          or strpos(lower(username || e'\n' || permission || e'\n' || topic || e'\n'
                                          || acl_id), lower($2)) > 0) as "matching!"
               from acl_entry where service_id = $1"#,
            service.0,
            text
        )
        .fetch_one(&self.pool)
        .await?;
        let matching = count(counts.matching);
        let cut = wanted.cut(matching);
        let rows = sqlx::query_as!(
            Row,
            r#"select acl_id as "acl_id!", permission as "permission!", topic as "topic!",
                      username as "username!"
               from (
                   select acl_id, permission, topic, username, created_at,
                          lower(case $3
                              when 'username' then username
                              when 'permission' then permission
                              when 'topic' then topic
                          end) collate "C" as sorted_by
                   from acl_entry
                   where service_id = $1 and ($2 = ''
                       or strpos(lower(username || e'\n' || permission || e'\n' || topic || e'\n'
                                       || acl_id), lower($2)) > 0)
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
        let rows = rows.into_iter().map(AclEntry::try_from).collect::<Result<_, _>>()?;
        Ok(Paged { rows, matching, all: count(counts.all), page: cut.page })
    }
}
