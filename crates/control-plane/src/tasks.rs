//! `/v1/project/{project}/service/{service}/task`: whether another version of Kafka would take the
//! service as it is.
//!
//! Nothing is started and nothing stored: the id of a task says what it checks, and whoever gets
//! the task is told what holds now.

use axum::extract::State;
use model::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use service_config::{Rules, UserConfig, effective};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::access::{Develop, OfService, ServicePath};
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::service_types::KAFKA_VERSION;
use crate::time::rfc3339;

/// The only type of task.
const UPGRADE_CHECK: &str = "upgrade_check";

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(create_task)).routes(routes!(get_task))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct TaskPath {
    /// Id of the task.
    task: String,
}

/// A task to be done.
#[derive(Deserialize, ToSchema)]
struct CreateTask {
    /// `upgrade_check`
    task_type: String,
    /// The version of Kafka to be checked, such as `4.3`.
    target_version: Option<String>,
    /// Details of other types of tasks may be there.
    #[serde(flatten)]
    #[schema(ignore)]
    #[expect(dead_code, reason = "clients send it")]
    other: Map<String, Value>,
}

#[derive(Serialize, ToSchema)]
struct TaskAnswer {
    task: TaskView,
}

/// A task that was done.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
struct TaskView {
    task_id: String,
    task_type: &'static str,
    /// When it was looked: now.
    create_time: String,
    /// Whether the target version would take the service as it is.
    success: bool,
    /// Why, in words.
    result: String,
    result_codes: [String; 0],
}

/// A version as Kafka counts them: `4.3`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Version(String);

impl Version {
    fn parse(text: &str) -> Option<Self> {
        let (major, minor) = text.split_once('.')?;
        let is_number = |it: &str| {
            (1..=3).contains(&it.len()) && it.bytes().all(|digit| digit.is_ascii_digit())
        };
        (is_number(major) && is_number(minor)).then(|| Self(text.to_owned()))
    }

    /// The task that checks this version.
    fn of_task(id: &str) -> Option<Self> {
        Self::parse(id.strip_prefix(UPGRADE_CHECK)?.strip_prefix('-')?)
    }
}

/// Whether `target` would take a service with these options, and why. There is one version, and
/// the schema of the options is its own: what was stored under other rules may break them.
fn upgrade_check(config: &UserConfig, rules: Rules, target: &Version) -> (bool, String) {
    let Version(target) = target;
    if target != KAFKA_VERSION {
        return (false, format!("Kafka {target} is not offered: only {KAFKA_VERSION} is"));
    }
    match effective(config, &rules) {
        Ok(_) => (true, format!("Kafka {target} knows and takes every option that is set")),
        Err(errors) => {
            let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
            (false, format!("Kafka {target} does not take: {}", errors.join("; ")))
        }
    }
}

fn done(app: &App, config: &UserConfig, target: &Version) -> Json<TaskAnswer> {
    let (success, result) = upgrade_check(config, app.settings.rules(), target);
    let task = TaskView {
        task_id: format!("{UPGRADE_CHECK}-{}", target.0),
        task_type: UPGRADE_CHECK,
        create_time: rfc3339(Timestamp::now()),
        success,
        result,
        result_codes: [],
    };
    Json(TaskAnswer { task })
}

/// Check whether another version of Kafka would take the service as it is
///
/// `upgrade_check` is the only task that there is. It is done at once and changes nothing.
#[utoipa::path(
    post,
    path = "/v1/project/{project}/service/{service}/task",
    params(ServicePath),
    request_body = CreateTask,
    responses((status = 200, body = TaskAnswer)),
    tag = "tasks"
)]
async fn create_task(
    State(app): State<App>,
    OfService { service, .. }: OfService<Develop>,
    Json(body): Json<CreateTask>,
) -> Result<Json<TaskAnswer>, ApiError> {
    if body.task_type != UPGRADE_CHECK {
        let message = format!("Invalid 'task_type': only {UPGRADE_CHECK} is offered");
        return Err(ApiError::Invalid(message));
    }
    let target = body.target_version.as_deref().and_then(Version::parse).ok_or_else(|| {
        ApiError::Invalid(format!(
            "Invalid 'target_version': it is no version of Kafka, such as {KAFKA_VERSION}"
        ))
    })?;
    Ok(done(&app, &service.user_config, &target))
}

/// Get a task, done anew
#[utoipa::path(
    get,
    path = "/v1/project/{project}/service/{service}/task/{task}",
    params(ServicePath, TaskPath),
    responses((status = 200, body = TaskAnswer)),
    tag = "tasks"
)]
async fn get_task(
    State(app): State<App>,
    OfService { service, .. }: OfService,
    Path(path): Path<TaskPath>,
) -> Result<Json<TaskAnswer>, ApiError> {
    let target = Version::of_task(&path.task).ok_or(ApiError::NotFound("Service task"))?;
    Ok(done(&app, &service.user_config, &target))
}

#[cfg(test)]
mod tests {
    use model::UrlPolicy;
    use serde_json::json;

    use super::*;

    fn checked(config: &Value, target: &str) -> (bool, String) {
        let rules = Rules { url_policy: UrlPolicy::HttpsOnly };
        let target = Version::parse(target).unwrap();
        upgrade_check(config.as_object().unwrap(), rules, &target)
    }

    #[test]
    fn an_upgrade_check_says_why() {
        let sasl = json!({ "kafka_authentication_methods": { "sasl": true } });
        let (success, why) = checked(&sasl, KAFKA_VERSION);
        assert!(success, "{why}");
        let (success, why) = checked(&sasl, "4.2");
        assert!(!success);
        assert_eq!(why, format!("Kafka 4.2 is not offered: only {KAFKA_VERSION} is"));
        let mut old = sasl;
        old["kafka"] = json!({ "message_format_version": "3.0" });
        let (success, why) = checked(&old, KAFKA_VERSION);
        assert!(!success && why.contains("kafka.message_format_version"), "{why}");
    }

    #[test]
    fn the_id_of_a_task_says_what_it_checks() {
        assert_eq!(Version::of_task("upgrade_check-4.3"), Some(Version("4.3".into())));
        for id in ["", "4.3", "upgrade_check-", "upgrade_check-4", "upgrade_check-4.x", "x-4.3"] {
            assert_eq!(Version::of_task(id), None, "{id}");
        }
    }
}
