/** Paths to a component, held against a search that is slow and plain, and on graphs made to hurt. */
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { pathsTo } from '../../src/domain/components/paths.ts';
import { denseRanks } from '../../src/domain/scans/ranks.ts';
import { suite } from '../support/suite.ts';

interface Node {
  direct: boolean;
  dependsOn: number[];
}

const BOUNDS = { limit: 10, maxLength: 100 };
const textOf = (nodes: readonly Node[]): string => nodes.map(({ direct, dependsOn }) => `${direct ? '*' : ''}${dependsOn.join(',')}`).join(';');

/** Edges on the shortest way from each node to the target, by relaxing every edge until nothing changes. */
function distances(nodes: readonly Node[], target: number): number[] {
  const far = nodes.map((_, node) => (node === target ? 0 : Infinity));
  for (let changed = true; changed;) {
    changed = false;
    nodes.forEach(({ dependsOn }, node) => {
      for (const child of dependsOn) {
        const way = (far[child] ?? Infinity) + 1;
        if (way >= (far[node] ?? 0)) continue;
        far[node] = way;
        changed = true;
      }
    });
  }
  return far;
}

const paths = suite('pathsTo');
paths('gives one shortest path for each direct dependency that leads there, the shortest first', () => {
  const nodes = [{ direct: true, dependsOn: [1, 2] }, { direct: false, dependsOn: [2] }, { direct: true, dependsOn: [] }, { direct: false, dependsOn: [2] }];
  assert.equal(pathsTo(textOf(nodes), 2, BOUNDS), { paths: [[2], [0, 2]], truncated: false });
  assert.equal(pathsTo(textOf(nodes), 3, BOUNDS), { paths: [], truncated: false });
});
paths('agrees with a plain search on any graph, cycles and loops included', () => {
  const node = fc.record({ direct: fc.boolean(), dependsOn: fc.uniqueArray(fc.nat(11), { maxLength: 4 }) });
  fc.assert(fc.property(fc.array(node, { minLength: 12, maxLength: 12 }), fc.nat(11), (nodes, target) => {
    const far = distances(nodes, target);
    const expected = nodes.flatMap(({ direct }, at) => (direct && far[at] !== Infinity ? [far[at] ?? 0] : [])).sort((a, b) => a - b);
    const found = pathsTo(textOf(nodes), target, { limit: 20, maxLength: 100 });
    assert.equal(found.paths.map((path) => path.length - 1), expected);
    for (const path of found.paths) {
      assert.is(nodes[path[0] ?? -1]?.direct, true);
      assert.is(path.at(-1), target);
      path.slice(1).forEach((child, index) => assert.ok(nodes[path[index] ?? -1]?.dependsOn.includes(child)));
    }
  }));
});
paths('fifty layers of diamonds are one path, not 2^50', () => {
  const layers = Array.from({ length: 100 }, (_, at) => ({ direct: at < 2, dependsOn: at < 98 ? [at - (at % 2) + 2, at - (at % 2) + 3] : [100] }));
  const { paths: found, truncated } = pathsTo(textOf([...layers, { direct: false, dependsOn: [0] }]), 100, BOUNDS);
  assert.equal(found.map((path) => path.length), [51, 51]);
  assert.is(truncated, false);
});
paths('a chain of 100,000 shows its end, and says so', () => {
  const chain = Array.from({ length: 100_000 }, (_, at) => ({ direct: at === 0, dependsOn: [(at + 1) % 100_000] }));
  const { paths: found, truncated } = pathsTo(textOf(chain), 99_999, BOUNDS);
  assert.equal([found.length, found[0]?.length, found[0]?.at(-1), truncated], [1, 100, 99_999, true]);
});
paths('the number of paths is bounded, and says so', () => {
  const star = [...Array.from({ length: 1_000 }, () => ({ direct: true, dependsOn: [1_000] })), { direct: false, dependsOn: [] }];
  const { paths: found, truncated } = pathsTo(textOf(star), 1_000, BOUNDS);
  assert.equal([found.length, truncated], [10, true]);
  assert.is(pathsTo(textOf(star.slice(990).map(({ direct, dependsOn }) => ({ direct, dependsOn: dependsOn.map(() => 10) }))), 10, BOUNDS).truncated, false);
});
paths('edges that lead nowhere are passed over', () => {
  assert.equal(pathsTo('*7,1;', 1, BOUNDS), { paths: [[0, 1]], truncated: false });
});

const ranks = suite('denseRanks');
ranks('equal texts share a place, null has none', () => {
  assert.equal(denseRanks(['b', null, 'a', 'b', 'B']), [3, null, 2, 3, 1]);
});
