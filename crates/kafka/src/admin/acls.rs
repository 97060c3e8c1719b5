//! ACLs, one binding at a time: nothing is created, matched or deleted by a wider pattern.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use kafka_protocol::messages::create_acls_request::AclCreation;
use kafka_protocol::messages::delete_acls_request::DeleteAclsFilter;
use kafka_protocol::messages::{
    CreateAclsRequest, CreateAclsResponse, DeleteAclsRequest, DeleteAclsResponse,
    DescribeAclsRequest, DescribeAclsResponse,
};
use model::AclBinding;

use crate::admin::Admin;
use crate::call::Call;
use crate::codes::{
    ANY, WireAcl, acl_operation, acl_permission, host, pattern_type, resource_type, text,
};
use crate::error::{KafkaError, items, refused};

/// How many ACLs go into one request. Kafka takes at most 10 000 records in one change
/// (`AclControlManager`).
const BATCH: usize = 1000;

impl Admin {
    /// Creates the bindings; one that is there already stays. If some are refused, the others of
    /// the same thousand are made all the same.
    pub async fn create_acls(&self, bindings: &[AclBinding]) -> Result<(), KafkaError> {
        let deadline = self.deadline();
        for batch in bindings.chunks(BATCH) {
            let creations = batch.iter().map(creation).collect();
            let request = CreateAclsRequest::default().with_creations(creations);
            let check = |it: &CreateAclsResponse| {
                items(it.results.iter().zip(batch).map(|(it, binding)| {
                    let message = it.error_message.as_ref().map(ToString::to_string);
                    (describe(binding), it.error_code, message)
                }))
            };
            self.ask(Call::any(&request), deadline, check).await?;
        }
        Ok(())
    }

    /// Deletes exactly these bindings; one that is not there is fine.
    pub async fn delete_acls(&self, bindings: &[AclBinding]) -> Result<(), KafkaError> {
        let deadline = self.deadline();
        for batch in bindings.chunks(BATCH) {
            let filters = batch.iter().map(exactly).collect();
            let request = DeleteAclsRequest::default().with_filters(filters);
            let check = |it: &DeleteAclsResponse| {
                items(it.filter_results.iter().zip(batch).flat_map(|(result, binding)| {
                    let message = result.error_message.as_ref().map(ToString::to_string);
                    let whole = (describe(binding), result.error_code, message);
                    let each = result.matching_acls.iter().map(|it| {
                        let message = it.error_message.as_ref().map(ToString::to_string);
                        (describe(binding), it.error_code, message)
                    });
                    std::iter::once(whole).chain(each)
                }))
            };
            self.ask(Call::any(&request), deadline, check).await?;
        }
        Ok(())
    }

    /// All bindings. ACLs that a binding cannot express (for another type of
    /// principal, of an operation that is newer than this program) are left out, with a warning
    /// when their number changes: they were not made by us and are not ours to change.
    pub async fn describe_acls(&self) -> Result<BTreeSet<AclBinding>, KafkaError> {
        let request = DescribeAclsRequest::default()
            .with_resource_type_filter(ANY)
            .with_resource_name_filter(None)
            .with_pattern_type_filter(ANY)
            .with_principal_filter(None)
            .with_host_filter(None)
            .with_operation(ANY)
            .with_permission_type(ANY);
        let response = self
            .ask(Call::any(&request), self.deadline(), |it| {
                refused(it.error_code, it.error_message.as_deref())
            })
            .await?;
        let (bindings, foreign) = bindings(&response);
        if self.inner.foreign_acls.swap(foreign, Ordering::Relaxed) != foreign {
            tracing::warn!(foreign, "the cluster has ACLs that were not made by this platform");
        }
        Ok(bindings)
    }
}

/// The bindings of an answer, and how many ACLs there were besides.
fn bindings(response: &DescribeAclsResponse) -> (BTreeSet<AclBinding>, usize) {
    let mut foreign = 0;
    let mut found = BTreeSet::new();
    for resource in &response.resources {
        for acl in &resource.acls {
            let wire = WireAcl {
                resource_type: resource.resource_type,
                resource_name: &resource.resource_name,
                pattern_type: resource.pattern_type,
                principal: &acl.principal,
                host: &acl.host,
                operation: acl.operation,
                permission_type: acl.permission_type,
            };
            match wire.binding() {
                Some(binding) => drop(found.insert(binding)),
                None => foreign += 1,
            }
        }
    }
    (found, foreign)
}

fn creation(binding: &AclBinding) -> AclCreation {
    AclCreation::default()
        .with_resource_type(resource_type::code(binding.resource_type))
        .with_resource_name(text(&binding.resource_name))
        .with_resource_pattern_type(pattern_type::code(binding.pattern_type))
        .with_principal(text(binding.principal.to_string()))
        .with_host(text(host(binding.host)))
        .with_operation(acl_operation::code(binding.operation))
        .with_permission_type(acl_permission::code(binding.permission_type))
}

/// A filter that matches this binding and no other: no field is null, "any" or "match".
fn exactly(binding: &AclBinding) -> DeleteAclsFilter {
    DeleteAclsFilter::default()
        .with_resource_type_filter(resource_type::code(binding.resource_type))
        .with_resource_name_filter(Some(text(&binding.resource_name)))
        .with_pattern_type_filter(pattern_type::code(binding.pattern_type))
        .with_principal_filter(Some(text(binding.principal.to_string())))
        .with_host_filter(Some(text(host(binding.host))))
        .with_operation(acl_operation::code(binding.operation))
        .with_permission_type(acl_permission::code(binding.permission_type))
}

fn describe(binding: &AclBinding) -> String {
    format!(
        "{:?} {} from {} {:?} on {:?} {:?} '{}'",
        binding.permission_type,
        binding.principal,
        binding.host,
        binding.operation,
        binding.pattern_type,
        binding.resource_type,
        binding.resource_name
    )
}
