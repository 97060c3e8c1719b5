//! Who would lose access by a change, of those who were seen: what answers say of it.

mod watching;

use std::collections::BTreeMap;

use model::{KafkaAclText, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use service_config::access::{Access, Loss, Proposal, Watching, would_lose};
use service_config::{Effective, effective};
use store::Service;
use utoipa::{IntoParams, ToSchema};

pub(crate) use self::watching::watch;
use crate::App;
use crate::error::ApiError;
use crate::time::rfc3339;

/// How many losses are shown at most.
const MOST: usize = 100;
/// How many principals a sentence names at most.
const MOST_NAMES: usize = 10;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Whether to change anything, and how far back is looked for who would lose access.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct LossQuery {
    /// With `true`, nothing is changed: the answer says what would follow.
    dry_run: Option<bool>,
    /// Who was seen in the last so many days is asked about; 14 if not given.
    #[param(minimum = 1, maximum = 30)]
    seen_days: Option<u32>,
}

/// The last days, of which what was seen counts: 1 to 30.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Days(u32);

/// What a request asks for besides its change.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    /// Nothing is changed.
    pub(crate) dry_run: bool,
    pub(crate) days: Days,
    /// The generation that the service has to have still; `None` for any.
    pub(crate) generation: Option<i64>,
}

/// Who would lose access, or has lost it by this change, of those who were seen.
#[derive(Clone, Default, Serialize, ToSchema)]
pub(crate) struct Losses {
    /// What principals that were seen at the REST proxy and at brokers are refused that they were
    /// allowed, latest first, 100 at most.
    pub(crate) would_lose_access: Vec<LossView>,
    /// How many there are.
    pub(crate) would_lose_access_total: usize,
    /// Whether there may be more: of the service more was seen than is kept.
    pub(crate) seen_truncated: bool,
    #[serde(skip)]
    pub(crate) sentence: Option<String>,
    /// All of them, for who can page through them.
    #[serde(skip)]
    pub(crate) all: Vec<Loss>,
}

/// Something that a principal is refused, and what would give it back.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct LossView {
    /// Who, without `User:`; null for callers of the REST proxy without credentials.
    pub(crate) principal: Option<String>,
    /// Where it was seen: `rest_proxy`, `broker`.
    pub(crate) seen_at: Vec<&'static str>,
    pub(crate) resource_type: &'static str,
    pub(crate) resource_name: String,
    /// What it did with it, in Kafka's words.
    pub(crate) operations: Vec<&'static str>,
    /// When it did so last.
    pub(crate) last_seen: String,
    /// The same.
    #[serde(skip)]
    pub(crate) last_seen_at: Timestamp,
    /// Whether it is refused however it comes: by which mechanism and from which address it came is
    /// not known.
    pub(crate) certain: bool,
    /// Why it is refused.
    pub(crate) reason: String,
    /// ACL entries that would give it back. Empty: none can, for the reason that is given.
    pub(crate) acls: Vec<ProposalView>,
}

/// An ACL entry that could be added.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct ProposalView {
    /// `acl` or `kafka/acl`: where below the service to send it.
    pub(crate) path: &'static str,
    /// What to send.
    #[schema(value_type = Object)]
    pub(crate) entry: Value,
    /// The same as a command; null if `avn` has none for it.
    pub(crate) command: Option<String>,
}

impl Days {
    /// 14 if not given.
    pub(crate) fn parse(days: Option<u32>) -> Result<Self, ApiError> {
        match days.unwrap_or(14) {
            days @ 1..=30 => Ok(Self(days)),
            days => {
                Err(ApiError::Invalid(format!("Invalid 'seen_days' '{days}': it must be 1 to 30")))
            }
        }
    }

    /// When they began.
    pub(crate) fn since(self) -> Timestamp {
        Timestamp::now().plus_ms(-DAY_MS * i64::from(self.0))
    }

    /// How many.
    pub(crate) const fn count(self) -> u32 {
        self.0
    }
}

impl Asked {
    /// What would follow; nothing is changed.
    pub(crate) fn what_if() -> Result<Self, ApiError> {
        LossQuery { dry_run: Some(true), seen_days: None }.asked()
    }

    /// What is to be done.
    pub(crate) fn for_real() -> Result<Self, ApiError> {
        LossQuery::default().asked()
    }
}

impl LossQuery {
    /// With its defaults.
    pub(crate) fn asked(&self) -> Result<Asked, ApiError> {
        let (dry_run, days) = (self.dry_run.unwrap_or_default(), Days::parse(self.seen_days)?);
        Ok(Asked { dry_run, days, generation: None })
    }
}

impl Asked {
    /// What was done, and who loses access by it if somebody does.
    pub(crate) fn message(self, done: &str, losses: &Losses) -> String {
        let what = if self.dry_run { "nothing was changed: this was a dry run" } else { done };
        match &losses.sentence {
            None => what.to_owned(),
            Some(sentence) => format!("{what}; {sentence}"),
        }
    }
}

impl Losses {
    /// Who loses access, in one sentence; `None` if nobody does.
    pub(crate) fn sentence(&self) -> Option<&str> {
        self.sentence.as_deref()
    }
}

/// What decides now who may do what with a service.
pub(crate) async fn access_of(app: &App, service: &Service) -> Result<Access, ApiError> {
    let access = Access {
        acl: app.store.acls.list(service.id).await?,
        kafka_acl: app.store.kafka_acls.list(service.id).await?,
        users: app.store.users.names(service.id).await?,
        ..Access::default()
    };
    Ok(match effective(&service.user_config, &app.settings.rules()) {
        Ok(effective) => configured(access, &effective),
        // It was accepted under other rules. Entries and users are looked at as if every way in were
        // open, so that nothing is left out.
        Err(_) => Access {
            passwords: true,
            rest_authorization: true,
            principal_claim: Some("sub".to_owned()),
            ..access
        },
    })
}

/// The same under this configuration.
pub(crate) fn configured(access: Access, effective: &Effective) -> Access {
    let mut mechanisms = effective.sasl_mechanisms().into_iter();
    Access {
        passwords: mechanisms.any(|it| it.starts_with("SCRAM-")),
        // Without a REST proxy, nobody gets in by it.
        rest_authorization: effective.rest_authorization() || !effective.kafka_rest(),
        principal_claim: effective.oidc().map(|it| it.sub_claim_name.clone()),
        ..access
    }
}

/// Who would lose access if `after` were so instead of `before`, with the same subject claim.
pub(crate) async fn losses(
    app: &App,
    service: &Service,
    change: (Access, Access),
    days: Days,
) -> Result<Losses, ApiError> {
    losses_watching(app, service, change, days, Watching::Never).await
}

/// The same with perhaps another one, whose values are kept as `watching` says.
pub(crate) async fn losses_watching(
    app: &App,
    service: &Service,
    (before, after): (Access, Access),
    days: Days,
    watching: Watching,
) -> Result<Losses, ApiError> {
    if before == after {
        return Ok(Losses::default());
    }
    let seen = app.store.seen.of_service(service.id, days.since()).await?;
    let truncated = seen.truncated;
    let deciding = tokio::task::spawn_blocking(move || {
        would_lose(&before, &after, &seen.uses, (&seen.claims, watching))
    });
    let lost = deciding.await.map_err(|error| ApiError::Internal(error.into()))?;
    let name = service.name.as_str();
    Ok(Losses {
        would_lose_access: lost.iter().take(MOST).map(|it| LossView::of(it, name)).collect(),
        would_lose_access_total: lost.len(),
        seen_truncated: truncated,
        sentence: sentence(&lost, days),
        all: lost,
    })
}

impl LossView {
    pub(crate) fn of(loss: &Loss, service: &str) -> Self {
        Self {
            principal: loss.principal.as_ref().map(|it| it.0.clone()),
            seen_at: loss.seen_at.iter().map(|it| it.as_str()).collect(),
            resource_type: loss.resource_type.as_str(),
            resource_name: loss.resource_name.clone(),
            operations: loss.operations.iter().map(|it| it.as_str()).collect(),
            last_seen: rfc3339(loss.last),
            last_seen_at: loss.last,
            certain: loss.certain,
            reason: loss.reason.clone(),
            acls: loss.acls.iter().map(|it| ProposalView::of(it, service)).collect(),
        }
    }
}

impl ProposalView {
    fn of(proposal: &Proposal, service: &str) -> Self {
        let (path, entry) = match proposal {
            Proposal::Acl { permission, topic, username } => {
                let entry =
                    json!({ "permission": permission, "topic": topic, "username": username });
                ("acl", entry)
            }
            Proposal::KafkaAcl(acl) => {
                let KafkaAclText {
                    principal,
                    host,
                    resource_type,
                    resource_name,
                    pattern_type,
                    operation,
                    permission_type,
                } = acl.text();
                let entry = json!({
                    "principal": principal, "host": host, "resource_type": resource_type,
                    "resource_name": resource_name, "pattern_type": pattern_type,
                    "operation": operation, "permission_type": permission_type,
                });
                ("kafka/acl", entry)
            }
        };
        Self { path, entry, command: proposal.command(service) }
    }
}

/// Names who loses something, the latest first.
fn sentence(lost: &[Loss], days: Days) -> Option<String> {
    // By name: where it comes first, and whether something is certainly lost.
    let mut principals: BTreeMap<Option<&str>, (usize, bool)> = BTreeMap::new();
    for (place, it) in lost.iter().enumerate() {
        let name = it.principal.as_ref().map(|it| it.0.as_str());
        principals.entry(name).or_insert((place, false)).1 |= it.certain;
    }
    let mut ordered: Vec<_> = principals.into_iter().collect();
    ordered.sort_by_key(|(_, (place, _))| *place);
    let count = match ordered.len() {
        0 => return None,
        1 => "1 principal".to_owned(),
        n => format!("{n} principals"),
    };
    let shown = ordered.iter().take(MOST_NAMES).map(|(name, (_, certain))| {
        let name = name.unwrap_or("callers without credentials").escape_debug();
        if *certain { name.to_string() } else { format!("{name} (perhaps)") }
    });
    let mut names = shown.collect::<Vec<_>>().join(", ");
    if ordered.len() > MOST_NAMES {
        names = format!("{names} and {} more", ordered.len() - MOST_NAMES);
    }
    let days = match days.count() {
        1 => "the last day".to_owned(),
        n => format!("the last {n} days"),
    };
    Some(format!("{count} seen in {days} would lose access: {names}"))
}

#[cfg(test)]
mod tests {
    use model::{Principal, ResourceType, SeenAt};

    use super::*;

    fn loss(principal: Option<&str>, certain: bool) -> Loss {
        Loss {
            principal: principal.map(|it| Principal(it.into())),
            seen_at: [SeenAt::Broker].into(),
            resource_type: ResourceType::Topic,
            resource_name: "t".into(),
            operations: [].into(),
            last: Timestamp(0),
            certain,
            reason: String::new(),
            acls: Vec::new(),
        }
    }

    #[test]
    fn a_sentence_names_each_principal_once_and_few_of_many() {
        let days = Days::parse(None).unwrap();
        assert_eq!(sentence(&[], days), None);
        let lost = [
            loss(Some("b"), false),
            loss(Some("a"), false),
            loss(None, true),
            loss(Some("a"), true),
        ];
        assert_eq!(
            sentence(&lost, days).unwrap(),
            "3 principals seen in the last 14 days would lose access: b (perhaps), a, callers \
             without credentials"
        );
        let one = Days::parse(Some(1)).unwrap();
        assert_eq!(
            sentence(&lost[2..3], one).unwrap(),
            "1 principal seen in the last day would lose access: callers without credentials"
        );
        let many: Vec<Loss> = (0..12).map(|n| loss(Some(&format!("u{n}")), true)).collect();
        let text = sentence(&many, days).unwrap();
        assert!(
            text.starts_with("12 principals")
                && text.ends_with(": u0, u1, u2, u3, u4, u5, u6, u7, u8, u9 and 2 more"),
            "{text}"
        );
    }

    #[test]
    fn days_are_one_to_thirty() {
        for wrong in [0, 31] {
            assert!(Days::parse(Some(wrong)).is_err());
        }
        assert_eq!(Days::parse(Some(30)).unwrap().count(), 30);
    }
}
