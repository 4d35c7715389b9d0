/**
 * Hostnames of addresses, and which domain covers which host.
 *
 * Only the hostname is ever taken from an address: no path, no port, no user, no title. Registrable domains are the native host's
 * business, which has the public suffix list.
 */

/** The most characters that a name in the DNS has, written without its final dot. */
const LONGEST_HOST = 253;

/**
 * The hostname of a web page's address.
 *
 * @param {string | undefined | null} url
 * @returns {string | null} lower case, IDN in punycode, without a final dot; null for everything but http and https, and for
 *   names that are longer than any that can be looked up
 */
export function hostOf(url) {
  const parsed = parse(url);
  if (!parsed || (parsed.protocol !== 'http:' && parsed.protocol !== 'https:')) return null;
  const host = parsed.hostname.replace(/\.$/, '');
  // Browsers take an address of any length. A frame with such a name in it would be too long for the native host, which would end.
  return host !== '' && host.length <= LONGEST_HOST ? host : null;
}

/**
 * The web page that an address shows, be it behind a viewer of the browser's: its source, the reading view, a blob.
 * A limit on a site would otherwise end at its reading view.
 *
 * @param {string | undefined | null} url
 * @returns {string | null} an http or https address, as it was written
 */
export function pageOf(url) {
  if (!url) return null;
  if (hostOf(url)) return url;
  for (const scheme of ['view-source:', 'blob:']) {
    if (url.startsWith(scheme)) return hostOf(url.slice(scheme.length)) ? url.slice(scheme.length) : null;
  }
  if (url.startsWith('about:reader?') || url.startsWith('chrome-distiller://')) {
    const inner = parse(url)?.searchParams.get('url') ?? null;
    return hostOf(inner) ? inner : null;
  }
  return null;
}

/**
 * @param {string} domain
 * @param {string} host
 * @returns {boolean} whether the host is the domain itself or one of its sub-domains
 */
export function covers(domain, host) {
  return host === domain || host.endsWith(`.${domain}`);
}

/**
 * @param {string | undefined | null} url
 * @returns {URL | null}
 */
function parse(url) {
  try {
    return url ? new URL(url) : null;
  } catch {
    return null;
  }
}
