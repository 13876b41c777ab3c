/** Preloaded into the process that serves requests: tells its parent of memory and event-loop delay when asked, from the last question on. */
import { monitorEventLoopDelay } from 'node:perf_hooks';

export interface Probed {
  rssMib: number;
  heapMib: number;
  cpuSeconds: number;
  loopP50Ms: number;
  loopP99Ms: number;
  loopMaxMs: number;
}

const MIB = 1024 * 1024;
const delay = monitorEventLoopDelay({ resolution: 10 });
delay.enable();

process.on('message', (message: unknown) => {
  if (message !== 'probe') return;
  const { rss, heapUsed } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  const ms = (nanoseconds: number): number => nanoseconds / 1e6;
  const probed: Probed = { rssMib: rss / MIB, heapMib: heapUsed / MIB, cpuSeconds: (user + system) / 1e6, loopP50Ms: ms(delay.percentile(50)), loopP99Ms: ms(delay.percentile(99)), loopMaxMs: ms(delay.max) };
  delay.reset();
  process.send?.({ probed });
});
