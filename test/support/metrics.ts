/** Reads Prometheus' text format, strictly: a line that is none of it fails the test. */
import * as assert from 'uvu/assert';

export interface Series {
  name: string;
  labels: Record<string, string>;
  value: number;
}

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{((?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (NaN|[+-]Inf|[-+\d.e]+)$/;

export function seriesOf(text: string): Series[] {
  assert.ok(text.endsWith('\n'), 'the last line has no end');
  return text.split('\n').flatMap((line) => {
    if (line === '' || /^# (HELP|TYPE) [\w:]+ /.test(line)) return [];
    const [, name, labels = '', value = ''] = SAMPLE.exec(line) ?? [];
    assert.ok(name !== undefined, `no sample: ${line}`);
    return [{ name, labels: Object.fromEntries([...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key = '', text = '']) => [key, text])), value: Number(value.replace('Inf', 'Infinity')) }];
  });
}

/** Of the series with exactly these labels. */
export function valueOf(series: readonly Series[], name: string, labels: Record<string, string>): number | undefined {
  const wanted = Object.entries(labels);
  return series.find((one) => one.name === name && Object.keys(one.labels).length === wanted.length && wanted.every(([key, value]) => one.labels[key] === value))?.value;
}
