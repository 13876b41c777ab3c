/** Is the portal in this container alive? Ends with 0 where it is. An API is asked at PORT, a worker at METRICS_PORT. */
import { argv, env, exit } from 'node:process';

const PATIENCE_MS = 4_000;
const port = env['ROLE'] === 'worker' ? env['METRICS_PORT'] : (env['PORT'] ?? '8080');
const path = argv[2] ?? '/health';

try {
  const { ok, status } = await fetch(`http://127.0.0.1:${port ?? ''}${path}`, { signal: AbortSignal.timeout(PATIENCE_MS) });
  if (!ok) console.error(`${path} answered ${status}`);
  exit(ok ? 0 : 1);
} catch (error) {
  console.error(`${path} at port ${port ?? '(METRICS_PORT is not set)'}: ${String(error)}`);
  exit(1);
}
