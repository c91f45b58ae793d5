/**
 * Passwords in addresses: kept out of everything that is printed.
 */

/** Parameters of an address that say nothing secret; the others are not shown. */
const SHOWN = new Set(['schema', 'host', 'port', 'sslmode']);

/** The address of a server as it may be shown: without its password and what else may be secret. */
export function shownAddress(url: URL): string {
  const query = [...url.searchParams]
    .filter(([name]) => SHOWN.has(name))
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  const user = url.username === '' ? '' : `${url.username}@`;
  return `${url.protocol}//${user}${url.host}${url.pathname}${query.length > 0 ? `?${query.join('&')}` : ''}`;
}

/** A text whose addresses show no password, as far as they can be told: `postgres://user:…@host`. */
export const masked = (text: string): string =>
  text.replace(/(\w+:\/\/[^\s:/@'"]*):[^\s'"]*@/g, '$1:…@').replace(/([?&]\w*password=)[^\s&'"]*/gi, '$1…');
