//! The dependency arrows go one way, and nothing that ships can speak to a network.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package, PackageId};

/// For each crate, the crates of this workspace that it may use. `dwell-tests` knows none: it uses what is built.
const ARROWS: &[(&str, &[&str])] = &[
    ("dwell-core", &[]),
    ("dwell-desktop", &["dwell-core"]),
    ("dwell-vault", &["dwell-core"]),
    ("dwell-bus", &["dwell-core"]),
    ("dwell-confine", &[]),
    ("dwell-cli", &["dwell-bus", "dwell-core"]),
    ("dwell-browser-host", &["dwell-bus", "dwell-confine", "dwell-core"]),
    ("dwell-prompt", &["dwell-bus", "dwell-core"]),
    ("dwelld", &["dwell-bus", "dwell-confine", "dwell-core", "dwell-desktop", "dwell-vault"]),
    ("dwell-tests", &[]),
    ("dwell-bench", &["dwell-core", "dwell-vault"]),
];

/// Crates that speak HTTP, TLS or DNS, or bring an async network stack of their own.
const NETWORK: &[&str] = &[
    "attohttpc",
    "async-std",
    "curl",
    "h2",
    "h3",
    "hickory-resolver",
    "http",
    "hyper",
    "isahc",
    "minreq",
    "native-tls",
    "openssl",
    "openssl-sys",
    "quinn",
    "reqwest",
    "rustls",
    "s2n-quic",
    "schannel",
    "surf",
    "trust-dns-resolver",
    "tungstenite",
    "ureq",
    "websocket",
    "webpki",
];

fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
        .exec()
        .unwrap()
}

fn members(metadata: &Metadata) -> BTreeMap<&str, &Package> {
    metadata.workspace_packages().into_iter().map(|package| (package.name.as_str(), package)).collect()
}

#[test]
fn the_arrows_go_one_way() {
    let metadata = metadata();
    let members = members(&metadata);
    let allowed: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    for (name, package) in &members {
        let allowed =
            allowed.get(name).unwrap_or_else(|| panic!("{name} is not in the table of arrows: add it"));
        // Tests may reach further than the crate itself; what ships may not.
        let uses =
            package.dependencies.iter().filter(|dependency| dependency.kind != DependencyKind::Development);
        for dependency in uses.filter(|dependency| members.contains_key(dependency.name.as_str())) {
            assert!(
                allowed.contains(&dependency.name.as_str()),
                "{name} must not depend on {}",
                dependency.name
            );
        }
    }
    for (name, _) in ARROWS {
        assert!(members.contains_key(name), "{name} is gone: take it out of the table of arrows");
    }
}

#[test]
fn the_core_has_no_way_to_the_outside() {
    let metadata = metadata();
    let core = members(&metadata)["dwell-core"];
    let shipped = shipped_with(&metadata, &core.id);
    for crate_name in ["tokio", "zbus", "rusqlite", "tracing", "rustix", "getrandom"] {
        assert!(!shipped.contains(crate_name), "dwell-core is pure and must not depend on {crate_name}");
    }
}

#[test]
fn what_ships_speaks_to_no_network() {
    let metadata = metadata();
    let members = members(&metadata);
    for program in ["dwelld", "dwell-cli", "dwell-browser-host", "dwell-prompt"] {
        let shipped = shipped_with(&metadata, &members[program].id);
        assert!(shipped.len() > 1, "the resolver said nothing about {program}");
        for crate_name in NETWORK {
            assert!(!shipped.contains(crate_name), "{program} ships with {crate_name}");
        }
    }
}

/// The names of all crates that a package is built from on this platform, without those of its tests and build scripts.
fn shipped_with<'a>(metadata: &'a Metadata, root: &PackageId) -> BTreeSet<&'a str> {
    let resolve = metadata.resolve.as_ref().unwrap();
    let nodes: BTreeMap<&PackageId, _> = resolve.nodes.iter().map(|node| (&node.id, node)).collect();
    let mut seen = BTreeSet::from([root]);
    let mut next = vec![root];
    while let Some(id) = next.pop() {
        let Some((id, node)) = nodes.get_key_value(id) else { continue };
        seen.insert(id);
        for dependency in &node.deps {
            let normal = dependency.dep_kinds.iter().any(|kind| {
                let windows =
                    kind.target.as_ref().is_some_and(|target| target.to_string().contains("windows"));
                kind.kind == DependencyKind::Normal && !windows
            });
            if normal && !seen.contains(&dependency.pkg) {
                next.push(&dependency.pkg);
                seen.insert(&dependency.pkg);
            }
        }
    }
    seen.into_iter().map(|id| metadata[id].name.as_str()).collect()
}
