//! Writing what a node is started with.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use model::{Node, Revision};
use service_config::render_node;
use store::ServiceSecrets;

use super::folder::NodeFolder;

/// To files that are rolled over, and never to standard output, where tools answer.
///
/// `authorizer.log` is what brokers allowed, for `crate::authorizer_log`, and what they denied, which
/// is in `server.log` too. Not in it: the platform's own principals, which begin with a space. At
/// most 300 lines a second are written of what was allowed, 10 000 at once: a broker that is asked
/// more often leaves out some, by chance. Names come from clients, so line breaks are escaped. Of the
/// rule that decided only its kind is written, and names in front of it stay whole, so that one that
/// plays a rule is seen to (`crate::authorizer_log`).
///
/// Kafka makes the text of every answer before a filter sees it. That and the filters cost 1.5 us on
/// top of 0.75 us for a question to 200 ACLs, with and without this logger in turn. Of brokers with
/// three consumers of 5 to 20 topics and 1 000 to 4 000 records a second, in small batches, it was
/// 1.4 % of the processor time by JFR (5 % of what Java code took), which their total did not show.
/// A switch of the logger's level for a few seconds a minute, which Kafka 4.3.1 can do at run time,
/// would cost less and miss who comes once a day. A pattern as filter for more than a prefix doubles
/// the cost.
const LOG4J: &str = "\
status=warn
appender.file.type=RollingFile
appender.file.name=file
appender.file.fileName=logs/server.log
appender.file.filePattern=logs/server.log.%i
appender.file.layout.type=PatternLayout
appender.file.layout.pattern=[%d] %p %m (%c)%n
appender.file.policies.type=Policies
appender.file.policies.size.type=SizeBasedTriggeringPolicy
appender.file.policies.size.size=20MB
appender.file.strategy.type=DefaultRolloverStrategy
appender.file.strategy.max=5
appender.authorizer.type=RollingFile
appender.authorizer.name=authorizer
appender.authorizer.fileName=logs/authorizer.log
appender.authorizer.filePattern=logs/authorizer.log.%i
appender.authorizer.layout.type=PatternLayout
appender.authorizer.layout.pattern=%d{UNIX_MILLIS} %enc{%replace{%m}{(?s)(.*) with resourceRefCount = [0-9]+( based on rule [A-Za-z]*).*}{$1$2}}{CRLF}%n
appender.authorizer.policies.type=Policies
appender.authorizer.policies.size.type=SizeBasedTriggeringPolicy
appender.authorizer.policies.size.size=4MB
appender.authorizer.strategy.type=DefaultRolloverStrategy
appender.authorizer.strategy.max=1
appender.authorizer.filter.rate.type=BurstFilter
appender.authorizer.filter.rate.level=debug
appender.authorizer.filter.rate.rate=300
appender.authorizer.filter.rate.maxBurst=10000
rootLogger.level=info
rootLogger.appenderRef.file.ref=file
logger.authorizer.name=kafka.authorizer.logger
logger.authorizer.level=debug
logger.authorizer.additivity=false
logger.authorizer.appenderRef.file.ref=file
logger.authorizer.appenderRef.file.level=info
logger.authorizer.appenderRef.authorizer.ref=authorizer
logger.authorizer.appenderRef.authorizer.filter.own.type=RegexFilter
logger.authorizer.appenderRef.authorizer.filter.own.regex=Principal = User: .*
logger.authorizer.appenderRef.authorizer.filter.own.onMatch=deny
logger.authorizer.appenderRef.authorizer.filter.own.onMismatch=neutral
";

/// Writes a revision and what goes with it. Each file appears whole or not at all, and one that is
/// already as it should be is left alone.
pub(super) fn stage(
    folder: &NodeFolder,
    node: &Node,
    revision: &Revision,
    secrets: &ServiceSecrets,
) -> io::Result<()> {
    let dir = folder.revision(&revision.id);
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&dir)?;
    fs::create_dir_all(folder.path().join("logs"))?;
    write(&dir.join("server.properties"), &render_node(node, revision))?;
    write(&dir.join("jvm.options"), &revision.jvm_options.join("\n"))?;
    write(&folder.log4j(), LOG4J)?;
    let secrets = format!(
        "broker={}\nadmin={}\nrest_proxy={}\n",
        secrets.broker.expose(),
        secrets.admin.expose(),
        secrets.rest_proxy.expose()
    );
    write(&folder.secrets(), &secrets)
}

/// Writes a file that only we can read: beside it first, then in its place.
pub(crate) fn write(path: &Path, text: &str) -> io::Result<()> {
    if fs::read_to_string(path).is_ok_and(|it| it == text) {
        return Ok(());
    }
    let beside = path.with_extension("new");
    let mut file =
        fs::OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&beside, path)
}
