//! What the extension is called, in the one place that the manifests of its host are made from.

/// What the extension asks its browser to start; the file name of the manifests that say where it is.
pub const HOST_NAME: &str = "org.dwell.browser";

/// The program that such a manifest names.
pub const HOST_PROGRAM: &str = "dwell-browser-host";

/// The extension's id in Chromium and its children: the first 32 hexadecimal digits of the SHA-256 of the public key
/// (DER) that stands in its manifest as `key`, with the letters a to p for 0 to f.
pub const CHROMIUM_ID: &str = "keopfhgiklnmjbadkhiaaendmjgdepjb";

/// The extension's id in Firefox: `browser_specific_settings.gecko.id` of its manifest.
pub const FIREFOX_ID: &str = "dwell@dwell.org";
