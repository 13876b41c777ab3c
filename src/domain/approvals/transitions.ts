/** The states of an approval and the steps between them. */
import type { ApprovalStatus } from '../../db/approvals.ts';

export const NEXT: Readonly<Record<ApprovalStatus, readonly ApprovalStatus[]>> = {
  pending: ['under_review', 'rejected'],
  under_review: ['approved', 'rejected'],
  approved: [],
  rejected: [],
};

/** Nothing follows on it. */
export const isFinal = (status: ApprovalStatus): boolean => NEXT[status].length === 0;
