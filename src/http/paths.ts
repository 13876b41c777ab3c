/** One normaliser in front of dispatch: `/api` in front, `/v1/auth/*` for `/auth/*`, and trailing slashes. */

/** The canonical path; the path as given where it is canonical. Works on the path alone, without the query. */
export function canonicalPath(path: string): string {
  let canonical = path;
  if (canonical === '/api' || canonical.startsWith('/api/')) canonical = canonical.slice(4) || '/';
  if (canonical.length > 1 && canonical.endsWith('/')) canonical = canonical.replace(/\/+$/, '') || '/';
  if (canonical === '/v1/auth' || canonical.startsWith('/v1/auth/')) canonical = canonical.slice(3);
  return canonical;
}
