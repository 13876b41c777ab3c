/** Charts of the report as inline SVG: no script, no style attribute; each tells its figures to who cannot see it. */
import { html, NOTHING, type Markup } from '../html.ts';

export interface Share {
  /** Also the class that colours it. */
  name: string;
  label: string;
  count: number;
}

/** A ring with its total in the middle, and beside it the figures. */
export function ring(title: string, unit: string, shares: readonly Share[]): Markup {
  const total = shares.reduce((sum, { count }) => sum + count, 0);
  const circumference = 2 * Math.PI * 40;
  let before = 0;
  const arcs = shares.filter(({ count }) => count > 0).map(({ name, count }) => {
    const length = (circumference * count) / total;
    const arc = html`<circle class="arc ${name}" cx="50" cy="50" r="40" stroke-dasharray="${length.toFixed(2)} ${(circumference - length).toFixed(2)}" stroke-dashoffset="${(-before).toFixed(2)}"/>`;
    before += length;
    return arc;
  });
  const words = shares.map(({ label, count }) => `${label} ${count}`).join(', ');
  return html`<figure class="ring"><svg viewBox="0 0 100 100" role="img" aria-label="${`${title}: ${words}`}"><circle class="track" cx="50" cy="50" r="40"/><g transform="rotate(-90 50 50)">${arcs}</g>
<text class="total" x="50" y="52">${total}</text><text class="unit" x="50" y="63">${unit}</text></svg>
<ul class="legend">${shares.map(({ name, label, count }) => html`<li><span class="dot ${name}"></span>${label}<b>${count}</b></li>`)}</ul></figure>`;
}

export interface Column {
  label: string;
  shares: readonly Share[];
}

const HEIGHT = 120;

/** Stacked columns, the newest at the right. */
export function columns(title: string, items: readonly Column[]): Markup {
  const sums = items.map(({ shares }) => shares.reduce((sum, { count }) => sum + count, 0));
  const top = Math.max(1, ...sums);
  const width = 600 / Math.max(items.length, 6);
  const bars = items.map(({ label, shares }, index) => {
    const x = index * width + width * 0.18;
    let y = HEIGHT + 20;
    const parts = shares.filter(({ count }) => count > 0).map(({ name, count }) => {
      const height = (HEIGHT * count) / top;
      y -= height;
      return html`<rect class="${name}" x="${x.toFixed(1)}" y="${y.toFixed(1)}" width="${(width * 0.64).toFixed(1)}" height="${height.toFixed(1)}"/>`;
    });
    const middle = (x + width * 0.32).toFixed(1);
    return html`<g>${parts}<text x="${middle}" y="${(y - 5).toFixed(1)}">${sums[index] ?? 0}</text><text class="axis" x="${middle}" y="${HEIGHT + 36}">${label}</text></g>`;
  });
  if (items.length === 0) return NOTHING;
  const parts = (shares: readonly Share[]): string => shares.toReversed().filter(({ count }) => count > 0).map(({ label, count }) => `${label} ${count}`).join(', ');
  const words = items.map(({ label, shares }, index) => `${label}: ${sums[index] ?? 0}${sums[index] === 0 ? '' : ` (${parts(shares)})`}`).join('; ');
  return html`<figure class="columns"><svg viewBox="0 0 600 ${HEIGHT + 44}" role="img" aria-label="${`${title}: ${words}`}"><line class="track" x1="0" x2="600" y1="${HEIGHT + 20}" y2="${HEIGHT + 20}"/>${bars}</svg></figure>`;
}
