//! Everything that is shown: documents for scripts, and text for people. Pure: values in, text out.

pub(crate) mod care;
pub(crate) mod categories;
pub(crate) mod change;
pub(crate) mod csv;
pub(crate) mod dashboard;
pub(crate) mod desktop_bar;
pub(crate) mod html;
pub(crate) mod instant;
pub(crate) mod json;
pub(crate) mod limits;
pub(crate) mod look;
pub(crate) mod phrase;
pub(crate) mod privacy;
pub(crate) mod prometheus;
pub(crate) mod report;
pub(crate) mod rules_json;
pub(crate) mod sql;
pub(crate) mod standing;
pub(crate) mod text;
pub(crate) mod trial;
pub(crate) mod vault_json;
pub(crate) mod week;
