/** What code hosts send us, and the secrets that they sign with. */
import { receiveWebhook, summaryOf, type Receipt } from '../../domain/webhooks/receive.ts';
import { listWebhookDeliveries, removeWebhookSecret, rotateWebhookSecret, webhookSecretState } from '../../domain/webhooks/secret.ts';
import { noContent, ok } from '../reply.ts';
import type { Handlers } from '../types.ts';

function toBody(receipt: Receipt) {
  const { status, scanId } = summaryOf(receipt);
  return { status, delivery_id: receipt.deliveryId, scan_id: scanId, projects: receipt.projects.map((one) => ({ project_id: one.projectId, status: one.status, scan_id: one.scanId })) };
}

export const webhooks = {
  receiveGithubWebhook: async (context, { body, raw, headers }) => ok(toBody(await receiveWebhook(context, {
    provider: 'github', event: headers['x-github-event'] ?? '', deliveryId: headers['x-github-delivery'] ?? null, proof: headers['x-hub-signature-256'] ?? null, raw, payload: body,
  }))),
  receiveGitlabWebhook: async (context, { body, raw, headers }) => ok(toBody(await receiveWebhook(context, {
    provider: 'gitlab', event: headers['x-gitlab-event'] ?? '', deliveryId: headers['x-gitlab-event-uuid'] ?? null, proof: headers['x-gitlab-token'] ?? null, raw, payload: body,
  }))),
  getProjectWebhookSecret: async (context, { path }) => ok(await webhookSecretState(context, path.id)),
  rotateProjectWebhookSecret: async (context, { path }) => ok(await rotateWebhookSecret(context, path.id)),
  deleteProjectWebhookSecret: async (context, { path }) => {
    await removeWebhookSecret(context, path.id);
    return noContent;
  },
  listProjectWebhookDeliveries: async (context, { path, query, page }) => ok(await listWebhookDeliveries(context, path.id, query.status, page)),
} satisfies Partial<Handlers>;
