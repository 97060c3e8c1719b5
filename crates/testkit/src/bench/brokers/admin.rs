//! What a simulated cluster is told, and tells of it: topics, configuration, ACLs, credentials.

use kafka_protocol::messages::alter_user_scram_credentials_response::AlterUserScramCredentialsResult;
use kafka_protocol::messages::create_acls_response::AclCreationResult;
use kafka_protocol::messages::create_topics_response::CreatableTopicResult;
use kafka_protocol::messages::describe_acls_response::{AclDescription, DescribeAclsResource};
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResult,
};
use kafka_protocol::messages::describe_user_scram_credentials_response::{
    CredentialInfo, DescribeUserScramCredentialsResult,
};
use kafka_protocol::messages::incremental_alter_configs_response::AlterConfigsResourceResponse;
use kafka_protocol::messages::{
    AlterUserScramCredentialsRequest, AlterUserScramCredentialsResponse, ApiKey, CreateAclsRequest,
    CreateAclsResponse, CreateTopicsRequest, CreateTopicsResponse, DescribeAclsRequest,
    DescribeAclsResponse, DescribeConfigsRequest, DescribeConfigsResponse,
    DescribeUserScramCredentialsRequest, DescribeUserScramCredentialsResponse,
    IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse,
};
use kafka_protocol::protocol::StrBytes;

use super::cluster::{Acl, Credential, State};
use super::{Answer, Asked};

/// `org.apache.kafka.common.config.ConfigResource.Type.TOPIC`
const TOPIC: i8 = 2;
/// `DescribeConfigsResponse.ConfigSource`: of the topic, of all brokers, Kafka's own.
const OF_TOPIC: i8 = 1;
const OF_BROKERS: i8 = 3;
const DEFAULT: i8 = 5;

impl State {
    /// Does what was asked, if that is a change.
    pub(super) fn change(&mut self, asked: &Asked) -> anyhow::Result<Option<Answer>> {
        Ok(Some(match asked.api {
            ApiKey::CreateTopics => self.create_topics(asked)?,
            ApiKey::IncrementalAlterConfigs => self.alter_configs(asked)?,
            ApiKey::CreateAcls => self.create_acls(asked)?,
            ApiKey::AlterUserScramCredentials => self.alter_credentials(asked)?,
            _ => return Ok(None),
        }))
    }

    /// Tells what was asked, if it is known.
    pub(super) fn show(&self, asked: &Asked) -> anyhow::Result<Option<Answer>> {
        Ok(Some(match asked.api {
            ApiKey::DescribeConfigs => self.configs(asked)?,
            ApiKey::DescribeAcls => self.acls(asked)?,
            ApiKey::DescribeUserScramCredentials => self.credentials(asked)?,
            _ => return Ok(None),
        }))
    }

    fn create_topics(&mut self, asked: &Asked) -> anyhow::Result<Answer> {
        let request: CreateTopicsRequest = asked.request()?;
        let mut results = Vec::new();
        for topic in request.topics {
            let result = CreatableTopicResult::default().with_name(topic.name.clone());
            if self.topics.contains_key(topic.name.as_str()) {
                let code = kafka::ErrorCode::TopicAlreadyExists.code();
                results.push(result.with_error_code(code));
                continue;
            }
            if request.validate_only {
                results.push(result);
                continue;
            }
            let config = topic
                .configs
                .iter()
                .filter_map(|it| Some((it.name.to_string(), it.value.as_ref()?.to_string())));
            self.add_topic(topic.name.to_string(), topic.num_partitions, config.collect());
            results.push(result);
        }
        asked.answer::<CreateTopicsRequest>(&CreateTopicsResponse::default().with_topics(results))
    }

    fn alter_configs(&mut self, asked: &Asked) -> anyhow::Result<Answer> {
        let request: IncrementalAlterConfigsRequest = asked.request()?;
        let mut responses = Vec::new();
        for resource in request.resources {
            let configs = match self.topics.get_mut(resource.resource_name.as_str()) {
                Some(topic) if resource.resource_type == TOPIC => &mut topic.config,
                _ => &mut self.dynamic,
            };
            for it in resource.configs.into_iter().filter(|_| !request.validate_only) {
                match it.value {
                    Some(value) => drop(configs.insert(it.name.to_string(), value.to_string())),
                    None => drop(configs.remove(it.name.as_str())),
                }
            }
            let response = AlterConfigsResourceResponse::default();
            let response = response.with_resource_type(resource.resource_type);
            responses.push(response.with_resource_name(resource.resource_name));
        }
        let response = IncrementalAlterConfigsResponse::default().with_responses(responses);
        asked.answer::<IncrementalAlterConfigsRequest>(&response)
    }

    fn create_acls(&mut self, asked: &Asked) -> anyhow::Result<Answer> {
        let request: CreateAclsRequest = asked.request()?;
        let results = vec![AclCreationResult::default(); request.creations.len()];
        self.acls.extend(request.creations.into_iter().map(|it| Acl {
            resource: (it.resource_type, it.resource_name.to_string(), it.resource_pattern_type),
            principal: it.principal.to_string(),
            host: it.host.to_string(),
            operation: it.operation,
            permission: it.permission_type,
        }));
        asked.answer::<CreateAclsRequest>(&CreateAclsResponse::default().with_results(results))
    }

    fn alter_credentials(&mut self, asked: &Asked) -> anyhow::Result<Answer> {
        let request: AlterUserScramCredentialsRequest = asked.request()?;
        let mut results = Vec::new();
        for it in request.upsertions {
            let credential =
                Credential { iterations: it.iterations, salt: it.salt, salted: it.salted_password };
            self.credentials.insert((it.name.to_string(), it.mechanism), credential);
            results.push(AlterUserScramCredentialsResult::default().with_user(it.name));
        }
        let response = AlterUserScramCredentialsResponse::default().with_results(results);
        asked.answer::<AlterUserScramCredentialsRequest>(&response)
    }

    fn configs(&self, asked: &Asked) -> anyhow::Result<Answer> {
        let request: DescribeConfigsRequest = asked.request()?;
        let results = request.resources.into_iter().map(|it| self.config(it)).collect();
        let response = DescribeConfigsResponse::default().with_results(results);
        asked.answer::<DescribeConfigsRequest>(&response)
    }

    fn config(&self, asked: DescribeConfigsResource) -> DescribeConfigsResult {
        let result = DescribeConfigsResult::default()
            .with_resource_type(asked.resource_type)
            .with_resource_name(asked.resource_name.clone());
        let entry = |name: &str, value: &str, source| {
            DescribeConfigsResourceResult::default()
                .with_name(StrBytes::from_string(name.to_owned()))
                .with_value(Some(StrBytes::from_string(value.to_owned())))
                .with_config_source(source)
        };
        if asked.resource_type != TOPIC {
            let all = self.dynamic.iter().map(|(name, value)| entry(name, value, OF_BROKERS));
            return result.with_configs(all.collect());
        }
        let Some(topic) = self.topics.get(asked.resource_name.as_str()) else {
            return result.with_error_code(kafka::ErrorCode::UnknownTopicOrPartition.code());
        };
        let keys = asked.configuration_keys.into_iter().flatten();
        let configs = keys.map(|key| {
            match (topic.config.get(key.as_str()), self.dynamic.get(key.as_str())) {
                (Some(own), _) => entry(&key, own, OF_TOPIC),
                (None, Some(value)) => entry(&key, value, OF_BROKERS),
                (None, None) => entry(&key, "1", DEFAULT),
            }
        });
        result.with_configs(configs.collect())
    }

    fn acls(&self, asked: &Asked) -> anyhow::Result<Answer> {
        let resources = self.acls.iter().map(|it| {
            let (kind, name, pattern) = &it.resource;
            let text = |text: &str| StrBytes::from_string(text.to_owned());
            let acl = AclDescription::default()
                .with_principal(text(&it.principal))
                .with_host(text(&it.host))
                .with_operation(it.operation)
                .with_permission_type(it.permission);
            DescribeAclsResource::default()
                .with_resource_type(*kind)
                .with_resource_name(text(name))
                .with_pattern_type(*pattern)
                .with_acls(vec![acl])
        });
        let response = DescribeAclsResponse::default().with_resources(resources.collect());
        asked.answer::<DescribeAclsRequest>(&response)
    }

    fn credentials(&self, asked: &Asked) -> anyhow::Result<Answer> {
        let mut results: Vec<DescribeUserScramCredentialsResult> = Vec::new();
        for ((user, mechanism), it) in &self.credentials {
            let info = CredentialInfo::default().with_mechanism(*mechanism);
            let info = info.with_iterations(it.iterations);
            match results.last_mut().filter(|it| it.user.as_str() == user) {
                Some(result) => result.credential_infos.push(info),
                None => results.push(
                    DescribeUserScramCredentialsResult::default()
                        .with_user(StrBytes::from_string(user.clone()))
                        .with_credential_infos(vec![info]),
                ),
            }
        }
        let response = DescribeUserScramCredentialsResponse::default().with_results(results);
        asked.answer::<DescribeUserScramCredentialsRequest>(&response)
    }
}
