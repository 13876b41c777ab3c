/**
 * E-mail addresses as accounts are known by them. ASCII only (RFC 5321): internationalised domains come in their `xn--` form, so that
 * no letter of another script passes for a Latin one, and lower-casing is all it takes for two spellings to be equal.
 */

/** Printable ASCII without what would need quoting in a header or a route (RFC 5322, 3.2.3). */
const LOCAL_PART = /^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/;
/** A top level that begins with a letter: the rest are IPv4 addresses. */
const DOMAIN = /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/;
/** RFC 5321, 4.5.3.1: octets. */
const MAX_LOCAL = 64;
const MAX_ADDRESS = 254;

/** The address in lower case; null where it is none that an account may have. */
export function normaliseEmail(text: string): string | null {
  if (text.length > MAX_ADDRESS || /[^\x21-\x7e]/.test(text)) return null; // before lower-casing: the Kelvin sign becomes k
  const address = text.toLowerCase();
  const at = address.lastIndexOf('@');
  const [local, domain] = [address.slice(0, at), address.slice(at + 1)];
  if (local.length > MAX_LOCAL || !LOCAL_PART.test(local) || !DOMAIN.test(domain)) return null;
  return address;
}
