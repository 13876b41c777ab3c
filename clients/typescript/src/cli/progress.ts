/** How far the scan is: a bar on a terminal, a line for each step elsewhere, so that logs of CI stay short. */
import type { Progress } from '../wait-for-scan.ts';

export interface ProgressLine {
  tell: (progress: Progress) => void;
  /** A line of its own. */
  note: (text: string) => void;
  /** Leaves the terminal with a whole line. */
  end: () => void;
}

const WIDTH = 24;
const CLEAR = '\r\u001b[2K';

export function progressLine(write: (text: string) => void, isTerminal: boolean): ProgressLine {
  let step = '';
  let open = false;
  const note = (text: string): void => {
    write(`${open ? CLEAR : ''}${text}\n`);
    open = false;
  };
  return {
    note,
    tell: (progress) => {
      if (isTerminal) {
        write(`${CLEAR}${barOf(progress)}`);
        open = true;
      } else if (progress.step !== step) note(`${String(progress.percent).padStart(3)} % ${progress.step}`);
      ({ step } = progress);
    },
    end: () => {
      if (open) write('\n');
      open = false;
    },
  };
}

export function barOf({ percent, step }: Progress): string {
  const full = Math.round((Math.min(100, Math.max(0, percent)) / 100) * WIDTH);
  return `[${'#'.repeat(full)}${'.'.repeat(WIDTH - full)}] ${String(percent).padStart(3)} % ${step}`;
}
