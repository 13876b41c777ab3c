/** Two contracts held against each other: operations, webhooks, the socket, and each schema that clients send or get once. */
import { operationsOf, type JsonObject, type OpenApiDocument, type OperationEntry, type WebSocketProtocol } from '../generate/document.ts';
import { accessChanges } from './access.ts';
import { nameOf, type Change, type Direction } from './changes.ts';
import { schemaOf, type Schemas } from './flat.ts';
import { bodyChanges, operationChanges, together, type Findings, type Task } from './operations.ts';
import { compareSchemas } from './schemas.ts';

/** Everything that breaks clients of the former contract, each once. */
export function breakingChanges(was: OpenApiDocument, is: OpenApiDocument): Change[] {
  const { changes, tasks } = together([
    ...operationsOf(was).map((entry) => entryChanges(entry, was, is)),
    ...Object.entries(was.webhooks ?? {}).map(([name, { post }]) => (post === undefined ? { changes: [], tasks: [] } : webhookChanges(name, post.operationId, was, is))),
  ]);
  const found = [...changes, ...schemaChanges(tasks, was.components.schemas, is.components.schemas)];
  return found.filter((change, index) => found.findIndex((other) => nameOf(other) === nameOf(change) && other.text === change.text) === index);
}

function entryChanges(entry: OperationEntry, was: OpenApiDocument, is: OpenApiDocument): Findings {
  const other = operationsOf(is).find(({ path, method }) => path === entry.path && method === entry.method);
  const { operation } = entry;
  if (other === undefined) return { changes: [{ rule: 'operation-removed', place: operation.operationId, text: `there is no ${entry.method.toUpperCase()} ${entry.path} any more` }], tasks: [] };
  return together([
    operationChanges(entry, other, { was: headersOf(was), is: headersOf(is) }),
    { changes: accessChanges(operation, other.operation), tasks: [] },
    socketChanges(operation['x-websocket'], other.operation['x-websocket'], operation.operationId),
  ]);
}

const headersOf = (doc: OpenApiDocument): Record<string, JsonObject> => Object.fromEntries(Object.entries(doc.components.headers ?? {}).map(([name, header]) => [name, schemaOf(header)]));

/** What we send out is to receivers what answers are to clients. */
function webhookChanges(name: string, operationId: string, was: OpenApiDocument, is: OpenApiDocument): Findings {
  const [before, now] = [was.webhooks?.[name]?.post, is.webhooks?.[name]?.post];
  if (before === undefined || now === undefined) return { changes: [{ rule: 'webhook-removed', place: operationId, text: `${name} comes no more` }], tasks: [] };
  return bodyChanges(before, now, 'response');
}

function socketChanges(was: WebSocketProtocol | undefined, is: WebSocketProtocol | undefined, operationId: string): Findings {
  if (was === undefined) return { changes: [], tasks: [] };
  const place = `${operationId} ${was.path}`;
  const gone = [...was.client_frames.filter((name) => is?.client_frames.includes(name) !== true), ...Object.keys(was.close_codes).filter((code) => is?.close_codes[code] === undefined)];
  if (is?.path !== was.path) return { changes: [{ rule: 'socket-changed', place, text: 'this socket is gone' }], tasks: [] };
  const frames = (names: readonly string[], direction: Direction): Task[] => names.map((name) => ({ was: { $ref: `#/components/schemas/${name}` }, is: { $ref: `#/components/schemas/${name}` }, place, direction }));
  const added = is.server_frames.filter((name) => !was.server_frames.includes(name));
  return {
    changes: [...gone.map((name) => `${name} is gone`), ...added.map((name) => `${name} may come, which could not before`)].map((text) => ({ rule: 'socket-changed', place, text })),
    tasks: [...frames(was.client_frames, 'request'), ...frames(was.server_frames, 'response')].filter(({ was: { $ref } }) => typeof $ref === 'string'),
  };
}

/** Named schemas are compared once for each direction in which they are reached, by an operation or from one another. */
function schemaChanges(tasks: readonly Task[], was: Schemas, is: Schemas): Change[] {
  const queue = [...tasks];
  const reached = new Set<string>();
  const changes: Change[] = [];
  for (let task = queue.shift(); task !== undefined; task = queue.shift()) {
    const { direction } = task;
    const { changes: found, names } = compareSchemas(task.was, task.is, task.place, { was, is, direction });
    changes.push(...found);
    for (const name of names) {
      if (reached.has(`${direction} ${name}`)) continue;
      reached.add(`${direction} ${name}`);
      queue.push({ was: schemaOf(was[name]), is: schemaOf(is[name]), place: name, direction });
    }
  }
  return changes;
}
