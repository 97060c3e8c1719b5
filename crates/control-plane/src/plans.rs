//! The plans that services are made with.

use crate::error::ApiError;

/// A size of service.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Its name, as Aiven has it.
    pub(crate) name: &'static str,
    /// How many nodes. Three, so that one may be away without anybody noticing.
    pub(crate) nodes: u16,
    /// `-Xmx` of each node, in mebibytes.
    pub(crate) heap_mb: u32,
    /// What a node needs in all, in mebibytes.
    pub(crate) memory_mb: u32,
}

/// Every plan.
pub(crate) const PLANS: [Plan; 2] = [
    Plan { name: "startup-2", nodes: 3, heap_mb: 384, memory_mb: 768 },
    Plan { name: "business-4", nodes: 3, heap_mb: 512, memory_mb: 1024 },
];

/// The plan of that name.
pub(crate) fn plan(name: &str) -> Option<&'static Plan> {
    PLANS.iter().find(|it| it.name == name)
}

/// Says which plans there are.
pub(crate) fn unknown_plan(name: &str) -> ApiError {
    let known: Vec<&str> = PLANS.iter().map(|it| it.name).collect();
    let name: String = name.escape_debug().take(64).collect();
    ApiError::Invalid(format!("Invalid 'plan': {name}: it is none of {}", known.join(", ")))
}
