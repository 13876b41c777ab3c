/** What a process tells of itself while it runs: metrics that are asked for, traces that are sent. Both are off unless settings say otherwise. */

/** What is known of a request when it comes. */
export interface ObservedRequest {
  method: string;
  requestId: string;
  /** The first value of a header; empty where there is none. */
  header: (name: string) => string;
}

/** What is known of it when its answer is out. */
export interface RequestOutcome {
  /** null where the request met no operation. */
  operationId: string | null;
  /** Path of the operation as the contract has it; null where the request met none. */
  route: string | null;
  /** null where the connection broke first. */
  status: number | null;
  milliseconds: number;
}

export interface RequestObservation {
  /** Id of its trace, 32 hexadecimal digits; null where it is not traced. */
  traceId: string | null;
  /** Runs what the request sets off, so that what it does further is told as a part of it. */
  run: <T>(work: () => Promise<T>) => Promise<T>;
  end: (outcome: RequestOutcome) => void;
}

export interface Telemetry {
  request: (request: ObservedRequest) => RequestObservation;
  /** Runs a job. The name is one of a closed list. */
  job: <T>(name: string, work: () => Promise<T>) => Promise<T>;
  /** Tells where the number of open WebSockets can be had. */
  countSockets: (count: () => number) => void;
  /** Text of the metrics, and its media type; null where they are off. */
  exposition: (() => Promise<Exposition>) | null;
}

export interface Exposition {
  text: string;
  mediaType: string;
}

const UNSEEN: RequestObservation = { traceId: null, run: (work) => work(), end: () => undefined };

/** Of a process that tells nothing. */
export const SILENT: Telemetry = { request: () => UNSEEN, job: (_name, work) => work(), countSockets: () => undefined, exposition: null };

/** Told of each statement when the database has answered it. The text has places for the values, never the values. */
export type StatementObserver = (statement: { text: string; milliseconds: number; failed: boolean }) => void;
