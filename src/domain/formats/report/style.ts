/** Look of the report: light, dark, narrow and printed. */
import { createHash } from 'node:crypto';

export const STYLE = `
:root { color-scheme: light dark;
  --ground: light-dark(#f3f5f8, #0d1117); --sheet: light-dark(#fff, #161b22); --ink: light-dark(#16202c, #e6ebf2); --faint: light-dark(#566273, #9aa7b8); --line: light-dark(#dde3ea, #2b333e);
  --critical: light-dark(#a4133c, #ff5d7d); --high: light-dark(#d9480f, #ff8a4c); --medium: light-dark(#b98200, #f4c542); --low: light-dark(#2f7fd1, #63a9f2); --info: light-dark(#5f6b78, #aab4c1); --unknown: light-dark(#8791a0, #6b7787);
  --allowed: light-dark(#2b8a3e, #51c46c); --conditional: light-dark(#b98200, #f4c542); --forbidden: light-dark(#a4133c, #ff5d7d); }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
main { max-width: 68rem; margin: 0 auto; padding: 2rem 1.25rem 3rem; }
header { display: flex; flex-wrap: wrap; gap: 1rem 2rem; align-items: flex-start; justify-content: space-between; margin-bottom: 1.5rem; }
header > div { min-width: 0; flex: 1 1 22rem; }
.kicker { margin: 0; color: var(--faint); font-size: .8rem; letter-spacing: .08em; text-transform: uppercase; }
h1 { margin: .15rem 0 .4rem; font-size: 2rem; line-height: 1.15; overflow-wrap: anywhere; }
h2 { margin: 0 0 .8rem; font-size: 1.05rem; }
.meta { margin: 0; color: var(--faint); overflow-wrap: anywhere; }
.gate { flex: 0 1 24rem; border-radius: .75rem; padding: .9rem 1.1rem; border: 1px solid var(--line); border-left: .5rem solid var(--unknown); background: var(--sheet); }
.gate b { display: block; font-size: 1.25rem; } .gate p { margin: .2rem 0 0; font-size: .9rem; overflow-wrap: anywhere; }
.gate.pass { border-left-color: var(--allowed); } .gate.warn { border-left-color: var(--medium); } .gate.fail { border-left-color: var(--critical); }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .8rem; margin: 0 0 .8rem; padding: 0; list-style: none; }
.cards li, .sheet { background: var(--sheet); border: 1px solid var(--line); border-radius: .75rem; padding: 1rem 1.1rem; }
.cards b { display: block; font-size: 1.7rem; line-height: 1.2; } .cards span { color: var(--faint); font-size: .85rem; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(20rem, 100%), 1fr)); gap: .8rem; }
.sheet { margin-bottom: .8rem; overflow-x: auto; break-inside: avoid; }
.pair .sheet { margin-bottom: 0; } .pair { margin-bottom: .8rem; }
figure { margin: 0; } .ring { display: flex; gap: 1.5rem; align-items: center; } .ring svg { width: 9.5rem; flex: none; }
.arc, .ring .track { fill: none; stroke-width: 13; } .track { stroke: var(--line); }
svg text { fill: var(--ink); text-anchor: middle; font-size: 11px; } svg .total { font-size: 20px; font-weight: 700; } svg .unit, svg .axis { fill: var(--faint); font-size: 8px; } .columns svg .axis { font-size: 10px; }
.legend { list-style: none; margin: 0; padding: 0; flex: 1; min-width: 0; } .legend li { display: flex; align-items: center; gap: .5rem; padding: .12rem 0; } .legend b { margin-left: auto; font-variant-numeric: tabular-nums; }
.dot { width: .7rem; height: .7rem; border-radius: 50%; flex: none; }
.arc.critical { stroke: var(--critical); } .arc.high { stroke: var(--high); } .arc.medium { stroke: var(--medium); } .arc.low { stroke: var(--low); } .arc.info { stroke: var(--info); } .arc.unknown { stroke: var(--unknown); }
.arc.allowed { stroke: var(--allowed); } .arc.conditional { stroke: var(--conditional); } .arc.forbidden { stroke: var(--forbidden); }
rect.critical { fill: var(--critical); } rect.high { fill: var(--high); } rect.medium { fill: var(--medium); } rect.low { fill: var(--low); } rect.info { fill: var(--info); } rect.unknown { fill: var(--unknown); }
.dot.critical { background: var(--critical); } .dot.high { background: var(--high); } .dot.medium { background: var(--medium); } .dot.low { background: var(--low); } .dot.info { background: var(--info); } .dot.unknown { background: var(--unknown); }
.dot.allowed { background: var(--allowed); } .dot.conditional { background: var(--conditional); } .dot.forbidden { background: var(--forbidden); }
table { width: 100%; border-collapse: collapse; font-size: .9rem; } th { text-align: left; color: var(--faint); font-weight: 600; white-space: nowrap; } th, td { padding: .45rem .8rem .45rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
tr:last-child td { border-bottom: 0; } td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; } td .sub { display: block; color: var(--faint); font-size: .82rem; overflow-wrap: anywhere; }
.mark { display: inline-flex; align-items: center; gap: .4rem; white-space: nowrap; } .tag { display: inline-block; border: 1px solid var(--line); border-radius: .35rem; padding: 0 .4rem; font-size: .75rem; margin-right: .25rem; white-space: nowrap; }
a { color: light-dark(#1257b0, #7db4ff); } code { font-size: .9em; } .none, .faint { color: var(--faint); } .none { margin: 0; } table + .none { margin-top: .6rem; } footer { color: var(--faint); font-size: .8rem; margin-top: 1.2rem; }
@media (max-width: 34rem) { main { padding: 1.2rem .8rem 2rem; } .gate { flex: 1 1 100%; } h1 { font-size: 1.5rem; } .ring { flex-direction: column; align-items: stretch; } .ring svg { align-self: center; } table.stack thead { position: absolute; clip-path: inset(50%); } table.stack tr { display: block; border-bottom: 1px solid var(--line); padding: .5rem 0; } table.stack tr:last-child { border-bottom: 0; } table.stack td { display: flex; gap: .8rem; border: 0; padding: .15rem 0; text-align: left; overflow-wrap: anywhere; } table.stack td::before { content: attr(data-label); color: var(--faint); flex: 0 0 6.2rem; } }
@media print { :root { color-scheme: light; } body { background: #fff; } main { max-width: none; padding: 0; } .sheet, .cards li, .gate { border-color: #ccc; } .sheet { break-inside: auto; } .pair .sheet, tr, .cards, figure { break-inside: avoid; } h2 { break-after: avoid; } svg, .dot { print-color-adjust: exact; } }
`;

/** The page runs nothing, and loads nothing. */
export const REPORT_CSP = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;
