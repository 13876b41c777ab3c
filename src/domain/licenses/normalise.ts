/** STUB */
export function normalise(t: string): string|null { return t; }
