//! How the workspace's own programs are started.

use std::path::Path;

use anyhow::Context as _;

use crate::prerequisites;
use crate::process::Program;
use crate::stack::Stack;

/// Started by the orchestrator, one for each service.
pub(super) const REST_PROXY: &str = "tidegate-rest-proxy";

/// The public client of the development identity provider by which people sign in.
const CONSOLE_CLIENT: &str = "console";

/// What the groups of the development identity provider's people may do.
const ROLES: &str = "admins=*:admin,ops=*:operator,developers=*:developer,auditors=*:read_only";

impl Stack<'_> {
    pub(super) fn idp_program(&self) -> Program {
        let listen = format!("127.0.0.1:{}", self.ports.idp);
        Program {
            name: "idp",
            binary: "tidegate-idp",
            args: vec!["--listen".to_owned(), listen, "--issuer".to_owned(), self.idp_url()],
            env: Vec::new(),
        }
    }

    pub(super) fn control_plane_program(&self, database: &str) -> Program {
        Program {
            name: "control-plane",
            binary: "tidegate-control-plane",
            args: vec!["serve".to_owned()],
            env: vec![
                ("TIDEGATE_LISTEN", format!("127.0.0.1:{}", self.ports.control_plane)),
                ("TIDEGATE_DATABASE_URL", database.to_owned()),
                ("TIDEGATE_KEY_FILE", self.key_file().display().to_string()),
                ("TIDEGATE_HTTP_LOOPBACK_IDP", "true".to_owned()),
                ("TIDEGATE_PORT_BASE", self.ports.nodes.to_string()),
                ("TIDEGATE_PUBLIC_URL", self.control_plane_url()),
                ("TIDEGATE_OIDC_ISSUER", self.idp_url()),
                ("TIDEGATE_OIDC_AUDIENCE", CONSOLE_CLIENT.to_owned()),
                ("TIDEGATE_OIDC_CLIENT_ID", CONSOLE_CLIENT.to_owned()),
                ("TIDEGATE_OIDC_ROLES", ROLES.to_owned()),
            ],
        }
    }

    pub(super) fn orchestrator_program(&self, database: &str) -> anyhow::Result<Program> {
        let java = prerequisites::java(self.sh).context("no java")?;
        let path = |path: &Path| path.display().to_string();
        Ok(Program {
            name: "orchestrator",
            binary: "tidegate-orchestrator",
            args: vec!["run".to_owned()],
            env: vec![
                ("TIDEGATE_LISTEN", format!("127.0.0.1:{}", self.ports.orchestrator)),
                ("TIDEGATE_DATABASE_URL", database.to_owned()),
                ("TIDEGATE_KEY_FILE", path(&self.key_file())),
                ("TIDEGATE_DATA_DIR", path(&self.places.nodes())),
                ("TIDEGATE_KAFKA_LIBS", path(&self.places.kafka_libs())),
                ("TIDEGATE_JAVA", path(&java)),
                ("TIDEGATE_REST_PROXY", path(&self.places.installed(REST_PROXY))),
                ("TIDEGATE_CONTROL_PLANE_URL", self.control_plane_url()),
                ("TIDEGATE_HTTP_LOOPBACK_IDP", "true".to_owned()),
                // Caches are warm within seconds here, and nobody wants to wait.
                ("TIDEGATE_CANARY_BAKE_SECONDS", "3".to_owned()),
                ("TIDEGATE_SOAK_SECONDS", "2".to_owned()),
                ("TIDEGATE_LEADERS_DELAY_SECONDS", "1".to_owned()),
            ],
        })
    }
}
