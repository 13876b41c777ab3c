import { createReadStream, readFileSync } from 'node:fs';
import { recogniseSbom } from '../src/domain/formats/sbom-format.ts';
import { readSbom } from '../src/domain/formats/sbom-read.ts';
for (const f of process.argv.slice(2)) { const fmt=recogniseSbom(readFileSync(f).subarray(0,65536)); const t=performance.now(); const i=await readSbom(fmt!, createReadStream(f)); console.log(f.split('/').at(-1), fmt, i.components.length, i.occurrences, i.root?.name, i.warnings, (performance.now()-t).toFixed(0)+'ms', 'edges', i.components.reduce((a,c)=>a+c.dependsOn.length,0), 'direct', i.components.filter(c=>c.direct).length, [...new Set(i.components.map(c=>c.declaredLicense))].slice(0,6)); }
