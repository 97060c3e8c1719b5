//! Where the files of a service and its nodes are.

use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use model::{NodeId, RevisionId, Timestamp};

use crate::driver::ServiceRef;

/// The folder of a service.
#[derive(Clone, Debug)]
pub(crate) struct ServiceFolder(PathBuf);

/// The folder of a node.
#[derive(Clone, Debug)]
pub(crate) struct NodeFolder(PathBuf);

impl ServiceFolder {
    pub(crate) fn new(data: &Path, service: &ServiceRef) -> Self {
        Self(data.join(service.project.as_str()).join(service.name.as_str()))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn node(&self, node: NodeId) -> NodeFolder {
        NodeFolder(self.0.join(node.to_string()))
    }

    /// The folder of the service's REST proxy.
    pub(crate) fn rest_proxy(&self) -> PathBuf {
        self.0.join("rest-proxy")
    }
}

impl NodeFolder {
    pub(crate) fn at(path: PathBuf) -> Self {
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// `server.properties` of a revision, relative to the node's folder.
    pub(crate) fn relative_properties(revision: &RevisionId) -> PathBuf {
        Path::new("revisions").join(revision.as_str()).join("server.properties")
    }

    pub(crate) fn revision(&self, revision: &RevisionId) -> PathBuf {
        self.0.join("revisions").join(revision.as_str())
    }

    pub(crate) fn secrets(&self) -> PathBuf {
        self.0.join("secrets.properties")
    }

    pub(crate) fn log4j(&self) -> PathBuf {
        self.0.join("log4j2.properties")
    }

    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.0.join("logs").join(name)
    }

    /// Exists once Kafka's storage is formatted.
    pub(crate) fn meta_properties(&self) -> PathBuf {
        self.0.join("data").join("meta.properties")
    }

    /// Held while an agent works on the node.
    pub(crate) fn lock(&self) -> PathBuf {
        self.0.join("agent.lock")
    }

    /// One line for each start.
    pub(crate) fn starts(&self) -> PathBuf {
        self.0.join("starts")
    }

    /// The epoch of the latest order.
    pub(crate) fn epoch(&self) -> PathBuf {
        self.0.join("epoch")
    }
}

/// When a file was written last; `None` if there is none.
pub(crate) fn modified(file: &Path) -> Option<Timestamp> {
    let at = file.metadata().ok()?.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(Timestamp(i64::try_from(at.as_millis()).ok()?))
}
