/** Bounds how much of something costly runs at once and how much waits for it; the rest is turned away. */

export interface Turnstile {
  /** Runs the work when its turn comes. Throws what `refuse` makes where too many wait already. */
  pass: <T>(work: () => Promise<T>) => Promise<T>;
}

/** @param refuse makes the error for those that are turned away */
export function createTurnstile(atOnce: number, waiting: number, refuse: () => Error): Turnstile {
  const queue: (() => void)[] = [];
  let running = 0;
  return {
    pass: async (work) => {
      if (running >= atOnce) {
        if (queue.length >= waiting) throw refuse();
        await new Promise<void>((resolve) => queue.push(resolve)); // whoever leaves hands its place on
      } else running += 1;
      try {
        return await work();
      } finally {
        const next = queue.shift();
        if (next === undefined) running -= 1;
        else next();
      }
    },
  };
}
