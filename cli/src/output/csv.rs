//! Comma-separated values after RFC 4180, with plain line ends.

use super::text::plain;

/// One record. Control characters are escaped, so that a record is always one line and safe to show.
pub(crate) fn record<'a>(fields: impl IntoIterator<Item = &'a str>) -> String {
    let quoted = |field: &str| {
        let field = plain(field);
        if field.contains([',', '"']) || field.starts_with(' ') || field.ends_with(' ') {
            format!("\"{}\"", field.replace('"', "\"\""))
        } else {
            field.into_owned()
        }
    };
    fields.into_iter().map(quoted).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_where_they_must_be() {
        assert_eq!(record(["a", "b,c", "say \"x\"", "", "d\ne"]), r#"a,"b,c","say ""x""",,d\ne"#);
    }
}
