/** What can break a client, by name. The names are what spec/released/accepted.yaml quotes. */
import type { Json } from '../generate/document.ts';

/** Clients send it (bodies, parameters, frames of the socket), or get it (answers, webhooks, frames). */
export type Direction = 'request' | 'response';

export type Rule =
  | 'operation-removed' | 'operation-renamed' | 'access-stricter' | 'security-stricter' | 'webhook-removed' | 'socket-changed'
  | 'parameter-removed' | 'parameter-required' | 'parameter-style-changed' | 'sort-field-removed'
  | 'request-body-removed' | 'request-body-required' | 'request-media-type-removed'
  | 'request-property-removed' | 'request-property-required' | 'request-members-refused' | 'request-type-narrowed' | 'request-value-removed'
  | 'request-format-tightened' | 'request-bound-tightened' | 'request-alternative-removed' | 'request-default-changed'
  | 'response-status-removed' | 'response-media-type-removed' | 'response-header-removed'
  | 'response-property-removed' | 'response-property-optional' | 'response-type-widened' | 'response-value-added'
  | 'response-format-loosened' | 'response-bound-changed' | 'response-alternative-added';

export interface Change {
  rule: Rule;
  /** A schema and a member of it (`ProjectCreate.name`, `[]` for items, `{}` for members by any name), or an operation and a part of it. */
  place: string;
  text: string;
}

/** As exceptions name it. */
export const nameOf = ({ rule, place }: Change): string => `${rule} ${place}`;

export const lineOf = (change: Change): string => `${nameOf(change)}: ${change.text}`;

/** A value in a message. */
export const shown = (value: Json | undefined): string => (value === undefined ? 'nothing' : JSON.stringify(value));
