//! The schemas of `docs/schemas`, held against documents.
//!
//! For a reader a schema allows more than it names: what is new must not break him. Here it allows nothing more, so that
//! no field is written without being described.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jsonschema::Validator;
use serde_json::Value;

/// Formats that are others', which dwell fills.
pub const OF_BARS: [&str; 2] = ["i3", "waybar"];

/// Every schema, by the `schema` of its documents; those of bars' formats, which name none, by their files: `waybar`.
#[derive(Debug)]
pub struct Schemas(BTreeMap<String, (Value, Validator)>);

impl Schemas {
    /// Where they are.
    #[must_use]
    pub fn folder() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/schemas")
    }

    /// Reads them all.
    ///
    /// # Panics
    ///
    /// When one is no schema, or is not in the file that its name says.
    #[must_use]
    pub fn read() -> Self {
        let entries = std::fs::read_dir(Self::folder()).expect("the folder of schemas");
        let paths = entries.map(|entry| entry.expect("a file").path());
        let mut schemas = BTreeMap::new();
        for path in paths.filter(|path| path.extension().is_some_and(|ending| ending == "json")) {
            let text = std::fs::read_to_string(&path).expect("a schema");
            let schema: Value = serde_json::from_str(&text).unwrap_or_else(|why| panic!("{path:?}: {why}"));
            jsonschema::draft202012::meta::validate(&schema).unwrap_or_else(|why| panic!("{path:?}: {why}"));
            let stem = path.file_stem().and_then(|stem| stem.to_str()).expect("a name").to_owned();
            let named = schema["properties"]["schema"]["const"].as_str();
            assert_eq!(
                named.is_none(),
                OF_BARS.contains(&stem.as_str()),
                "{stem}: the name of its documents"
            );
            let name = named.unwrap_or(&stem).to_owned();
            let file = name.trim_start_matches("dwell.").replace('/', "-") + ".json";
            assert!(path.ends_with(&file), "{name} belongs into {file}");
            assert_eq!(
                schema["additionalProperties"], true,
                "{file}: readers must ignore what they do not know"
            );
            let mut strict = schema.clone();
            closed(&mut strict);
            let validator = jsonschema::draft202012::options()
                .should_validate_formats(true)
                .build(&strict)
                .unwrap_or_else(|why| panic!("{file}: {why}"));
            schemas.insert(name, (schema, validator));
        }
        Self(schemas)
    }

    /// The names of all formats of our own.
    #[must_use]
    pub fn names(&self) -> BTreeSet<String> {
        self.0.keys().filter(|name| !OF_BARS.contains(&name.as_str())).cloned().collect()
    }

    /// The schemas themselves.
    pub fn all(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, (schema, _))| (name.as_str(), schema))
    }

    /// Holds a document against its schema. Returns the format's name.
    ///
    /// # Errors
    ///
    /// What is not as it is described, or not described.
    pub fn check(&self, document: &Value) -> Result<String, String> {
        let name = document["schema"].as_str().ok_or_else(|| format!("it names no schema: {document}"))?;
        self.check_as(name, document)?;
        Ok(name.to_owned())
    }

    /// Holds a document that names no schema against one.
    ///
    /// # Errors
    ///
    /// What is not as it is described, or not described.
    pub fn check_as(&self, name: &str, document: &Value) -> Result<(), String> {
        let (_, validator) =
            self.0.get(name).ok_or_else(|| format!("{name} has no schema in docs/schemas"))?;
        let wrong: Vec<_> =
            validator.iter_errors(document).map(|why| format!("{}: {why}", why.instance_path())).collect();
        if wrong.is_empty() { Ok(()) } else { Err(format!("{name}: {}\n{document}", wrong.join("; "))) }
    }

    /// The same for a line of output, which may be no document at all.
    ///
    /// # Errors
    ///
    /// What is not as it is described, or not described.
    pub fn check_line(&self, line: &str) -> Result<Option<String>, String> {
        match serde_json::from_str::<Value>(line) {
            Ok(document) if document["schema"].is_string() => self.check(&document).map(Some),
            _ => Ok(None),
        }
    }
}

/// Nothing but what is named.
fn closed(schema: &mut Value) {
    match schema {
        Value::Object(parts) => {
            if parts.contains_key("properties") && parts.get("type").is_some_and(|kind| kind == "object") {
                parts.insert("additionalProperties".to_owned(), false.into());
            }
            parts.values_mut().for_each(closed);
        }
        Value::Array(parts) => parts.iter_mut().for_each(closed),
        _ => {}
    }
}
