/** Every built operation has its handler here; a missing one does not compile. */
import type { Handlers } from '../types.ts';
import { accounts } from './accounts.ts';
import { admin } from './admin.ts';
import { adminAccounts } from './admin-accounts.ts';
import { adminAudit } from './admin-audit.ts';
import { adminBackups } from './admin-backups.ts';
import { apiKeys } from './api-keys.ts';
import { approvals } from './approvals.ts';
import { auth } from './auth.ts';
import { components } from './components.ts';
import { findings } from './findings.ts';
import { health } from './health.ts';
import { licensePolicies } from './license-policies.ts';
import { licenses } from './licenses.ts';
import { notificationChannels } from './notification-channels.ts';
import { notifications } from './notifications.ts';
import { oauth } from './oauth.ts';
import { portfolio } from './portfolio.ts';
import { projects } from './projects.ts';
import { results } from './results.ts';
import { scans } from './scans.ts';
import { system } from './system.ts';
import { users } from './users.ts';
import { vex } from './vex.ts';
import { webhooks } from './webhooks.ts';

export const handlers = { ...auth, ...accounts, ...apiKeys, ...oauth, ...users, ...projects, ...portfolio, ...scans, ...components, ...findings, ...results, ...vex, ...approvals, ...licenses, ...licensePolicies, ...admin, ...adminAccounts, ...adminAudit, ...adminBackups, ...health, ...webhooks, ...notifications, ...notificationChannels, ...system } satisfies Handlers;
