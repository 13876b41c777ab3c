/** STUB */
export function parseExpression(_t: string): {ok: true; tree: string}|{ok: false} { return {ok:false}; } export function licenseIds(_t: string): string[] { return []; }
