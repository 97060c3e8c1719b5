//! Two control planes on one database.
