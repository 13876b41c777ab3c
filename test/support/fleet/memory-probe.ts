/** Loaded into a process of the fleet before it starts (`--import`, with --expose-gc): asked by its parent, it collects its garbage and tells what is left. */
process.on('message', (message: unknown) => {
  if (message !== 'memory') return;
  globalThis.gc?.();
  const { rss, heapUsed, external } = process.memoryUsage();
  process.send?.({ rss, heapUsed, external });
});
