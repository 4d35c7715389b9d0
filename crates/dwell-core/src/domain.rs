//! Which site a hostname belongs to, and what a person means who writes one.
//!
//! A site is a registrable domain: `www.youtube.com` and `m.youtube.com` are both `youtube.com`, and two people's pages
//! below `github.io` are two sites, as the Public Suffix List has it. The list is the one that was built in: nothing is
//! fetched. Everything that gives a hostname to dwell asks here (a browser's host and whoever types a target), so that a
//! rule and what it counts always have the same name. [`Domain::new`] does not ask: what was once recorded keeps its name.
//!
//! Hostnames are private, and no error here carries one.

use url::{Host, Url};

use crate::subject::{DOMAIN_MAX, Domain};

/// Why a hostname is no site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// It cannot be a hostname: empty, with a character or a label that none has, or too long.
    #[error("this is no host name")]
    Malformed,
    /// Everybody's sites end in it (`co.uk`), and it is none itself.
    #[error("this is an ending that many sites share, and no site itself")]
    Suffix,
    /// A URL of another kind than `http` and `https`.
    #[error("only http and https addresses have a site")]
    Scheme,
}

impl Domain {
    /// The site that a hostname belongs to, in lower case and ASCII (an international name as `xn--…`).
    ///
    /// An IP address is its own site (IPv6 in brackets, as browsers write it), and so are `localhost`, other names of one
    /// label, and what private owners lend sub-domains of (`github.io`). One dot at the end means nothing. Applied to its
    /// own result it gives the same.
    ///
    /// # Errors
    /// [`HostError::Malformed`] for what is no hostname: a port, a path, an empty label. [`HostError::Suffix`] for a
    /// public suffix of a registry (`com`, `co.uk`).
    pub fn registrable(host: &str) -> Result<Self, HostError> {
        let whole = match Host::parse(host).map_err(|_| HostError::Malformed)? {
            Host::Domain(name) => name,
            address @ (Host::Ipv4(_) | Host::Ipv6(_)) => {
                return Self::new(address.to_string()).map_err(|_| HostError::Malformed);
            }
        };
        let name = whole.strip_suffix('.').unwrap_or(&whole);
        // The list would take the last labels of `a..b.com` and call it a day.
        if name.len() > DOMAIN_MAX || name.split('.').any(|label| label.is_empty() || label.len() > 63) {
            return Err(HostError::Malformed);
        }
        let site = match psl::domain_str(name) {
            Some(site) => site,
            None if psl::suffix(name.as_bytes()).and_then(|s| s.typ()) == Some(psl::Type::Icann) => {
                return Err(HostError::Suffix);
            }
            None => name,
        };
        Self::new(site).map_err(|_| HostError::Malformed)
    }

    /// The site that a person means: a hostname as [`Domain::registrable`] takes it, or an address pasted from a browser,
    /// of which only the host is kept.
    ///
    /// # Errors
    /// Those of [`Domain::registrable`], and [`HostError::Scheme`].
    pub fn typed(text: &str) -> Result<Self, HostError> {
        let text = text.trim();
        let url = if text.contains("://") { Url::parse(text) } else { Url::parse(&format!("http://{text}")) };
        let url = url.map_err(|_| HostError::Malformed)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(HostError::Scheme);
        }
        Self::registrable(url.host_str().ok_or(HostError::Malformed)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subject::{Target, TargetError};
    use proptest::prelude::*;

    #[test]
    fn a_host_belongs_to_a_site() {
        for (host, site) in [
            ("youtube.com", "youtube.com"),
            ("www.youtube.com", "youtube.com"),
            ("YouTube.com.", "youtube.com"),
            ("a.b.c.example.co.uk", "example.co.uk"),
            ("www.gov.uk", "www.gov.uk"),
            // Rules with a star, and their exceptions.
            ("a.b.example.ck", "b.example.ck"),
            ("www.ck", "www.ck"),
            ("some.where.kawasaki.jp", "some.where.kawasaki.jp"),
            ("x.city.kawasaki.jp", "city.kawasaki.jp"),
            // Lent by a private owner.
            ("alice.github.io", "alice.github.io"),
            ("deep.alice.github.io", "alice.github.io"),
            ("github.io", "github.io"),
            // International names.
            ("www.bücher.example", "xn--bcher-kva.example"),
            ("WWW.BÜCHER.de", "xn--bcher-kva.de"),
            ("xn--bcher-kva.de", "xn--bcher-kva.de"),
            ("食狮.公司.cn", "xn--85x722f.xn--55qx5d.cn"),
            // What the list does not know.
            ("localhost", "localhost"),
            ("localhost.", "localhost"),
            ("intranet", "intranet"),
            ("nas.home.arpa", "nas.home.arpa"),
            ("printer.internal", "printer.internal"),
            ("a.printer.internal", "printer.internal"),
            ("127.0.0.1", "127.0.0.1"),
            ("[::1]", "[::1]"),
            ("[2001:DB8:0:0::1]", "[2001:db8::1]"),
        ] {
            assert_eq!(Domain::registrable(host).map(String::from).as_deref(), Ok(site), "{host}");
        }
    }

    #[test]
    fn what_is_no_site_is_refused() {
        for (host, error) in [
            ("", HostError::Malformed),
            (".", HostError::Malformed),
            ("a..b.com", HostError::Malformed),
            (".youtube.com", HostError::Malformed),
            ("youtube.com..", HostError::Malformed),
            ("you tube.com", HostError::Malformed),
            ("youtube.com:443", HostError::Malformed),
            ("youtube.com/x", HostError::Malformed),
            ("me@youtube.com", HostError::Malformed),
            ("::1", HostError::Malformed),
            ("1.2.3.4.5", HostError::Malformed),
            ("xn--a", HostError::Malformed),
            ("com", HostError::Suffix),
            ("co.uk", HostError::Suffix),
            ("CO.UK.", HostError::Suffix),
            ("公司.cn", HostError::Suffix),
            ("example.ck", HostError::Suffix),
        ] {
            assert_eq!(Domain::registrable(host), Err(error), "{host}");
        }
        let long = format!("{}.com", "a".repeat(64));
        assert_eq!(Domain::registrable(&long), Err(HostError::Malformed));
        let long = format!("{}com", "a.".repeat(126));
        assert_eq!(Domain::registrable(&long), Err(HostError::Malformed));
    }

    #[test]
    fn addresses_are_what_people_paste() {
        for (text, site) in [
            ("youtube.com", Ok("youtube.com")),
            (" YouTube.com. ", Ok("youtube.com")),
            ("youtube.com:443", Ok("youtube.com")),
            ("https://www.youtube.com/watch?v=x#t=3", Ok("youtube.com")),
            ("HTTP://me:secret@m.youtube.com:8080", Ok("youtube.com")),
            ("www.youtube.com/x", Ok("youtube.com")),
            ("bücher.de/liste", Ok("xn--bcher-kva.de")),
            ("localhost:3000", Ok("localhost")),
            ("http://127.1/", Ok("127.0.0.1")),
            ("[::1]:80", Ok("[::1]")),
            ("co.uk", Err(HostError::Suffix)),
            ("https://co.uk/x", Err(HostError::Suffix)),
            ("ftp://example.org", Err(HostError::Scheme)),
            ("file:///etc/passwd", Err(HostError::Scheme)),
            ("", Err(HostError::Malformed)),
            ("https://", Err(HostError::Malformed)),
            ("a b", Err(HostError::Malformed)),
            ("a..b.com", Err(HostError::Malformed)),
        ] {
            assert_eq!(Domain::typed(text).map(String::from), site.map(str::to_owned), "{text}");
        }
    }

    #[test]
    fn targets_are_named_by_their_site() {
        let typed = |text: &str| Target::typed(text).map(|target| target.to_string());
        for (text, target) in [
            ("domain:www.YouTube.com", "domain:youtube.com"),
            ("domain:https://www.youtube.com/x", "domain:youtube.com"),
            (" domain:youtube.com:443 ", "domain:youtube.com"),
            ("https://www.youtube.com/x", "domain:youtube.com"),
            ("www.youtube.com:443", "domain:youtube.com"),
            ("youtube.com/x:y", "domain:youtube.com"),
            ("domain:localhost", "domain:localhost"),
            ("app:www.youtube.com", "app:www.youtube.com"),
            ("category:video", "category:video"),
            ("all", "all"),
        ] {
            assert_eq!(typed(text).as_deref(), Ok(target), "{text}");
        }
        assert_eq!(typed("domain:co.uk"), Err(TargetError::Host(HostError::Suffix)));
        assert_eq!(typed("domain:a..b.com"), Err(TargetError::Host(HostError::Malformed)));
        assert_eq!(typed("www.youtube.com"), Err(TargetError::Bare));
        assert_eq!(typed("aap:x"), Err(TargetError::UnknownKind("aap".into())));
        // What was kept before is read as it is.
        assert_eq!(
            "domain:www.youtube.com".parse::<Target>().map(String::from),
            Ok("domain:www.youtube.com".into())
        );
    }

    /// Labels as they come, with endings that the list knows in all its ways.
    fn host() -> impl Strategy<Value = String> {
        let ending = prop::sample::select(vec![
            "com",
            "co.uk",
            "ck",
            "kawasaki.jp",
            "github.io",
            "internal",
            "de",
            "公司.cn",
            "a.b",
            "",
        ]);
        (prop::collection::vec("[a-zA-Z0-9ü]{1,4}", 0..5), ending, prop::bool::ANY).prop_map(
            |(labels, ending, dot)| {
                let mut host = labels.join(".");
                if !host.is_empty() && !ending.is_empty() {
                    host.push('.');
                }
                host + ending + if dot { "." } else { "" }
            },
        )
    }

    proptest! {
        #[test]
        fn a_site_is_its_own_site(host in host()) {
            if let Ok(site) = Domain::registrable(&host) {
                prop_assert_eq!(Domain::registrable(site.as_str()), Ok(site.clone()));
                prop_assert_eq!(Domain::typed(&host), Ok(site.clone()));
                prop_assert_eq!(Domain::typed(&format!("https://{host}/x")), Ok(site.clone()));
                prop_assert!(site.as_str().is_ascii() && !site.as_str().contains("..") && !site.as_str().ends_with('.'));
                prop_assert_eq!(site.as_str().to_ascii_lowercase(), site.as_str());
            }
        }

        /// What is below a host belongs to the same site, unless each one below it is a site of its own.
        #[test]
        fn what_is_below_belongs_to_the_same(host in host(), label in "[a-z]{1,5}") {
            if let Ok(site) = Domain::registrable(&host)
                && psl::domain_str(site.as_str()).is_some()
                && let lent = format!("{label}.{}", site.as_str())
                && psl::domain_str(&lent).is_some_and(|below| below != lent)
                // A name whose last part is a number is an IPv4 address or nothing (URL Standard, "ends in a number checker").
                && !site.as_str().ends_with(|last: char| last.is_ascii_digit())
            {
                let below = Domain::registrable(&format!("{label}.{host}"));
                prop_assert_eq!(below, Ok(site));
            }
        }

        #[test]
        fn any_text_is_answered(text in "\\PC{0,40}") {
            for site in [Domain::registrable(&text), Domain::typed(&text)].into_iter().flatten() {
                prop_assert_eq!(Domain::registrable(site.as_str()), Ok(site));
            }
        }
    }
}
