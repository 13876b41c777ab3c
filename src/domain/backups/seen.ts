/** That somebody works on a backup or restore. Both wait for each other and for migrations, and an index of a large table takes long: no progress does not mean that nobody is there. */

const SEE_MS = 60_000;
const PROGRESS_MS = 1_000;

/** Calls `see` from time to time until the work has ended. */
export async function whileSeen<T>(see: () => Promise<void>, work: () => Promise<T>): Promise<T> {
  const timer = setInterval(() => void see().catch(() => undefined), SEE_MS); // the work itself finds out where the database is away
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}

/** Notes how far it is, at most once a second. */
export function progressNoter(note: (percent: number) => Promise<void>): (percent: number) => Promise<void> {
  let notedAt = 0;
  return async (percent) => {
    if (performance.now() - notedAt < PROGRESS_MS) return;
    notedAt = performance.now();
    await note(Math.min(99, Math.floor(percent)));
  };
}
