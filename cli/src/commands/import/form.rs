//! What a file is that is no JSON, by how it begins: so that an error names the next step.

/// What some editors and shells put before a text.
pub(super) const MARK: &[u8] = b"\xef\xbb\xbf";

/// What something that begins so is instead of an export, and what to do; `None` where it may be one.
pub(super) fn other(start: &[u8]) -> Option<(&'static str, &'static str)> {
    const FORMS: [(&[u8], &str, &str); 7] = [
        (b"\x1f\x8b", "is compressed", "unpack it first, with gunzip"),
        (b"PK\x03\x04", "is compressed", "unpack it first, with unzip"),
        (b"\x28\xb5\x2f\xfd", "is compressed", "unpack it first, with unzstd"),
        (b"\xfd7zXZ\0", "is compressed", "unpack it first, with unxz"),
        (b"\xff\xfe", "is text in UTF-16", "save it as UTF-8 first"),
        (b"\xfe\xff", "is text in UTF-16", "save it as UTF-8 first"),
        (
            b"SQLite format 3\0",
            "is a database and no export",
            "export all buckets in ActivityWatch, under Raw Data",
        ),
    ];
    if start.is_empty() {
        return Some(("is empty", "export all buckets in ActivityWatch, under Raw Data"));
    }
    FORMS.iter().find(|(magic, ..)| start.starts_with(magic)).map(|(_, is, hint)| (*is, *hint))
}
